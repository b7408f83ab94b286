package dev.parley.sdk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.parley.sdk.api.Me;
import dev.parley.sdk.api.UnavailableException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** When tokens are renewed, and what ends a session. */
@Timeout(30)
class SessionTest {
    private static final StoredTokens NEW =
        new StoredTokens("new", "refresh-new", Instant.now().plusSeconds(3600), Duration.ofHours(1));

    @TempDir Path directory;

    @Test
    void aRefusedRefreshEndsTheSession() throws IOException {
        try (Answers server = new Answers(Answers.error(401, "unauthorized", "{}"))) {
            server.client.useTokens("old", "refresh", Duration.ZERO);
            assertThrows(SessionEndedException.class, () -> server.client.getMe());
            assertThrows(SessionEndedException.class, () -> server.client.getMe());
            assertEquals(1, server.asked.size());
        }
    }

    @Test
    void aRefreshThatFailsForNowIsNoEndWhileTheTokenIsGood() {
        RetryPolicy once = new RetryPolicy(1, Duration.ofSeconds(1), Backoff.DEFAULT);
        TokenStore store = new MemoryTokenStore();
        store.save(new StoredTokens("access", "refresh", Instant.now().plusSeconds(5), Duration.ofSeconds(30)));
        // Nobody listens at port 1.
        try (Transport nowhere = new Transport("http://localhost:1", Duration.ofSeconds(1), once)) {
            Session session = new Session(nowhere, store, Duration.ofMinutes(1));
            assertEquals("access", session.freshTokens(null).accessToken());
            assertThrows(ConnectionFailedException.class, () -> session.freshTokens("access"));
        }
    }

    @Test
    void onlyTheServerEndsASession() throws IOException {
        for (Answers.Answer page : List.of(
                Answers.status(200, "<html>"),
                Answers.status(302, "", "Location", "http://localhost:1/"),
                Answers.status(400, "<html>"),
                Answers.status(401, "<html>"),
                Answers.status(403, "<html>"),
                Answers.status(404, "<html>"),
                Answers.status(407, "<html>"),
                Answers.status(408, "<html>"),
                Answers.status(511, "<html>"),
                Answers.error(404, "not_found", "{}"))) {
            try (Answers server = new Answers(
                    page, Answers.status(200, Answers.TOKENS), Answers.status(200, Answers.ME))) {
                server.client.useTokens("old", "refresh", Duration.ZERO);
                ParleyException error = assertThrows(ParleyException.class, () -> server.client.getMe());
                assertFalse(error instanceof SessionEndedException, error.toString());
                assertEquals("ada", server.client.getMe().username());
                assertEquals("next", server.client.tokens().orElseThrow().accessToken());
            }
        }
    }

    @Test
    void theClockOfTheMachineMayJump() throws IOException {
        TokenStore store = new MemoryTokenStore();
        try (Answers server = new Answers(Answers.status(200, Answers.ME)); Client client = server.another(store)) {
            client.useTokens("access", "refresh", Duration.ofHours(1));
            // As if the clock had been put forward by a day since.
            Instant past = Instant.now().minus(Duration.ofHours(23));
            store.save(new StoredTokens("access", "refresh", past, Duration.ofHours(1)));
            client.getMe();
            assertEquals("/v1/me", server.asked.get(0).path());
        }
    }

    @Test
    void whoeverRefreshesTheSameTokenHasTheSameKey() throws IOException {
        TokenStore store = new MemoryTokenStore();
        try (Answers server = new Answers(
                    Answers.status(503, ""), Answers.status(503, ""), Answers.status(503, ""),
                    Answers.status(200, Answers.TOKENS), Answers.status(200, Answers.ME));
                Client first = server.another(store);
                Client second = server.another(store)) {
            first.useTokens("old", "refresh", Duration.ZERO);
            assertThrows(ApiException.class, first::getMe);
            second.getMe();
            assertNotNull(server.asked.get(0).key());
            assertEquals(1, server.asked.subList(0, 4).stream().map(Answers.Asked::key).distinct().count());
        }
    }

