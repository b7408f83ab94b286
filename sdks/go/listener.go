package parley

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	mathrand "math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/your-org/messaging-sdk-go/api"
	"github.com/your-org/messaging-sdk-go/wire"
)

// State is where a listener is.
type State string

// The states of a listener.
const (
	Connecting State = "connecting"
	CatchingUp State = "catching_up"
	Live       State = "live"
	Waiting    State = "waiting"
	Closed     State = "closed"
)

const (
	// How many frames are read ahead, and how many cursors are remembered to know a duplicate by.
	readAhead  = 64
	remembered = 2048
	// A connection that held for so long was a good one: the next failure is the first again.
	goodAfter = 10 * time.Second
	// The server's pings count among a client's frames, too, so some are left to them.
	framesPerMinute = api.SocketFramesPerMinute - 10
	closeWithin     = 5 * time.Second
	// The largest frames of the server are far smaller; a larger one breaks the connection.
	frameBytes = 1 << 20
	// When a new token could not be had: the server says when it is too late.
	renewAgainAfter = 5 * time.Second
	// The reason of a resync for a cursor that the server never gave.
	badCursor = "bad_cursor"
)

// Listener hears everything that happens to its user: each event once and in order, through any reconnect.
//
// It goes on after the last event that the loop was done with. A resync among the events says that some are gone:
// Client.HistorySince reads what was written meanwhile. A slow loop holds the socket back; some dozens of frames are in memory at most.
type Listener struct {
	client  *Client
	store   CursorStore
	backoff Backoff
	onState func(State)

	ctx    context.Context
	cancel context.CancelFunc

	mutex  sync.Mutex
	state  State
	socket *socket
	said   []time.Time

	// The loop's own: where the client stands, what is in its hands, what it has seen.
	cursor    string
	inHand    *string
	seen      map[string]struct{}
	order     []string
	failures  int
	liveSince time.Time
	// The server knew nothing of the cursor, so what was missed will not come.
	astray bool
	// The token that the socket knows, and one that the server refused.
	token, stale string
}

// Format shows no token.
func (l *Listener) Format(state fmt.State, _ rune) { fmt.Fprintf(state, "Listener(%s)", l.State()) }

// ListenOption changes a listener.
type ListenOption func(*Listener)

// WithCursor begins after a cursor; "0" is the beginning of what is kept. Without one it begins now.
func WithCursor(cursor string) ListenOption {
	return func(l *Listener) { l.store = NewMemoryCursorStore(cursor) }
}

// WithCursorStore goes on where the last listener of this store stood.
func WithCursorStore(store CursorStore) ListenOption { return func(l *Listener) { l.store = store } }

// WithBackoff says how long to wait before coming back: from half a second up to thirty otherwise.
func WithBackoff(backoff Backoff) ListenOption { return func(l *Listener) { l.backoff = backoff } }

// OnState is told of each change of the state, by the goroutine that loops.
func OnState(told func(State)) ListenOption { return func(l *Listener) { l.onState = told } }

// Listen returns a listener; it connects when its events are asked for, and ends with its client.
func (c *Client) Listen(options ...ListenOption) *Listener {
	ctx, cancel := context.WithCancel(c.ctx)
	listener := &Listener{
		client: c, store: &MemoryCursorStore{}, backoff: Backoff{500 * time.Millisecond, 30 * time.Second},
		onState: func(State) {}, ctx: ctx, cancel: cancel, seen: map[string]struct{}{},
	}
	for _, option := range options {
		option(listener)
	}
	return listener
}

// State is where the listener is.
func (l *Listener) State() State {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.state
}

// Held is how many frames were read ahead and wait for the loop.
func (l *Listener) Held() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.socket == nil {
		return 0
	}
	return len(l.socket.frames)
}

// Close ends the loop over Events, in whatever state it is.
func (l *Listener) Close() { l.cancel() }

