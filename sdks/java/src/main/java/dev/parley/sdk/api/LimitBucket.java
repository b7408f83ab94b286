// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * A LimitBucket.
 *
 * @param resetAt A time of RFC 3339; the server gives it in UTC with Z
 */
public record LimitBucket(
    @JsonProperty(value = "name", required = true) String name,
    @JsonProperty(value = "limit", required = true) long limit,
    @JsonProperty(value = "window_seconds", required = true) long windowSeconds,
    @JsonProperty(value = "remaining", required = true) long remaining,
    @JsonProperty(value = "reset_at", required = true) Instant resetAt) {}
