// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A user changed what they tell about themselves.
 *
 * @param data A person. The e-mail address and the access to the beta are shown only to themselves
 * @param cursor Where to go on from. It has no meaning but to the server that gave it
 * @param seq may be null
 */
public record UserUpdatedEvent(
    @JsonProperty(value = "type", required = true) String type,
    @JsonProperty(value = "data", required = true) User data,
    @JsonProperty(value = "cursor", required = true) String cursor,
    @JsonProperty("seq") Long seq)
    implements Event {}