// Events connects and yields what happens, until Close, the end of ctx or an error that no new connection mends:
// ErrSessionEnded, *SocketClosedError, and those of the cursor store. Loop over it once, and leave the loop in any way:
// nothing of it stays behind; what the loop is done with is not told again, if the cursor could be kept.
func (l *Listener) Events(ctx context.Context) iter.Seq2[api.Event, error] {
	return func(yield func(api.Event, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer l.cancel()
		defer context.AfterFunc(l.ctx, cancel)()
		defer l.move(Closed)
		defer l.hangUp()
		cursor, err := l.store.Load()
		l.cursor = cursor
		for err == nil {
			var event *api.Event
			event, err = l.next(ctx)
			if err != nil || event == nil {
				continue
			}
			// Whoever ended it hears no more of what was read ahead.
			if err = ctx.Err(); err != nil || l.ctx.Err() != nil {
				break
			}
			goesOn := yield(*event, nil)
			err = l.handled()
			if !goesOn {
				// Nobody is there to hear that the cursor could not be kept: then this event comes again.
				return
			}
		}
		if l.ctx.Err() == nil {
			yield(api.Event{}, err)
		}
	}
}

// Typing says that one types, or no longer; it holds for some seconds.
func (l *Listener) Typing(ctx context.Context, conversationID string, isTyping bool) error {
	return l.say(ctx, "typing", map[string]any{"conversation_id": conversationID, "is_typing": isTyping})
}

// Presence says whether one is to be seen: "online" or "offline".
func (l *Listener) Presence(ctx context.Context, status api.UserStatus) error {
	return l.say(ctx, "presence", map[string]any{"status": status})
}

// Receipt says up to which message one has "delivered" or "read" a conversation.
func (l *Listener) Receipt(ctx context.Context, conversationID, messageID, kind string) error {
	return l.say(ctx, "receipt", map[string]any{"conversation_id": conversationID, "message_id": messageID, "kind": kind})
}

func (l *Listener) say(ctx context.Context, kind string, data any) error {
	l.mutex.Lock()
	socket, live := l.socket, l.state == Live
	l.mutex.Unlock()
	if socket == nil || !live {
		return ErrNotLive
	}
	if err := l.count(); err != nil {
		return err
	}
	return l.send(ctx, socket, kind, data)
}

func (l *Listener) send(ctx context.Context, socket *socket, kind string, data any) error {
	text, err := json.Marshal(map[string]any{"type": kind, "data": data})
	if err != nil {
		return err
	}
	return socket.connection.Write(ctx, websocket.MessageText, text)
}

// count keeps to the limit of frames.
func (l *Listener) count() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	now := time.Now()
	for len(l.said) > 0 && now.Sub(l.said[0]) > time.Minute {
		l.said = l.said[1:]
	}
	if len(l.said) >= framesPerMinute {
		return ErrFrameLimit
	}
	l.said = append(l.said, now)
	return nil
}

func (l *Listener) move(state State) {
	l.mutex.Lock()
	changed := l.state != state
	l.state = state
	l.mutex.Unlock()
	if changed {
		l.onState(state)
	}
}

// next returns an event, or nil where there was none for the loop; it opens the socket when there is none.
func (l *Listener) next(ctx context.Context) (*api.Event, error) {
	if l.socket == nil {
		err := l.open(ctx)
		if err != nil && (ctx.Err() != nil || errors.Is(err, ErrSessionEnded)) {
			return nil, errors.Join(ctx.Err(), err)
		}
		if err != nil {
			return nil, l.lost(ctx, err)
		}
	}
	select {
	case text := <-l.socket.frames:
		return l.take(text)
	case <-l.socket.renew:
		l.socket.askFor(l.client, l.token)
		return nil, nil
	case renewed := <-l.socket.renewed:
		return nil, l.renewToken(ctx, renewed)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.socket.done:
	}
	// What was read before the end comes first.
	select {
	case text := <-l.socket.frames:
		return l.take(text)
	default:
		return nil, l.lost(ctx, l.socket.err)
	}
}

func (l *Listener) open(ctx context.Context) error {
	l.move(Connecting)
	token, err := l.client.freshToken(ctx, l.stale)
	if err != nil {
		return err
	}
	dialing, cancel := context.WithTimeout(ctx, l.client.timeout)
	defer cancel()
	address := "ws" + strings.TrimPrefix(l.client.baseURL, "http") + "/ws"
	connection, response, err := websocket.Dial(dialing, address, &websocket.DialOptions{
		HTTPClient: l.client.http, HTTPHeader: http.Header{"User-Agent": {userAgent}},
	})
	if err != nil {
		if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
			told, _ := retryAfter(response.Header, nil)
			return &refusedHandshake{response.StatusCode, told}
		}
		return err
	}
	connection.SetReadLimit(frameBytes)
	opened := newSocket(connection)
	l.mutex.Lock()
	l.socket, l.said = opened, nil
	l.mutex.Unlock()
	l.token, l.stale = token, ""
	l.move(CatchingUp)
	data := map[string]any{"token": token}
	if l.cursor != "" {
		data["cursor"] = l.cursor
	}
	return l.send(dialing, opened, "auth", data)
}

