package parley

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/your-org/messaging-sdk-go/api"
)

// visit is a connection of the client, as the script of a test sees it; the first one has number 1.
type visit struct {
	t      *testing.T
	number int64
	*websocket.Conn
	ctx context.Context
}

// hear returns the data of the client's next frame.
func (v *visit) hear() map[string]any {
	var frame struct{ Data map[string]any }
	_, text, err := v.Read(v.ctx)
	if err == nil {
		err = json.Unmarshal(text, &frame)
	}
	if err != nil {
		return nil
	}
	return frame.Data
}

func (v *visit) say(text string) { _ = v.Write(v.ctx, websocket.MessageText, []byte(text)) }

func (v *visit) welcome(cursor, expires string) {
	v.say(fmt.Sprintf(`{"type": "ready", "data": {"token_expires_at": %q, "cursor": %q,
		"heartbeat": {"interval_seconds": 25, "timeout_seconds": 10}}}`, expires, cursor))
}

func (v *visit) message(cursor string) {
	v.say(fmt.Sprintf(`{"type": "message", "data": %s, "cursor": %q, "seq": 1}`, sent, cursor))
}

// sockets is a client whose server plays this on each socket, and a count of its refreshes.
func sockets(t *testing.T, script func(*visit)) (*Client, *atomic.Int64) {
	t.Helper()
	var visits, refreshes atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ws" {
			number := refreshes.Add(1) + 1
			answer := strings.NewReplacer("access-2", fmt.Sprint("access-", number), "refresh-2", fmt.Sprint("refresh-", number))
			status(200, answer.Replace(renewed))(w, r)
			return
		}
		connection, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = connection.CloseNow() }()
		script(&visit{t, visits.Add(1), connection, r.Context()})
	}))
	t.Cleanup(server.Close)
	client := NewClient(server.URL)
	t.Cleanup(client.Close)
	if err := client.UseTokens("access", "refresh", time.Hour); err != nil {
		t.Fatal(err)
	}
	return client, &refreshes
}

const (
	inTenYears = "2036-11-22T12:00:00Z"
	longAgo    = "2016-11-22T12:00:00Z"
)

func TestTheServersClockMeansNothing(t *testing.T) {
	client, refreshes := sockets(t, func(v *visit) {
		v.hear()
		v.welcome("0", longAgo)
		// A client that believed it would ask for a token at once, again and again.
		for number := range 20 {
			time.Sleep(5 * time.Millisecond)
			v.message(fmt.Sprint("cursor-", number))
		}
		v.hear()
	})
	listener := client.Listen()
	count := 0
	for _, err := range listener.Events(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if count++; count == 20 {
			break
		}
	}
	if refreshes.Load() != 0 {
		t.Fatal(refreshes.Load(), " refreshes of a token that lives for an hour")
	}
}

func TestTheTokenIsRenewedOnTheSocket(t *testing.T) {
	tokens := make(chan any, 2)
	var client *Client
	client, refreshes := sockets(t, func(v *visit) {
		tokens <- v.hear()["token"]
		expired(t, client)
		v.welcome("0", inTenYears)
		tokens <- v.hear()["token"]
		v.welcome("0", inTenYears)
		v.message("cursor-1")
		v.hear()
	})
	for _, err := range client.Listen().Events(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if first, second := <-tokens, <-tokens; first != "access" || second != "access-2" || refreshes.Load() != 1 {
		t.Fatal(first, second, refreshes.Load())
	}
}

func TestADamagedCursorIsTold(t *testing.T) {
	given := make(chan any, 2)
	store := FileCursorStore{filepath.Join(t.TempDir(), "cursor")}
	if err := store.Save("dama"); err != nil {
		t.Fatal(err)
	}
	client, _ := sockets(t, func(v *visit) {
		given <- v.hear()["cursor"]
		if v.number == 1 {
			_ = v.Close(4422, "")
			return
		}
		v.welcome("cursor-7", inTenYears)
		v.message("cursor-8")
		v.hear()
	})
	listener := client.Listen(WithCursorStore(store), WithBackoff(Backoff{}))
	var kinds []string
	for event, err := range listener.Events(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, event.Type)
		if resync, ok := event.Data.(*api.Resync); ok {
			// Had the program ended here, the next one would be told, too.
			if cursor, err := store.Load(); err != nil || cursor != "dama" || resync.Cursor != "cursor-7" {
				t.Fatal(cursor, err, resync)
			}
		} else {
			if cursor, err := store.Load(); err != nil || cursor != "cursor-7" {
				t.Fatal(cursor, err)
			}
			break
		}
	}
	if first, second := <-given, <-given; first != "dama" || second != nil || strings.Join(kinds, " ") != "resync message" {
		t.Fatal(first, second, kinds)
	}
}

