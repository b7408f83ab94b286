package dev.parley.sdk;

import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * One connection: reads ahead a little, and then stops to read.
 *
 * <p>It stops by holding up the thread that reads, which therefore is no other connection's and does all of its work
 * (see {@link Transport#forListener}). HttpClient's WebSocket says nothing of a connection that ends while it is asked
 * for no message, or while another thread still hands one over: it dies of an InternalError in its
 * acknowledgeReception. So it is asked for all there are, by one thread.
 */
final class Socket implements WebSocket.Listener {
    /** How many frames are read ahead. */
    static final int READ_AHEAD = 64;
    /** How long a message may be, in characters; those of the contract are a small part of it. */
    static final int LONGEST = 1 << 20;

    private static final Duration CLOSE_WITHIN = Duration.ofSeconds(2);
    private static final int NORMAL = 1000;
    private static final int ABNORMAL = 1006;

    /** Something that came out of the socket. */
    sealed interface Item permits Text, Ended, Woken {}

    record Text(String text) implements Item {}

    record Ended(int code, Throwable error) implements Item {}

    record Woken() implements Item {}

    private final BlockingQueue<Item> items = new LinkedBlockingQueue<>();
    private final Semaphore room = new Semaphore(READ_AHEAD);
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final StringBuilder part = new StringBuilder();
    private volatile WebSocket connection;
    private volatile boolean left;
    private volatile long heard = System.nanoTime();

    // ---- for the listener

    Item poll(long nanos) throws InterruptedException {
        Item item = items.poll(nanos, TimeUnit.NANOSECONDS);
        if (item instanceof Text) {
            room.release();
        }
        return item;
    }

    int held() {
        return left ? 0 : READ_AHEAD - room.availablePermits();
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
        connection.sendPing(ByteBuffer.allocate(0)).whenComplete((sent, error) -> {
            if (error != null) {
                onError(connection, error);
            }
        });
    }

    /** Cuts the connection, also one that opens later. */
    void abort() {
        leave();
        WebSocket open = connection;
        if (open != null) {
            open.abort();
        }
    }

    /** Says goodbye; the other side may be gone: it gets a moment to answer. */
    void close() {
        leave();
        WebSocket open = connection;
        if (open == null) {
            return;
        }
        try {
            if (!ended.isDone()) {
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

    /** What nobody will handle is read and dropped from now on, so that what is behind it comes. */
    private void leave() {
        left = true;
        items.clear();
        room.release(READ_AHEAD);
    }

    // ---- for HttpClient

    @Override
    public void onOpen(WebSocket opened) {
        connection = opened;
        if (left) {
            opened.abort();
        } else {
            opened.request(Long.MAX_VALUE);
        }
    }

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
        heard = System.nanoTime();
        if (left) {
            return null;
        }
        if (part.length() + data.length() > LONGEST) {
            onError(socket, new ConnectionFailedException("A message of the server is too long", null));
            socket.abort();
            return null;
        }
        part.append(data);
        if (last) {
            room.acquireUninterruptibly();
            items.add(new Text(part.toString()));
            part.setLength(0);
        }
        return null;
    }

    @Override
    public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
        // The contract has none.
        heard = System.nanoTime();
        return null;
    }

    @Override
    public CompletionStage<?> onPing(WebSocket socket, ByteBuffer data) {
        // It is answered by HttpClient.
        heard = System.nanoTime();
        return null;
    }

    @Override
    public CompletionStage<?> onPong(WebSocket socket, ByteBuffer data) {
        heard = System.nanoTime();
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
