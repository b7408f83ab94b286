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
    @JsonProperty("frame_bytes") long frameBytes,
    @JsonProperty("frames_per_minute") long framesPerMinute,
    @JsonProperty("sockets_per_user") long socketsPerUser,
    @JsonProperty("typing_seconds") long typingSeconds) {}
