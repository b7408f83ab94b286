// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** Says which part list_members gives; what is not set is not asked for. */
public final class ListMembersQuery extends Body {
    public ListMembersQuery() {
        super(named());
    }

    private ListMembersQuery(Map<String, Object> fields) {
        super(fields);
    }

    /** How many items a page has at most. */
    public ListMembersQuery limit(long limit) {
        return new ListMembersQuery(with("limit", limit));
    }

    /** Only members who joined before this one (a user id). */
    public ListMembersQuery before(String before) {
        return new ListMembersQuery(with("before", before));
    }

    /** Only members who joined after this one (a user id), the next ones. */
    public ListMembersQuery after(String after) {
        return new ListMembersQuery(with("after", after));
    }
}
