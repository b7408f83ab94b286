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
    @JsonProperty("access_token") String accessToken,
    @JsonProperty("refresh_token") String refreshToken,
    @JsonProperty("expires_in") long expiresIn,
    @JsonProperty("token_type") String tokenType,
    @JsonProperty("user_id") String userId,
    @JsonProperty("session_id") String sessionId) {
    // Secrets do not get into logs.
    @Override
    public String toString() {
        return "Tokens[...]";
    }
}
