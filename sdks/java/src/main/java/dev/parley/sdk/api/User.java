// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * A person. The e-mail address and the access to the beta are shown only to themselves.
 *
 * @param id The id of a user
 * @param email Unique; capitals do not make a difference; may be null
 * @param username Unique; capitals do not make a difference
 * @param displayName What people call you
 * @param lastSeen The last sign of life; null before the first; may be null
 * @param profile What a user tells about themselves; null is nothing told
 * @param createdAt A time of RFC 3339; the server gives it in UTC with Z
 * @param betaAccess Whether this person may use {@code /v2}, which is not released yet; may be null
 */
public record User(
    @JsonProperty(value = "id", required = true) String id,
    @JsonProperty("email") String email,
    @JsonProperty(value = "username", required = true) String username,
    @JsonProperty(value = "display_name", required = true) String displayName,
    @JsonProperty(value = "status", required = true) UserStatus status,
    @JsonProperty("last_seen") Instant lastSeen,
    @JsonProperty(value = "profile", required = true) Profile profile,
    @JsonProperty(value = "created_at", required = true) Instant createdAt,
    @JsonProperty("beta_access") Boolean betaAccess) {}
