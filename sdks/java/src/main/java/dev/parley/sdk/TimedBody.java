package dev.parley.sdk;

import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;

/** Reads a body, and breaks the connection when it takes too long: HttpClient's own time-out ends with the headers. */
final class TimedBody implements BodySubscriber<byte[]> {
    private final BodySubscriber<byte[]> read = BodySubscribers.ofByteArray();
    private final CompletableFuture<byte[]> body;

    TimedBody(Duration timeout) {
        body = read.getBody().toCompletableFuture().copy().orTimeout(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    public CompletionStage<byte[]> getBody() {
        return body;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
        body.whenComplete((bytes, error) -> {
            if (error != null) {
                subscription.cancel();
            }
        });
        read.onSubscribe(subscription);
    }

    @Override
    public void onNext(List<ByteBuffer> items) {
        read.onNext(items);
    }

    @Override
    public void onError(Throwable error) {
        read.onError(error);
    }

    @Override
    public void onComplete() {
        read.onComplete();
    }
}
