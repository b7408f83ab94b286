package dev.parley.sdk;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class BackoffTest {
    @Test
    void delaysAreBounded() {
        Backoff backoff = new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(30));
        for (int failures = 1; failures < 200; failures++) {
            Duration delay = backoff.delay(failures);
            assertTrue(!delay.isNegative() && delay.compareTo(Duration.ofSeconds(30)) <= 0, delay.toString());
        }
        for (int tries = 0; tries < 100; tries++) {
            assertTrue(backoff.delay(1).compareTo(Duration.ofSeconds(1)) <= 0);
        }
    }
}
