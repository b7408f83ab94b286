// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/** One of the values below. A later version may have more of them: they are kept as they are. */
public record Role(@JsonValue String value) {
    public static final Role OWNER = new Role("owner");
    public static final Role ADMIN = new Role("admin");
    public static final Role MEMBER = new Role("member");

    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public Role {}

    @Override
    public String toString() {
        return value;
    }
}
