// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.List;
import java.util.Map;

/** What CreateWebhook sends. */
public final class CreateWebhook extends Body {
    public CreateWebhook(String url, List<WebhookEventName> events) {
        super(named("url", url, "events", events));
    }

    private CreateWebhook(Map<String, Object> fields) {
        super(fields);
    }

    /**
     * What deliveries are signed with. After {@code whsec_} it is base64 of 24 to 64 bytes, which are the
     * key; any other is its own key, as UTF-8.
     */
    public CreateWebhook secret(String secret) {
        return new CreateWebhook(with("secret", secret));
    }

    /** Events of this conversation only. You are in it. Null clears it. */
    public CreateWebhook conversationId(String conversationId) {
        return new CreateWebhook(with("conversation_id", conversationId));
    }

    /** Whether each delivery waits until the one before has arrived or is given up, which is slower. */
    public CreateWebhook ordered(boolean ordered) {
        return new CreateWebhook(with("ordered", ordered));
    }
}
