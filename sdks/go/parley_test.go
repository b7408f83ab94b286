package parley

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/your-org/messaging-sdk-go/api"
	"github.com/your-org/messaging-sdk-go/wire"
)

// answers is a server that gives these answers, one after the other, the last for ever.
func answers(t *testing.T, handlers ...http.HandlerFunc) (*Client, *atomic.Int64) {
	t.Helper()
	var count atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number := int(count.Add(1)) - 1
		handlers[min(number, len(handlers)-1)](w, r)
	}))
	t.Cleanup(server.Close)
	policy := RetryPolicy{MaxAttempts: 3, MaxElapsed: 5 * time.Second, Backoff: Backoff{time.Millisecond, time.Millisecond}}
	client := NewClient(server.URL, WithRetry(policy), WithTimeout(time.Second))
	t.Cleanup(client.Close)
	if err := client.UseTokens("access", "refresh", time.Hour); err != nil {
		t.Fatal(err)
	}
	return client, &count
}

func status(code int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func cut(w http.ResponseWriter, _ *http.Request) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = connection.Close()
	}
}

const me = `{"id": "u", "email": "ada@example.com", "username": "ada", "display_name": "Ada", "status": "online",
	"last_seen": null, "profile": {"bio": null, "avatar_url": null, "location": null}, "created_at": "2026-11-22T12:00:00Z",
	"beta_access": false}`

func TestABrokenConnectionIsTriedAgain(t *testing.T) {
	client, count := answers(t, cut, cut, status(200, me))
	user, err := client.GetMe(context.Background())
	if err != nil || user.Username != "ada" {
		t.Fatal(user, err)
	}
	if count.Load() < 3 {
		t.Fatal("it was not tried again")
	}
}

func TestAPatchIsNotTriedAgain(t *testing.T) {
	client, count := answers(t, status(500, `{"error": {"code": "internal_error", "message": "Oops", "details": {}}}`))
	_, err := client.UpdateUser(context.Background(), "u", api.UpdateUser{})
	if !errors.Is(err, api.ErrInternal) || count.Load() != 1 {
		t.Fatal(err, count.Load())
	}
}

func TestANewPasswordIsNotSetTwice(t *testing.T) {
	client, asked := answers(t, cut, status(204, ""))
	err := client.ChangePassword(context.Background(), api.ChangePassword{CurrentPassword: "old", NewPassword: "new"})
	if !errors.Is(err, ErrConnectionFailed) || asked.Load() != 1 {
		t.Fatal("the second try would have to know the new password: ", err, asked.Load())
	}
}

func TestAWalkForthBeginsSomewhere(t *testing.T) {
	client, asked := answers(t, status(200, `{"messages": [], "has_more": false, "next_cursor": null}`))
	for _, err := range client.ListMessagesNewer(context.Background(), api.ListMessagesQuery{ConversationID: "c"}) {
		if !errors.Is(err, wire.ErrNoStart) {
			t.Fatal(err)
		}
	}
	for _, err := range client.ListEventsNewer(context.Background(), api.ListEventsQuery{}) {
		if !errors.Is(err, wire.ErrNoStart) {
			t.Fatal(err)
		}
	}
	if asked.Load() != 0 {
		t.Fatal("it was asked")
	}
}

func TestTheLogIsWalkedForth(t *testing.T) {
	page := `{"events": [{"type": "typing.of.tomorrow", "cursor": "%s", "data": {}}], "next_cursor": "%s", "has_more": %t}`
	client, asked := answers(t, func(w http.ResponseWriter, r *http.Request) {
		after := r.URL.Query().Get("after")
		fmt.Fprintf(w, page, after+"1", after+"1", after != "011")
	})
	var cursors []string
	for event, err := range client.ListEventsNewer(context.Background(), api.ListEventsQuery{After: "0"}) {
		if err != nil {
			t.Fatal(err)
		}
		cursors = append(cursors, event.Cursor)
	}
	if fmt.Sprint(cursors) != "[01 011 0111]" || asked.Load() != 3 {
		t.Fatal(cursors, asked.Load())
	}
}

