package dev.parley.sdk;

import java.time.Duration;

/** How often a request is tried at most, and for how long in all. */
public record RetryPolicy(int maxAttempts, Duration maxElapsed, Backoff backoff) {
    /** Five tries within a minute. */
    public static final RetryPolicy DEFAULT = new RetryPolicy(5, Duration.ofMinutes(1), Backoff.DEFAULT);
}
