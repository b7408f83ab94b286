package dev.parley.sdk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.parley.sdk.api.RateLimitException;
import java.io.IOException;
import java.net.http.HttpHeaders;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RetryAfterTest {
    private static Duration of(String... namesAndValues) {
        Map<String, List<String>> headers = new HashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            headers.put(namesAndValues[i], List.of(namesAndValues[i + 1]));
        }
        return RetryAfter.of(HttpHeaders.of(headers, (name, value) -> true));
    }

    @Test
    void secondsAndDatesAreUnderstood() {
        assertEquals(Duration.ofSeconds(7), of("Retry-After", " 7"));
        assertEquals(Duration.ofSeconds(90), of(
            "Retry-After", "Sun, 22 Nov 2026 12:01:30 GMT", "Date", "Sun, 22 Nov 2026 12:00:00 GMT"));
        assertEquals(Duration.ZERO, of("Retry-After", "Sun, 22 Nov 2020 12:00:00 GMT"));
    }

    @Test
    void aDateHasThreeForms() {
        List<String> noon =
            List.of("Sun, 01 Nov 2026 12:00:00 GMT", "Sunday, 01-Nov-26 12:00:00 GMT", "Sun Nov  1 12:00:00 2026");
        List<String> later =
            List.of("Sun, 01 Nov 2026 12:01:30 GMT", "Sunday, 01-Nov-26 12:01:30 GMT", "Sun Nov  1 12:01:30 2026");
        for (String date : noon) {
            for (String then : later) {
                assertEquals(Duration.ofSeconds(90), of("Retry-After", then, "Date", date), date + ", " + then);
            }
        }
        assertEquals(Duration.ofSeconds(1), of(
            "Retry-After", "Tue Nov 10 12:00:01 2026", "Date", "Tuesday, 10-Nov-26 12:00:00 GMT"));
        // 1994, and not 2094.
        assertEquals(Duration.ZERO, of("Retry-After", "Sunday, 06-Nov-94 08:49:37 GMT"));
    }

    @Test
    void nobodyWaitsForLongerThanAnHour() {
        Duration hour = Duration.ofHours(1);
        assertEquals(hour, of("Retry-After", "9".repeat(400)));
        assertEquals(hour, of("Retry-After", "Sun, 22 Nov 2037 12:00:00 GMT"));
        assertEquals(hour, RetryAfter.seconds(1e300));
    }

    @Test
    void nonsenseSaysNothing() {
        for (String odd : List.of("", "-5", "1.5", "\u00b2", "\u0663", "abc", "7 s", ",", "Nov 1 2026", "Sunday, 31-Feb-26")) {
            assertNull(of("Retry-After", odd), odd);
        }
        for (Object odd : new Object[] {null, "7", -1, Double.NaN}) {
            assertNull(RetryAfter.seconds(odd));
        }
    }

    @Test
    void detailsTellWhereTheHeaderDoesNot() throws IOException {
        try (Answers server = new Answers(Answers.error(429, "rate_limit_exceeded", "{\"retry_after\": 60}"))) {
            assertThrows(RateLimitException.class, server.client::getMe);
            assertEquals(1, server.asked.size());
        }
        try (Answers server = new Answers(
                Answers.error(429, "rate_limit_exceeded", "{\"retry_after\": 0.05}"),
                Answers.status(200, Answers.ME))) {
            long began = System.nanoTime();
            server.client.getMe();
            assertTrue(System.nanoTime() - began >= Duration.ofMillis(50).toNanos());
        }
    }
}
