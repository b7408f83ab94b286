// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A WebhookDisabled.
 *
 * @param webhookId The id of a webhook
 * @param reason {@code requested}, {@code endpoint_gone} (it answered 410) or {@code failures} (nothing else
 * for five days)
 */
public record WebhookDisabled(
    @JsonProperty(value = "webhook_id", required = true) String webhookId,
    @JsonProperty(value = "reason", required = true) String reason) {}
