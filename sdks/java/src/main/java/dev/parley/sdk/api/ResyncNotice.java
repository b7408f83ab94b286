// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** The events cannot go on from the cursor without a hole. */
public record ResyncNotice(
    @JsonProperty(value = "type", required = true) String type,
    @JsonProperty(value = "data", required = true) Resync data)
    implements Event {}
