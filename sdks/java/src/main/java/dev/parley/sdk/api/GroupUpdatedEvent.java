// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A group has another name, description, owner or settings.
 *
 * @param cursor Where to go on from. It has no meaning but to the server that gave it
 * @param seq may be null
 */
public record GroupUpdatedEvent(
    @JsonProperty(value = "type", required = true) String type,
    @JsonProperty(value = "data", required = true) GroupFacts data,
    @JsonProperty(value = "cursor", required = true) String cursor,
    @JsonProperty("seq") Long seq)
    implements Event {}
