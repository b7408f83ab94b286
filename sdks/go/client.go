// Package parley is the SDK for Go: messages over REST, events over a WebSocket that loses nothing, webhooks.
//
//	client := parley.NewClient("http://localhost:8080")
//	defer client.Close()
//	client.LogIn(ctx, "ada@example.com", "secure_password")
//	client.SendMessage(ctx, api.TextToReceiver{ReceiverID: bob, Content: "Hello, world!"})
//	for event, err := range client.Listen().Events(ctx) { … }
package parley

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/your-org/messaging-sdk-go/api"
	"github.com/your-org/messaging-sdk-go/wire"
)

const userAgent = "parley-go/" + api.ContractVersion

// Backoff is a random part of Base, then of twice that, and so on up to Cap: exponential, with full jitter.
type Backoff struct{ Base, Cap time.Duration }

// Delay says how long to wait after so many failures in a row.
func (b Backoff) Delay(failures int) time.Duration {
	ceiling := b.Cap
	// A program may fail for weeks: beyond thirty doublings the cap holds anyway.
	if failures <= 30 {
		ceiling = min(b.Cap, b.Base<<(failures-1))
	}
	if ceiling <= 0 {
		return 0
	}
	return mathrand.N(ceiling + 1)
}

// RetryPolicy says how often a request is tried at most, and for how long in all.
type RetryPolicy struct {
	MaxAttempts int
	MaxElapsed  time.Duration
	Backoff     Backoff
}

// RateLimit is what is left of a rate limit until Reset.
type RateLimit struct {
	Limit, Remaining int
	Reset            time.Time
}

// LastAnswer is what an answer says beside its body.
type LastAnswer struct {
	Status    int
	RequestID string
	// RateLimit is nil where the answer has none.
	RateLimit *RateLimit
}

// Client talks to one server for one user; goroutines may share it. All operations of the contract are its methods.
type Client struct {
	api.Operations

	baseURL string
	http    *http.Client
	store   TokenStore
	timeout time.Duration
	retry   RetryPolicy
	margin  time.Duration

	renewing sync.Mutex
	// The key of a refresh whose answer never came: said again, it gives the same successor.
	refreshOf, refreshKey string

	lastMutex sync.Mutex
	last      LastAnswer
}

// Option changes a client.
type Option func(*Client)

// WithTokenStore keeps the session elsewhere than in memory.
func WithTokenStore(store TokenStore) Option { return func(c *Client) { c.store = store } }

// WithTimeout bounds each try of a request (30 seconds otherwise).
func WithTimeout(timeout time.Duration) Option { return func(c *Client) { c.timeout = timeout } }

// WithRetry replaces the policy: five tries within a minute, from half a second up to thirty.
func WithRetry(policy RetryPolicy) Option { return func(c *Client) { c.retry = policy } }

// WithRefreshMargin says how long before its end the access token is refreshed (a minute otherwise, and never more
// than a third of its life).
func WithRefreshMargin(margin time.Duration) Option { return func(c *Client) { c.margin = margin } }

// NewClient returns a client of the server at an address without /v1.
func NewClient(baseURL string, options ...Option) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 100
	client := &Client{
		baseURL: strings.TrimRight(baseURL, "/"),
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
		store:   &MemoryTokenStore{},
		timeout: 30 * time.Second,
		retry:   RetryPolicy{MaxAttempts: 5, MaxElapsed: time.Minute, Backoff: Backoff{500 * time.Millisecond, 30 * time.Second}},
		margin:  time.Minute,
	}
	client.Operations = api.New(client)
	for _, option := range options {
		option(client)
	}
	return client
}

// Close closes the connections; the session lives on in its store.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Last is what the last answer said beside its body.
func (c *Client) Last() LastAnswer {
	c.lastMutex.Lock()
	defer c.lastMutex.Unlock()
	return c.last
}

