// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;

/**
 * What the sender said beside the content. Null when the message was deleted.
 *
 * @param replyTo The id of a message; may be null
 * @param mentions may be null
 * @param attachments may be null
 * @param custom Your own data, up to 4 KB as JSON. The server keeps it and does not look into it; may be null
 */
public record MessageMetadata(
    @JsonProperty("reply_to") String replyTo,
    @JsonProperty("mentions") List<String> mentions,
    @JsonProperty("attachments") List<Attachment> attachments,
    @JsonProperty("custom") Map<String, Object> custom) {}
