// The driver of the SDK for Go; sdks/conformance/README.md says what it is asked.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"

	parley "github.com/your-org/messaging-sdk-go"
	"github.com/your-org/messaging-sdk-go/api"
	"github.com/your-org/messaging-sdk-go/wire"
)

type object = map[string]any

// command is one line of the suite; which fields there are depends on Do.
type command struct {
	ID             int               `json:"id"`
	Do             string            `json:"do"`
	Name           string            `json:"name"`
	Client         string            `json:"client"`
	Listener       string            `json:"listener"`
	BaseURL        string            `json:"base_url"`
	TokenFile      string            `json:"token_file"`
	RefreshMargin  *float64          `json:"refresh_margin"`
	Timeout        float64           `json:"timeout"`
	Retry          *retry            `json:"retry"`
	Backoff        *backoff          `json:"backoff"`
	Email          string            `json:"email"`
	Username       string            `json:"username"`
	Password       string            `json:"password"`
	AccessToken    string            `json:"access_token"`
	RefreshToken   string            `json:"refresh_token"`
	ExpiresIn      float64           `json:"expires_in"`
	Fields         map[string]any    `json:"fields"`
	ReceiverID     string            `json:"receiver_id"`
	ConversationID string            `json:"conversation_id"`
	Content        string            `json:"content"`
	IdempotencyKey string            `json:"idempotency_key"`
	Direction      string            `json:"direction"`
	Start          string            `json:"start"`
	Limit          int64             `json:"limit"`
	StopAfter      int               `json:"stop_after"`
	Cursor         string            `json:"cursor"`
	CursorFile     string            `json:"cursor_file"`
	IsTyping       bool              `json:"is_typing"`
	Status         api.UserStatus    `json:"status"`
	MessageID      string            `json:"message_id"`
	Kind           string            `json:"kind"`
	Since          time.Time         `json:"since"`
	Secrets        []string          `json:"secrets"`
	Headers        map[string]string `json:"headers"`
	Body           string            `json:"body"`
	Seed           bool              `json:"seed"`
}

type retry struct {
	MaxAttempts int     `json:"max_attempts"`
	MaxElapsed  float64 `json:"max_elapsed"`
	Base        float64 `json:"base"`
	Cap         float64 `json:"cap"`
}

type backoff struct {
	Base float64 `json:"base"`
	Cap  float64 `json:"cap"`
}

var (
	writing sync.Mutex
	out     = json.NewEncoder(os.Stdout)
)

func say(line object) {
	writing.Lock()
	defer writing.Unlock()
	if err := out.Encode(line); err != nil {
		panic(err)
	}
}

func seconds(value float64) time.Duration { return time.Duration(value * float64(time.Second)) }

// factOf says what the suite wants to know of an error.
func factOf(err error) object {
	fact := object{"class": "Error", "code": nil, "status": nil, "field": nil, "reason": nil, "request_id": nil,
		"message": err.Error()}
	var refused *parley.APIError
	var closed *parley.SocketClosedError
	switch {
	case errors.Is(err, parley.ErrSessionEnded):
		fact["class"] = "SessionEnded"
	case errors.As(err, &refused):
		fact["class"] = "ApiError"
		for _, code := range api.Codes {
			if errors.Is(err, code) {
				fact["class"] = code.Class
			}
		}
		fact["code"], fact["status"], fact["message"] = refused.Code, refused.Status, refused.Message
		fact["request_id"] = refused.RequestID
		if refused.Field != "" {
			fact["field"], fact["reason"] = refused.Field, refused.Reason
		}
	case errors.As(err, &closed):
		fact["class"], fact["code"] = "SocketClosed", closed.Code
	case errors.Is(err, parley.ErrTimedOut):
		fact["class"] = "TimedOut"
	case errors.Is(err, parley.ErrConnectionFailed):
		fact["class"] = "ConnectionFailed"
	case errors.Is(err, parley.ErrWebhookVerification):
		fact["class"] = "WebhookVerificationError"
	}
	return fact
}

// handler is the loop over one listener, which can be told to pause.
type handler struct {
	listener *parley.Listener
	ended    chan struct{}
	mutex    sync.Mutex
	going    chan struct{}
}

func (h *handler) pause(paused bool) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	select {
	case <-h.going:
		if paused {
			h.going = make(chan struct{})
		}
	default:
		if !paused {
			close(h.going)
		}
	}
}

func (h *handler) wait() {
	h.mutex.Lock()
	going := h.going
	h.mutex.Unlock()
	<-going
}

