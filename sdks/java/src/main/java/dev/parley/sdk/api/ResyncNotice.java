// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/** The events cannot go on from the cursor without a hole. */
public record ResyncNotice(
    @JsonProperty("type") String type,
    @JsonProperty("data") Resync data)
    implements Event {}
