package dev.parley.sdk;

import java.net.http.HttpHeaders;
import java.time.Instant;

/**
 * What an answer says beside its body.
 *
 * @param requestId for whoever runs the server, or null
 * @param rateLimit null where the answer has none
 */
public record LastAnswer(int status, String requestId, RateLimit rateLimit) {

    /** What is left of a rate limit until it begins anew. */
    public record RateLimit(int limit, int remaining, Instant reset) {}

    static LastAnswer of(int status, HttpHeaders headers) {
        return new LastAnswer(status, headers.firstValue("X-Request-Id").orElse(null), rateLimit(headers));
    }

    private static RateLimit rateLimit(HttpHeaders headers) {
        String limit = headers.firstValue("X-RateLimit-Limit").orElse(null);
        String remaining = headers.firstValue("X-RateLimit-Remaining").orElse(null);
        String reset = headers.firstValue("X-RateLimit-Reset").orElse(null);
        if (limit == null || remaining == null || reset == null) {
            return null;
        }
        try {
            return new RateLimit(
                Integer.parseInt(limit), Integer.parseInt(remaining), Instant.ofEpochSecond(Long.parseLong(reset)));
        } catch (NumberFormatException error) {
            // Some proxy has its own form of these headers.
            return null;
        }
    }
}
