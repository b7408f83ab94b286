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
    @JsonProperty("name") String name,
    @JsonProperty("limit") long limit,
    @JsonProperty("window_seconds") long windowSeconds,
    @JsonProperty("remaining") long remaining,
    @JsonProperty("reset_at") Instant resetAt) {}
