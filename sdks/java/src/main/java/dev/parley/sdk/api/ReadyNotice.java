// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** The socket is open, or its token was renewed. */
public record ReadyNotice(
    @JsonProperty(value = "type", required = true) String type,
    @JsonProperty(value = "data", required = true) Ready data)
    implements Event {}
