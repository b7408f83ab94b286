package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Hidden stands where a token, a password or a secret would be printed.
const Hidden = "[hidden]"

var (
	errShape   = errors.New("something that the contract promises is missing")
	readItself = reflect.TypeFor[json.Unmarshaler]()
	timeType   = reflect.TypeFor[time.Time]()
)

// Read reads JSON into a struct, and makes sure that all is there that the contract promises: whatever else answered
// would be an empty struct otherwise. Whether something that may be null is missing does not matter.
func Read(text []byte, result any) error {
	if err := json.Unmarshal(text, result); err != nil {
		return err
	}
	if isFull(reflect.ValueOf(result)) {
		return nil
	}
	// What is zero was said to be, or is missing.
	var found any
	if err := json.Unmarshal(text, &found); err != nil {
		return err
	}
	return complete(found, reflect.TypeOf(result).Elem())
}

// isFull says whether nothing is zero that is always there: then nothing is missing. It costs a fraction of what reading
// everything twice does.
func isFull(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer:
		return value.IsNil() || isFull(value.Elem())
	case reflect.Slice:
		for i := range value.Len() {
			if !isFull(value.Index(i)) {
				return false
			}
		}
		return !value.IsNil()
	}
	if value.Kind() != reflect.Struct || value.Type() == timeType {
		return !value.IsZero()
	}
	for i := range value.NumField() {
		field := value.Field(i)
		if !isFull(field) && !(field.IsZero() && isOptional(value.Type().Field(i))) {
			return false
		}
	}
	return true
}

func isOptional(field reflect.StructField) bool {
	return strings.HasSuffix(string(field.Tag), `,omitzero"`)
}

// complete compares what was found with a type. That no member has the wrong type was seen before.
func complete(found any, kind reflect.Type) error {
	switch kind.Kind() {
	case reflect.Interface, reflect.Map:
		return nil
	case reflect.Pointer:
		if found == nil {
			return nil
		}
		return complete(found, kind.Elem())
	case reflect.Slice:
		items, isList := found.([]any)
		if !isList {
			return fmt.Errorf("%w: a list", errShape)
		}
		for _, item := range items {
			if err := complete(item, kind.Elem()); err != nil {
				return err
			}
		}
		return nil
	}
	if found == nil {
		return fmt.Errorf("%w: a %s", errShape, kind.Name())
	}
	members, isObject := found.(map[string]any)
	if kind.Kind() != reflect.Struct || !isObject || reflect.PointerTo(kind).Implements(readItself) {
		return nil
	}
	for i := range kind.NumField() {
		field := kind.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		member, there := members[name]
		if !there && field.Type.Kind() != reflect.Pointer && !isOptional(field) {
			return fmt.Errorf("%w: %s.%s", errShape, kind.Name(), name)
		}
		if there {
			if err := complete(member, field.Type); err != nil {
				return err
			}
		}
	}
	return nil
}
