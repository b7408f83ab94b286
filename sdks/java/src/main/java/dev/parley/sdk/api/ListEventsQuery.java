// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** Says which part list_events gives; what is not set is not asked for. */
public final class ListEventsQuery extends Body {
    public ListEventsQuery() {
        super(named());
    }

    private ListEventsQuery(Map<String, Object> fields) {
        super(fields);
    }

    /** The cursor of the last event you have. {@code 0} is the beginning; without it you start at the end. */
    public ListEventsQuery after(String after) {
        return new ListEventsQuery(with("after", after));
    }

    /** How many items a page has at most. */
    public ListEventsQuery limit(long limit) {
        return new ListEventsQuery(with("limit", limit));
    }

    /** For how many seconds to wait for an event when there is none. */
    public ListEventsQuery waitSeconds(long waitSeconds) {
        return new ListEventsQuery(with("wait", waitSeconds));
    }
}
