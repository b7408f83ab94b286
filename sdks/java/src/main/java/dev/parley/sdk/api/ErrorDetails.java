// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;
import java.util.List;

/**
 * Facts about the error; which ones depends on the code.
 *
 * @param field The first field that is wrong; in a body a path such as metadata.mentions[0]; may be null
 * @param reason What is wrong with it; may be null
 * @param errors All fields that are wrong; may be null
 * @param tokenExpired Whether the token was right once; may be null
 * @param retryAfter When to come back in seconds; may be null
 * @param resource What is not there; may be null
 * @param maxBytes How large a body may be; may be null
 * @param deletedAt A time of RFC 3339; the server gives it in UTC with Z; may be null
 */
public record ErrorDetails(
    @JsonProperty("field") String field,
    @JsonProperty("reason") String reason,
    @JsonProperty("errors") List<FieldError> errors,
    @JsonProperty("token_expired") Boolean tokenExpired,
    @JsonProperty("retry_after") Long retryAfter,
    @JsonProperty("resource") String resource,
    @JsonProperty("max_bytes") Long maxBytes,
    @JsonProperty("deleted_at") Instant deletedAt) {}
