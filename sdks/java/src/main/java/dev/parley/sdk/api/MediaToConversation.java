// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** What MediaToConversation sends. */
public final class MediaToConversation extends Body implements SendMessage {
    public MediaToConversation(String conversationId, String type, MediaMetadata metadata) {
        super(named("conversation_id", conversationId, "type", type, "metadata", metadata));
    }

    private MediaToConversation(Map<String, Object> fields) {
        super(fields);
    }

    /** What is said about the attachments. */
    public MediaToConversation content(String content) {
        return new MediaToConversation(with("content", content));
    }
}