// Tokens are the session, or nil.
func (c *Client) Tokens() (*Tokens, error) { return c.store.Load() }

// UseTokens goes on with a session that was begun elsewhere.
func (c *Client) UseTokens(accessToken, refreshToken string, expiresIn time.Duration) error {
	return c.store.Save(Tokens{accessToken, refreshToken, time.Now().Add(expiresIn), expiresIn})
}

// LogIn begins a session, which all requests use from now on.
func (c *Client) LogIn(ctx context.Context, email, password string) (*api.Tokens, error) {
	tokens, err := c.Login(ctx, api.Credentials{Email: email, Password: password})
	if err != nil {
		return nil, err
	}
	return tokens, c.UseTokens(tokens.AccessToken, tokens.RefreshToken, time.Duration(tokens.ExpiresIn)*time.Second)
}

// LogOut ends the session, on the server too.
func (c *Client) LogOut(ctx context.Context) error {
	return errors.Join(c.Logout(ctx), c.store.Clear())
}

// Call carries out a request: with a token that is good, tried again where that is safe. Its errors are *APIError, and
// those of this package.
func (c *Client) Call(ctx context.Context, request wire.Request, result any) error {
	body, err := bodyOf(request)
	if err != nil {
		return err
	}
	if request.Operation.TakesKey && request.IdempotencyKey == "" {
		request.IdempotencyKey = newKey()
	}
	stale := ""
	for {
		token := ""
		if request.Operation.Secured {
			if token, err = c.freshToken(ctx, stale); err != nil {
				return err
			}
		}
		answer, err := c.attempts(ctx, request, body, token)
		if err != nil {
			return err
		}
		if answer.status < 300 {
			return read(answer.body, result)
		}
		refused := apiError(answer.status, answer.body, answer.header.Get("X-Request-Id"))
		if token == "" || stale != "" || !refused.tokenExpired() {
			return refused
		}
		stale = token
	}
}

// freshToken returns an access token that is good for a while and is another one than stale.
func (c *Client) freshToken(ctx context.Context, stale string) (string, error) {
	tokens, err := c.store.Load()
	if err != nil {
		return "", err
	}
	if tokens == nil {
		return "", ErrSessionEnded
	}
	if tokens.AccessToken != stale && time.Until(tokens.ExpiresAt) > c.marginOf(tokens) {
		return tokens.AccessToken, nil
	}
	renewed, err := c.renew(ctx, tokens.AccessToken)
	if err == nil {
		return renewed.AccessToken, nil
	}
	// There was some margin left, perhaps.
	if !errors.Is(err, ErrSessionEnded) && tokens.AccessToken != stale && time.Now().Before(tokens.ExpiresAt) {
		return tokens.AccessToken, nil
	}
	return "", err
}

func (c *Client) marginOf(tokens *Tokens) time.Duration { return min(c.margin, tokens.Lifetime/3) }

