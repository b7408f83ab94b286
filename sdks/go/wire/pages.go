package wire

import (
	"iter"
	"slices"
)

// Page is one page of any list: its items newest first, whether there are more, and the cursor of the next.
type Page[Item any] struct {
	Items   []Item
	HasMore bool
	Next    string
}

// Older walks back through a list, newest first, from what is older than before ("" is its end); fetch gets a page.
func Older[Item any](before string, fetch func(before string) (Page[Item], error)) iter.Seq2[Item, error] {
	return walk(before, fetch, false)
}

// Newer walks forth through a list, oldest first, through what is newer than after; what is added meanwhile is seen.
func Newer[Item any](after string, fetch func(after string) (Page[Item], error)) iter.Seq2[Item, error] {
	return walk(after, fetch, true)
}

func walk[Item any](start string, fetch func(string) (Page[Item], error), forth bool) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for cursor := start; ; {
			page, err := fetch(cursor)
			if err != nil {
				yield(*new(Item), err)
				return
			}
			if forth {
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
