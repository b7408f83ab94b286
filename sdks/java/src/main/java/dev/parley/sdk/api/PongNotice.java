// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** The answer to a ping. */
public record PongNotice(
    @JsonProperty("type") String type,
    @JsonProperty("data") Pong data)
    implements Event {}
