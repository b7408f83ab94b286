// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * Read when every other member has read it, delivered when every other member has received it, else sent. A
 * later version may have more of them: they are kept as they are.
 */
public record MessageStatus(@JsonValue String value) {
    public static final MessageStatus SENT = new MessageStatus("sent");
    public static final MessageStatus DELIVERED = new MessageStatus("delivered");
    public static final MessageStatus READ = new MessageStatus("read");

    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public MessageStatus {}

    @Override
    public String toString() {
        return value;
    }
}
