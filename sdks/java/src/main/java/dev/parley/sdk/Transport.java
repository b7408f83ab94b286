package dev.parley.sdk;

import dev.parley.sdk.api.Facts;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** One pool of connections: sends requests, again where that is safe, and opens sockets. */
final class Transport implements AutoCloseable {
    private static final int CONFLICT = 409;
    private static final int TOO_MANY = 429;
    private static final int UNAVAILABLE = 503;
    // What is interrupted ends at once, on a machine that is not too busy.
    private static final Duration LAST_MOMENTS = Duration.ofSeconds(2);

    private final String baseUrl;
    private final Duration timeout;
    private final RetryPolicy retry;
    private final TimedBody.Watch bodies;
    private final ThreadPoolExecutor threads;
    private final Connections connections;
    private final Waits waits = new Waits();
    private volatile LastAnswer last;

    Transport(String baseUrl, Duration timeout, RetryPolicy retry) {
        this.baseUrl = baseUrl.replaceAll("/+$", "");
        URI address = URI.create(this.baseUrl);
        if (address.getHost() == null || !List.of("http", "https").contains(address.getScheme())) {
            throw new IllegalArgumentException("A server's address begins with http:// or https://: " + baseUrl);
        }
        this.timeout = timeout;
        this.retry = retry;
        bodies = new TimedBody.Watch(timeout.toNanos());
        // As HttpClient's own, and ended with the client.
        threads = new ThreadPoolExecutor(
            0, Integer.MAX_VALUE, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), Transport::thread);
        connections = new Connections(threads);
    }

    private static Thread thread(Runnable work) {
        Thread thread = new Thread(work, "parley-http");
        thread.setDaemon(true);
        return thread;
    }

    /** A request without its token. */
    record Prepared(Operation operation, URI address, byte[] body, String key) {}

    /** What the server said. */
    record Answer(int status, byte[] body, String requestId, HttpHeaders headers) {
        boolean succeeded() {
            return status < 300;
        }

        ApiException refused() {
            return ApiException.of(status, body, requestId);
        }

        /** How long to wait before the same is asked again; null where the server does not say. */
        Duration told() {
            Duration told = RetryAfter.of(headers);
            return told != null ? told : RetryAfter.seconds(refused().details().get("retry_after"));
        }
    }

    LastAnswer last() {
        return last;
    }

    Prepared prepare(Call<?> call, String key) {
        String path = call.operation().path();
        for (Map.Entry<String, String> part : call.path().entrySet()) {
            path = path.replace("{" + part.getKey() + "}", encoded(idOf(part)));
        }
        URI address = URI.create(baseUrl + "/v1" + path + queryOf(call));
        return new Prepared(call.operation(), address, call.body() == null ? null : Json.bytes(call.body()), key);
    }

    private static String idOf(Map.Entry<String, String> part) {
        String id = part.getValue();
        // The path of another operation would come of these, however they are encoded.
        if (id == null || id.isEmpty() || id.equals(".") || id.equals("..")) {
            throw new IllegalArgumentException("No " + part.getKey() + ": " + id);
        }
        return id;
    }

    private static String queryOf(Call<?> call) {
        if (call.query() == null) {
            return "";
        }
        String query = call.query().fields().entrySet().stream()
            .filter(field -> field.getValue() != null)
            .map(field -> field.getKey() + "=" + encoded(text(field.getValue())))
            .collect(Collectors.joining("&"));
        return query.isEmpty() ? "" : "?" + query;
    }

    private static String text(Object value) {
        if (value instanceof List<?> values) {
            return values.stream().map(Object::toString).collect(Collectors.joining(","));
        }
        return value.toString();
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** Sends a request until it is answered, as often as the policy allows and as it is safe. */
    Answer send(Prepared request, String token) {
        HttpRequest made = made(request, token);
        boolean repeatable = request.operation().repeatable();
        long began = System.nanoTime();
        for (int attempt = 1; ; attempt++) {
            Duration delay = retry.backoff().delay(attempt);
            Answer answer = null;
            ConnectionFailedException failure = null;
            try {
                answer = once(made, request.operation());
            } catch (ConnectionFailedException error) {
                failure = error;
            }
            if (answer == null) {
                if (!repeatable) {
                    throw failure;
                }
            } else if (comesLater(answer, request)) {
                Duration told = answer.told();
                delay = told == null ? delay : told;
            } else {
                return answer;
            }
            Duration elapsed = Duration.ofNanos(System.nanoTime() - began).plus(delay);
            if (attempt >= retry.maxAttempts() || elapsed.compareTo(retry.maxElapsed()) > 0) {
                if (answer == null) {
                    throw failure;
                }
                return answer;
            }
            sleep(delay);
        }
    }

    private static boolean comesLater(Answer answer, Prepared request) {
        return switch (answer.status()) {
            // What was too much was not done. Whether a 503 was nobody knows.
            case TOO_MANY -> true;
            case UNAVAILABLE -> request.operation().repeatable();
            // The same request, said before, is still running: its answer is there soon.
            case CONFLICT -> request.key() != null && RetryAfter.of(answer.headers()) != null;
            default -> false;
        };
    }

    private HttpRequest made(Prepared request, String token) {
        HttpRequest.Builder made = HttpRequest.newBuilder(request.address())
            .timeout(timeout)
            .header("User-Agent", Client.USER_AGENT);
        if (request.body() == null) {
            made.method(request.operation().method(), HttpRequest.BodyPublishers.noBody());
        } else {
            made.method(request.operation().method(), HttpRequest.BodyPublishers.ofByteArray(request.body()));
            made.header("Content-Type", "application/json");
        }
        if (token != null) {
            made.header("Authorization", "Bearer " + token);
        }
        if (request.key() != null) {
            made.header("Idempotency-Key", request.key());
        }
        return made.build();
    }

    private Answer once(HttpRequest request, Operation operation) {
        Waits.Wait wait = waits.begin(operation.equals(Facts.REFRESH));
        try (wait) {
            HttpResponse<byte[]> response = connections.http().send(request, head -> new TimedBody(bodies));
            last = LastAnswer.of(response.statusCode(), response.headers());
            return new Answer(
                response.statusCode(),
                response.body(),
                last.requestId(),
                response.headers());
        } catch (HttpTimeoutException error) {
            throw new TimedOutException("The server did not answer in time", error);
        } catch (IOException error) {
            for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                if (cause instanceof TimeoutException) {
                    throw new TimedOutException("The answer did not end in time", error);
                }
            }
            throw new ConnectionFailedException("The server was not reached", error);
        } catch (InterruptedException error) {
            throw wait.ended(error);
        }
    }

    private void sleep(Duration delay) {
        Waits.Wait wait = waits.begin(false);
        try (wait) {
            TimeUnit.NANOSECONDS.sleep(delay.toNanos());
        } catch (InterruptedException error) {
            throw wait.ended(error);
        }
    }

    static CallInterruptedException interrupted(InterruptedException error) {
        Thread.currentThread().interrupt();
        return new CallInterruptedException("The thread was interrupted", error);
    }

    /** Does something that waits on a thread of the client's. */
    <T> CompletableFuture<T> later(Supplier<T> work) {
        try {
            return CompletableFuture.supplyAsync(work, threads);
        } catch (RejectedExecutionException error) {
            throw new ConnectionFailedException("The client is closed", error);
        }
    }

    /** Waits for what goes on also when this thread is interrupted, or the client closed. */
    <T> T join(CompletableFuture<T> work) {
        Waits.Wait wait = waits.begin(false);
        try (wait) {
            return work.get();
        } catch (InterruptedException error) {
            throw wait.ended(error);
        } catch (ExecutionException error) {
            if (error.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new IllegalStateException("Nothing else is thrown", error);
        }
    }

    /** Connections of a listener's own: all that comes is read and handed over by one thread; see {@link Socket}. */
    Connections forListener() {
        refuseIfClosed();
        return new Connections(Runnable::run);
    }

    CompletableFuture<WebSocket> openSocket(Connections connections, WebSocket.Listener listener) {
        return connections.http().newWebSocketBuilder()
            .connectTimeout(timeout)
            .header("User-Agent", Client.USER_AGENT)
            .buildAsync(URI.create(baseUrl.replaceFirst("^http", "ws") + "/ws"), listener)
            .orTimeout(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    void refuseIfClosed() {
        waits.refuseIfClosed();
    }

    /** Ends what waits for an answer, but a refresh, and asks for nothing more. */
    void stop() {
        waits.close();
    }

    /** Ends what still waits, and then the threads that it needed to end. */
    @Override
    public void close() {
        stop();
        try {
            waits.end(LAST_MOMENTS);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
        connections.close();
        threads.shutdownNow();
    }
}
