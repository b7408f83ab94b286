package dev.parley.sdk;

import dev.parley.sdk.api.Facts;
import dev.parley.sdk.api.Tokens;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;

/** Who is logged in: gives access tokens that are good for a while, and refreshes them one at a time. */
final class Session {
    private final Transport transport;
    private final TokenStore store;
    private final Duration margin;
    private final ReentrantLock renewing = new ReentrantLock();

    // The key of a refresh whose answer never came: said again, it gives the same successor.
    private String refreshOf;
    private String refreshKey;

    Session(Transport transport, TokenStore store, Duration margin) {
        this.transport = transport;
        this.store = store;
        this.margin = margin;
    }

    Optional<StoredTokens> tokens() {
        return store.load();
    }

    void begin(String accessToken, String refreshToken, Duration expiresIn) {
        store.save(new StoredTokens(accessToken, refreshToken, Instant.now().plus(expiresIn), expiresIn));
    }

    void end() {
        store.clear();
    }

    /** How long before its end a token is renewed; of a short life it is a third at most. */
    Duration marginOf(StoredTokens tokens) {
        Duration third = tokens.lifetime().dividedBy(3);
        return margin.compareTo(third) < 0 ? margin : third;
    }

    /** An access token that is good for a while and is another one than {@code stale}. */
    String freshToken(String stale) {
        StoredTokens tokens = loggedIn();
        boolean refused = tokens.accessToken().equals(stale);
        if (!refused && Instant.now().isBefore(tokens.expiresAt().minus(marginOf(tokens)))) {
            return tokens.accessToken();
        }
        try {
            return renew(tokens.accessToken()).accessToken();
        } catch (ConnectionFailedException | ApiException error) {
            // There was some margin left, perhaps.
            if (!refused && Instant.now().isBefore(tokens.expiresAt())) {
                return tokens.accessToken();
            }
            throw error;
        }
    }

    private StoredTokens loggedIn() {
        return store.load().orElseThrow(() -> new SessionEndedException("Nobody is logged in", null));
    }

    /** Gets new tokens, unless somebody else got them meanwhile. */
    private StoredTokens renew(String stale) {
        renewing.lock();
        try {
            StoredTokens tokens = loggedIn();
            if (!tokens.accessToken().equals(stale)) {
                return tokens;
            }
            if (!tokens.refreshToken().equals(refreshOf)) {
                refreshOf = tokens.refreshToken();
                refreshKey = UUID.randomUUID().toString();
            }
            Call<Tokens> call = new Call<>(Facts.REFRESH, Tokens.class)
                .body(Map.of("refresh_token", tokens.refreshToken()));
            Transport.Answer answer = transport.send(transport.prepare(call, refreshKey), null);
            if (!answer.succeeded()) {
                throw refused(answer.refused());
            }
            Tokens next = Client.read(answer.body(), Tokens.class);
            // It is kept before it is used: the old ones are worth nothing now.
            begin(next.accessToken(), next.refreshToken(), Duration.ofSeconds(next.expiresIn()));
            return loggedIn();
        } finally {
            renewing.unlock();
        }
    }

    /** A refresh that is refused for what it says will never be accepted; others may be, later. */
    private ParleyException refused(ApiException error) {
        if (error.status() >= 500 || error.status() == Transport.TOO_MANY) {
            return error;
        }
        end();
        return new SessionEndedException("The session has ended", error);
    }
}
