package dev.parley.sdk;

import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

/** Reads a body, and breaks the connection when it takes too long: HttpClient's own time-out ends with the headers. */
final class TimedBody implements BodySubscriber<byte[]> {
    private final BodySubscriber<byte[]> read = BodySubscribers.ofByteArray();
    private final CompletableFuture<byte[]> body = read.getBody().toCompletableFuture();
    private final Watch watch;
    private final long began = System.nanoTime();
    private volatile Flow.Subscription subscription;

    TimedBody(Watch watch) {
        this.watch = watch;
    }

    @Override
    public CompletionStage<byte[]> getBody() {
        return body;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
        this.subscription = subscription;
        watch.add(this);
        read.onSubscribe(subscription);
    }

    @Override
    public void onNext(List<ByteBuffer> items) {
        read.onNext(items);
    }

    @Override
    public void onError(Throwable error) {
        watch.remove(this);
        read.onError(error);
    }

    @Override
    public void onComplete() {
        watch.remove(this);
        read.onComplete();
    }

    private void giveUp() {
        body.completeExceptionally(new TimeoutException("The answer does not end"));
        subscription.cancel();
    }

    /** Looks after all bodies of a client now and then: a timer for each would cost more than reading most of them. */
    static final class Watch {
        private final long timeout;
        private final Executor later;
        private final Set<TimedBody> open = ConcurrentHashMap.newKeySet();
        private final AtomicBoolean looking = new AtomicBoolean();

        Watch(long timeout) {
            this.timeout = timeout;
            later = CompletableFuture.delayedExecutor(timeout / 8, TimeUnit.NANOSECONDS);
        }

        private void add(TimedBody body) {
            open.add(body);
            lookLater();
        }

        private void remove(TimedBody body) {
            open.remove(body);
        }

        private void lookLater() {
            if (looking.compareAndSet(false, true)) {
                later.execute(this::look);
            }
        }

        private void look() {
            long now = System.nanoTime();
            for (TimedBody body : open) {
                if (now - body.began >= timeout && open.remove(body)) {
                    body.giveUp();
                }
            }
            looking.set(false);
            if (!open.isEmpty()) {
                lookLater();
            }
        }
    }
}
