// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * A message was deleted; this is its tombstone.
 *
 * @param timestamp A time of RFC 3339; the server gives it in UTC with Z
 * @param cursor Where to go on from. It has no meaning but to the server that gave it
 * @param data A message, or (with {@code deleted_at}) the tombstone that keeps its place. {@code message_id}
 * is its id once more
 * @param signature {@code sha256=} and, in hex, the HMAC-SHA256 of this object without its {@code signature},
 * as canonical JSON (RFC 8785). The header {@code webhook-signature} is the better way
 */
public record MessageDeletedPayload(
    @JsonProperty(value = "event", required = true) String event,
    @JsonProperty(value = "timestamp", required = true) Instant timestamp,
    @JsonProperty(value = "cursor", required = true) String cursor,
    @JsonProperty(value = "data", required = true) WebhookMessage data,
    @JsonProperty(value = "signature", required = true) String signature)
    implements WebhookPayload {}
