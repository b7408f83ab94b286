package dev.parley.sdk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.parley.sdk.api.ConflictException;
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
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Requests: what is tried again, and what an answer becomes. */
class ClientTest {
    @Test
    void aBrokenConnectionIsTriedAgain() throws IOException {
        try (Answers server = new Answers(Answers.CUT, Answers.CUT, Answers.status(200, Answers.ME))) {
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
        try (Answers server = new Answers(Answers.CUT, Answers.status(201, Answers.MESSAGE))) {
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
        try (Answers server = new Answers(Answers.status(200, Answers.ME))) {
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
        }
        try (Answers server = new Answers(Answers.status(404, ""))) {
            assertThrows(NotFoundException.class, () -> server.client.getUser("../me?a=b#c%2e"));
            assertEquals("/v1/users/..%2Fme%3Fa%3Db%23c%252e", server.asked.get(0).path());
            for (String none : List.of("", ".", "..")) {
                assertThrows(IllegalArgumentException.class, () -> server.client.getUser(none));
            }
            assertEquals(1, server.asked.size());
        }
    }

    @Test
    void aRequestIsNotRepeatedElsewhere() throws IOException {
        for (int status : new int[] {301, 302, 303, 307, 308}) {
            try (Answers elsewhere = new Answers(Answers.status(200, Answers.ME));
                    Answers here = new Answers(Answers.status(status, "", "Location", elsewhere.url() + "v1/me"))) {
                assertThrows(ApiException.class, () -> here.client.getMe());
                assertEquals(List.of(), elsewhere.asked);
            }
        }
    }

    @Test
    void whatIsNoAnswerIsAFailedConnection() throws IOException {
        String nobody = Answers.ME.replace("\"u\"", "null");
        for (String body : List.of("<html>", "", "null", "[]", "{}", "{\"id\": 5}", nobody)) {
            try (Answers server = new Answers(Answers.status(200, body))) {
                assertThrows(ConnectionFailedException.class, () -> server.client.getMe(), body);
            }
        }
        for (String body : List.of("<html>", "", "{}")) {
            try (Answers server = new Answers(Answers.status(200, body))) {
                assertThrows(ConnectionFailedException.class, () -> server.client.deleteMessage("m"), body);
            }
        }
        try (Answers server = new Answers(Answers.status(204, ""))) {
            server.client.deleteMessage("m");
        }
        String secret = Answers.TOKENS.replace("3600", "\"soon\"").replace("next", "eySecret");
        try (Answers server = new Answers(Answers.status(200, secret))) {
            ConnectionFailedException error =
                assertThrows(ConnectionFailedException.class, () -> server.client.logIn("ada@example.com", "secure"));
            StringWriter printed = new StringWriter();
            error.printStackTrace(new PrintWriter(printed));
            assertFalse(printed.toString().contains("eySecret"));
        }
    }

    @Test
    void aRequestThatIsStillRunningIsWaitedFor() throws IOException {
        String running = "{\"error\": {\"code\": \"conflict\", \"message\": \"still running\", \"details\": {}}}";
        try (Answers server = new Answers(
                Answers.CUT,
                Answers.status(409, running, "Retry-After", "0"),
                Answers.status(201, Answers.MESSAGE))) {
            assertEquals("m", server.client.sendMessage(new TextToReceiver("v", "Hello")).id());
            assertEquals(1, server.asked.stream().map(Answers.Asked::key).distinct().count());
        }
        try (Answers server = new Answers(Answers.status(409, running))) {
            assertThrows(ConflictException.class, () -> server.client.sendMessage(new TextToReceiver("v", "Hello")));
            assertEquals(1, server.asked.size());
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
    void anAddressIsOneOfHttp() {
        for (String odd : List.of("", "localhost:8080", "ftp://localhost", "ws://localhost", "http://", "http://a b")) {
            assertThrows(IllegalArgumentException.class, () -> new Client(odd), odd);
        }
    }

    @Test
    void aClosedClientSaysSo() throws IOException {
        try (Answers server = new Answers(Answers.status(200, Answers.ME))) {
            server.client.close();
            assertThrows(ConnectionFailedException.class, () -> server.client.getMe());
            assertThrows(ConnectionFailedException.class, () -> server.client.listen());
            assertEquals(0, server.asked.size());
        }
    }
}
