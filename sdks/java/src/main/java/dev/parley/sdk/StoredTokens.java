package dev.parley.sdk;

import java.time.Duration;
import java.time.Instant;

/**
 * A session.
 *
 * @param expiresAt the end of the access token, by this machine's clock
 * @param lifetime for how long the access token was good when it came
 */
public record StoredTokens(String accessToken, String refreshToken, Instant expiresAt, Duration lifetime) {
    // Tokens do not get into logs.
    @Override
    public String toString() {
        return "StoredTokens[expiresAt=" + expiresAt + "]";
    }
}
