// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** What MediaToReceiver sends. */
public final class MediaToReceiver extends Body implements SendMessage {
    public MediaToReceiver(String receiverId, String type, MediaMetadata metadata) {
        super(named("receiver_id", receiverId, "type", type, "metadata", metadata));
    }

    private MediaToReceiver(Map<String, Object> fields) {
        super(fields);
    }

    /** What is said about the attachments. */
    public MediaToReceiver content(String content) {
        return new MediaToReceiver(with("content", content));
    }
}
