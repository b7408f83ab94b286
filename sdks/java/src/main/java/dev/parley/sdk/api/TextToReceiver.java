// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** What TextToReceiver sends. */
public final class TextToReceiver extends Body implements SendMessage {
    public TextToReceiver(String receiverId, String content) {
        super(named("receiver_id", receiverId, "content", content));
    }

    private TextToReceiver(Map<String, Object> fields) {
        super(fields);
    }

    /** Sets {@code type}. */
    public TextToReceiver type(String type) {
        return new TextToReceiver(with("type", type));
    }

    /** Sets {@code metadata}. */
    public TextToReceiver metadata(TextMetadata metadata) {
        return new TextToReceiver(with("metadata", metadata));
    }
}