func (h *handler) run(name string) {
	defer close(h.ended)
	ended := object{"class": nil}
	for event, err := range h.listener.Events(context.Background()) {
		if err != nil {
			ended = factOf(err)
			break
		}
		h.wait()
		line := object{"type": event.Type, "cursor": nil, "seq": event.Seq, "data": event.Data, "known": event.Known}
		if event.Cursor != "" {
			line["cursor"] = event.Cursor
		}
		say(object{"listener": name, "event": line})
	}
	say(object{"listener": name, "ended": ended})
}

type driver struct {
	mutex    sync.Mutex
	clients  map[string]*parley.Client
	users    map[string]string
	handlers map[string]*handler
	idle     int
}

func (d *driver) client(name string) *parley.Client {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.clients[name]
}

func (d *driver) handler(name string) *handler {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.handlers[name]
}

func (d *driver) make(c command) {
	var options []parley.Option
	if c.TokenFile != "" {
		options = append(options, parley.WithTokenStore(parley.FileTokenStore{Path: c.TokenFile}))
	}
	if c.RefreshMargin != nil {
		options = append(options, parley.WithRefreshMargin(seconds(*c.RefreshMargin)))
	}
	if c.Timeout > 0 {
		options = append(options, parley.WithTimeout(seconds(c.Timeout)))
	}
	if c.Retry != nil {
		cap := c.Retry.Cap
		if cap == 0 {
			cap = 30
		}
		options = append(options, parley.WithRetry(parley.RetryPolicy{
			MaxAttempts: c.Retry.MaxAttempts, MaxElapsed: seconds(c.Retry.MaxElapsed),
			Backoff: parley.Backoff{Base: seconds(c.Retry.Base), Cap: seconds(cap)},
		}))
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.clients[c.Name] = parley.NewClient(c.BaseURL, options...)
}

func (d *driver) listen(c command) {
	var options []parley.ListenOption
	if c.CursorFile != "" {
		options = append(options, parley.WithCursorStore(parley.FileCursorStore{Path: c.CursorFile}))
	} else {
		options = append(options, parley.WithCursor(c.Cursor))
	}
	if c.Backoff != nil {
		options = append(options, parley.WithBackoff(parley.Backoff{Base: seconds(c.Backoff.Base), Cap: seconds(c.Backoff.Cap)}))
	}
	options = append(options, parley.OnState(func(state parley.State) {
		say(object{"listener": c.Listener, "state": state})
	}))
	going := make(chan struct{})
	close(going)
	h := &handler{listener: d.client(c.Client).Listen(options...), ended: make(chan struct{}), going: going}
	d.mutex.Lock()
	d.handlers[c.Listener] = h
	d.mutex.Unlock()
	go h.run(c.Listener)
}

func (d *driver) unlisten(name string) {
	h := d.handler(name)
	h.listener.Close()
	h.pause(false)
	<-h.ended
	d.mutex.Lock()
	defer d.mutex.Unlock()
	delete(d.handlers, name)
}

func (d *driver) close(name string) {
	d.client(name).Close()
	d.mutex.Lock()
	defer d.mutex.Unlock()
	delete(d.clients, name)
}

func (d *driver) send(ctx context.Context, c command) (any, error) {
	var options []wire.RequestOption
	if c.IdempotencyKey != "" {
		options = append(options, wire.WithIdempotencyKey(c.IdempotencyKey))
	}
	if c.ConversationID != "" {
		body := api.TextToConversation{ConversationID: c.ConversationID, Content: c.Content}
		return d.client(c.Client).SendMessage(ctx, body, options...)
	}
	body := api.TextToReceiver{ReceiverID: c.ReceiverID, Content: c.Content}
	return d.client(c.Client).SendMessage(ctx, body, options...)
}

func (d *driver) pages(ctx context.Context, c command) (any, error) {
	client := d.client(c.Client)
	query := api.ListMessagesQuery{ConversationID: c.ConversationID, Limit: c.Limit, Before: c.Start}
	walk := client.ListMessagesOlder(ctx, query)
	if c.Direction == "newer" {
		query.Before, query.After = "", c.Start
		walk = client.ListMessagesNewer(ctx, query)
	}
	ids := []string{}
	for message, err := range walk {
		if err != nil {
			return nil, err
		}
		ids = append(ids, message.ID)
		if len(ids) == c.StopAfter {
			break
		}
	}
	return object{"ids": ids}, nil
}

func (d *driver) history(ctx context.Context, c command) (any, error) {
	ids := []string{}
	for message, err := range d.client(c.Client).HistorySince(ctx, c.Since) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, message.ID)
	}
	return object{"ids": ids}, nil
}

func (d *driver) update(ctx context.Context, c command) (any, error) {
	text, err := json.Marshal(c.Fields)
	if err != nil {
		return nil, err
	}
	var body api.UpdateUser
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, err
	}
	d.mutex.Lock()
	user := d.users[c.Client]
	d.mutex.Unlock()
	return d.client(c.Client).UpdateUser(ctx, user, body)
}

