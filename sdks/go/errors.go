package parley

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/your-org/messaging-sdk-go/api"
	"github.com/your-org/messaging-sdk-go/wire"
)

// Errors of the SDK itself. Those of the server are *APIError, and have one of the codes of package api:
//
//	if errors.Is(err, api.ErrNotFound) { … }
var (
	// ErrConnectionFailed: the server was not reached, or the connection broke.
	ErrConnectionFailed = errors.New("the server was not reached")
	// ErrTimedOut: it did not answer in time; it is an ErrConnectionFailed, too.
	ErrTimedOut = fmt.Errorf("%w in time", ErrConnectionFailed)
	// ErrStrangeAnswer: what answered was not the server, but perhaps the page of a portal; it is an
	// ErrConnectionFailed, too.
	ErrStrangeAnswer = fmt.Errorf("%w: the answer is none of the contract", ErrConnectionFailed)
	// ErrSessionEnded: nobody is logged in (any more); only a log-in helps.
	ErrSessionEnded = errors.New("the session has ended")
	// ErrNotLive: the socket is not open at the moment.
	ErrNotLive = errors.New("the socket is not open at the moment")
	// ErrFrameLimit: more frames in this minute would close the socket.
	ErrFrameLimit = errors.New("too many frames were sent within a minute")
	// ErrWebhookVerification: this was not signed with any of the secrets, or long ago.
	ErrWebhookVerification = errors.New("the webhook is not verified")
)

// APIError is the server's refusal of a request. Field and Reason are the first thing that is wrong with the request,
// if it is that; RequestID is for whoever runs the server.
type APIError struct {
	Code      string
	Status    int
	Message   string
	Field     string
	Reason    string
	RequestID string
	Details   map[string]any
	kind      *wire.Code
}

func (e *APIError) Error() string { return fmt.Sprintf("%s (%s, %d)", e.Message, e.Code, e.Status) }

// Unwrap gives the code, or that of the status where the code is one of a later version; errors.Is finds it.
func (e *APIError) Unwrap() error {
	if e.kind == nil {
		return nil
	}
	return e.kind
}

// SocketClosedError says that the server closed the socket for something that this program would do again.
type SocketClosedError struct {
	Code    int
	Meaning string
}

func (e *SocketClosedError) Error() string { return fmt.Sprintf("%s (%d)", e.Meaning, e.Code) }

// The code of an answer that has none.
const noCode = "unknown"

// apiError reads an answer; one that is no envelope, as a proxy's page, has the code of its status.
func apiError(status int, body []byte, requestID string) *APIError {
	var envelope struct {
		Error struct {
			Code    string         `json:"code"`
			Message string         `json:"message"`
			Details map[string]any `json:"details"`
		} `json:"error"`
	}
	// What cannot be read leaves the fields empty, which is told below.
	_ = json.Unmarshal(body, &envelope)
	said := envelope.Error
	result := &APIError{
		Code: said.Code, Status: status, Message: said.Message, RequestID: requestID, Details: said.Details,
		kind: api.Codes[said.Code],
	}
	if result.kind == nil {
		result.kind = api.CodeOfStatus[status]
	}
	if result.Code == "" {
		result.Code, result.Message = noCode, "The server gave no reason"
	}
	result.Field, _ = said.Details["field"].(string)
	result.Reason, _ = said.Details["reason"].(string)
	return result
}

func (e *APIError) tokenExpired() bool {
	expired, _ := e.Details["token_expired"].(bool)
	return e.Status == 401 && expired
}

// endsSession says whether a refresh was refused by the server itself, and not by something on the way, as the page of a
// portal.
func (e *APIError) endsSession() bool { return e.Status == 401 && e.Code != noCode }
