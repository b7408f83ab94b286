// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;
import java.util.List;

/**
 * A new webhook, with its secret.
 *
 * @param id The id of a webhook
 * @param url Where deliveries are posted
 * @param conversationId Events of this conversation only; null is all; may be null
 * @param ordered Whether each delivery waits for the one before
 * @param disabledReason Null while it is active: {@code requested}, {@code endpoint_gone} (it answered 410)
 * or {@code failures} (nothing else for five days); may be null
 * @param failingSince Since when every attempt failed; null after a success; may be null
 * @param previousSecretUntil Until when everything is signed with the previous secret too, and the last of
 * those before it has ended; null when there is none; may be null
 * @param createdAt A time of RFC 3339; the server gives it in UTC with Z
 * @param secret The secret as it was given, or made. Null only in a repeat, after it was rotated; may be null
 * @param signingSecret The same in the form that libraries for Standard Webhooks take; may be null
 */
public record CreatedWebhook(
    @JsonProperty(value = "id", required = true) String id,
    @JsonProperty(value = "url", required = true) String url,
    @JsonProperty(value = "events", required = true) List<WebhookEventName> events,
    @JsonProperty("conversation_id") String conversationId,
    @JsonProperty(value = "ordered", required = true) boolean ordered,
    @JsonProperty(value = "status", required = true) WebhookStatus status,
    @JsonProperty("disabled_reason") String disabledReason,
    @JsonProperty("failing_since") Instant failingSince,
    @JsonProperty("previous_secret_until") Instant previousSecretUntil,
    @JsonProperty(value = "created_at", required = true) Instant createdAt,
    @JsonProperty("secret") String secret,
    @JsonProperty("signing_secret") String signingSecret) {
    // Secrets do not get into logs.
    @Override
    public String toString() {
        return "CreatedWebhook[...]";
    }
}
