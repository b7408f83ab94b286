package parley

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/your-org/messaging-sdk-go/api"
)

const renewed = `{"access_token": "access-2", "refresh_token": "refresh-2", "expires_in": 3600, "token_type": "Bearer",
	"user_id": "u", "session_id": "s"}`

// expired lets the access token be one that has to be renewed at once.
func expired(t *testing.T, client *Client) {
	t.Helper()
	if err := client.UseTokens("access", "refresh", 0); err != nil {
		t.Fatal(err)
	}
}

// refreshed returns what a client has after a request with a token that has expired.
func refreshed(t *testing.T, client *Client) *Tokens {
	t.Helper()
	expired(t, client)
	if _, err := client.GetMe(context.Background()); err != nil {
		t.Fatal(err)
	}
	tokens, err := client.Tokens()
	if err != nil || tokens == nil {
		t.Fatal(tokens, err)
	}
	return tokens
}

func TestAPageOfAPortalEndsNoSession(t *testing.T) {
	pages := map[string]http.HandlerFunc{
		"302": status(302, "", "Location", "/portal"), "401": status(401, "<html>"), "403": status(403, "<html>"),
		"404": status(404, "<html>"), "407": status(407, ""), "408": status(408, ""), "511": status(511, "<html>"),
		"200": status(200, "<html>"), "200 {}": status(200, "{}"),
		"200 half": status(200, `{"access_token": "eySECRET"}`),
		// Not even the contract has this one end a session.
		"403 envelope": status(403, `{"error": {"code": "forbidden", "message": "No", "details": {}}}`),
	}
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			client, _ := answers(t, page, status(200, renewed), status(200, me))
			expired(t, client)
			_, err := client.GetMe(context.Background())
			if err == nil || errors.Is(err, ErrSessionEnded) || strings.Contains(err.Error(), "SECRET") {
				t.Fatal(err)
			}
			if _, err := client.GetMe(context.Background()); err != nil {
				t.Fatal("the session was lost: ", err)
			}
		})
	}
}

func TestTwoClientsOfOneFileLiveOn(t *testing.T) {
	store := WithTokenStore(FileTokenStore{filepath.Join(t.TempDir(), "tokens")})
	var both sync.WaitGroup
	both.Add(2)
	var keys sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/auth/refresh" {
			status(200, me)(w, r)
			return
		}
		// Each asks before the other is answered. As the contract has it: the same key gives the same successor.
		both.Done()
		both.Wait()
		keys.Store(r.Header.Get("Idempotency-Key"), true)
		status(200, renewed)(w, r)
	}))
	defer server.Close()
	failures := make(chan error, 2)
	for range 2 {
		client := NewClient(server.URL, store)
		defer client.Close()
		expired(t, client)
		go func() {
			_, err := client.GetMe(context.Background())
			failures <- err
		}()
	}
	if err := errors.Join(<-failures, <-failures); err != nil {
		t.Fatal(err)
	}
	count := 0
	keys.Range(func(any, any) bool { count++; return true })
	if count != 1 {
		t.Fatal("a token was used twice, which ends the session")
	}
}

func TestWhoeverWasQuickerIsFollowed(t *testing.T) {
	store := FileTokenStore{filepath.Join(t.TempDir(), "tokens")}
	refusal := status(401, `{"error": {"code": "unauthorized", "message": "No", "details": {}}}`)
	client, _ := answers(t, func(w http.ResponseWriter, r *http.Request) {
		next := Tokens{"access-2", "refresh-2", time.Now().Add(time.Hour), time.Hour}
		if err := store.Save(next); err != nil {
			t.Error(err)
		}
		refusal(w, r)
	}, status(200, me))
	client.store = store
	if tokens := refreshed(t, client); tokens.RefreshToken != "refresh-2" {
		t.Fatal(tokens)
	}
}

func TestTheRefreshOfAnotherIsNotWaitedForTooLong(t *testing.T) {
	asked := make(chan struct{})
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		// The server sees that a client left when the body was read.
		_, _ = io.Copy(io.Discard, r.Body)
		once.Do(func() { close(asked) })
		<-r.Context().Done()
	}))
	defer server.Close()
	client := NewClient(server.URL)
	client.patience = 10 * time.Millisecond
	expired(t, client)
	first := make(chan error, 1)
	go func() {
		_, err := client.GetMe(context.Background())
		first <- err
	}()
	<-asked
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	// It returns: that the refresh never does would keep the test from ending.
	if _, err := client.GetMe(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	listened := make(chan struct{})
	go func() {
		defer close(listened)
		for range client.Listen().Events(ctx) {
			continue
		}
	}()
	<-listened
	client.Close()
	if err := <-first; err == nil {
		t.Fatal("nobody had answered")
	}
}

func TestARefreshOutlivesItsFirstCaller(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	var count atomic.Int64
	client, _ := answers(t, func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		close(asked)
		<-answer
		status(200, renewed)(w, r)
	}, status(200, me))
	expired(t, client)
	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan error, 1)
	go func() {
		_, err := client.GetMe(ctx)
		first <- err
	}()
	<-asked
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	close(answer)
	if _, err := client.GetMe(context.Background()); err != nil || count.Load() != 1 {
		t.Fatal(err, count.Load())
	}
}