func TestTheCursorIsKeptWhenTheLoopIsDone(t *testing.T) {
	client, _ := sockets(t, func(v *visit) {
		v.hear()
		v.welcome("cursor-0", inTenYears)
		v.message("cursor-1")
		v.hear()
	})
	store := NewMemoryCursorStore("cursor-0")
	func() {
		defer func() { _ = recover() }()
		for range client.Listen(WithCursorStore(store)).Events(context.Background()) {
			panic("the program crashes with the event in its hands")
		}
	}()
	if cursor, err := store.Load(); err != nil || cursor != "cursor-0" {
		t.Fatal("the event would not come again: ", cursor, err)
	}
}

// brokenStore keeps nothing after the first cursor.
type brokenStore struct{ MemoryCursorStore }

var errFull = errors.New("the disk is full")

func (s *brokenStore) Save(cursor string) error {
	if cursor != "cursor-0" {
		return errFull
	}
	return s.MemoryCursorStore.Save(cursor)
}

func TestACursorThatCannotBeKept(t *testing.T) {
	client, _ := sockets(t, func(v *visit) {
		v.hear()
		v.welcome("cursor-0", inTenYears)
		v.message("cursor-1")
		v.message("cursor-2")
		v.hear()
	})
	for range client.Listen(WithCursorStore(&brokenStore{})).Events(context.Background()) {
		// Nothing more may be handed over to a loop that was left: that would be a panic.
		break
	}
	var told []error
	for event, err := range client.Listen(WithCursorStore(&brokenStore{})).Events(context.Background()) {
		if err == nil && event.Cursor != "cursor-1" {
			t.Fatal(event)
		}
		told = append(told, err)
	}
	if len(told) != 2 || told[0] != nil || !errors.Is(told[1], errFull) {
		t.Fatal(told)
	}
}

func TestAfterCloseNothingMoreIsHandedOver(t *testing.T) {
	client, _ := sockets(t, func(v *visit) {
		v.hear()
		v.welcome("cursor-0", inTenYears)
		for number := range 40 {
			v.message(fmt.Sprint("cursor-", number+1))
		}
		v.hear()
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, end := range []func(*Listener){(*Listener).Close, func(*Listener) { client.Close() }} {
		listener := client.Listen()
		heard := 0
		for _, err := range listener.Events(ctx) {
			if heard++; err != nil || heard > 1 {
				t.Fatal("it goes on: ", heard, err)
			}
			for listener.Held() < 30 {
				time.Sleep(time.Millisecond)
			}
			end(listener)
		}
	}
}

func TestAnOldListenerLeavesTheNewSession(t *testing.T) {
	for _, again := range []bool{true, false} {
		var client *Client
		client, _ = sockets(t, func(v *visit) {
			v.hear()
			if again {
				if err := client.UseTokens("access-9", "refresh-9", time.Hour); err != nil {
					t.Error(err)
				}
			}
			_ = v.Close(4403, "")
		})
		for _, err := range client.Listen().Events(context.Background()) {
			if !errors.Is(err, ErrSessionEnded) {
				t.Fatal(err)
			}
		}
		if tokens, err := client.Tokens(); err != nil || again != (tokens != nil) {
			t.Fatal(again, tokens, err)
		}
	}
}

func TestARefusedCursorIsKeptUntilItsLossWasTold(t *testing.T) {
	store := NewMemoryCursorStore("dama")
	kept := make(chan string, 3)
	client, _ := sockets(t, func(v *visit) {
		v.hear()
		cursor, _ := store.Load()
		kept <- cursor
		if v.number < 3 {
			_ = v.Close(4422, "")
			return
		}
		v.welcome("cursor-7", inTenYears)
		v.hear()
	})
	for event, err := range client.Listen(WithCursorStore(store), WithBackoff(Backoff{})).Events(context.Background()) {
		if err != nil || event.Type != "resync" {
			t.Fatal(event, err)
		}
		break
	}
	for range 3 {
		if cursor := <-kept; cursor != "dama" {
			t.Fatal("whoever crashes here would never hear of the loss")
		}
	}
}

func TestALargeFrameBreaksTheConnection(t *testing.T) {
	client, _ := sockets(t, func(v *visit) {
		v.hear()
		v.welcome("cursor-0", inTenYears)
		if v.number == 1 {
			v.say(`{"type": "large", "data": "` + strings.Repeat("x", frameBytes) + `"}`)
		} else {
			v.message("cursor-1")
		}
		v.hear()
	})
	for event, err := range client.Listen(WithBackoff(Backoff{})).Events(context.Background()) {
		if err != nil || event.Type != "message" {
			t.Fatal(event.Type, err)
		}
		break
	}
}

func TestClosingTheClientLeavesNothing(t *testing.T) {
	leaves := make(chan struct{})
	client, _ := sockets(t, func(v *visit) {
		v.hear()
		v.welcome("cursor-0", inTenYears)
		v.hear()
		close(leaves)
	})
	listener := client.Listen(OnState(func(state State) {
		if state == Live {
			go client.Close()
		}
	}))
	for event, err := range listener.Events(context.Background()) {
		t.Fatal(event, err)
	}
	<-leaves
	if listener.State() != Closed {
		t.Fatal(listener.State())
	}
	for event, err := range client.Listen().Events(context.Background()) {
		t.Fatal(event, err)
	}
}

func TestLeavingTheLoopLeavesNothing(t *testing.T) {
	left := make(chan struct{}, 2)
	client, _ := sockets(t, func(v *visit) {
		v.hear()
		v.welcome("cursor-0", inTenYears)
		v.message("cursor-1")
		v.hear()
		left <- struct{}{}
	})
	for _, crash := range []bool{false, true} {
		listener := client.Listen()
		func() {
			defer func() { _ = recover() }()
			for range listener.Events(context.Background()) {
				if crash {
					panic("the program's own")
				}
				break
			}
		}()
		<-left
		if listener.State() != Closed {
			t.Fatal(listener.State())
		}
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, mine := range []string{"(*socket).read", "(*socket).beat", "(*socket).drain"} {
		if strings.Contains(string(stacks), mine) {
			t.Fatalf("%s still runs:\n%s", mine, stacks)
		}
	}
}

func TestARefreshThatStallsHoldsNoEventBack(t *testing.T) {
	stalled := make(chan struct{})
	var client *Client
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ws" {
			// The server sees that a client left when the body was read.
			_, _ = io.Copy(io.Discard, r.Body)
			close(stalled)
			<-r.Context().Done()
			return
		}
		connection, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = connection.CloseNow() }()
		v := &visit{t, 1, connection, r.Context()}
		v.hear()
		expired(t, client)
		v.welcome("cursor-0", inTenYears)
		<-stalled
		v.message("cursor-1")
		v.hear()
	}))
	defer server.Close()
	client = NewClient(server.URL)
	client.patience = 10 * time.Millisecond
	defer client.Close()
	if err := client.UseTokens("access", "refresh", time.Hour); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for event, err := range client.Listen().Events(ctx) {
		if err != nil || event.Type != "message" {
			t.Fatal(event.Type, err)
		}
		break
	}
}

