package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Hidden stands where a token, a password or a secret would be printed.
const Hidden = "[hidden]"

var (
	errShape   = errors.New("something that the contract promises is missing")
	readItself = reflect.TypeFor[json.Unmarshaler]()
)

// Read reads JSON into a struct, and makes sure that all is there that the contract promises: whatever else answered
// would be an empty struct otherwise.
func Read(text []byte, result any) error {
	if err := json.Unmarshal(text, result); err != nil {
		return err
	}
	var found any
	if err := json.Unmarshal(text, &found); err != nil {
		return err
	}
	return complete(found, reflect.TypeOf(result).Elem())
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
		items, _ := found.([]any)
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
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		member, there := members[name]
		if !there && options == "" {
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
