package dev.parley.sdk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.parley.sdk.api.Event;
import dev.parley.sdk.api.MessageEvent;
import dev.parley.sdk.api.UnknownEvent;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The three ways to ask for events, and what each counts as handled. */
@Timeout(30)
class ListenerTest {
    private static final String READY = """
        {"type": "ready", "data": {"cursor": "c-0", "token_expires_at": "2020-01-01T00:00:00Z", "session_id": "s",
         "heartbeat": {"interval_seconds": 25, "timeout_seconds": 10},
         "limits": {"frame_bytes": 16384, "frames_per_minute": 120, "sockets_per_user": 20, "typing_seconds": 6},
         "user": %s}}""".formatted(Answers.ME);
    private static final Duration MOMENT = Duration.ofMillis(200);

    private final MemoryTokenStore tokens = new MemoryTokenStore();
    private final MemoryCursorStore cursors = new MemoryCursorStore(null);
    private SocketServer server;
    private Client client;
    private Listener listener;

    @BeforeEach
    void listen() throws IOException {
        server = new SocketServer(
            READY,
            "{\"type\": \"message\", \"data\": " + Answers.MESSAGE + ", \"cursor\": \"c-1\", \"seq\": 1}",
            "{\"type\": \"message\", \"data\": {\"content\": [\"changed\"]}, \"cursor\": \"c-2\"}",
            "{\"type\": \"moon.landed\", \"data\": {\"crater\": \"Tycho\"}, \"cursor\": \"c-3\"}");
        client = new Client(server.url());
        client.useTokens("access", "refresh", Duration.ofHours(1));
        listener = client.listen(new ListenOptions().cursorStore(cursors));
    }

    @AfterEach
    void end() throws IOException {
        client.close();
        server.close();
    }

    @Test
    void whoAsksForTheNextHasHandledTheOneBefore() throws IOException {
        assertEquals("Hello", assertInstanceOf(MessageEvent.class, listener.next()).data().content());
        assertEquals("c-0", cursors.load());
        // What is in it is of a later version.
        assertEquals("message", assertInstanceOf(UnknownEvent.class, listener.next()).type());
        assertEquals("c-1", cursors.load());
        assertEquals("moon.landed", assertInstanceOf(UnknownEvent.class, listener.next()).type());
        listener.handled();
        assertEquals("c-3", cursors.load());
        assertSame(Listener.State.LIVE, listener.state());
        Object first = Map.of("type", "auth", "data", Map.of("token", "access"));
        assertEquals(first, Json.MAPPER.readValue(server.heard.get(0), Map.class));
    }

    @Test
    void aWaitMayEndWithoutAnEvent() {
        for (int number = 0; number < 3; number++) {
            listener.next();
        }
        assertNull(listener.poll(MOMENT));
        assertEquals("c-3", cursors.load());
    }

    @Test
    void aLoopEndsWhenTheListenerIsClosed() {
        List<Event> events = new ArrayList<>();
        for (Event event : listener) {
            events.add(event);
            if (events.size() == 2) {
                listener.close();
            }
        }
        assertEquals(2, events.size());
        assertEquals("c-2", cursors.load());
        assertSame(Listener.State.CLOSED, listener.state());
        Iterator<Event> again = listener.iterator();
        assertTrue(!again.hasNext());
    }

    @Test
    void aHandlersErrorEndsItAndItsEventIsNotHandled() {
        CompletableFuture<Void> done = listener.start(event -> {
            if (event instanceof UnknownEvent) {
                throw new IllegalStateException("no");
            }
        });
        CompletionException error = assertThrows(CompletionException.class, done::join);
        assertInstanceOf(IllegalStateException.class, error.getCause());
        assertEquals("c-1", cursors.load());
        assertSame(Listener.State.CLOSED, listener.state());
    }

    @Test
    void aHandlerMayCloseItsListener() {
        listener.start(event -> listener.close()).join();
        assertSame(Listener.State.CLOSED, listener.state());
    }

    @Test
    void whatCannotBeSentIsTold() {
        assertThrows(NotSentException.class, () -> listener.typing("c", true));
        listener.next();
        listener.typing("c", true);
        assertThrows(NotSentException.class, () -> {
            while (true) {
                listener.typing("c", true);
            }
        });
    }

    @Test
    void aReadyOfATokenThatHasExpiredIsNoReasonToRenewIt() {
        for (int number = 0; number < 3; number++) {
            listener.next();
        }
        assertNull(listener.poll(MOMENT));
        // A refresh would be a second one.
        assertEquals(1, server.connections.size());
        assertEquals(1, server.heard.size());
    }

    @Test
    void aCutIsNoticedWhileNothingMoreIsReadAhead() throws IOException {
        String[] frames = new String[Socket.READ_AHEAD + 2];
        frames[0] = READY;
        for (int number = 1; number < frames.length; number++) {
            frames[number] = landed(number);
        }
        againAndAgain((slow, full) -> {
            slow.next();
            while (slow.held() < Socket.READ_AHEAD) {
                Thread.onSpinWait();
            }
            full.connections.get(0).close();
            for (int number = 2; number < frames.length; number++) {
                assertEquals("c-" + number, slow.next().cursor());
            }
            // The heartbeat would find out after the time-out of this test.
            untilItComesBack(slow, full);
        }, frames);
    }

