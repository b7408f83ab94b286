// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** The form of every error. */
public record ErrorEnvelope(
    @JsonProperty(value = "error", required = true) ErrorBody error) {}
