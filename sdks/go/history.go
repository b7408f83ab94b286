package parley

import (
	"context"
	"iter"
	"time"

	"github.com/your-org/messaging-sdk-go/api"
)

// HistorySince reads what was missed: the messages that were written since a time of the server's, as the CreatedAt of the
// last message that one has; one conversation after the other, each with its newest message first. Messages of just
// then come again. Older messages that were edited or deleted meanwhile are not told.
func (c *Client) HistorySince(ctx context.Context, since time.Time) iter.Seq2[api.Message, error] {
	return func(yield func(api.Message, error) bool) {
		read := map[string]struct{}{}
		for until, more := since, true; more; {
			var newest time.Time
			more = false
			for conversation, err := range c.ListConversationsOlder(ctx, api.ListConversationsQuery{}) {
				if err != nil {
					yield(api.Message{}, err)
					return
				}
				if newest.IsZero() {
					newest = conversation.LastActivityAt
				}
				if conversation.LastActivityAt.Before(until) {
					break
				}
				if _, done := read[conversation.ID]; done {
					continue
				}
				read[conversation.ID], more = struct{}{}, true
				if !c.messagesSince(ctx, conversation.ID, since, yield) {
					return
				}
			}
			// What somebody wrote to while the list was read has moved before its beginning, perhaps unseen.
			until = newest
		}
	}
}

func (c *Client) messagesSince(
	ctx context.Context, conversationID string, since time.Time, yield func(api.Message, error) bool,
) bool {
	for message, err := range c.ListMessagesOlder(ctx, api.ListMessagesQuery{ConversationID: conversationID}) {
		if err == nil && message.CreatedAt.Before(since) {
			return true
		}
		if !yield(message, err) || err != nil {
			return false
		}
	}
	return true
}
