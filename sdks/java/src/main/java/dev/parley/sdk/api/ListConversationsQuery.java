// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** Says which part list_conversations gives; what is not set is not asked for. */
public final class ListConversationsQuery extends Body {
    public ListConversationsQuery() {
        super(named());
    }

    private ListConversationsQuery(Map<String, Object> fields) {
        super(fields);
    }

    /** How many items a page has at most. */
    public ListConversationsQuery limit(long limit) {
        return new ListConversationsQuery(with("limit", limit));
    }

    /** The {@code next_cursor} of the page before. */
    public ListConversationsQuery before(String before) {
        return new ListConversationsQuery(with("before", before));
    }

    /** The {@code next_cursor} of a page that was asked for with {@code after}. */
    public ListConversationsQuery after(String after) {
        return new ListConversationsQuery(with("after", after));
    }
}
