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
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A server that gives these answers, one after the other, the last for ever; and a client that is logged in there. */
final class Answers implements AutoCloseable {
    interface Answer {
        void give(HttpExchange exchange) throws IOException;
    }

    /** One request that came. */
    record Asked(String method, String path, String body, String userAgent, String key) {}

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
        client = Client.builder("http://localhost:" + server.getAddress().getPort() + "/")
            .timeout(Duration.ofSeconds(1))
            .retry(new RetryPolicy(3, Duration.ofSeconds(5), new Backoff(SHORT, SHORT)))
            .build();
        client.useTokens("access", "refresh", Duration.ofHours(1));
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
