package dev.parley.sdk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.parley.sdk.api.InternalException;
import dev.parley.sdk.api.ListMessagesQuery;
import dev.parley.sdk.api.ListUsersQuery;
import dev.parley.sdk.api.Me;
import dev.parley.sdk.api.NotFoundException;
import dev.parley.sdk.api.RateLimitException;
import dev.parley.sdk.api.TextToReceiver;
import dev.parley.sdk.api.UnavailableException;
import dev.parley.sdk.api.UpdateUser;
import dev.parley.sdk.api.UserStatus;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Requests: what is tried again, and what an answer becomes. */
class ClientTest {
    private static final String ME = """
        {"id": "u", "email": "ada@example.com", "username": "ada", "display_name": "Ada", "status": "on_the_moon",
         "last_seen": null, "profile": {"bio": null, "avatar_url": null, "location": null},
         "created_at": "2026-11-22T12:00:00Z", "shoe_size": 43}""";

    @Test
    void aBrokenConnectionIsTriedAgain() throws IOException {
        try (Answers server = new Answers(Answers.CUT, Answers.CUT, Answers.status(200, ME))) {
            Me me = server.client.getMe();
            assertEquals("ada", me.username());
            assertEquals(Instant.parse("2026-11-22T12:00:00Z"), me.createdAt());
            // A value that this version does not know is kept.
            assertEquals(new UserStatus("on_the_moon"), me.status());
            assertTrue(server.asked.get(0).userAgent().startsWith("parley-java/"));
        }
    }

    @Test
    void aPatchIsNotTriedAgain() throws IOException {
        try (Answers server = new Answers(Answers.CUT)) {
            assertThrows(
                ConnectionFailedException.class, () -> server.client.updateUser("u", new UpdateUser().bio("x")));
            assertEquals(1, server.asked.size());
        }
        try (Answers server = new Answers(Answers.error(500, "internal_error", "{}"))) {
            assertThrows(InternalException.class, () -> server.client.updateUser("u", new UpdateUser()));
            assertEquals(1, server.asked.size());
        }
    }

    @Test
    void triesEnd() throws IOException {
        try (Answers server = new Answers(Answers.status(503, "not now"))) {
            assertThrows(UnavailableException.class, () -> server.client.getMe());
            assertEquals(3, server.asked.size());
        }
    }

    @Test
    void aRepeatedSendKeepsItsKey() throws IOException {
        String sent = "{\"id\": \"m\", \"content\": \"Hello\"}";
        try (Answers server = new Answers(Answers.CUT, Answers.status(201, sent))) {
            assertEquals("m", server.client.sendMessage(new TextToReceiver("v", "Hello")).id());
            assertEquals(2, server.asked.size());
            assertNotNull(server.asked.get(0).key());
            assertEquals(server.asked.get(0).key(), server.asked.get(1).key());
        }
    }

    @Test
    void whatTakesTooLongIsNotWaitedFor() throws IOException {
        try (Answers server = new Answers(Answers.status(429, "", "Retry-After", "60"))) {
            assertThrows(RateLimitException.class, () -> server.client.getMe());
            assertEquals(1, server.asked.size());
        }
    }

    @Test
    void anAnswerThatDoesNotEndIsGivenUp() throws IOException {
        try (Answers server = new Answers(Answers.unending("{\"id\": "))) {
            assertThrows(TimedOutException.class, () -> server.client.getMe());
        }
    }

    @Test
    void aWaitCanBeInterrupted() throws IOException {
        try (Answers server = new Answers(Answers.status(429, "", "Retry-After", "4"))) {
            Thread.currentThread().interrupt();
            assertThrows(CallInterruptedException.class, () -> server.client.getMe());
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void aRefusedRefreshEndsTheSession() throws IOException {
        try (Answers server = new Answers(Answers.error(401, "unauthorized", "{}"))) {
            server.client.useTokens("old", "refresh", Duration.ZERO);
            assertThrows(SessionEndedException.class, () -> server.client.getMe());
            assertThrows(SessionEndedException.class, () -> server.client.getMe());
            assertEquals(1, server.asked.size());
        }
    }

    @Test
    void aRefreshThatFailsForNowIsNoEndWhileTheTokenIsGood() {
        RetryPolicy once = new RetryPolicy(1, Duration.ofSeconds(1), Backoff.DEFAULT);
        TokenStore store = new MemoryTokenStore();
        store.save(new StoredTokens("access", "refresh", Instant.now().plusSeconds(5), Duration.ofSeconds(30)));
        // Nobody listens at port 1.
        try (Transport nowhere = new Transport("http://localhost:1", Duration.ofSeconds(1), once)) {
            Session session = new Session(nowhere, store, Duration.ofMinutes(1));
            assertEquals("access", session.freshToken(null));
            assertThrows(ConnectionFailedException.class, () -> session.freshToken("access"));
        }
    }

    @Test
    void anUnknownCodeIsWhatItsStatusSays() {
        byte[] body = "{\"error\": {\"code\": \"lost\", \"message\": \"No\", \"details\": {\"field\": \"x\"}}}".getBytes();
        ApiException error = ApiException.of(404, body, "r");
        assertSame(NotFoundException.class, error.getClass());
        assertEquals(List.of("lost", "x", "r"), List.of(error.code(), error.field(), error.requestId()));
        ApiException teapot = ApiException.of(418, "<html>".getBytes(), null);
        assertSame(ApiException.class, teapot.getClass());
        assertEquals("unknown", teapot.code());
        assertNull(teapot.field());
    }

    @Test
    void nullAndAbsentDiffer() throws IOException {
        try (Answers server = new Answers(Answers.status(200, ME))) {
            server.client.updateUser("u", new UpdateUser().bio(null).location("London"));
            assertEquals("{\"bio\":null,\"location\":\"London\"}", server.asked.get(0).body());
        }
    }

    @Test
    void bodiesDoNotChange() {
        UpdateUser empty = new UpdateUser();
        assertEquals(new UpdateUser().bio("x"), empty.bio("x"));
        assertEquals(new UpdateUser(), empty);
        assertEquals("UpdateUser[bio]", empty.bio("secret").toString());
    }

    @Test
    void queriesAreEncoded() throws IOException {
        try (Answers server = new Answers(Answers.status(200, "{\"users\": [], \"has_more\": false}"))) {
            server.client.listUsers(new ListUsersQuery().ids(List.of("a", "b")).username("a&b c").limit(7));
            assertEquals("/v1/users?ids=a%2Cb&username=a%26b%20c&limit=7", server.asked.get(0).path());
            server.client.getUser("../me");
            assertEquals("/v1/users/..%2Fme", server.asked.get(1).path());
        }
    }

    @Test
    void aWalkForthBeginsSomewhere() throws IOException {
        try (Answers server = new Answers(Answers.CUT)) {
            assertThrows(
                IllegalArgumentException.class, () -> server.client.listMessagesNewer(new ListMessagesQuery()));
        }
    }

    @Test
    void aClosedClientSaysSo() throws IOException {
        try (Answers server = new Answers(Answers.status(200, ME))) {
            server.client.close();
            assertThrows(IllegalStateException.class, () -> server.client.getMe());
        }
    }
}
