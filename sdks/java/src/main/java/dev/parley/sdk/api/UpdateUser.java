// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** What UpdateUser sends. */
public final class UpdateUser extends Body {
    public UpdateUser() {
        super(named());
    }

    private UpdateUser(Map<String, Object> fields) {
        super(fields);
    }

    /** Null makes it the username. Null clears it. */
    public UpdateUser displayName(String displayName) {
        return new UpdateUser(with("display_name", displayName));
    }

    /** Sets {@code bio}. Null clears it. */
    public UpdateUser bio(String bio) {
        return new UpdateUser(with("bio", bio));
    }

    /** Sets {@code avatar_url}. Null clears it. */
    public UpdateUser avatarUrl(String avatarUrl) {
        return new UpdateUser(with("avatar_url", avatarUrl));
    }

    /** Sets {@code location}. Null clears it. */
    public UpdateUser location(String location) {
        return new UpdateUser(with("location", location));
    }
}
