// Package wire holds what the generated operations and the client share: how a request is described, what is left out
// of it, and how the contract's facts look. Programs meet Optional here, and errors' codes.
package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

// Optional is a value that may be left out (its zero value), null, or there.
type Optional[T any] struct {
	value T
	null  bool
	set   bool
}

// Some is a value that is there.
func Some[T any](value T) Optional[T] { return Optional[T]{value: value, set: true} }

// Null clears what it stands for.
func Null[T any]() Optional[T] { return Optional[T]{null: true, set: true} }

// IsZero says whether it is left out.
func (o Optional[T]) IsZero() bool { return !o.set }

// Get returns the value, and whether there is one.
func (o Optional[T]) Get() (T, bool) { return o.value, o.set && !o.null }

// MarshalJSON writes null or the value.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if o.null || !o.set {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON reads null or a value.
func (o *Optional[T]) UnmarshalJSON(text []byte) error {
	o.set = true
	if string(text) == "null" {
		o.null = true
		return nil
	}
	return json.Unmarshal(text, &o.value)
}

// Operation says how an operation is asked. Repeatable ones may be asked again after a cut.
type Operation struct {
	ID         string
	Method     string
	Path       string
	Secured    bool
	TakesKey   bool
	Repeatable bool
	Bucket     string
}

// Request is one call of an operation.
type Request struct {
	Operation      Operation
	Path           map[string]string
	Query          url.Values
	Body           any
	IdempotencyKey string
}

// RequestOption changes a request.
type RequestOption func(*Request)

// WithIdempotencyKey gives a request a key of one's own.
func WithIdempotencyKey(key string) RequestOption {
	return func(request *Request) { request.IdempotencyKey = key }
}

// Caller carries out requests, and reads the answer into result unless that is nil.
type Caller interface {
	Call(ctx context.Context, request Request, result any) error
}

// Code is one of the contract's error codes; errors.Is tells whether an error has it.
type Code struct {
	Name  string
	Class string
}

func (c *Code) Error() string { return c.Name }

// CloseVerdict is what a close code of the socket tells a client to do. Reconnect is never, now, later (after
// AfterSeconds), new_token or new_session.
type CloseVerdict struct {
	Code         int
	Name         string
	Meaning      string
	Reconnect    string
	AfterSeconds int
	KeepCursor   bool
}

// Bucket is a rate limit: so many requests in a window.
type Bucket struct {
	Name          string
	Limit         int
	WindowSeconds int
}

// Event is something that was said on the socket or stands in the log. Data is a pointer to the struct of the type, as
// *api.Message for a message, or plain JSON (json.RawMessage) where the type, or what is in it, is one of a later
// version. Notices, as typing, have no Cursor.
type Event struct {
	Type   string
	Data   any
	Cursor string
	Seq    *int64
	// Known tells whether this version knows the type.
	Known bool
	raw   json.RawMessage
}

type frame struct {
	Type   string          `json:"type"`
	Data   json.RawMessage `json:"data"`
	Cursor *string         `json:"cursor"`
	Seq    *int64          `json:"seq"`
}

// UnmarshalJSON reads a frame; Frames.Event knows the types.
func (e *Event) UnmarshalJSON(text []byte) error {
	var read frame
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	*e = Event{Type: read.Type, Data: read.Data, Seq: read.Seq, raw: read.Data}
	if read.Cursor != nil {
		e.Cursor = *read.Cursor
	}
	return nil
}

// Raw is the data as it came.
func (e *Event) Raw() json.RawMessage { return e.raw }

// Decoder reads data into a struct.
type Decoder func(json.RawMessage) (any, error)

// Decode is the Decoder of a struct.
func Decode[T any](text json.RawMessage) (any, error) {
	var value *T
	err := json.Unmarshal(text, &value)
	if err == nil && value == nil {
		err = errShape
	}
	return value, err
}

// Resolve gives an event the struct of its type. One whose data is not even an object is none that anybody knows.
func Resolve(event *Event, decoders map[string]Decoder) {
	decode, known := decoders[event.Type]
	event.Known = known && bytes.HasPrefix(event.raw, []byte("{"))
	if !event.Known {
		return
	}
	if data, err := decode(event.raw); err == nil {
		event.Data = data
	}
}

// Set puts a parameter into a query unless it is empty.
func Set[T string | int64 | bool | []string](values url.Values, name string, value T) {
	switch value := any(value).(type) {
	case string:
		if value != "" {
			values.Set(name, value)
		}
	case int64:
		if value != 0 {
			values.Set(name, strconv.FormatInt(value, 10))
		}
	case bool:
		if value {
			values.Set(name, "true")
		}
	case []string:
		if len(value) > 0 {
			values.Set(name, strings.Join(value, ","))
		}
	}
}
