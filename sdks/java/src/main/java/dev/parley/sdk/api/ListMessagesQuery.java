// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** Says which part list_messages gives; what is not set is not asked for. */
public final class ListMessagesQuery extends Body {
    public ListMessagesQuery() {
        super(named());
    }

    private ListMessagesQuery(Map<String, Object> fields) {
        super(fields);
    }

    /** Only messages of this conversation. */
    public ListMessagesQuery conversationId(String conversationId) {
        return new ListMessagesQuery(with("conversation_id", conversationId));
    }

    /** How many items a page has at most. */
    public ListMessagesQuery limit(long limit) {
        return new ListMessagesQuery(with("limit", limit));
    }

    /** Only messages older than this one, be it deleted or purged since. */
    public ListMessagesQuery before(String before) {
        return new ListMessagesQuery(with("before", before));
    }

    /** Only messages newer than this one, the next ones. */
    public ListMessagesQuery after(String after) {
        return new ListMessagesQuery(with("after", after));
    }

    /** Only messages that have come exactly this far. */
    public ListMessagesQuery status(MessageStatus status) {
        return new ListMessagesQuery(with("status", status));
    }

    /** Only messages of this type. */
    public ListMessagesQuery type(MessageType type) {
        return new ListMessagesQuery(with("type", type));
    }

    /** Only messages sent at or after this time, or on or after this day. */
    public ListMessagesQuery from(String from) {
        return new ListMessagesQuery(with("from", from));
    }

    /** Only messages sent at or before this time. A day includes all of it. */
    public ListMessagesQuery to(String to) {
        return new ListMessagesQuery(with("to", to));
    }

    /** Only messages that this user sent. */
    public ListMessagesQuery senderId(String senderId) {
        return new ListMessagesQuery(with("sender_id", senderId));
    }
}
