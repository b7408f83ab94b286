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

	// Of the listeners, which end with the client.
	ctx    context.Context
	cancel context.CancelFunc

	// A refresh may end after them: what it gives is the session. Close waits so long for it.
	refreshing context.Context
	giveUp     context.CancelFunc
	patience   time.Duration
	renewing   sync.Mutex
	renewal    *renewal
	// Held by whoever decides by what is in the store what is to be in it.
	storing sync.Mutex

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
	ctx, cancel := context.WithCancel(context.Background())
	refreshing, giveUp := context.WithCancel(context.Background())
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 100
	client := &Client{
		baseURL: strings.TrimRight(baseURL, "/"),
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
		store:      &MemoryTokenStore{},
		timeout:    30 * time.Second,
		retry:      RetryPolicy{MaxAttempts: 5, MaxElapsed: time.Minute, Backoff: Backoff{500 * time.Millisecond, 30 * time.Second}},
		margin:     time.Minute,
		ctx:        ctx,
		cancel:     cancel,
		refreshing: refreshing,
		giveUp:     giveUp,
		patience:   5 * time.Second,
	}
	client.Operations = api.New(client)
	for _, option := range options {
		option(client)
	}
	return client
}

// Close ends the loops of its listeners, waits some seconds for a refresh that is under way, and closes the connections;
// the session lives on in its store.
func (c *Client) Close() {
	c.renewing.Lock()
	// From here on no refresh begins.
	c.cancel()
	current := c.renewal
	c.renewing.Unlock()
	if current != nil {
		timer := time.AfterFunc(c.patience, c.giveUp)
		<-current.done
		timer.Stop()
	}
	c.giveUp()
	c.http.CloseIdleConnections()
}

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
	c.storing.Lock()
	defer c.storing.Unlock()
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
	err := c.Logout(ctx)
	c.storing.Lock()
	defer c.storing.Unlock()
	return errors.Join(err, c.store.Clear())
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
			return read(answer, result)
		}
		refused := apiError(answer.status, answer.body, answer.header.Get("X-Request-Id"))
		if token == "" || stale != "" || !refused.tokenExpired() {
			return refused
		}
		stale = token
	}
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (c *Client) send(ctx context.Context, request wire.Request, body []byte, token string) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	address, err := c.address(request)
	if err != nil {
		return nil, err
	}
	made, err := http.NewRequestWithContext(ctx, request.Operation.Method, address, bytes.NewReader(body))
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

func (c *Client) address(request wire.Request) (string, error) {
	if !strings.HasPrefix(c.baseURL, "http://") && !strings.HasPrefix(c.baseURL, "https://") {
		return "", fmt.Errorf("a base URL begins with http:// or https://: %q", c.baseURL)
	}
	path := request.Operation.Path
	for name, value := range request.Path {
		// With these it would be the address of something else.
		if value == "" || value == "." || value == ".." {
			return "", fmt.Errorf("%s is no id: %q", name, value)
		}
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	if len(request.Query) > 0 {
		path += "?" + request.Query.Encode()
	}
	return c.baseURL + "/v1" + path, nil
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

// read reads an answer that is no refusal. What has no body is answered with a 204: whoever says more is another one.
func read(answer *answer, result any) error {
	if result == nil {
		if answer.status != http.StatusNoContent {
			return fmt.Errorf("%w: %d where nothing is to be told", ErrStrangeAnswer, answer.status)
		}
		return nil
	}
	if err := wire.Read(answer.body, result); err != nil {
		return fmt.Errorf("%w: %w", ErrStrangeAnswer, err)
	}
	if page, ok := result.(*api.EventPage); ok {
		for i := range page.Events {
			wire.Resolve(&page.Events[i], api.Frames)
		}
	}
	return nil
}

func newKey() string { return rand.Text() }
