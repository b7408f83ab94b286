// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * The server pings every {@code interval_seconds} and gives up {@code timeout_seconds} after a ping without
 * any sign of life.
 */
public record Heartbeat(
    @JsonProperty(value = "interval_seconds", required = true) long intervalSeconds,
    @JsonProperty(value = "timeout_seconds", required = true) long timeoutSeconds) {}
