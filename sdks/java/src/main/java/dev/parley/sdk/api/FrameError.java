// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A FrameError.
 *
 * @param code What went wrong. Later versions add codes; treat one you do not know by the status
 * @param message A sentence for people
 * @param details Facts about the error; which ones depends on the code
 * @param frame The {@code type} of the frame that was refused; null if it had none that is known; may be null
 */
public record FrameError(
    @JsonProperty(value = "code", required = true) ErrorCode code,
    @JsonProperty(value = "message", required = true) String message,
    @JsonProperty(value = "details", required = true) ErrorDetails details,
    @JsonProperty("frame") String frame) {}