    @Test
    void aCutThatFollowsAMessageAtOnceIsNoticed() throws IOException {
        againAndAgain((listener, server) -> {
            server.leaves = true;
            while (server.connections.size() < 200) {
                listener.poll(MOMENT);
            }
        }, READY, landed(1), landed(2));
    }

    @Test
    void whoIsSlowToHearMaySpeak() throws IOException {
        String[] frames = new String[3 * Socket.READ_AHEAD];
        frames[0] = READY;
        for (int number = 1; number < frames.length; number++) {
            frames[number] = landed(number);
        }
        againAndAgain((slow, server) -> {
            slow.next();
            while (slow.held() < Socket.READ_AHEAD) {
                Thread.onSpinWait();
            }
            for (int number = 1; number < 50; number++) {
                slow.typing("c", true);
            }
            while (server.heard.size() < 50) {
                Thread.onSpinWait();
            }
        }, frames);
    }

    @Test
    void aMessageThatIsTooLongBreaksTheConnection() throws IOException {
        againAndAgain((careful, server) -> {
            assertEquals("c-1", careful.next().cursor());
            untilItComesBack(careful, server);
        }, READY, landed(1), landed(2).replace("Tycho", "x".repeat(Socket.LONGEST)));
    }

    @Test
    void aReadyOrResyncThatIsNoneBreaksTheConnection() throws IOException {
        for (String odd : List.of(
                "{\"type\": \"ready\", \"data\": null}",
                "{\"type\": \"ready\"}",
                "{\"type\": \"ready\", \"data\": {\"cursor\": \"c\", \"token_expires_at\": \"soon\"}}",
                "{\"type\": \"resync\", \"data\": null}",
                "{\"type\": \"resync\", \"data\": {\"reason\": \"cursor_too_old\"}}")) {
            againAndAgain(ListenerTest::untilItComesBack, READY, odd);
        }
    }

    @Test
    void aServerWithoutAPulseIsGivenTime() throws IOException {
        String hasty = READY.replace("\"interval_seconds\": 25, \"timeout_seconds\": 10",
            "\"interval_seconds\": 0, \"timeout_seconds\": -1");
        againAndAgain((patient, server) -> {
            assertEquals("c-1", patient.next().cursor());
            assertNull(patient.poll(MOMENT));
            assertEquals(1, server.connections.size());
        }, hasty, landed(1));
    }

    @Test
    void itIsClosedWhileNobodyAnswers() throws IOException, InterruptedException {
        for (Duration life : List.of(Duration.ZERO, Duration.ofHours(1))) {
            // The refresh, and then the handshake.
            try (ServerSocket deaf = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
                    Client other = new Client("http://localhost:" + deaf.getLocalPort())) {
                other.useTokens("access", "refresh", life);
                Listener waiting = other.listen();
                CompletableFuture<Void> done = waiting.start(event -> {});
                deaf.accept();
                long began = System.nanoTime();
                waiting.close();
                assertNull(done.join());
                assertSame(Listener.State.CLOSED, waiting.state());
                // No time-out of the client is as short.
                assertTrue(System.nanoTime() - began < Duration.ofSeconds(20).toNanos());
            }
        }
    }

    @Test
    void aSessionThatHasEndedIsForgotten() throws IOException {
        againAndAgain((ended, server) -> {
            server.farewell = 4403;
            assertEquals("c-1", ended.next().cursor());
            assertThrows(SessionEndedException.class, ended::next);
            assertSame(Listener.State.CLOSED, ended.state());
            assertTrue(tokens.load().isEmpty());
        }, READY, landed(1));
    }

    @Test
    void aNewSessionOutlivesTheListenerOfTheOld() throws IOException {
        againAndAgain((old, server) -> {
            server.farewell = 4403;
            assertEquals("c-1", old.next().cursor());
            tokens.save(new StoredTokens("new", "refresh", Instant.now().plusSeconds(3600), Duration.ofHours(1)));
            assertThrows(SessionEndedException.class, old::next);
            assertEquals("new", tokens.load().orElseThrow().accessToken());
        }, READY, landed(1));
    }

    @Test
    void aHandshakeIsNotMadeElsewhere() throws IOException {
        try (Answers elsewhere = new Answers(Answers.CUT);
                Answers here = new Answers(Answers.status(302, "", "Location", elsewhere.url() + "ws"))) {
            assertThrows(SocketClosedException.class, () -> here.client.listen().next());
            assertEquals(List.of(), elsewhere.asked);
        }
    }

    private static String landed(int number) {
        return "{\"type\": \"moon.landed\", \"data\": {\"crater\": \"Tycho\"}, \"cursor\": \"c-" + number + "\"}";
    }

    private interface Story {
        void play(Listener listener, SocketServer server) throws IOException;
    }

    /** Lets a listener, which comes back at once, hear the same on each connection. */
    private void againAndAgain(Story story, String... frames) throws IOException {
        try (SocketServer server = new SocketServer(frames);
                Client client = Client.builder(server.url()).tokenStore(tokens).build()) {
            client.useTokens("access", "refresh", Duration.ofHours(1));
            ListenOptions options = new ListenOptions().backoff(new Backoff(Answers.SHORT, Answers.SHORT));
            story.play(client.listen(options), server);
        }
    }

    private static void untilItComesBack(Listener listener, SocketServer server) {
        while (server.connections.size() < 2) {
            assertNull(listener.poll(MOMENT));
        }
    }

    @Test
    void closingAClientClosesItsListeners() {
        CompletableFuture<Void> done = listener.start(event -> {});
        client.close();
        assertNull(done.join());
    }
}
