// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * A Ready.
 *
 * @param user A person. The e-mail address and the access to the beta are shown only to themselves
 * @param sessionId The id of a session
 * @param tokenExpiresAt A time of RFC 3339; the server gives it in UTC with Z
 * @param heartbeat The server pings every {@code interval_seconds} and gives up {@code timeout_seconds} after
 * a ping without any sign of life
 * @param limits What a client keeps to
 * @param cursor Where to go on from. It has no meaning but to the server that gave it
 */
public record Ready(
    @JsonProperty(value = "user", required = true) User user,
    @JsonProperty(value = "session_id", required = true) String sessionId,
    @JsonProperty(value = "token_expires_at", required = true) Instant tokenExpiresAt,
    @JsonProperty(value = "heartbeat", required = true) Heartbeat heartbeat,
    @JsonProperty(value = "limits", required = true) SocketLimits limits,
    @JsonProperty(value = "cursor", required = true) String cursor) {}
