// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * One log-in on one device.
 *
 * @param id The id of a session
 * @param createdAt A time of RFC 3339; the server gives it in UTC with Z
 * @param lastUsedAt A time of RFC 3339; the server gives it in UTC with Z
 * @param expiresAt A time of RFC 3339; the server gives it in UTC with Z
 * @param userAgent What the client called itself at log-in; may be null
 * @param address Where the log-in came from; may be null
 * @param current Whether it is the session that asks
 */
public record Session(
    @JsonProperty(value = "id", required = true) String id,
    @JsonProperty(value = "created_at", required = true) Instant createdAt,
    @JsonProperty(value = "last_used_at", required = true) Instant lastUsedAt,
    @JsonProperty(value = "expires_at", required = true) Instant expiresAt,
    @JsonProperty("user_agent") String userAgent,
    @JsonProperty("address") String address,
    @JsonProperty(value = "current", required = true) boolean current) {}
