// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** Says which part list_groups gives; what is not set is not asked for. */
public final class ListGroupsQuery extends Body {
    public ListGroupsQuery() {
        super(named());
    }

    private ListGroupsQuery(Map<String, Object> fields) {
        super(fields);
    }

    /** Your own groups, or all that are public. */
    public ListGroupsQuery visibility(String visibility) {
        return new ListGroupsQuery(with("visibility", visibility));
    }

    /** How many items a page has at most. */
    public ListGroupsQuery limit(long limit) {
        return new ListGroupsQuery(with("limit", limit));
    }

    /** Only groups older than this one. */
    public ListGroupsQuery before(String before) {
        return new ListGroupsQuery(with("before", before));
    }

    /** Only groups newer than this one, the next ones. */
    public ListGroupsQuery after(String after) {
        return new ListGroupsQuery(with("after", after));
    }
}
