// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * A person, as they see themselves.
 *
 * @param id The id of a user
 * @param email Unique; capitals do not make a difference
 * @param username Unique; capitals do not make a difference
 * @param displayName What people call you
 * @param lastSeen The last sign of life; null before the first; may be null
 * @param profile What a user tells about themselves; null is nothing told
 * @param createdAt A time of RFC 3339; the server gives it in UTC with Z
 * @param betaAccess Whether this person may use {@code /v2}, which is not released yet
 */
public record Me(
    @JsonProperty("id") String id,
    @JsonProperty("email") String email,
    @JsonProperty("username") String username,
    @JsonProperty("display_name") String displayName,
    @JsonProperty("status") UserStatus status,
    @JsonProperty("last_seen") Instant lastSeen,
    @JsonProperty("profile") Profile profile,
    @JsonProperty("created_at") Instant createdAt,
    @JsonProperty("beta_access") boolean betaAccess) {}
