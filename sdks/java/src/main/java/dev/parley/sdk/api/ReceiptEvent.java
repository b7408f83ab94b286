// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A member received or read messages.
 *
 * @param data How far a member has received and read a conversation
 * @param cursor Where to go on from. It has no meaning but to the server that gave it
 * @param seq may be null
 */
public record ReceiptEvent(
    @JsonProperty(value = "type", required = true) String type,
    @JsonProperty(value = "data", required = true) Receipt data,
    @JsonProperty(value = "cursor", required = true) String cursor,
    @JsonProperty("seq") Long seq)
    implements Event {}
