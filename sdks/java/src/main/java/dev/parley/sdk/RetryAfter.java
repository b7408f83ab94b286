package dev.parley.sdk;

import java.net.http.HttpHeaders;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;

/** How long a server says to wait (RFC 9110, 10.2.3). */
final class RetryAfter {
    // Nobody means more than an hour; more is a mistake, or malice.
    private static final Duration LONGEST = Duration.ofHours(1);

    private RetryAfter() {}

    /** Null where the headers do not say, or nothing that can be understood. */
    static Duration of(HttpHeaders headers) {
        String told = headers.firstValue("Retry-After").orElse("").strip();
        if (told.matches("[0-9]+")) {
            return bounded(Double.parseDouble(told));
        }
        Instant then = date(told);
        if (then == null) {
            return null;
        }
        // By the server's own clock, where it tells it.
        Instant now = headers.firstValue("Date").map(RetryAfter::date).orElseGet(Instant::now);
        return bounded(Duration.between(now, then).toSeconds());
    }

    /** The same for what an error says of it. */
    static Duration seconds(Object told) {
        return told instanceof Number number && number.doubleValue() >= 0 ? bounded(number.doubleValue()) : null;
    }

    private static Duration bounded(double seconds) {
        double bounded = Math.max(0, Math.min(seconds, LONGEST.toSeconds()));
        return Duration.ofMillis(Math.round(bounded * 1000));
    }

    private static Instant date(String text) {
        try {
            return Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(text));
        } catch (DateTimeException none) {
            return null;
        }
    }
}
