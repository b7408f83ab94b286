// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/** A Limits. */
public record Limits(
    @JsonProperty(value = "buckets", required = true) List<LimitBucket> buckets) {}
