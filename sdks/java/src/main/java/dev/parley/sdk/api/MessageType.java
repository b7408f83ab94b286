// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/** One of the values below. A later version may have more of them: they are kept as they are. */
public record MessageType(@JsonValue String value) {
    public static final MessageType TEXT = new MessageType("text");
    public static final MessageType IMAGE = new MessageType("image");
    public static final MessageType VIDEO = new MessageType("video");
    public static final MessageType AUDIO = new MessageType("audio");
    public static final MessageType FILE = new MessageType("file");

    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public MessageType {}

    @Override
    public String toString() {
        return value;
    }
}