// renew gets new tokens, unless somebody else got them meanwhile; one at a time.
func (c *Client) renew(ctx context.Context, stale string) (*Tokens, error) {
	c.renewing.Lock()
	defer c.renewing.Unlock()
	tokens, err := c.store.Load()
	if err != nil {
		return nil, err
	}
	if tokens == nil {
		return nil, ErrSessionEnded
	}
	if tokens.AccessToken != stale {
		return tokens, nil
	}
	if c.refreshOf != tokens.RefreshToken {
		c.refreshOf, c.refreshKey = tokens.RefreshToken, newKey()
	}
	request := api.RefreshRequest(tokens.RefreshToken)
	request.IdempotencyKey = c.refreshKey
	body, err := bodyOf(request)
	if err != nil {
		return nil, err
	}
	answer, err := c.attempts(ctx, request, body, "")
	if err != nil {
		return nil, err
	}
	if answer.status >= 300 {
		refused := apiError(answer.status, answer.body, answer.header.Get("X-Request-Id"))
		// A refresh that is refused for what it says will never be accepted; others may be, later.
		if answer.status >= 500 || answer.status == http.StatusTooManyRequests {
			return nil, refused
		}
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrSessionEnded, refused), c.store.Clear())
	}
	var next api.Tokens
	if err := read(answer.body, &next); err != nil {
		return nil, err
	}
	if err := c.UseTokens(next.AccessToken, next.RefreshToken, time.Duration(next.ExpiresIn)*time.Second); err != nil {
		return nil, err
	}
	return c.store.Load()
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// attempts sends a request until it is answered, as often as the policy allows and as it is safe.
func (c *Client) attempts(ctx context.Context, request wire.Request, body []byte, token string) (*answer, error) {
	began := time.Now()
	for attempt := 1; ; attempt++ {
		answer, err := c.send(ctx, request, body, token)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		delay := c.retry.Backoff.Delay(attempt)
		switch {
		case err != nil:
			if !request.Operation.Repeatable {
				return nil, err
			}
		// What was too much was not done. Whether a 503 was nobody knows.
		case answer.status == http.StatusTooManyRequests,
			answer.status == http.StatusServiceUnavailable && request.Operation.Repeatable:
			if told, err := strconv.Atoi(answer.header.Get("Retry-After")); err == nil {
				delay = time.Duration(told) * time.Second
			}
		default:
			return answer, nil
		}
		if attempt >= c.retry.MaxAttempts || time.Since(began)+delay > c.retry.MaxElapsed {
			return answer, err
		}
		if err := sleep(ctx, delay); err != nil {
			return nil, err
		}
	}
}

func (c *Client) send(ctx context.Context, request wire.Request, body []byte, token string) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	made, err := http.NewRequestWithContext(ctx, request.Operation.Method, c.address(request), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	made.Header.Set("User-Agent", userAgent)
	if body != nil {
		made.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		made.Header.Set("Authorization", "Bearer "+token)
	}
	if request.IdempotencyKey != "" {
		made.Header.Set("Idempotency-Key", request.IdempotencyKey)
	}
	response, err := c.http.Do(made)
	if err != nil {
		return nil, failure(ctx, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, failure(ctx, err)
	}
	c.note(response)
	return &answer{response.StatusCode, response.Header, text}, nil
}

func (c *Client) address(request wire.Request) string {
	path := request.Operation.Path
	for name, value := range request.Path {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	if len(request.Query) > 0 {
		path += "?" + request.Query.Encode()
	}
	return c.baseURL + "/v1" + path
}

func (c *Client) note(response *http.Response) {
	last := LastAnswer{Status: response.StatusCode, RequestID: response.Header.Get("X-Request-Id")}
	limit, err1 := strconv.Atoi(response.Header.Get("X-RateLimit-Limit"))
	remaining, err2 := strconv.Atoi(response.Header.Get("X-RateLimit-Remaining"))
	reset, err3 := strconv.ParseInt(response.Header.Get("X-RateLimit-Reset"), 10, 64)
	if errors.Join(err1, err2, err3) == nil {
		last.RateLimit = &RateLimit{limit, remaining, time.Unix(reset, 0)}
	}
	c.lastMutex.Lock()
	defer c.lastMutex.Unlock()
	c.last = last
}

func failure(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrTimedOut, err)
	}
	return fmt.Errorf("%w: %w", ErrConnectionFailed, err)
}

func bodyOf(request wire.Request) ([]byte, error) {
	if request.Body == nil {
		return nil, nil
	}
	return json.Marshal(request.Body)
}

func read(text []byte, result any) error {
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(text, result); err != nil {
		return fmt.Errorf("the answer cannot be read: %w", err)
	}
	if page, ok := result.(*api.EventPage); ok {
		for i := range page.Events {
			wire.Resolve(&page.Events[i], api.Frames)
		}
	}
	return nil
}

func sleep(ctx context.Context, delay time.Duration) error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func newKey() string { return rand.Text() }
