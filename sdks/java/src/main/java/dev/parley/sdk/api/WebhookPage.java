// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * A WebhookPage.
 *
 * @param nextCursor may be null
 */
public record WebhookPage(
    @JsonProperty(value = "webhooks", required = true) List<Webhook> webhooks,
    @JsonProperty(value = "has_more", required = true) boolean hasMore,
    @JsonProperty("next_cursor") String nextCursor) {}
