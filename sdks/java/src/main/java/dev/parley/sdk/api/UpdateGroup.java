// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** What UpdateGroup sends. */
public final class UpdateGroup extends Body {
    public UpdateGroup() {
        super(named());
    }

    private UpdateGroup(Map<String, Object> fields) {
        super(fields);
    }

    /** Sets {@code name}. */
    public UpdateGroup name(String name) {
        return new UpdateGroup(with("name", name));
    }

    /** Sets {@code description}. Null clears it. */
    public UpdateGroup description(String description) {
        return new UpdateGroup(with("description", description));
    }

    /** Sets {@code settings}. */
    public UpdateGroup settings(UpdateGroupSettings settings) {
        return new UpdateGroup(with("settings", settings));
    }
}
