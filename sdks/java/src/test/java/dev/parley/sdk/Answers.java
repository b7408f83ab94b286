package dev.parley.sdk;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A server that gives these answers, one after the other, the last for ever; and a client that is logged in there. */
final class Answers implements AutoCloseable {
    interface Answer {
        void give(HttpExchange exchange) throws IOException;
    }

    /** One request that came. */
    record Asked(String method, String path, String body, String userAgent, String key) {}

    static final String ME = """
        {"id": "u", "email": "ada@example.com", "username": "ada", "display_name": "Ada", "status": "on_the_moon",
         "last_seen": null, "profile": {"bio": null, "avatar_url": null, "location": null}, "beta_access": false,
         "created_at": "2026-11-22T12:00:00Z", "shoe_size": 43}""";
    static final String MESSAGE = """
        {"id": "m", "conversation_id": "c", "seq": 1, "position": 1, "sender_id": "v", "receiver_id": "u",
         "content": "Hello", "type": "text", "status": "sent", "metadata": {},
         "created_at": "2026-11-22T12:00:00Z", "edited_at": null, "deleted_at": null}""";
    static final String TOKENS = """
        {"access_token": "next", "refresh_token": "refresh-2", "expires_in": 3600, "token_type": "Bearer",
         "user_id": "u", "session_id": "s"}""";
    static final Answer CUT = HttpExchange::close;
    static final Duration SHORT = Duration.ofMillis(1);

    final Client client;
    final List<Asked> asked = new CopyOnWriteArrayList<>();
    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();

    Answers(Answer... answers) throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            int number = asked.size();
            asked.add(new Asked(
                exchange.getRequestMethod(),
                exchange.getRequestURI().toString(),
                new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8),
                exchange.getRequestHeaders().getFirst("User-Agent"),
                exchange.getRequestHeaders().getFirst("Idempotency-Key")));
            answers[Math.min(number, answers.length - 1)].give(exchange);
        });
        server.start();
        client = another(new MemoryTokenStore());
        client.useTokens("access", "refresh", Duration.ofHours(1));
    }

    String url() {
        return "http://localhost:" + server.getAddress().getPort() + "/";
    }

    Client another(TokenStore store) {
        return Client.builder(url())
            .tokenStore(store)
            .timeout(Duration.ofSeconds(1))
            .retry(new RetryPolicy(3, Duration.ofSeconds(5), new Backoff(SHORT, SHORT)))
            .build();
    }

    static Answer status(int status, String body, String... headers) {
        return exchange -> {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < headers.length; i += 2) {
                exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
            }
            exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        };
    }

    /** An answer that begins and never ends. */
    static Answer unending(String beginning) {
        return exchange -> {
            exchange.sendResponseHeaders(200, beginning.length() + 1L);
            exchange.getResponseBody().write(beginning.getBytes(StandardCharsets.UTF_8));
            exchange.getResponseBody().flush();
        };
    }

    /** The same when it is time. */
    static Answer after(CountDownLatch time, Answer answer) {
        return exchange -> {
            try {
                time.await();
            } catch (InterruptedException over) {
                throw new IOException(over);
            }
            answer.give(exchange);
        };
    }

    /** Waits until so many requests came. */
    void untilAsked(int number) {
        while (asked.size() < number) {
            Thread.onSpinWait();
        }
    }

    static Answer error(int status, String code, String details) {
        String body = "{\"error\": {\"code\": \"" + code + "\", \"message\": \"No\", \"details\": " + details + "}}";
        return status(status, body, "X-Request-Id", "r-1");
    }

    @Override
    public void close() {
        client.close();
        server.stop(0);
        threads.shutdownNow();
    }
}
