// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A Tokens.
 *
 * @param accessToken For the Authorization header, as {@code Bearer &lt;token&gt;}
 * @param refreshToken For the next tokens; it works once
 * @param expiresIn How long the access token works in seconds
 * @param userId The id of a user
 * @param sessionId The id of a session
 */
public record Tokens(
    @JsonProperty(value = "access_token", required = true) String accessToken,
    @JsonProperty(value = "refresh_token", required = true) String refreshToken,
    @JsonProperty(value = "expires_in", required = true) long expiresIn,
    @JsonProperty(value = "token_type", required = true) String tokenType,
    @JsonProperty(value = "user_id", required = true) String userId,
    @JsonProperty(value = "session_id", required = true) String sessionId) {
    // Secrets do not get into logs.
    @Override
    public String toString() {
        return "Tokens[...]";
    }
}
