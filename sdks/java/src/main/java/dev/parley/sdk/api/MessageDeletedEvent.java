// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A message was deleted; this is its tombstone.
 *
 * @param data A message, or (with {@code deleted_at}) the tombstone that keeps its place
 * @param cursor Where to go on from. It has no meaning but to the server that gave it
 * @param seq The number of a message in its conversation, from 1 and without gaps. 0 is before the first
 */
public record MessageDeletedEvent(
    @JsonProperty(value = "type", required = true) String type,
    @JsonProperty(value = "data", required = true) Message data,
    @JsonProperty(value = "cursor", required = true) String cursor,
    @JsonProperty(value = "seq", required = true) Long seq)
    implements Event {}
