// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * A user's place in a group.
 *
 * @param userId The id of a user
 * @param joinedAt A time of RFC 3339; the server gives it in UTC with Z
 */
public record Member(
    @JsonProperty(value = "user_id", required = true) String userId,
    @JsonProperty(value = "role", required = true) Role role,
    @JsonProperty(value = "joined_at", required = true) Instant joinedAt) {}
