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
    @JsonProperty("webhooks") List<Webhook> webhooks,
    @JsonProperty("has_more") boolean hasMore,
    @JsonProperty("next_cursor") String nextCursor) {}
