package parley

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/your-org/messaging-sdk-go/api"
)

func TestHowLongAServerSaysToWait(t *testing.T) {
	const details = `{"error": {"code": "rate_limit_exceeded", "message": "No", "details": {"retry_after": 3}}}`
	const date = "Sun, 22 Nov 2026 12:00:00 GMT"
	for _, row := range []struct {
		header, body string
		want         time.Duration
		told         bool
	}{
		{"2", details, 2 * time.Second, true},
		{"0", details, 0, true},
		{"", details, 3 * time.Second, true},
		{"Sun, 22 Nov 2026 12:00:04 GMT", "", 4 * time.Second, true},
		{"Sun, 22 Nov 2026 11:00:00 GMT", "", 0, true},
		{"Sun, 22 Nov 2037 12:00:00 GMT", "", longestWait, true},
		{"99999999999999999999999", "", longestWait, true},
		{"9223372036854775807", "", longestWait, true},
		{"", `{"error": {"details": {"retry_after": 1e300}}}`, longestWait, true},
		{"-5", details, 3 * time.Second, true},
		{"1.5", details, 3 * time.Second, true},
		{"²", details, 3 * time.Second, true},
		{"abc", "<html>", 0, false},
		{"", `{"error": {"details": {"retry_after": -1}}}`, 0, false},
		{"", `{"error": {"details": {"retry_after": "3"}}}`, 0, false},
		{"", `{"error": {"details": [3]}}`, 0, false},
	} {
		got, told := retryAfter(http.Header{"Retry-After": {row.header}, "Date": {date}}, []byte(row.body))
		if got != row.want || told != row.told {
			t.Errorf("%q, %s: %v, %v", row.header, row.body, got, told)
		}
	}
}

func TestWhatIsAbsurdIsNotWaitedFor(t *testing.T) {
	for _, header := range []string{"99999999999999999999999", "9223372037", "Sun, 22 Nov 2099 12:00:00 GMT"} {
		client, count := answers(t, status(429, "", "Retry-After", header))
		if _, err := client.GetMe(context.Background()); !errors.Is(err, api.ErrRateLimit) || count.Load() != 1 {
			t.Fatal(header, err, count.Load())
		}
	}
}

func TestARequestThatStillRunsIsWaitedFor(t *testing.T) {
	running := status(409, `{"error": {"code": "conflict", "message": "Still running", "details": {}}}`, "Retry-After", "0")
	client, count := answers(t, status(503, ""), running, running, status(201, sent))
	client.retry.MaxAttempts = 5
	message, err := client.SendMessage(context.Background(), api.TextToReceiver{ReceiverID: "v", Content: "Hello"})
	if err != nil || message.ID != "m" || count.Load() != 4 {
		t.Fatal(message, err, count.Load())
	}
}

func TestAConflictIsTold(t *testing.T) {
	client, count := answers(t, status(409, `{"error": {"code": "conflict", "message": "Taken", "details": {}}}`))
	_, err := client.SendMessage(context.Background(), api.TextToReceiver{ReceiverID: "v", Content: "Hello"})
	if !errors.Is(err, api.ErrConflict) || count.Load() != 1 {
		t.Fatal(err, count.Load())
	}
}

func TestAStrangeAnswerIsAnError(t *testing.T) {
	for _, body := range []string{"<html>", "", "null", "[]", "{}", `{"id": 5}`, `{"id": "u"}`, `{"access_token": "eySECRET"}`} {
		client, _ := answers(t, status(200, body))
		if user, err := client.GetMe(context.Background()); !errors.Is(err, ErrStrangeAnswer) || user != nil {
			t.Errorf("%s: %v, %v", body, user, err)
		}
	}
	for _, body := range []string{`{}`, `{"users": [null], "has_more": false, "next_cursor": null}`,
		`{"users": [{}], "has_more": false, "next_cursor": null}`} {
		client, _ := answers(t, status(200, body))
		if page, err := client.ListUsers(context.Background(), api.ListUsersQuery{}); !errors.Is(err, ErrStrangeAnswer) {
			t.Errorf("%s: %v, %v", body, page, err)
		}
	}
}

func TestAnIDIsNoPath(t *testing.T) {
	var path string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.RequestURI
		status(404, "")(w, r)
	}))
	defer server.Close()
	client := NewClient(server.URL)
	defer client.Close()
	if err := client.UseTokens("access", "refresh", time.Hour); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"x/../../groups/y": "/v1/users/x%2F..%2F..%2Fgroups%2Fy", "a?b=c#d": "/v1/users/a%3Fb=c%23d", "%2e": "/v1/users/%252e",
		"..": "", ".": "", "": "",
	} {
		path = ""
		_, err := client.GetUser(context.Background(), id)
		if err == nil || path != want {
			t.Errorf("%q: %s, %v", id, path, err)
		}
	}
}

func TestNoTokenGoesElsewhere(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Error("it followed to ", r.URL)
	}))
	defer elsewhere.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		client, _ := answers(t, status(code, "", "Location", elsewhere.URL+"/ws"))
		if _, err := client.GetMe(context.Background()); err == nil {
			t.Fatal("it took a redirect for an answer")
		}
		listener := client.Listen(WithBackoff(Backoff{}))
		seen := 0
		listener.onState = func(state State) {
			if state == Waiting {
				if seen++; seen == 3 {
					listener.Close()
				}
			}
		}
		for event, err := range listener.Events(context.Background()) {
			t.Fatal(event, err)
		}
	}
}
