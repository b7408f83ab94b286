// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Somebody came or went. */
public record PresenceNotice(
    @JsonProperty("type") String type,
    @JsonProperty("data") Presence data)
    implements Event {}
