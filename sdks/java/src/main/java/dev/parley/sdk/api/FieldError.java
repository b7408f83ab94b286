// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** A FieldError. */
public record FieldError(
    @JsonProperty(value = "field", required = true) String field,
    @JsonProperty(value = "reason", required = true) String reason) {}
