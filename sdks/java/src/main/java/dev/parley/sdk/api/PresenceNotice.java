// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Somebody came or went. */
public record PresenceNotice(
    @JsonProperty(value = "type", required = true) String type,
    @JsonProperty(value = "data", required = true) Presence data)
    implements Event {}