    @Test
    void twoClientsOfOneFileRefreshOnce() throws IOException {
        FileTokenStore store = new FileTokenStore(directory.resolve("tokens"));
        CountDownLatch refreshes = new CountDownLatch(2);
        Answers.Answer answer = exchange -> {
            boolean refresh = exchange.getRequestURI().getPath().endsWith("/refresh");
            if (refresh) {
                refreshes.countDown();
                // Time for the other one to ask, if it did.
                awaitQuietly(refreshes);
            }
            Answers.status(200, refresh ? Answers.TOKENS : Answers.ME).give(exchange);
        };
        try (Answers server = new Answers(answer);
                Client first = server.another(store);
                Client second = server.another(new FileTokenStore(directory.resolve("tokens")))) {
            first.useTokens("old", "refresh", Duration.ZERO);
            CompletableFuture.allOf(
                CompletableFuture.runAsync(first::getMe), CompletableFuture.runAsync(second::getMe)).join();
            assertEquals(1, refreshes.getCount());
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await(300, TimeUnit.MILLISECONDS);
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    @Test
    void whoeverWaitsForARefreshSharesItsFailure() throws IOException {
        CountDownLatch allWait = new CountDownLatch(1);
        try (Answers server = new Answers(Answers.after(allWait, Answers.status(503, "")))) {
            server.client.useTokens("old", "refresh", Duration.ZERO);
            List<FutureTask<?>> calls = new ArrayList<>();
            List<Thread> threads = new ArrayList<>();
            for (int number = 0; number < 10; number++) {
                FutureTask<?> call = new FutureTask<>(() -> server.client.getMe());
                Thread thread = new Thread(call, "call");
                thread.start();
                calls.add(call);
                threads.add(thread);
            }
            while (!threads.stream().allMatch(thread -> thread.getState() == Thread.State.WAITING)) {
                Thread.onSpinWait();
            }
            allWait.countDown();
            for (FutureTask<?> call : calls) {
                ExecutionException error = assertThrows(ExecutionException.class, call::get);
                assertInstanceOf(UnavailableException.class, error.getCause());
            }
            // One refresh, and its tries.
            assertEquals(3, server.asked.size());
        }
    }

    @Test
    void aRefreshGoesOnWhenItsCallerIsInterrupted() throws Exception {
        CountDownLatch interrupted = new CountDownLatch(1);
        try (Answers server = new Answers(
                Answers.after(interrupted, Answers.status(200, Answers.TOKENS)), Answers.status(200, Answers.ME))) {
            server.client.useTokens("old", "refresh", Duration.ZERO);
            FutureTask<?> call = new FutureTask<>(() -> server.client.getMe());
            Thread thread = new Thread(call, "call");
            thread.start();
            server.untilAsked(1);
            thread.interrupt();
            ExecutionException error = assertThrows(ExecutionException.class, call::get);
            assertInstanceOf(CallInterruptedException.class, error.getCause());
            interrupted.countDown();
            assertEquals("ada", server.client.getMe().username());
            assertEquals(2, server.asked.size());
        }
    }

    @Test
    void whatHappensToASessionDuringItsRefreshCounts() throws Exception {
        for (Answers.Answer late : List.of(
                Answers.status(200, Answers.TOKENS), Answers.error(401, "unauthorized", "{}"))) {
            MemoryTokenStore store = new MemoryTokenStore();
            assertEquals("ada", ((Me) refreshedLate(late, store, () -> store.save(NEW))).username());
            assertEquals("new", store.load().orElseThrow().accessToken());

            assertInstanceOf(SessionEndedException.class, refreshedLate(late, store, store::clear));
            assertEquals(Optional.empty(), store.load());
        }
    }

    /** What becomes of a call whose refresh is answered after something else happened. */
    private static Object refreshedLate(Answers.Answer late, TokenStore store, Runnable meanwhile) throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        try (Answers server = new Answers(Answers.after(done, late), Answers.status(200, Answers.ME));
                Client client = server.another(store)) {
            client.useTokens("old", "refresh", Duration.ZERO);
            FutureTask<Me> call = new FutureTask<>(client::getMe);
            new Thread(call, "call").start();
            server.untilAsked(1);
            meanwhile.run();
            done.countDown();
            try {
                return call.get();
            } catch (ExecutionException error) {
                return error.getCause();
            }
        }
    }

    @Test
    void otherProgramsAreKeptOutWhileAFileIsRenewed() {
        Path path = directory.resolve("tokens");
        FileTokenStore store = new FileTokenStore(path);
        store.alone(() -> {
            try (FileChannel lock = FileChannel.open(directory.resolve("tokens.lock"), StandardOpenOption.WRITE)) {
                // It is this very program that has it.
                assertThrows(OverlappingFileLockException.class, lock::tryLock);
                return null;
            } catch (IOException error) {
                throw new IllegalStateException(error);
            }
        });
    }

    @Test
    void aFileThatHoldsNoSessionIsAsGoodAsNone() throws IOException {
        Path path = directory.resolve("tokens");
        for (String text : List.of("", "{", "null", "[]", "{}", "{\"access_token\": 5}", "\u0000")) {
            Files.writeString(path, text);
            FileTokenStore store = new FileTokenStore(path);
            assertEquals(Optional.empty(), store.load(), text);
            try (Answers server = new Answers(Answers.status(200, Answers.TOKENS));
                    Client client = server.another(store)) {
                assertThrows(SessionEndedException.class, client::getMe);
                client.logIn("ada@example.com", "secure_password");
                assertTrue(store.load().isPresent());
            }
        }
    }

    @Test
    void aStoreThatCannotBeWrittenIsNamed() throws IOException {
        Path path = directory.resolve("gone").resolve("tokens");
        try (Answers server = new Answers(Answers.status(200, Answers.TOKENS));
                Client client = server.another(new FileTokenStore(path))) {
            ParleyException error =
                assertThrows(ParleyException.class, () -> client.logIn("ada@example.com", "secure_password"));
            assertTrue(error.getMessage().contains(path.toString()));
        }
    }
}
