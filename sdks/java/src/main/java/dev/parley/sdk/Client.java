package dev.parley.sdk;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.parley.sdk.api.Credentials;
import dev.parley.sdk.api.Facts;
import dev.parley.sdk.api.Message;
import dev.parley.sdk.api.Operations;
import dev.parley.sdk.api.Tokens;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Talks to one server for one user; threads may share it. All operations of the contract are its methods; they wait,
 * and throw what is below {@link ParleyException}.
 */
public final class Client extends Operations implements AutoCloseable {
    static final String USER_AGENT = "parley-java/" + Facts.CONTRACT_VERSION;
    private static final int NO_CONTENT = 204;
    // How long closing waits for a refresh, whose tokens would be lost.
    private static final Duration LAST_REFRESH = Duration.ofSeconds(5);

    private final Transport transport;
    private final Session session;
    private final Duration timeout;
    private final Set<Listener> listeners = ConcurrentHashMap.newKeySet();

    /** A client of the server at an address without {@code /v1}. */
    public Client(String baseUrl) {
        this(builder(baseUrl));
    }

    private Client(Builder builder) {
        timeout = builder.timeout;
        transport = new Transport(builder.baseUrl, builder.timeout, builder.retry);
        session = new Session(transport, builder.tokenStore, builder.refreshMargin);
    }

    public static Builder builder(String baseUrl) {
        return new Builder(baseUrl);
    }

    /** Begins a session, which all requests use from now on. */
    public Tokens logIn(String email, String password) {
        Tokens tokens = login(new Credentials(email, password));
        session.begin(tokens.accessToken(), tokens.refreshToken(), Duration.ofSeconds(tokens.expiresIn()));
        return tokens;
    }

    /** Ends the session, on the server too. */
    public void logOut() {
        try {
            logout();
        } finally {
            session.end();
        }
    }

    /** Goes on with a session that was begun elsewhere. */
    public void useTokens(String accessToken, String refreshToken, Duration expiresIn) {
        session.begin(accessToken, refreshToken, expiresIn);
    }

    /** The session, if somebody is logged in. */
    public Optional<StoredTokens> tokens() {
        return session.tokens();
    }

    /** What the last answer said beside its body; null before the first. */
    public LastAnswer last() {
        return transport.last();
    }

    /** A listener that hears what happens from now on. */
    public Listener listen() {
        return listen(new ListenOptions());
    }

    /** A listener; it connects when it is asked for an event, or started. */
    public Listener listen(ListenOptions options) {
        Listener listener = new Listener(this, options);
        listeners.add(listener);
        try {
            transport.refuseIfClosed();
        } catch (ConnectionFailedException error) {
            listeners.remove(listener);
            throw error;
        }
        return listener;
    }

    /**
     * Reads again what events that are gone were about, as after a resync: the messages of all conversations that were
     * written since a time of the server's, as that of the last message one has, which comes once more. Each
     * conversation begins with its newest message. What was edited or deleted meanwhile, and is older, is not told.
     */
    public Iterable<Message> historySince(Instant since) {
        return () -> new History(this, since);
    }

    /**
     * Ends the listeners and closes the connections; the session lives on in its store. Requests that are under way
     * end with {@link ConnectionFailedException}. A refresh may take some seconds to end: its tokens are kept.
     */
    @Override
    public void close() {
        // Whoever was interrupted closes as carefully as anybody.
        boolean interrupted = Thread.interrupted();
        try {
            listeners.forEach(Listener::leave);
            transport.stop();
            closeListeners();
        } finally {
            try {
                session.settle(LAST_REFRESH);
            } catch (InterruptedException error) {
                interrupted = true;
            }
            transport.close();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Closes them all, and throws what was the first to go wrong. */
    private void closeListeners() {
        RuntimeException first = null;
        for (Listener listener : listeners) {
            try {
                listener.close();
            } catch (RuntimeException error) {
                first = first == null ? error : first;
            }
        }
        if (first != null) {
            throw first;
        }
    }

    @Override
    protected <T> T call(Call<T> call) {
        return read(exchange(call), call.result());
    }

    private Transport.Answer exchange(Call<?> call) {
        Transport.Prepared request = transport.prepare(call, keyOf(call));
        String stale = null;
        while (true) {
            String token = call.operation().secured() ? session.freshTokens(stale).accessToken() : null;
            Transport.Answer answer = transport.send(request, token);
            if (answer.succeeded()) {
                return answer;
            }
            ApiException refused = answer.refused();
            if (token == null || stale != null || !refused.saysTokenExpired()) {
                throw refused;
            }
            stale = token;
        }
    }

    private static String keyOf(Call<?> call) {
        if (!call.operation().takesKey()) {
            return null;
        }
        return call.idempotencyKey() != null ? call.idempotencyKey() : UUID.randomUUID().toString();
    }

    static <T> T read(Transport.Answer said, Class<T> result) {
        if (result == Void.class) {
            if (said.status() != NO_CONTENT) {
                throw new ConnectionFailedException("The answer should be none: who gave it?", null);
            }
            return null;
        }
        T answer;
        try {
            answer = Json.MAPPER.readValue(said.body(), result);
        } catch (JsonProcessingException error) {
            // What Jackson says may quote the answer, which may hold tokens: it goes into no log.
            answer = null;
        } catch (IOException error) {
            throw new IllegalStateException("Bytes in memory can be read", error);
        }
        if (answer == null) {
            throw new ConnectionFailedException("The answer is no " + result.getSimpleName() + ": who gave it?", null);
        }
        return answer;
    }

    Session session() {
        return session;
    }

    Duration timeout() {
        return timeout;
    }

    Transport transport() {
        return transport;
    }

    void forget(Listener listener) {
        listeners.remove(listener);
    }

    /** What can be different about a client. */
    public static final class Builder {
        private final String baseUrl;
        private TokenStore tokenStore = new MemoryTokenStore();
        private Duration timeout = Duration.ofSeconds(30);
        private RetryPolicy retry = RetryPolicy.DEFAULT;
        private Duration refreshMargin = Duration.ofMinutes(1);

        private Builder(String baseUrl) {
            this.baseUrl = baseUrl;
        }

        /** Keeps the session elsewhere than in memory. */
        public Builder tokenStore(TokenStore tokenStore) {
            this.tokenStore = tokenStore;
            return this;
        }

        /** Bounds each try of a request (30 seconds otherwise). */
        public Builder timeout(Duration timeout) {
            this.timeout = timeout;
            return this;
        }

        /** Replaces {@link RetryPolicy#DEFAULT}. */
        public Builder retry(RetryPolicy retry) {
            this.retry = retry;
            return this;
        }

        /**
         * Says how long before its end the access token is refreshed (a minute otherwise, and never more than a third
         * of its life).
         */
        public Builder refreshMargin(Duration refreshMargin) {
            this.refreshMargin = refreshMargin;
            return this;
        }

        public Client build() {
            return new Client(this);
        }
    }
}
