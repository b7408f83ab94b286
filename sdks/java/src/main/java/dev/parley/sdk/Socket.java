package dev.parley.sdk;

import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** One connection: reads ahead a little, and no more than is asked for. */
final class Socket implements WebSocket.Listener {
    /** How many frames are read ahead. */
    static final int READ_AHEAD = 64;

    private static final Duration CLOSE_WITHIN = Duration.ofSeconds(5);
    private static final int NORMAL = 1000;
    private static final int ABNORMAL = 1006;

    /** Something that came out of the socket. */
    sealed interface Item permits Text, Ended, Woken {}

    record Text(String text) implements Item {}

    record Ended(int code, Throwable error) implements Item {}

    record Woken() implements Item {}

    // Its length is bounded by what is asked of the socket.
    private final BlockingQueue<Item> items = new LinkedBlockingQueue<>();
    private final AtomicInteger held = new AtomicInteger();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final StringBuilder part = new StringBuilder();
    private volatile WebSocket connection;
    private volatile boolean left;
    private volatile long heard = System.nanoTime();

    // ---- for the listener

    Item poll(long nanos) throws InterruptedException {
        Item item = items.poll(nanos, TimeUnit.NANOSECONDS);
        if (item instanceof Text) {
            held.decrementAndGet();
            connection.request(1);
        }
        return item;
    }

    int held() {
        return held.get();
    }

    /** When there was a sign of life, by System.nanoTime. */
    long heard() {
        return heard;
    }

    void wake() {
        items.add(new Woken());
    }

    /** Sends a frame; one thread at a time may. */
    synchronized void send(String text, Duration timeout) {
        try {
            connection.sendText(text, true).get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException | TimeoutException error) {
            throw new ConnectionFailedException("The socket has just closed", error);
        } catch (InterruptedException error) {
            throw Transport.interrupted(error);
        }
    }

    void ping() {
        // Where that fails the connection has ended, and says so itself.
        connection.sendPing(ByteBuffer.allocate(0));
    }

    /** Cuts the connection, also one that opens later. */
    void abort() {
        left = true;
        WebSocket open = connection;
        if (open != null) {
            open.abort();
        }
    }

    /** Says goodbye; the other side may be gone: it gets a moment to answer. */
    void close() {
        left = true;
        items.clear();
        WebSocket open = connection;
        if (open == null) {
            return;
        }
        try {
            if (!ended.isDone()) {
                // What nobody will handle is read and dropped, so that the answer behind it is.
                open.request(Long.MAX_VALUE);
                open.sendClose(NORMAL, "").get(CLOSE_WITHIN.toNanos(), TimeUnit.NANOSECONDS);
                ended.get(CLOSE_WITHIN.toNanos(), TimeUnit.NANOSECONDS);
            }
        } catch (ExecutionException | TimeoutException gone) {
            // It is cut below.
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        } finally {
            open.abort();
        }
    }

    // ---- for HttpClient

    @Override
    public void onOpen(WebSocket opened) {
        connection = opened;
        if (left) {
            opened.abort();
        } else {
            opened.request(READ_AHEAD);
        }
    }

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
        heard = System.nanoTime();
        if (left) {
            return null;
        }
        part.append(data);
        if (last) {
            held.incrementAndGet();
            items.add(new Text(part.toString()));
            part.setLength(0);
        } else {
            socket.request(1);
        }
        return null;
    }

    @Override
    public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
        // The contract has none.
        heard = System.nanoTime();
        socket.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onPing(WebSocket socket, ByteBuffer data) {
        // It is answered by HttpClient.
        heard = System.nanoTime();
        socket.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onPong(WebSocket socket, ByteBuffer data) {
        heard = System.nanoTime();
        socket.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
        items.add(new Ended(code, null));
        ended.complete(null);
        return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
        items.add(new Ended(ABNORMAL, error));
        ended.complete(null);
    }
}