func TestWhatWasMissedIsRead(t *testing.T) {
	at := func(minute int) string { return fmt.Sprintf("2026-11-22T12:%02d:00Z", minute) }
	conversation := func(id string, minute int) string {
		return fmt.Sprintf(`{"id": %q, "kind": "direct", "user_id": "v", "group_id": null, "name": null, "created_at": %q,
			"last_activity_at": %q, "last_message": null, "unread_count": 0, "last_seq": 1, "read_seq": 0,
			"delivered_seq": 0}`, id, at(0), at(minute))
	}
	message := func(id string, minute int) string {
		return strings.NewReplacer(`"id": "m"`, fmt.Sprintf(`"id": %q`, id), "2026-11-22T12:00:00Z", at(minute)).Replace(sent)
	}
	messages := map[string]string{
		"a": message("a2", 30) + "," + message("a1", 20) + "," + message("a0", 9),
		"b": message("b1", 15), "c": message("c1", 31) + "," + message("c0", 12), "d": message("d0", 8),
	}
	var listed atomic.Int64
	client, _ := answers(t, func(w http.ResponseWriter, r *http.Request) {
		if of := r.URL.Query().Get("conversation_id"); of != "" {
			status(200, `{"messages": [`+messages[of]+`], "has_more": false, "next_cursor": null}`)(w, r)
			return
		}
		page := conversation("a", 30) + "," + conversation("b", 15)
		if listed.Add(1) > 1 {
			// Somebody wrote to c while the list was read, so that it was not seen.
			page = conversation("c", 31) + "," + page
		}
		page += "," + conversation("d", 8)
		status(200, `{"conversations": [`+page+`], "has_more": false, "next_cursor": null}`)(w, r)
	})
	since, err := time.Parse(time.RFC3339, at(10))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for message, err := range client.HistorySince(context.Background(), since) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, message.ID)
	}
	if got := strings.Join(ids, " "); got != "a2 a1 b1 c1 c0" {
		t.Fatal(got)
	}
	for range client.HistorySince(context.Background(), since) {
		break
	}
	client, _ = answers(t, status(403, ""))
	for _, err := range client.HistorySince(context.Background(), since) {
		if !errors.Is(err, api.ErrForbidden) {
			t.Fatal(err)
		}
	}
}
