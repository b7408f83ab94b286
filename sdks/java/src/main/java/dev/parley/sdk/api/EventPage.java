// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * A EventPage.
 *
 * @param nextCursor Where to go on from. It has no meaning but to the server that gave it
 */
public record EventPage(
    @JsonProperty(value = "events", required = true) List<Event> events,
    @JsonProperty(value = "next_cursor", required = true) String nextCursor,
    @JsonProperty(value = "has_more", required = true) boolean hasMore) {}
