package parley

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gowebpki/jcs"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/your-org/messaging-sdk-go/api"
)

// WebhookEvent is what a webhook says. Data is a pointer to the struct of the event, as *api.WebhookMessage, or plain
// JSON where the event is one of a later version.
type WebhookEvent struct {
	Event     string
	Timestamp time.Time
	Data      any
	// Raw is the whole body.
	Raw json.RawMessage
}

// Webhook verifies requests with any of some secrets: during a rotation there are two. A secret is as the server took
// or made it: whsec_ and base64, or a form of one's own, whose key is its UTF-8.
type Webhook struct{ keys [][]byte }

// Format shows no secret.
func (w *Webhook) Format(state fmt.State, _ rune) {
	fmt.Fprintf(state, "Webhook(%d secrets)", len(w.keys))
}

// NewWebhook returns a verifier; without a secret, or with one that is none, it is an error.
func NewWebhook(secrets ...string) (*Webhook, error) {
	if len(secrets) == 0 {
		return nil, errors.New("without a secret nothing can be verified")
	}
	webhook := &Webhook{}
	for _, secret := range secrets {
		key := []byte(secret)
		if encoded, standard := strings.CutPrefix(secret, "whsec_"); standard {
			decoded, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				return nil, fmt.Errorf("a secret is no base64: %w", err)
			}
			key = decoded
		}
		// Everybody knows the key of nothing.
		if len(key) == 0 {
			return nil, errors.New("a secret is empty")
		}
		webhook.keys = append(webhook.keys, key)
	}
	return webhook, nil
}

// Verify returns what a request says, by its headers webhook-* (https://www.standardwebhooks.com). body is what was
// received, byte for byte. The error is ErrWebhookVerification.
func (w *Webhook) Verify(body []byte, header http.Header) (*WebhookEvent, error) {
	var failures []error
	for _, key := range w.keys {
		verifier, err := standardwebhooks.NewWebhookRaw(key)
		if err == nil {
			err = verifier.Verify(body, header)
		}
		if err == nil {
			return webhookEvent(body)
		}
		failures = append(failures, err)
	}
	return nil, fmt.Errorf("%w: %w", ErrWebhookVerification, errors.Join(failures...))
}

// VerifySignature does the same by the member "signature" of the body, which says nothing of the time: prefer Verify.
func (w *Webhook) VerifySignature(body []byte) (*WebhookEvent, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWebhookVerification, err)
	}
	var given string
	if err := json.Unmarshal(members["signature"], &given); err != nil {
		return nil, fmt.Errorf("%w: it has no signature", ErrWebhookVerification)
	}
	delete(members, "signature")
	rest, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	canonical, err := jcs.Transform(rest)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWebhookVerification, err)
	}
	for _, key := range w.keys {
		mac := hmac.New(sha256.New, key)
		mac.Write(canonical)
		if hmac.Equal([]byte("sha256="+hex.EncodeToString(mac.Sum(nil))), []byte(given)) {
			return webhookEvent(body)
		}
	}
	return nil, fmt.Errorf("%w: none of the secrets signed this", ErrWebhookVerification)
}

func webhookEvent(body []byte) (*WebhookEvent, error) {
	var payload struct {
		Event     string          `json:"event"`
		Timestamp time.Time       `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &payload); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWebhookVerification, err)
	}
	event := &WebhookEvent{payload.Event, payload.Timestamp, payload.Data, body}
	if decode, known := api.Payloads[payload.Event]; known {
		if data, err := decode(payload.Data); err == nil {
			event.Data = data
		}
	}
	return event, nil
}
