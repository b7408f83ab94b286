// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A member has another role.
 *
 * @param cursor Where to go on from. It has no meaning but to the server that gave it
 * @param seq may be null
 */
public record MemberUpdatedEvent(
    @JsonProperty("type") String type,
    @JsonProperty("data") Membership data,
    @JsonProperty("cursor") String cursor,
    @JsonProperty("seq") Long seq)
    implements Event {}
