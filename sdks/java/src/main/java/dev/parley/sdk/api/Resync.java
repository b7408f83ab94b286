// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A Resync.
 *
 * @param reason The events after the cursor are no longer kept, or the log was set back since
 * @param cursor Where to go on from. It has no meaning but to the server that gave it
 */
public record Resync(
    @JsonProperty(value = "reason", required = true) String reason,
    @JsonProperty(value = "cursor", required = true) String cursor) {}
