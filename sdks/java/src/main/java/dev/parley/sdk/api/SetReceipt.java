// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;

/** What SetReceipt sends. */
public final class SetReceipt extends Body {
    public SetReceipt(String conversationId, String messageId, String kind) {
        super(named("conversation_id", conversationId, "message_id", messageId, "kind", kind));
    }
}
