// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * A Presence.
 *
 * @param userId The id of a user
 * @param lastSeen The last sign of life; null before the first; may be null
 */
public record Presence(
    @JsonProperty(value = "user_id", required = true) String userId,
    @JsonProperty(value = "status", required = true) UserStatus status,
    @JsonProperty("last_seen") Instant lastSeen) {}
