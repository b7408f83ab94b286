// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/** One of the values below. A later version may have more of them: they are kept as they are. */
public record ConversationKind(@JsonValue String value) {
    public static final ConversationKind DIRECT = new ConversationKind("direct");
    public static final ConversationKind GROUP = new ConversationKind("group");

    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public ConversationKind {}

    @Override
    public String toString() {
        return value;
    }
}