func TestClosingKeepsWhatARefreshGives(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	client, count := answers(t, func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-answer
		status(200, renewed)(w, r)
	}, status(200, me))
	expired(t, client)
	first := make(chan error, 1)
	go func() {
		_, err := client.GetMe(context.Background())
		first <- err
	}()
	<-asked
	closed := make(chan struct{})
	go func() {
		client.Close()
		close(closed)
	}()
	<-client.ctx.Done()
	close(answer)
	<-closed
	if tokens, err := client.Tokens(); err != nil || tokens.AccessToken != "access-2" {
		t.Fatal("the session was lost: ", tokens, err)
	}
	<-first
	before := count.Load()
	expired(t, client)
	if _, err := client.GetMe(context.Background()); !errors.Is(err, context.Canceled) || count.Load() != before {
		t.Fatal("a closed client refreshes: ", err)
	}
}

func TestClosingDoesNotWaitForEver(t *testing.T) {
	asked := make(chan struct{})
	client, _ := answers(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(asked)
		<-r.Context().Done()
	})
	client.timeout, client.patience = time.Hour, 10*time.Millisecond
	expired(t, client)
	first := make(chan error, 1)
	go func() {
		_, err := client.GetMe(context.Background())
		first <- err
	}()
	<-asked
	client.Close()
	if err := <-first; err == nil {
		t.Fatal("nobody had answered")
	}
}

func TestALogInOutlivesARefreshOfBefore(t *testing.T) {
	refusal := status(401, `{"error": {"code": "unauthorized", "message": "No", "details": {}}}`)
	for _, answer := range []http.HandlerFunc{status(200, renewed), refusal} {
		var client *Client
		client, _ = answers(t, func(w http.ResponseWriter, r *http.Request) {
			if err := client.UseTokens("access-9", "refresh-9", time.Hour); err != nil {
				t.Error(err)
			}
			answer(w, r)
		}, status(200, me))
		if tokens := refreshed(t, client); tokens.AccessToken != "access-9" {
			t.Fatal(tokens)
		}
	}
}

func TestALogOutOutlivesARefreshOfBefore(t *testing.T) {
	var client *Client
	client, _ = answers(t, func(w http.ResponseWriter, r *http.Request) {
		if err := client.store.Clear(); err != nil {
			t.Error(err)
		}
		status(200, renewed)(w, r)
	}, status(200, me))
	expired(t, client)
	if _, err := client.GetMe(context.Background()); !errors.Is(err, ErrSessionEnded) {
		t.Fatal(err)
	}
	if tokens, err := client.Tokens(); err != nil || tokens != nil {
		t.Fatal(tokens, err)
	}
}

func TestADamagedFileIsNamed(t *testing.T) {
	for _, text := range []string{"", "{", "null", "[]", "{}", `{"access_token": 5}`} {
		path := filepath.Join(t.TempDir(), "tokens")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		client, _ := answers(t, status(200, renewed), status(200, me))
		client.store = FileTokenStore{path}
		_, err := client.GetMe(context.Background())
		if !errors.Is(err, ErrSessionEnded) || !strings.Contains(err.Error(), path) {
			t.Fatal(err)
		}
		if _, err := client.LogIn(context.Background(), "ada@example.com", "secure_password"); err != nil {
			t.Fatal(err)
		}
		if _, err := client.GetMe(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	client, _ := answers(t, status(200, me))
	listener := client.Listen()
	listener.token, listener.stale = "eySECRET", "eySECRET"
	webhook, err := NewWebhook("SECRET")
	if err != nil {
		t.Fatal(err)
	}
	tokens := Tokens{AccessToken: "eySECRET", RefreshToken: "eySECRET", Lifetime: time.Hour}
	if err := client.store.Save(tokens); err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{
		tokens, &tokens, []Tokens{tokens}, webhook, listener, client, client.store,
		api.Credentials{Email: "ada@example.com", Password: "SECRET"}, api.Tokens{AccessToken: "eySECRET", RefreshToken: "eySECRET"},
		api.RegisterUser{Password: "SECRET"}, api.ChangePassword{CurrentPassword: "SECRET", NewPassword: "SECRET"},
		api.CreateWebhook{Secret: api.Optional[string]{}}, api.RefreshRequest("eySECRET"),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			text := fmt.Sprintf(verb, value)
			if strings.Contains(text, "SECRET") || strings.Contains(text, fmt.Sprintf("%x", "SECRET")) {
				t.Errorf("%s of %T: %s", verb, value, text)
			}
		}
	}
	if text := fmt.Sprint(tokens, api.Credentials{Email: "ada@example.com"}); !strings.Contains(text, "1h0m0s") ||
		!strings.Contains(text, "ada@example.com") {
		t.Fatal("what is no secret is printed: ", text)
	}
}
