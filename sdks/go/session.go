package parley

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/your-org/messaging-sdk-go/api"
)

// A token that a refresh has just given is not refreshed at once again, whatever the server says of its life.
const shortestLife = 5 * time.Second

// renewal is a refresh that is under way.
type renewal struct {
	done   chan struct{}
	tokens *Tokens
	err    error
}

// freshToken returns an access token that is good for a while and is another one than stale.
func (c *Client) freshToken(ctx context.Context, stale string) (string, error) {
	tokens, err := c.session()
	if err != nil {
		return "", err
	}
	if tokens.AccessToken != stale && c.renewalIn(tokens) > 0 {
		return tokens.AccessToken, nil
	}
	renewed, err := c.renew(ctx, tokens.AccessToken)
	if err == nil {
		return renewed.AccessToken, nil
	}
	// There was some margin left, perhaps.
	if ctx.Err() == nil && !errors.Is(err, ErrSessionEnded) && tokens.AccessToken != stale && tokens.left() > 0 {
		return tokens.AccessToken, nil
	}
	return "", err
}

func (c *Client) session() (*Tokens, error) {
	tokens, err := c.store.Load()
	if err == nil && tokens == nil {
		err = ErrSessionEnded
	}
	return tokens, err
}

// renewalIn is when the access token is to be renewed. What the server's clock says does not matter: this machine's may
// say something else.
func (c *Client) renewalIn(tokens *Tokens) time.Duration {
	return tokens.left() - min(c.margin, tokens.Lifetime/3)
}

// renew waits for the one refresh that is under way, or begins it. It goes on when its first caller waits no longer: an
// answer that nobody takes would be a session lost.
func (c *Client) renew(ctx context.Context, stale string) (*Tokens, error) {
	c.renewing.Lock()
	current := c.renewal
	if current == nil && c.ctx.Err() != nil {
		c.renewing.Unlock()
		return nil, c.ctx.Err()
	}
	if current == nil {
		current = &renewal{done: make(chan struct{})}
		c.renewal = current
		go c.carryOut(current, stale)
	}
	c.renewing.Unlock()
	select {
	case <-current.done:
		return current.tokens, current.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *Client) carryOut(current *renewal, stale string) {
	defer close(current.done)
	current.tokens, current.err = c.refresh(c.refreshing, stale)
	c.renewing.Lock()
	defer c.renewing.Unlock()
	c.renewal = nil
}

// refresh gets new tokens, unless somebody else got them meanwhile.
func (c *Client) refresh(ctx context.Context, stale string) (*Tokens, error) {
	tokens, err := c.session()
	if err != nil || tokens.AccessToken != stale {
		return tokens, err
	}
	request := api.RefreshRequest(tokens.RefreshToken)
	request.IdempotencyKey = refreshKey(tokens.RefreshToken)
	body, err := bodyOf(request)
	if err != nil {
		return nil, err
	}
	answer, err := c.attempts(ctx, request, body, "")
	if err != nil {
		return nil, err
	}
	// Until the store has what was given, nobody of this client logs in or out.
	c.storing.Lock()
	defer c.storing.Unlock()
	// Somebody who shares the store may have been quicker, or have logged out, and so may this client.
	if now, err := c.session(); err != nil || now.RefreshToken != tokens.RefreshToken {
		return now, err
	}
	if answer.status >= 300 {
		refused := apiError(answer.status, answer.body, answer.header.Get("X-Request-Id"))
		if !refused.endsSession() {
			return nil, refused
		}
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrSessionEnded, refused), c.store.Clear())
	}
	var next api.Tokens
	if err := read(answer, &next); err != nil {
		return nil, err
	}
	lifetime := max(time.Duration(next.ExpiresIn)*time.Second, shortestLife)
	if err := c.store.Save(Tokens{next.AccessToken, next.RefreshToken, time.Now().Add(lifetime), lifetime}); err != nil {
		return nil, err
	}
	return c.session()
}

// forget ends the session of an access token. One that was begun meanwhile stays.
func (c *Client) forget(accessToken string) error {
	c.storing.Lock()
	defer c.storing.Unlock()
	tokens, err := c.store.Load()
	if err != nil || tokens == nil || tokens.AccessToken != accessToken {
		return err
	}
	return c.store.Clear()
}

// refreshKey is the same for all who have this token. Whoever shares the store, or comes back after a crash, gets the
// same successor, and is not taken for a thief who uses a token again.
func refreshKey(refreshToken string) string {
	sum := sha256.Sum256([]byte("refresh " + refreshToken))
	return hex.EncodeToString(sum[:])
}
