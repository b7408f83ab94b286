// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A WebhookTest.
 *
 * @param webhookId The id of a webhook
 */
public record WebhookTest(
    @JsonProperty(value = "webhook_id", required = true) String webhookId) {}
