package dev.parley.sdk;

import java.net.http.HttpHeaders;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** How long a server says to wait (RFC 9110, 10.2.3). */
final class RetryAfter {
    // Nobody means more than an hour; more is a mistake, or malice.
    private static final Duration LONGEST = Duration.ofHours(1);

    private static final DateTimeFormatter RFC_850 =
        DateTimeFormatter.ofPattern("dd-MMM-yy HH:mm:ss 'GMT'", Locale.ROOT);
    private static final DateTimeFormatter ASCTIME =
        DateTimeFormatter.ofPattern("EEE MMM ppd HH:mm:ss yyyy", Locale.ROOT);
    private static final List<Function<String, Instant>> FORMS =
        List.of(RetryAfter::imfFixdate, RetryAfter::rfc850, RetryAfter::asctime);

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

    /** Reads a date in any of the three forms that everybody has to understand (RFC 9110, 5.6.7). */
    private static Instant date(String text) {
        for (Function<String, Instant> form : FORMS) {
            try {
                return form.apply(text);
            } catch (DateTimeException another) {
                // Perhaps it has the next form.
            }
        }
        return null;
    }

    private static Instant imfFixdate(String text) {
        return Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(text));
    }

    private static Instant rfc850(String text) {
        // The day of the week would have to suit a century that is not said.
        String date = text.substring(text.indexOf(',') + 1).strip();
        LocalDateTime said = LocalDateTime.parse(date, RFC_850);
        // What seems to be more than fifty years ahead is of the century before.
        LocalDateTime farthest = LocalDateTime.now(ZoneOffset.UTC).plusYears(50);
        return (said.isAfter(farthest) ? said.minusYears(100) : said).toInstant(ZoneOffset.UTC);
    }

    private static Instant asctime(String text) {
        return LocalDateTime.parse(text, ASCTIME).toInstant(ZoneOffset.UTC);
    }
}
