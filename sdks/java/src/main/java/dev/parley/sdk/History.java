package dev.parley.sdk;

import dev.parley.sdk.api.Conversation;
import dev.parley.sdk.api.ListConversationsQuery;
import dev.parley.sdk.api.ListMessagesQuery;
import dev.parley.sdk.api.Message;
import java.time.Instant;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.NoSuchElementException;
import java.util.Set;

/** Reads what was written since a time, one conversation after the other; pages are fetched as it goes. */
final class History implements Iterator<Message> {
    private final Client client;
    private final Instant since;
    private final Iterator<String> conversations;
    private Iterator<Message> messages = Collections.emptyIterator();
    private Message ahead;

    History(Client client, Instant since) {
        this.client = client;
        this.since = since;
        conversations = active().iterator();
    }

    private Set<String> active() {
        Set<String> found = new LinkedHashSet<>();
        Instant until = since;
        boolean more = true;
        while (more) {
            more = false;
            Instant newest = until;
            for (Conversation conversation : client.listConversationsOlder(new ListConversationsQuery())) {
                if (conversation.lastActivityAt().isBefore(until)) {
                    break;
                }
                more |= found.add(conversation.id());
                newest = conversation.lastActivityAt().isAfter(newest) ? conversation.lastActivityAt() : newest;
            }
            // What somebody wrote to while the list was read has moved before its beginning, perhaps unseen.
            until = newest;
        }
        return found;
    }

    @Override
    public boolean hasNext() {
        while (ahead == null) {
            if (messages.hasNext()) {
                Message message = messages.next();
                if (message.createdAt().isBefore(since)) {
                    messages = Collections.emptyIterator();
                } else {
                    ahead = message;
                }
            } else if (conversations.hasNext()) {
                ListMessagesQuery query = new ListMessagesQuery().conversationId(conversations.next());
                messages = client.listMessagesOlder(query).iterator();
            } else {
                return false;
            }
        }
        return true;
    }

    @Override
    public Message next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        Message message = ahead;
        ahead = null;
        return message;
    }
}
