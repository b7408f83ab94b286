// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * A group was made, with you in it.
 *
 * @param timestamp A time of RFC 3339; the server gives it in UTC with Z
 * @param cursor Where to go on from. It has no meaning but to the server that gave it
 * @param signature {@code sha256=} and, in hex, the HMAC-SHA256 of this object without its {@code signature},
 * as canonical JSON (RFC 8785). The header {@code webhook-signature} is the better way
 */
public record GroupCreatedPayload(
    @JsonProperty(value = "event", required = true) String event,
    @JsonProperty(value = "timestamp", required = true) Instant timestamp,
    @JsonProperty(value = "cursor", required = true) String cursor,
    @JsonProperty(value = "data", required = true) ConversationCreated data,
    @JsonProperty(value = "signature", required = true) String signature)
    implements WebhookPayload {}
