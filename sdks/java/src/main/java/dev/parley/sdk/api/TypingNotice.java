// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Somebody begins or stops to type. */
public record TypingNotice(
    @JsonProperty(value = "type", required = true) String type,
    @JsonProperty(value = "data", required = true) Typing data)
    implements Event {}
