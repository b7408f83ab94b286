// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** A frame was refused, and nothing came of it. */
public record ErrorNotice(
    @JsonProperty(value = "type", required = true) String type,
    @JsonProperty(value = "data", required = true) FrameError data)
    implements Event {}
