package dev.parley.sdk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What closing a client ends, what it waits for, and what it leaves. */
@Timeout(30)
class CloseTest {
    // No time-out and no back-off of these tests ends sooner.
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final CountDownLatch NEVER = new CountDownLatch(1);

    @TempDir Path directory;

    @Test
    void aCallUnderWayEnds() throws Exception {
        try (Answers server = new Answers(Answers.after(NEVER, Answers.CUT))) {
            Client client = patient(server, new MemoryTokenStore());
            client.useTokens("access", "refresh", LONG.multipliedBy(60));
            FutureTask<?> call = begun(client);
            server.untilAsked(1);
            client.close();
            failed(call);
        }
    }

    @Test
    void aCallThatIsToBeTriedAgainEnds() throws Exception {
        try (Answers server = new Answers(Answers.status(429, "", "Retry-After", "30"))) {
            Client client = patient(server, new MemoryTokenStore());
            client.useTokens("access", "refresh", LONG.multipliedBy(60));
            FutureTask<?> call = begun(client);
            while (client.last() == null) {
                Thread.onSpinWait();
            }
            client.close();
            failed(call);
            assertEquals(1, server.asked.size());
        }
    }

    @Test
    void theThreadOfACallIsInterruptedForThatOnly() throws Exception {
        try (Answers server = new Answers(Answers.after(NEVER, Answers.CUT))) {
            Client client = patient(server, new MemoryTokenStore());
            client.useTokens("access", "refresh", LONG.multipliedBy(60));
            FutureTask<Boolean> call = new FutureTask<>(() -> {
                assertThrows(ConnectionFailedException.class, client::getMe);
                return Thread.currentThread().isInterrupted();
            });
            new Thread(call, "call").start();
            server.untilAsked(1);
            client.close();
            assertEquals(false, call.get());
        }
    }

    @Test
    void theTokensOfARefreshUnderWayAreKept() throws Exception {
        CountDownLatch closing = new CountDownLatch(1);
        TokenStore store = new FileTokenStore(directory.resolve("tokens"));
        try (Answers server = new Answers(
                    Answers.after(closing, Answers.status(200, Answers.TOKENS)), Answers.status(200, Answers.ME));
                Client next = server.another(store)) {
            Client client = patient(server, store);
            client.useTokens("old", "refresh", Duration.ZERO);
            FutureTask<?> call = begun(client);
            server.untilAsked(1);
            FutureTask<Boolean> close = new FutureTask<>(() -> {
                // As when it is closed because its thread was interrupted.
                Thread.currentThread().interrupt();
                client.close();
                return Thread.interrupted();
            });
            new Thread(close, "close").start();
            // The call has ended, though nobody has answered.
            failed(call);
            closing.countDown();
            assertTrue(close.get());
            assertEquals("next", store.load().orElseThrow().accessToken());
            assertEquals("ada", next.getMe().username());
        }
    }

    @Test
    void aRefreshThatStallsIsGivenUpAndLocksNobodyOut() throws Exception {
        TokenStore store = new FileTokenStore(directory.resolve("tokens"));
        try (Answers server = new Answers(
                    Answers.after(NEVER, Answers.CUT),
                    Answers.status(200, Answers.TOKENS),
                    Answers.status(200, Answers.ME));
                Client next = server.another(store)) {
            Client client = server.another(store);
            client.useTokens("old", "refresh", Duration.ZERO);
            FutureTask<?> call = begun(client);
            server.untilAsked(1);
            client.close();
            failed(call);
            assertEquals("ada", next.getMe().username());
        }
    }

    @Test
    void itsThreadsEnd() throws Exception {
        Set<Thread> before = Thread.getAllStackTraces().keySet();
        Set<Thread> begun = new HashSet<>();
        try (SocketServer sockets = new SocketServer();
                Answers server = new Answers(Answers.status(200, Answers.ME))) {
            Client client = server.another(new MemoryTokenStore());
            client.useTokens("access", "refresh", LONG.multipliedBy(60));
            client.getMe();
            Client listening = new Client(sockets.url());
            listening.useTokens("access", "refresh", LONG.multipliedBy(60));
            listening.listen().start(event -> {});
            while (sockets.heard.isEmpty()) {
                Thread.onSpinWait();
            }
            Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> !before.contains(thread))
                .filter(thread -> thread.getName().startsWith("HttpClient") || thread.getName().startsWith("parley"))
                .forEach(begun::add);
            client.close();
            listening.close();
        }
        // Those of HttpClient for requests and for the socket, and at least one that listens.
        assertTrue(begun.size() >= 3, begun.toString());
        for (Thread thread : begun) {
            thread.join();
        }
    }

    private static Client patient(Answers server, TokenStore store) {
        return Client.builder(server.url())
            .tokenStore(store)
            .timeout(LONG)
            .retry(new RetryPolicy(3, LONG, new Backoff(LONG, LONG)))
            .build();
    }

    private static FutureTask<?> begun(Client client) {
        FutureTask<?> call = new FutureTask<>(client::getMe);
        new Thread(call, "call").start();
        return call;
    }

    private static void failed(FutureTask<?> call) {
        ExecutionException error = assertThrows(ExecutionException.class, call::get);
        assertInstanceOf(ConnectionFailedException.class, error.getCause());
    }
}
