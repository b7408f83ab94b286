// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.List;
import java.util.Map;

/** Says which part list_users gives; what is not set is not asked for. */
public final class ListUsersQuery extends Body {
    public ListUsersQuery() {
        super(named());
    }

    private ListUsersQuery(Map<String, Object> fields) {
        super(fields);
    }

    /** Only these users. Separate the ids with commas. */
    public ListUsersQuery ids(List<String> ids) {
        return new ListUsersQuery(with("ids", ids));
    }

    /** Only users whose username begins like this; capitals do not matter. */
    public ListUsersQuery username(String username) {
        return new ListUsersQuery(with("username", username));
    }

    /** Only users who are online, or who are not. */
    public ListUsersQuery status(UserStatus status) {
        return new ListUsersQuery(with("status", status));
    }

    /** How many items a page has at most. */
    public ListUsersQuery limit(long limit) {
        return new ListUsersQuery(with("limit", limit));
    }

    /** Only users older than this one. */
    public ListUsersQuery before(String before) {
        return new ListUsersQuery(with("before", before));
    }

    /** Only users newer than this one, the next ones. */
    public ListUsersQuery after(String after) {
        return new ListUsersQuery(with("after", after));
    }
}
