// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/** A SessionList. */
public record SessionList(
    @JsonProperty(value = "sessions", required = true) List<Session> sessions) {}
