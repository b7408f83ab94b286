package parley

import (
	"context"
	"errors"
	mathrand "math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/your-org/messaging-sdk-go/wire"
)

// No server means more; more is a mistake, or malice.
const longestWait = time.Hour

// Backoff is a random part of Base, then of twice that, and so on up to Cap: exponential, with full jitter.
type Backoff struct{ Base, Cap time.Duration }

// Delay says how long to wait after so many failures in a row.
func (b Backoff) Delay(failures int) time.Duration {
	ceiling := b.Cap
	// Doubled only where that stays below the cap: a program may fail for weeks.
	if doublings := failures - 1; b.Base <= b.Cap>>doublings {
		ceiling = b.Base << doublings
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

// attempts sends a request until it is answered, as often as the policy allows and as it is safe.
func (c *Client) attempts(ctx context.Context, request wire.Request, body []byte, token string) (*answer, error) {
	began := time.Now()
	for attempt := 1; ; attempt++ {
		answer, err := c.send(ctx, request, body, token)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		delay := c.retry.Backoff.Delay(attempt)
		told, isTold := time.Duration(0), false
		if err == nil && answer.status >= 400 {
			told, isTold = retryAfter(answer.header, answer.body)
		}
		switch {
		case err != nil:
			if !request.Operation.Repeatable || !errors.Is(err, ErrConnectionFailed) {
				return nil, err
			}
		// What was too much was not done. Whether a 503 was nobody knows. Of a 409 with a time, the try before is still
		// running: its answer is the one that is wanted.
		case answer.status == http.StatusTooManyRequests,
			answer.status == http.StatusServiceUnavailable && request.Operation.Repeatable,
			answer.status == http.StatusConflict && request.IdempotencyKey != "" && isTold:
			if isTold {
				delay = told
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

// retryAfter is how long a refusal says to wait: by its header, or by its details where something dropped that.
func retryAfter(header http.Header, body []byte) (time.Duration, bool) {
	if told, ok := waitOf(header.Get("Retry-After"), header.Get("Date")); ok {
		return min(told, longestWait), true
	}
	told, ok := apiError(0, body, "").Details["retry_after"].(float64)
	if !ok || told < 0 {
		return 0, false
	}
	return time.Duration(min(told, longestWait.Seconds()) * float64(time.Second)), true
}

// waitOf reads a number of seconds, or a date (RFC 9110, 10.2.3) by the server's own clock where it tells that.
func waitOf(told, date string) (time.Duration, bool) {
	seconds, err := strconv.ParseUint(told, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(longestWait.Seconds()))) * time.Second, true
	}
	until, err := http.ParseTime(told)
	if err != nil {
		return 0, false
	}
	now, err := http.ParseTime(date)
	if err != nil {
		now = time.Now()
	}
	return max(until.Sub(now), 0), true
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
