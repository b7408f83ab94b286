// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * Somebody asked for a test.
 *
 * @param timestamp A time of RFC 3339; the server gives it in UTC with Z
 * @param signature {@code sha256=} and, in hex, the HMAC-SHA256 of this object without its {@code signature},
 * as canonical JSON (RFC 8785). The header {@code webhook-signature} is the better way
 */
public record WebhookTestPayload(
    @JsonProperty(value = "event", required = true) String event,
    @JsonProperty(value = "timestamp", required = true) Instant timestamp,
    @JsonProperty(value = "data", required = true) WebhookTest data,
    @JsonProperty(value = "signature", required = true) String signature)
    implements WebhookPayload {}
