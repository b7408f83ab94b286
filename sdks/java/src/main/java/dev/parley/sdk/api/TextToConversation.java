// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** What TextToConversation sends. */
public final class TextToConversation extends Body implements SendMessage {
    public TextToConversation(String conversationId, String content) {
        super(named("conversation_id", conversationId, "content", content));
    }

    private TextToConversation(Map<String, Object> fields) {
        super(fields);
    }

    /** Sets {@code type}. */
    public TextToConversation type(String type) {
        return new TextToConversation(with("type", type));
    }

    /** Sets {@code metadata}. */
    public TextToConversation metadata(TextMetadata metadata) {
        return new TextToConversation(with("metadata", metadata));
    }
}