func TestWhatHasNoBodyIsAnsweredWithNone(t *testing.T) {
	for _, page := range []string{"<html>", "{}", ""} {
		client, _ := answers(t, status(200, page))
		if err := client.LogOut(context.Background()); !errors.Is(err, ErrStrangeAnswer) {
			t.Fatal(page, err)
		}
	}
	client, _ := answers(t, status(204, ""))
	if err := client.LogOut(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestAListThatIsNoneIsTold(t *testing.T) {
	client, _ := answers(t, status(200, `{"messages": null, "has_more": false, "next_cursor": null}`))
	if _, err := client.ListMessages(context.Background(), api.ListMessagesQuery{}); !errors.Is(err, ErrStrangeAnswer) {
		t.Fatal(err)
	}
}

func TestAnEventWithoutAnObjectIsUnknown(t *testing.T) {
	for _, data := range []string{"null", "[]", `"x"`, "5"} {
		var event api.Event
		if err := json.Unmarshal([]byte(`{"type": "message", "data": `+data+`, "cursor": "c"}`), &event); err != nil {
			t.Fatal(err)
		}
		if wire.Resolve(&event, api.Frames); event.Known || string(event.Raw()) != data {
			t.Fatal(event)
		}
	}
}

func TestTriesEnd(t *testing.T) {
	client, count := answers(t, status(503, "not now"))
	_, err := client.GetMe(context.Background())
	if !errors.Is(err, api.ErrUnavailable) || count.Load() != 3 {
		t.Fatal(err, count.Load())
	}
}

func TestWhatTakesTooLongIsNotWaitedFor(t *testing.T) {
	client, count := answers(t, status(429, "", "Retry-After", "60"))
	_, err := client.GetMe(context.Background())
	if !errors.Is(err, api.ErrRateLimit) || count.Load() != 1 {
		t.Fatal(err, count.Load())
	}
}

func TestTheContextEndsEverything(t *testing.T) {
	client, _ := answers(t, status(429, "", "Retry-After", "4"))
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.GetMe(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestARefusedRefreshEndsTheSession(t *testing.T) {
	client, count := answers(t, status(401, `{"error": {"code": "unauthorized", "message": "No", "details": {}}}`))
	if err := client.UseTokens("old", "refresh", 0); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := client.GetMe(context.Background()); !errors.Is(err, ErrSessionEnded) {
			t.Fatal(err)
		}
	}
	if count.Load() != 1 {
		t.Fatal("it asked again")
	}
}

func TestAnUnknownCodeIsWhatItsStatusSays(t *testing.T) {
	err := apiError(404, []byte(`{"error": {"code": "lost", "message": "No", "details": {"field": "x"}}}`), "r")
	if !errors.Is(err, api.ErrNotFound) || err.Code != "lost" || err.Field != "x" {
		t.Fatal(err)
	}
	if err := apiError(418, []byte("<html>"), ""); err.Unwrap() != nil || err.Code != "unknown" {
		t.Fatal(err)
	}
}

func TestNullAndAbsentDiffer(t *testing.T) {
	text, err := json.Marshal(api.UpdateUser{Bio: wire.Null[string](), Location: wire.Some("London")})
	if err != nil || string(text) != `{"bio":null,"location":"London"}` {
		t.Fatal(string(text), err)
	}
}

func TestWhatIsUnknownIsKept(t *testing.T) {
	var event api.Event
	if err := json.Unmarshal([]byte(`{"type": "moon.landed", "data": {"crater": "Tycho"}, "cursor": "c"}`), &event); err != nil {
		t.Fatal(err)
	}
	wire.Resolve(&event, api.Frames)
	if event.Known || string(event.Raw()) != `{"crater": "Tycho"}` || event.Cursor != "c" {
		t.Fatal(event)
	}
}

func TestTokensAreForTheirOwner(t *testing.T) {
	store := FileTokenStore{filepath.Join(t.TempDir(), "tokens")}
	if tokens, err := store.Load(); tokens != nil || err != nil {
		t.Fatal(tokens, err)
	}
	if err := store.Save(Tokens{AccessToken: "a", RefreshToken: "r"}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(store.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
	if tokens, err := store.Load(); err != nil || tokens.AccessToken != "a" {
		t.Fatal(tokens, err)
	}
	if err := errors.Join(store.Clear(), store.Clear()); err != nil {
		t.Fatal(err)
	}
}

func TestBackoffIsBounded(t *testing.T) {
	backoff := Backoff{time.Second, 30 * time.Second}
	for failures := 1; failures < 100; failures++ {
		if delay := backoff.Delay(failures); delay < 0 || delay > 30*time.Second {
			t.Fatal(failures, delay)
		}
	}
}

const sent = `{"id": "m", "conversation_id": "c", "seq": 1, "position": 1, "sender_id": "u", "receiver_id": "v",
	"content": "Hello, world!", "type": "text", "status": "sent", "metadata": {}, "created_at": "2026-11-22T12:00:00Z",
	"edited_at": null, "deleted_at": null}`

// BenchmarkSend compares the SDK with a bare client, one send after the other: `go test -bench Send`.
func TestBackoffNeverOverflows(t *testing.T) {
	for _, base := range []time.Duration{1, time.Second, 18 * time.Second, 40 * time.Second, time.Hour, math.MaxInt64} {
		backoff := Backoff{Base: base, Cap: 40 * time.Second}
		for _, failures := range []int{1, 2, 29, 30, 31, 63, 64, 65, 100000} {
			longest := time.Duration(0)
			for range 50 {
				longest = max(longest, backoff.Delay(failures))
			}
			if longest > backoff.Cap || failures >= 64 && longest < 10*time.Second {
				t.Fatal(base, failures, longest)
			}
		}
	}
}

func BenchmarkSend(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, sent)
	}))
	defer server.Close()
	b.Run("bare", func(b *testing.B) {
		for range b.N {
			text, err := json.Marshal(map[string]string{"receiver_id": "v", "content": "Hello, world!"})
			if err != nil {
				b.Fatal(err)
			}
			request, err := http.NewRequest("POST", server.URL+"/v1/messages", bytes.NewReader(text))
			if err != nil {
				b.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Authorization", "Bearer access")
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				b.Fatal(err)
			}
			var message map[string]any
			if err := json.NewDecoder(response.Body).Decode(&message); err != nil {
				b.Fatal(err)
			}
			_ = response.Body.Close()
		}
	})
	b.Run("sdk", func(b *testing.B) {
		client := NewClient(server.URL)
		defer client.Close()
		if err := client.UseTokens("access", "refresh", time.Hour); err != nil {
			b.Fatal(err)
		}
		for range b.N {
			body := api.TextToReceiver{ReceiverID: "v", Content: "Hello, world!"}
			if _, err := client.SendMessage(context.Background(), body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
