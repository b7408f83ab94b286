// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Instant;

/** Something that this version does not know; its data are maps, lists, texts and numbers. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NONE)
public record UnknownPayload(
    @JsonProperty("event") String event,
    @JsonProperty("data") Object data,
    @JsonProperty("cursor") String cursor,
    @JsonProperty("timestamp") Instant timestamp)
    implements WebhookPayload {}
