// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.List;
import java.util.Map;

/** What CreateGroup sends. */
public final class CreateGroup extends Body {
    public CreateGroup(String name) {
        super(named("name", name));
    }

    private CreateGroup(Map<String, Object> fields) {
        super(fields);
    }

    /** Sets {@code description}. Null clears it. */
    public CreateGroup description(String description) {
        return new CreateGroup(with("description", description));
    }

    /** Who is in it from the start, beside you. */
    public CreateGroup members(List<String> members) {
        return new CreateGroup(with("members", members));
    }

    /** Sets {@code settings}. */
    public CreateGroup settings(CreateGroupSettings settings) {
        return new CreateGroup(with("settings", settings));
    }
}