// renewToken tells the socket a new token; `ready` says how it goes on.
func (l *Listener) renewToken(ctx context.Context, renewed freshToken) error {
	if errors.Is(renewed.err, ErrSessionEnded) {
		return renewed.err
	}
	l.socket.renewIn(renewAgainAfter)
	if renewed.err != nil || renewed.token == l.token {
		return nil
	}
	l.token = renewed.token
	if err := l.send(ctx, l.socket, "auth", map[string]any{"token": l.token}); err != nil {
		return l.lost(ctx, err)
	}
	return nil
}

// take returns what is for the loop of a frame, if anything.
func (l *Listener) take(text []byte) (*api.Event, error) {
	var event api.Event
	if err := json.Unmarshal(text, &event); err != nil || event.Type == "" {
		// What is no frame is left out, as a type that nobody knows.
		return nil, nil
	}
	wire.Resolve(&event, api.Frames)
	switch event.Type {
	case "ready":
		return l.welcomed(&event)
	case "pong":
		return nil, nil
	case "resync":
		if resync, ok := event.Data.(*api.Resync); ok && resync.Cursor != "" {
			l.beginAnew(resync)
		}
		return &event, nil
	}
	if event.Cursor == "" {
		return &event, nil
	}
	if _, duplicate := l.seen[event.Cursor]; duplicate {
		return nil, nil
	}
	l.seen[event.Cursor] = struct{}{}
	l.order = append(l.order, event.Cursor)
	if len(l.order) > remembered {
		delete(l.seen, l.order[0])
		l.order = l.order[1:]
	}
	l.inHand = &event.Cursor
	return &event, nil
}

// beginAnew: the events that follow go on from the cursor, and nothing of before tells a duplicate.
func (l *Listener) beginAnew(resync *api.Resync) {
	l.seen, l.order = map[string]struct{}{}, nil
	l.inHand = &resync.Cursor
}

// welcomed returns a resync where the cursor was none, or nil.
func (l *Listener) welcomed(event *api.Event) (*api.Event, error) {
	ready, ok := event.Data.(*api.Ready)
	if !ok {
		return nil, nil
	}
	interval := time.Duration(ready.Heartbeat.IntervalSeconds) * time.Second
	timeout := time.Duration(ready.Heartbeat.TimeoutSeconds) * time.Second
	l.socket.watch(interval, timeout)
	if tokens, err := l.client.session(); err == nil && tokens.AccessToken == l.token {
		l.socket.renewIn(l.client.renewalIn(tokens))
	} else {
		// Somebody who shares the store has renewed it, or logged out.
		l.socket.renewIn(0)
	}
	if l.liveSince.IsZero() {
		l.liveSince = time.Now()
	}
	if l.cursor == "" && !l.astray {
		// Whoever began without one goes on from here, also when nothing happens until the connection breaks.
		l.cursor = ready.Cursor
		if err := l.store.Save(l.cursor); err != nil {
			return nil, err
		}
	}
	l.move(Live)
	if !l.astray {
		return nil, nil
	}
	l.astray = false
	resync := &api.Resync{Reason: badCursor, Cursor: ready.Cursor}
	l.beginAnew(resync)
	return &api.Event{Type: "resync", Data: resync, Known: true}, nil
}

// handled keeps the cursor of the event that the loop is done with.
func (l *Listener) handled() error {
	if l.inHand == nil {
		return nil
	}
	l.cursor, l.inHand = *l.inHand, nil
	return l.store.Save(l.cursor)
}

type refusedHandshake struct {
	status     int
	retryAfter time.Duration
}

func (e *refusedHandshake) Error() string {
	return "the handshake was refused with " + strconv.Itoa(e.status)
}

// lost decides by the close code what to do, and waits until it is time to come back.
func (l *Listener) lost(ctx context.Context, cause error) error {
	l.hangUp()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !l.liveSince.IsZero() && time.Since(l.liveSince) >= goodAfter {
		l.failures = 0
	}
	l.failures++
	l.liveSince = time.Time{}
	delay := l.backoff.Delay(l.failures)
	var refused *refusedHandshake
	if errors.As(cause, &refused) {
		// What the server refuses for what it asks it would refuse again. Redirects are none of it: nobody follows them.
		if refused.status >= 400 && refused.status < 500 && refused.status != 408 && refused.status != 429 {
			return &SocketClosedError{int(websocket.StatusAbnormalClosure), refused.Error()}
		}
		delay += refused.retryAfter
	}
	verdict, known := api.CloseVerdicts[int(websocket.CloseStatus(cause))]
	if known {
		if !verdict.KeepCursor {
			// The store keeps what it has until the loop was told.
			l.astray = l.astray || l.cursor != ""
			l.cursor, l.inHand = "", nil
		}
		switch verdict.Reconnect {
		case "never":
			return &SocketClosedError{verdict.Code, verdict.Meaning}
		case "new_session":
			return errors.Join(ErrSessionEnded, l.client.forget(l.token))
		case "new_token":
			if tokens, err := l.client.store.Load(); err == nil && tokens != nil {
				l.stale = tokens.AccessToken
			}
		case "later":
			after := time.Duration(verdict.AfterSeconds) * time.Second
			delay += after + mathrand.N(after/4+1)
		}
	}
	l.move(Waiting)
	return sleep(ctx, delay)
}

