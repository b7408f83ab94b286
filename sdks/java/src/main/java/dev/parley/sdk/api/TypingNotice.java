// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Somebody begins or stops to type. */
public record TypingNotice(
    @JsonProperty("type") String type,
    @JsonProperty("data") Typing data)
    implements Event {}
