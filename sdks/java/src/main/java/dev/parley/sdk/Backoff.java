package dev.parley.sdk;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** A random part of {@code base}, then of twice that, and so on up to {@code cap}: exponential, with full jitter. */
public record Backoff(Duration base, Duration cap) {
    /** From half a second up to thirty. */
    public static final Backoff DEFAULT = new Backoff(Duration.ofMillis(500), Duration.ofSeconds(30));

    /** How long to wait after so many failures in a row. */
    public Duration delay(int failures) {
        long ceiling = cap.toNanos();
        // A program may fail for weeks: beyond twenty doublings the cap holds anyway.
        if (failures <= 20) {
            ceiling = Math.min(ceiling, base.toNanos() << (failures - 1));
        }
        return Duration.ofNanos(ThreadLocalRandom.current().nextLong(ceiling + 1));
    }
}
