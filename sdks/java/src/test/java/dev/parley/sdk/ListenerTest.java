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
import java.time.Duration;
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
        {"type": "ready", "data": {"cursor": "c-0", "token_expires_at": "2036-11-22T12:00:00Z",
         "heartbeat": {"interval_seconds": 25, "timeout_seconds": 10}}}""";
    private static final Duration MOMENT = Duration.ofMillis(200);

    private final MemoryCursorStore cursors = new MemoryCursorStore(null);
    private SocketServer server;
    private Client client;
    private Listener listener;

    @BeforeEach
    void listen() throws IOException {
        server = new SocketServer(
            READY,
            "{\"type\": \"message\", \"data\": {\"content\": \"one\"}, \"cursor\": \"c-1\", \"seq\": 1}",
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
        assertEquals("one", assertInstanceOf(MessageEvent.class, listener.next()).data().content());
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
    void closingAClientClosesItsListeners() {
        CompletableFuture<Void> done = listener.start(event -> {});
        client.close();
        assertNull(done.join());
    }
}
