// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * What came of sending it once.
 *
 * @param at A time of RFC 3339; the server gives it in UTC with Z
 * @param status The status of the answer; null when there was none; may be null
 * @param error Why there was no answer that counts; may be null
 * @param latencyMs How long it took
 * @param responseExcerpt The beginning of the answer's body; null when there was none; may be null
 */
public record DeliveryAttempt(
    @JsonProperty(value = "number", required = true) long number,
    @JsonProperty(value = "at", required = true) Instant at,
    @JsonProperty("status") Long status,
    @JsonProperty("error") String error,
    @JsonProperty(value = "latency_ms", required = true) long latencyMs,
    @JsonProperty("response_excerpt") String responseExcerpt) {}
