// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.List;
import java.util.Map;

/** What UpdateWebhook sends. */
public final class UpdateWebhook extends Body {
    public UpdateWebhook() {
        super(named());
    }

    private UpdateWebhook(Map<String, Object> fields) {
        super(fields);
    }

    /**
     * An http or https address in ASCII, without credentials. It is public, unless the operator allows
     * others.
     */
    public UpdateWebhook url(String url) {
        return new UpdateWebhook(with("url", url));
    }

    /** What to hear of from now on. */
    public UpdateWebhook events(List<WebhookEventName> events) {
        return new UpdateWebhook(with("events", events));
    }

    /** Events of this conversation only; null is all. Null clears it. */
    public UpdateWebhook conversationId(String conversationId) {
        return new UpdateWebhook(with("conversation_id", conversationId));
    }

    /** Sets {@code ordered}. */
    public UpdateWebhook ordered(boolean ordered) {
        return new UpdateWebhook(with("ordered", ordered));
    }

    /** Sets {@code status}. */
    public UpdateWebhook status(WebhookStatus status) {
        return new UpdateWebhook(with("status", status));
    }
}
