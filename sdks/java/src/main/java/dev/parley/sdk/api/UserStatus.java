// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/** One of the values below. A later version may have more of them: they are kept as they are. */
public record UserStatus(@JsonValue String value) {
    public static final UserStatus ONLINE = new UserStatus("online");
    public static final UserStatus OFFLINE = new UserStatus("offline");

    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public UserStatus {}

    @Override
    public String toString() {
        return value;
    }
}
