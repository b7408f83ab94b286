// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A Attachment.
 *
 * @param url An http or https address, in ASCII
 * @param contentType A media type without parameters (RFC 6838)
 * @param size In bytes
 */
public record Attachment(
    @JsonProperty(value = "url", required = true) String url,
    @JsonProperty(value = "name", required = true) String name,
    @JsonProperty(value = "content_type", required = true) String contentType,
    @JsonProperty(value = "size", required = true) long size) {}