func verify(c command) (any, error) {
	body, err := base64.StdEncoding.DecodeString(c.Body)
	if err != nil {
		return nil, err
	}
	webhook, err := parley.NewWebhook(c.Secrets...)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	for name, value := range c.Headers {
		header.Set(name, value)
	}
	var event *parley.WebhookEvent
	if c.Seed {
		event, err = webhook.VerifySignature(body)
	} else {
		event, err = webhook.Verify(body, header)
	}
	if err != nil {
		return nil, err
	}
	return object{"type": event.Event, "event": object{"event": event.Event, "data": event.Data}}, nil
}

func (d *driver) leftovers() object {
	// Connections that were closed end a moment later.
	for range 100 {
		if runtime.NumGoroutine() <= d.idle+1 {
			return object{"count": 0}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return object{"count": runtime.NumGoroutine() - d.idle - 1}
}

func last(client *parley.Client) object {
	last := client.Last()
	answer := object{"request_id": last.RequestID, "rate_limit": nil}
	if limit := last.RateLimit; limit != nil {
		answer["rate_limit"] = object{"limit": limit.Limit, "remaining": limit.Remaining, "reset": limit.Reset.Unix()}
	}
	return answer
}

func (d *driver) login(ctx context.Context, c command) (any, error) {
	tokens, err := d.client(c.Client).LogIn(ctx, c.Email, c.Password)
	if err != nil {
		return nil, err
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.users[c.Client] = tokens.UserID
	return object{"user_id": tokens.UserID}, nil
}

func (d *driver) obey(ctx context.Context, c command) (any, error) {
	switch c.Do {
	case "client":
		d.make(c)
	case "close":
		d.close(c.Name)
	case "login":
		return d.login(ctx, c)
	case "logout":
		return nil, d.client(c.Client).LogOut(ctx)
	case "tokens":
		tokens, err := d.client(c.Client).Tokens()
		if err != nil {
			return nil, err
		}
		if tokens == nil {
			return object{"access_token": nil, "refresh_token": nil}, nil
		}
		return object{"access_token": tokens.AccessToken, "refresh_token": tokens.RefreshToken}, nil
	case "set_tokens":
		return nil, d.client(c.Client).UseTokens(c.AccessToken, c.RefreshToken, seconds(c.ExpiresIn))
	case "register":
		body := api.RegisterUser{Email: c.Email, Username: c.Username, Password: c.Password}
		return d.client(c.Client).RegisterUser(ctx, body)
	case "me":
		return d.client(c.Client).GetMe(ctx)
	case "update_me":
		return d.update(ctx, c)
	case "send":
		return d.send(ctx, c)
	case "pages":
		return d.pages(ctx, c)
	case "history":
		return d.history(ctx, c)
	case "last":
		return last(d.client(c.Client)), nil
	case "listen":
		d.listen(c)
	case "pause":
		d.handler(c.Listener).pause(true)
	case "resume":
		d.handler(c.Listener).pause(false)
	case "held":
		return object{"events": d.handler(c.Listener).listener.Held()}, nil
	case "typing":
		return nil, d.handler(c.Listener).listener.Typing(ctx, c.ConversationID, c.IsTyping)
	case "presence":
		return nil, d.handler(c.Listener).listener.Presence(ctx, c.Status)
	case "receipt":
		return nil, d.handler(c.Listener).listener.Receipt(ctx, c.ConversationID, c.MessageID, c.Kind)
	case "unlisten":
		d.unlisten(c.Listener)
	case "verify":
		return verify(c)
	case "leftovers":
		return d.leftovers(), nil
	default:
		return nil, fmt.Errorf("no such command: %s", c.Do)
	}
	return nil, nil
}

func (d *driver) end() {
	for name := range d.handlers {
		d.unlisten(name)
	}
	for name := range d.clients {
		d.close(name)
	}
}

func main() {
	d := &driver{clients: map[string]*parley.Client{}, users: map[string]string{}, handlers: map[string]*handler{},
		idle: runtime.NumGoroutine()}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			panic(err)
		}
		if c.Do == "exit" {
			d.end()
			return
		}
		run := func() {
			result, err := d.obey(context.Background(), c)
			if err != nil {
				say(object{"id": c.ID, "error": factOf(err)})
				return
			}
			if result == nil {
				result = object{}
			}
			say(object{"id": c.ID, "ok": result})
		}
		if c.Do == "client" || c.Do == "listen" {
			// What comes next may need it.
			run()
		} else {
			go run()
		}
	}
}
