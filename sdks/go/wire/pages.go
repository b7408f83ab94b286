package wire

import (
	"errors"
	"iter"
	"slices"
)

// ErrNoStart: a walk forth begins somewhere; without a start the server gives the newest page, from which nothing goes on.
var ErrNoStart = errors.New("a walk forth begins somewhere: set After")

// Page is one page of a list: its items, newest first in most, whether there are more, and the cursor of the next.
type Page[Item any] struct {
	Items   []Item
	HasMore bool
	Next    string
}

// Older walks back through a list, newest first, from what is older than before ("" is its end); fetch gets a page.
func Older[Item any](before string, fetch func(before string) (Page[Item], error)) iter.Seq2[Item, error] {
	return walk(before, fetch, false)
}

// Newer walks forth through the same, oldest first, through what is newer than after; what is added meanwhile is seen.
func Newer[Item any](after string, fetch func(after string) (Page[Item], error)) iter.Seq2[Item, error] {
	if after == "" {
		return refused[Item]
	}
	return walk(after, fetch, true)
}

// Forth walks forth through a list whose pages have their oldest first.
func Forth[Item any](after string, fetch func(after string) (Page[Item], error)) iter.Seq2[Item, error] {
	if after == "" {
		return refused[Item]
	}
	return walk(after, fetch, false)
}

func refused[Item any](yield func(Item, error) bool) { yield(*new(Item), ErrNoStart) }

func walk[Item any](start string, fetch func(string) (Page[Item], error), turned bool) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for cursor := start; ; {
			page, err := fetch(cursor)
			if err != nil {
				yield(*new(Item), err)
				return
			}
			if turned {
				slices.Reverse(page.Items)
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if !page.HasMore || page.Next == "" || len(page.Items) == 0 {
				return
			}
			cursor = page.Next
		}
	}
}

// Value is a text that may be null.
func Value(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
