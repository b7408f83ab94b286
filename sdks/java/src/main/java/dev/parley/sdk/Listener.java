package dev.parley.sdk;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.parley.sdk.api.AuthData;
import dev.parley.sdk.api.Event;
import dev.parley.sdk.api.Facts;
import dev.parley.sdk.api.PongNotice;
import dev.parley.sdk.api.Ready;
import dev.parley.sdk.api.ReadyNotice;
import dev.parley.sdk.api.Resync;
import dev.parley.sdk.api.ResyncNotice;
import dev.parley.sdk.api.SetPresence;
import dev.parley.sdk.api.SetReceipt;
import dev.parley.sdk.api.SetTyping;
import dev.parley.sdk.api.UnknownEvent;
import dev.parley.sdk.api.UserStatus;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Hears everything that happens to its user: each event once and in order, through any reconnect.
 *
 * <p>Ask it for events in a loop ({@code for (Event event : listener)}, {@link #next}, {@link #poll}), or
 * {@link #start} it with a handler, which has a thread of its own. It goes on after the last event that was handled:
 * whoever asks for an event has handled the one before, or says so with {@link #handled}. A {@link ResyncNotice} among
 * the events says that some are gone: {@link Client#historySince} reads what was missed. A slow handler holds the
 * socket back; some dozens of frames are in memory at most.
 */
public final class Listener implements Iterable<Event>, AutoCloseable {
    // How many cursors are remembered to know a duplicate by.
    private static final int REMEMBERED = 2048;
    // A connection that held for so long was a good one: the next failure is the first again.
    private static final Duration GOOD_AFTER = Duration.ofSeconds(10);
    // The server's pings count among a client's frames, too, so some are left to them.
    private static final int FRAMES_PER_MINUTE = Facts.SOCKET_FRAMES_PER_MINUTE - 10;
    private static final long MINUTE = Duration.ofMinutes(1).toNanos();
    private static final int ABNORMAL = 1006;
    // A handshake that is refused for anything else would be refused again.
    private static final Set<Integer> TEMPORARY = Set.of(408, 429, 500, 502, 503, 504);
    // Without what these say it cannot go on.
    private static final Set<String> NEEDED = Set.of("ready", "resync");
    // What a heartbeat can be, in seconds: no server means less, or more.
    private static final long LONGEST_BEAT = 3600;
    // About a hundred years: Long.MAX_VALUE would overflow where times are added.
    private static final long NEVER = Long.MAX_VALUE / 4;

    /** Where a listener is. */
    public enum State {
        CONNECTING,
        CATCHING_UP,
        LIVE,
        WAITING,
        CLOSED;

        /** Its name in the documents: {@code catching_up}. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final Client client;
    private final CursorStore store;
    private final Backoff backoff;
    private final Consumer<State> onState;

    private final CountDownLatch closing = new CountDownLatch(1);
    private volatile State state;
    private volatile Socket socket;
    private volatile CompletableFuture<?> waitedFor;
    private volatile Thread runner;
    private final Deque<Long> said = new ArrayDeque<>();

    // All below belongs to whoever has the turn: one thread asks for events, others may close.
    private final ReentrantLock turn = new ReentrantLock();
    private boolean begun;
    private String cursor;
    private String inHand;
    private final Set<String> seen = Collections.newSetFromMap(new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
            return size() > REMEMBERED;
        }
    });
    private int failures;
    private long comeBackAt = System.nanoTime();
    private long liveSince;
    private boolean wasLive;
    private Connections connections;
    private CompletableFuture<WebSocket> handshake = CompletableFuture.completedFuture(null);
    // The server knew nothing of the cursor: something may be missing before what comes next.
    private boolean lostTrack;
    private long renewAt;
    private CompletableFuture<StoredTokens> renewal;
    private long pinged;
    private boolean pinging;
    private Duration interval = Duration.ofSeconds(Facts.SOCKET_HEARTBEAT_SECONDS);
    private Duration timeout = Duration.ofSeconds(Facts.SOCKET_HEARTBEAT_TIMEOUT_SECONDS);
    // The token that the socket knows, and one that the server refused.
    private String token;
    private String stale;

    Listener(Client client, ListenOptions options) {
        this.client = client;
        store = options.cursorStore();
        backoff = options.backoff();
        onState = options.onState();
    }

    // ---- what programs ask

    /** Where it is. */
    public State state() {
        State now = state;
        return now == null ? State.CONNECTING : now;
    }

    /** How many frames were read ahead and wait to be handed over. */
    public int held() {
        Socket open = socket;
        return open == null ? 0 : open.held();
    }

    /**
     * Waits for the next event; the one before counts as handled. Null when the listener was closed.
     *
     * @throws SessionEndedException when only a log-in helps
     * @throws SocketClosedException when the server closed it for something that would happen again
     */
    public Event next() {
        return take(NEVER);
    }

    /** The same for a while; null when nothing happened, or the listener was closed. */
    public Event poll(Duration patience) {
        return take(patience.toNanos());
    }

    /** Says that the event handed over last is handled, as asking for the next one does. */
    public void handled() {
        turn.lock();
        try {
            if (inHand != null) {
                cursor = inHand;
                inHand = null;
                store.save(cursor);
            }
        } finally {
            turn.unlock();
        }
    }

    /** Events until the listener is closed; the iterator throws what {@link #next} throws. */
    @Override
    public Iterator<Event> iterator() {
        return new Iterator<>() {
            private Event ahead;

            @Override
            public boolean hasNext() {
                if (ahead == null) {
                    ahead = Listener.this.next();
                }
                return ahead != null;
            }

            @Override
            public Event next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                Event event = ahead;
                ahead = null;
                return event;
            }
        };
    }

    /**
     * Hands events to a handler, on a thread that this starts. The future ends with the listener: well when it was
     * closed, else with what {@link #next} or the handler threw.
     */
    public CompletableFuture<Void> start(Consumer<? super Event> handler) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread thread = new Thread(() -> run(handler, done), "parley-listener");
        runner = thread;
        thread.start();
        return done;
    }

    private void run(Consumer<? super Event> handler, CompletableFuture<Void> done) {
        try {
            for (Event event = next(); event != null; event = next()) {
                handler.accept(event);
            }
            done.complete(null);
        } catch (Throwable error) {
            end();
            done.completeExceptionally(error);
        }
    }

    /** Ends it, in whatever state it is; waits for a thread that {@link #start} started. */
    @Override
    public void close() {
        leave();
        end();
        Thread thread = runner;
        if (thread != null && thread != Thread.currentThread()) {
            try {
                thread.join();
            } catch (InterruptedException error) {
                throw Transport.interrupted(error);
            }
        }
    }

    /** Begins to close it: whoever waits for an event waits no longer, and nothing that fails from now on is told. */
    void leave() {
        closing.countDown();
        CompletableFuture<?> wait = waitedFor;
        if (wait != null) {
            wait.cancel(false);
        }
        Socket open = socket;
        if (open != null) {
            open.wake();
        }
    }

    /** Says that one types, or no longer; it holds for some seconds. */
    public void typing(String conversationId, boolean isTyping) {
        say("typing", new SetTyping(conversationId, isTyping));
    }

    /** Says whether one is to be seen. */
    public void presence(UserStatus status) {
        say("presence", new SetPresence(status));
    }

    /** Says up to which message one has {@code delivered} or {@code read} a conversation. */
    public void receipt(String conversationId, String messageId, String kind) {
        say("receipt", new SetReceipt(conversationId, messageId, kind));
    }

    private void say(String type, Body data) {
        Socket open = socket;
        if (open == null || state != State.LIVE) {
            throw new NotSentException("The socket is not open at the moment", null);
        }
        count(FRAMES_PER_MINUTE);
        try {
            send(open, type, data);
        } catch (ConnectionFailedException error) {
            throw new NotSentException("The socket has just closed", error);
        }
    }

    private void send(Socket open, String type, Body data) {
        Map<String, Object> frame = Map.of("type", type, "data", data);
        open.send(new String(Json.bytes(frame), StandardCharsets.UTF_8), client.timeout());
    }

    /** Counts a frame, and keeps to a limit. */
    private void count(int limit) {
        synchronized (said) {
            long now = System.nanoTime();
            while (!said.isEmpty() && now - said.getFirst() > MINUTE) {
                said.removeFirst();
            }
            if (said.size() >= limit) {
                throw new NotSentException(limit + " frames were sent within a minute", null);
            }
            said.addLast(now);
        }
    }

    // ---- the loop

    /** The connection is lost; how says with what close code, or what refused it. */
    private static final class Lost extends Exception {
        private static final long serialVersionUID = 1L;

        private final int code;

        Lost(int code, Throwable cause) {
            super(cause);
            this.code = code;
        }
    }

    private Event take(long patience) {
        turn.lock();
        try {
            if (!begun) {
                begun = true;
                cursor = store.load();
            }
            handled();
            long deadline = System.nanoTime() + patience;
            while (closing.getCount() > 0 && deadline - System.nanoTime() > 0) {
                Event event = step(deadline);
                if (event != null) {
                    return event;
                }
            }
        } catch (InterruptedException error) {
            throw Transport.interrupted(error);
        } catch (RuntimeException | Error error) {
            end();
            throw error;
        } finally {
            turn.unlock();
        }
        if (closing.getCount() == 0) {
            end();
        }
        return null;
    }

    /** Does what is next: waits to come back, opens the socket, or waits for what it says. */
    private Event step(long deadline) throws InterruptedException {
        long early = comeBackAt - System.nanoTime();
        if (early > 0) {
            closing.await(Math.min(early, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            return null;
        }
        try {
            if (socket == null) {
                open();
            }
            return receive(deadline);
        } catch (Lost | ConnectionFailedException | ApiException error) {
            lost(error instanceof Lost lost ? lost : new Lost(ABNORMAL, error));
            return null;
        }
    }

    private void open() throws Lost, InterruptedException {
        move(State.CONNECTING);
        String refused = stale;
        StoredTokens tokens = await(client.transport().later(() -> client.session().freshTokens(refused)));
        if (connections == null) {
            connections = client.transport().forListener();
        }
        Socket opened = new Socket();
        try {
            handshake = client.transport().openSocket(connections, opened);
            await(handshake.copy());
            socket = opened;
        } finally {
            if (socket == null) {
                // It may open later, which nobody waits for.
                opened.abort();
            }
        }
        synchronized (said) {
            said.clear();
        }
        stale = null;
        pinging = false;
        uses(tokens);
        move(State.CATCHING_UP);
        count(Integer.MAX_VALUE);
        AuthData data = new AuthData(token);
        send(opened, "auth", cursor == null ? data : data.cursor(cursor));
    }

    /** Waits for what close() does not wait for. */
    private <T> T await(CompletableFuture<T> work) throws Lost, InterruptedException {
        waitedFor = work;
        try {
            if (closing.getCount() == 0) {
                throw new CancellationException();
            }
            return work.get();
        } catch (ExecutionException error) {
            throw failed(error.getCause());
        } catch (CancellationException closed) {
            throw new Lost(ABNORMAL, closed);
        } finally {
            waitedFor = null;
        }
    }

    /** Throws what ends the listener; what may be better later is a lost connection. */
    private static Lost failed(Throwable error) {
        if (error instanceof ConnectionFailedException || error instanceof ApiException) {
            return new Lost(ABNORMAL, error);
        }
        if (error instanceof RuntimeException mistake) {
            throw mistake;
        }
        return new Lost(ABNORMAL, error);
    }

    private void uses(StoredTokens tokens) {
        token = tokens.accessToken();
        renewal = null;
        renewIn(client.session().untilRenewal(tokens));
    }

    /** Whatever is said of its life, a token is not renewed as soon as it came. */
    private void renewIn(Duration delay) {
        renewAt = System.nanoTime() + Math.max(delay.toNanos(), TimeUnit.SECONDS.toNanos(1));
    }

    private Event receive(long deadline) throws Lost, InterruptedException {
        Socket open = socket;
        if (wasLive) {
            renew(open);
        }
        long now = System.nanoTime();
        if (pinging && open.heard() - pinged >= 0) {
            pinging = false;
        }
        long signDue = pinging ? pinged + timeout.toNanos() : open.heard() + interval.toNanos();
        long wait = Math.min(deadline - now, signDue - now);
        if (wasLive && renewal == null) {
            wait = Math.min(wait, renewAt - now);
        }
        Socket.Item item = open.poll(Math.max(wait, 0));
        if (item instanceof Socket.Text text) {
            return heard(text.text());
        }
        if (item instanceof Socket.Ended ended) {
            throw new Lost(ended.code(), ended.error());
        }
        if (item == null) {
            watch(open);
        }
        return null;
    }

    /** Pings a server that is silent, and gives up one that does not answer. */
    private void watch(Socket open) throws Lost {
        long now = System.nanoTime();
        if (pinging && open.heard() - pinged < 0) {
            if (now - pinged >= timeout.toNanos()) {
                throw new Lost(ABNORMAL, new ConnectionFailedException("The server is silent", null));
            }
        } else if (now - open.heard() >= interval.toNanos()) {
            pinging = true;
            pinged = now;
            open.ping();
        }
    }

    /** Gets a new token in time, while events go on, and tells the socket. */
    private void renew(Socket open) throws Lost {
        if (renewal == null) {
            if (System.nanoTime() - renewAt >= 0) {
                String old = token;
                renewal = client.transport().later(() -> client.session().freshTokens(old));
                renewal.whenComplete((tokens, error) -> open.wake());
            }
            return;
        }
        if (!renewal.isDone()) {
            return;
        }
        try {
            uses(renewal.join());
        } catch (CompletionException error) {
            failed(error.getCause());
            // It is tried again before long, and the server says when it is too late.
            renewal = null;
            renewIn(Duration.ZERO);
            return;
        }
        count(Integer.MAX_VALUE);
        send(open, "auth", new AuthData(token));
    }

    /** Returns what is to be handed over of a frame, if anything. */
    private Event heard(String text) throws Lost {
        Event event = read(text);
        if (event instanceof UnknownEvent odd && NEEDED.contains(odd.type())) {
            throw new Lost(ABNORMAL, new ConnectionFailedException("The server's " + odd.type() + " is none", null));
        }
        if (event instanceof ReadyNotice ready) {
            event = welcomed(ready.data());
        }
        if (event == null || event instanceof PongNotice) {
            return null;
        }
        if (event instanceof ResyncNotice resync) {
            // The events that follow go on from its cursor, and nothing of before tells a duplicate.
            seen.clear();
            inHand = resync.data().cursor();
        } else if (event.cursor() != null) {
            if (!seen.add(event.cursor())) {
                return null;
            }
            inHand = event.cursor();
        }
        return event;
    }

    /** Reads a frame; null for what is none. */
    private static Event read(String text) {
        try {
            JsonNode tree = Json.MAPPER.readTree(text);
            if (!tree.path("type").isTextual()) {
                return null;
            }
            try {
                return Json.MAPPER.treeToValue(tree, Event.class);
            } catch (JsonProcessingException later) {
                // What is in it has changed since.
                return Json.MAPPER.treeToValue(tree, UnknownEvent.class);
            }
        } catch (JsonProcessingException notJson) {
            return null;
        }
    }

    /** Goes live; returns a notice when what happened since an unknown cursor is skipped. */
    private Event welcomed(Ready ready) {
        interval = beat(ready.heartbeat().intervalSeconds());
        timeout = beat(ready.heartbeat().timeoutSeconds());
        if (!wasLive) {
            wasLive = true;
            liveSince = System.nanoTime();
        }
        move(State.LIVE);
        if (lostTrack) {
            lostTrack = false;
            return new ResyncNotice("resync", new Resync("bad_cursor", ready.cursor()));
        }
        if (cursor == null) {
            // Whoever began without one goes on from here, also when nothing happens until the connection breaks.
            cursor = ready.cursor();
            store.save(cursor);
        }
        return null;
    }

    private static Duration beat(long seconds) {
        return Duration.ofSeconds(Math.max(1, Math.min(seconds, LONGEST_BEAT)));
    }

    // ---- how it ends

    /** Decides by the close code what to do, and when to come back. */
    private void lost(Lost how) throws InterruptedException {
        hangUp(Socket::abort);
        if (closing.getCount() == 0) {
            return;
        }
        boolean good = wasLive && System.nanoTime() - liveSince >= GOOD_AFTER.toNanos();
        failures = good ? 1 : failures + 1;
        wasLive = false;
        renewal = null;
        Duration delay = backoff.delay(failures);
        if (how.getCause() instanceof WebSocketHandshakeException refused) {
            delay = delay.plus(told(refused.getResponse()));
        }
        CloseVerdict verdict = Facts.CLOSE_VERDICTS.get(how.code);
        if (verdict != null) {
            delay = delay.plus(obey(verdict));
        }
        comeBackAt = System.nanoTime() + delay.toNanos();
        move(State.WAITING);
    }

    private static Duration told(HttpResponse<?> response) {
        if (!TEMPORARY.contains(response.statusCode())) {
            throw new SocketClosedException(ABNORMAL, "The handshake was refused with " + response.statusCode());
        }
        Duration told = RetryAfter.of(response.headers());
        return told == null ? Duration.ZERO : told;
    }

    private Duration obey(CloseVerdict verdict) throws InterruptedException {
        if (!verdict.keepCursor()) {
            // The store keeps it until the notice is handled: whoever crashes before is told again.
            lostTrack = lostTrack || cursor != null;
            cursor = null;
            inHand = null;
        }
        return switch (verdict.reconnect()) {
            case NEVER -> throw new SocketClosedException(verdict.code(), verdict.meaning());
            case NEW_SESSION -> {
                forgetSession();
                throw new SessionEndedException(verdict.meaning(), null);
            }
            case NEW_TOKEN -> {
                stale = client.session().tokens().map(StoredTokens::accessToken).orElse(null);
                yield Duration.ZERO;
            }
            case LATER -> {
                long after = Duration.ofSeconds(verdict.afterSeconds()).toNanos();
                yield Duration.ofNanos(after + ThreadLocalRandom.current().nextLong(after / 4 + 1));
            }
            case NOW -> Duration.ZERO;
        };
    }

    /** Others may renew, or have logged in: only the session of this socket has ended. */
    private void forgetSession() throws InterruptedException {
        String ended = token;
        try {
            await(client.transport().later(() -> {
                client.session().endOf(ended);
                return null;
            }));
        } catch (Lost closed) {
            // It is forgotten all the same, on its own thread.
        }
    }

    private void end() {
        closing.countDown();
        turn.lock();
        try {
            hangUp(Socket::close);
            if (connections != null) {
                // A handshake that is not waited for any more ends before: its connection is cut when it opens.
                Connections last = connections;
                handshake.whenComplete((opened, error) -> last.close());
                connections = null;
            }
            move(State.CLOSED);
        } finally {
            turn.unlock();
        }
        client.forget(this);
    }

    private void hangUp(Consumer<Socket> how) {
        Socket open = socket;
        socket = null;
        if (open != null) {
            how.accept(open);
        }
    }

    private void move(State next) {
        if (state != next) {
            state = next;
            onState.accept(next);
        }
    }
}
