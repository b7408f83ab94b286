// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A Pong.
 *
 * @param id The ping's own; null if it had none; may be null
 */
public record Pong(
    @JsonProperty("id") String id) {}
