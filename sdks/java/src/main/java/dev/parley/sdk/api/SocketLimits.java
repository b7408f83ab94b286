// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * What a client keeps to.
 *
 * @param frameBytes How large a frame may be
 * @param typingSeconds How long a {@code typing} holds unless it is said again
 */
public record SocketLimits(
    @JsonProperty(value = "frame_bytes", required = true) long frameBytes,
    @JsonProperty(value = "frames_per_minute", required = true) long framesPerMinute,
    @JsonProperty(value = "sockets_per_user", required = true) long socketsPerUser,
    @JsonProperty(value = "typing_seconds", required = true) long typingSeconds) {}