func (l *Listener) hangUp() {
	l.mutex.Lock()
	socket := l.socket
	l.socket = nil
	l.mutex.Unlock()
	if socket != nil {
		socket.close()
	}
}

// socket reads ahead a little, and watches whether the server is alive. Two goroutines, which end with close.
type socket struct {
	connection *websocket.Conn
	frames     chan []byte
	renew      <-chan time.Time
	renewed    chan freshToken
	done       chan struct{}
	err        error

	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	alive   chan struct{}
	rhythm  chan [2]time.Duration
	timer   *time.Timer
}

// freshToken is what became of asking for a new token.
type freshToken struct {
	token string
	err   error
}

func newSocket(connection *websocket.Conn) *socket {
	ctx, cancel := context.WithCancel(context.Background())
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	s := &socket{
		connection: connection, frames: make(chan []byte, readAhead), done: make(chan struct{}), ctx: ctx, cancel: cancel,
		renewed: make(chan freshToken, 1),
		alive:   make(chan struct{}, 1), rhythm: make(chan [2]time.Duration, 1), timer: timer, renew: timer.C,
	}
	s.running.Add(2)
	go s.read(ctx)
	go s.beat(ctx)
	return s
}

func (s *socket) renewIn(delay time.Duration) { s.timer.Reset(max(delay, 0)) }

// askFor asks for a token while the loop goes on. The timer that leads here is set anew when the answer was taken.
func (s *socket) askFor(client *Client, stale string) {
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		token, err := client.freshToken(s.ctx, stale)
		select {
		case s.renewed <- freshToken{token, err}:
		case <-s.ctx.Done():
		}
	}()
}

func (s *socket) watch(interval, timeout time.Duration) {
	if interval <= 0 || timeout <= 0 {
		return
	}
	select {
	case s.rhythm <- [2]time.Duration{interval, timeout}:
	default:
	}
}

func (s *socket) read(ctx context.Context) {
	defer s.running.Done()
	defer close(s.done)
	for {
		_, text, err := s.connection.Read(ctx)
		if err != nil {
			s.err = err
			return
		}
		select {
		case s.alive <- struct{}{}:
		default:
		}
		select {
		case s.frames <- text:
		case <-ctx.Done():
			s.err = ctx.Err()
			return
		}
	}
}

// beat pings a server that is silent, and breaks the connection when no answer comes.
func (s *socket) beat(ctx context.Context) {
	defer s.running.Done()
	interval := api.SocketHeartbeatSeconds * time.Second
	timeout := api.SocketHeartbeatTimeoutSeconds * time.Second
	for {
		select {
		case rhythm := <-s.rhythm:
			interval, timeout = rhythm[0], rhythm[1]
			continue
		case <-s.alive:
			continue
		case <-s.done:
			return
		case <-ctx.Done():
			return
		case <-time.After(interval):
		}
		if len(s.frames) == cap(s.frames) {
			// Nobody reads an answer while the loop is slow; that is no fault of the server.
			continue
		}
		pinging, cancel := context.WithTimeout(ctx, timeout)
		err := s.connection.Ping(pinging)
		cancel()
		if err != nil && len(s.frames) < cap(s.frames) {
			s.cancel()
			return
		}
	}
}

func (s *socket) close() {
	select {
	case <-s.done:
	default:
		// The other side may be gone: it gets a moment to answer, and then the connection is cut.
		timer := time.AfterFunc(closeWithin, s.cancel)
		s.running.Add(1)
		go s.drain()
		_ = s.connection.Close(websocket.StatusNormalClosure, "")
		timer.Stop()
	}
	s.cancel()
	_ = s.connection.CloseNow()
	s.running.Wait()
	s.timer.Stop()
}

// drain drops what nobody will handle, so that the answer to a close behind it is read.
func (s *socket) drain() {
	defer s.running.Done()
	for {
		select {
		case <-s.frames:
		case <-s.done:
			return
		}
	}
}
