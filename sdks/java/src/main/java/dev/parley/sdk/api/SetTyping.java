// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** What SetTyping sends. */
public final class SetTyping extends Body {
    public SetTyping(String conversationId, boolean isTyping) {
        super(named("conversation_id", conversationId, "is_typing", isTyping));
    }

    private SetTyping(Map<String, Object> fields) {
        super(fields);
    }

    /** If it is given, it is your own. */
    public SetTyping userId(String userId) {
        return new SetTyping(with("user_id", userId));
    }
}
