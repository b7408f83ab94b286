// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * A Recovery.
 *
 * @param deliveries How many wait to be sent now
 * @param hasMore Whether there are more of them
 * @param since Where to go on when there are more
 */
public record Recovery(
    @JsonProperty(value = "deliveries", required = true) long deliveries,
    @JsonProperty(value = "has_more", required = true) boolean hasMore,
    @JsonProperty(value = "since", required = true) Instant since) {}
