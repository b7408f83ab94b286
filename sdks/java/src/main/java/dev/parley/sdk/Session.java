package dev.parley.sdk;

import dev.parley.sdk.api.Facts;
import dev.parley.sdk.api.Tokens;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Who is logged in: gives access tokens that are good for a while, and refreshes them one at a time. */
final class Session {
    private static final Duration LONGEST_LIFE = Duration.ofDays(365);
    // No server gives less. One that says so is not asked again at once: a token that has expired is refused, and then
    // there is time to renew it.
    private static final long SHORTEST_LIFE = 10;

    private final Transport transport;
    private final TokenStore store;
    private final Duration margin;
    // What is read of the store is still so when the store is changed.
    private final Object changing = new Object();
    private CompletableFuture<StoredTokens> renewal;

    // When an access token ends, by System.nanoTime: the clock of a machine may be wrong, and is set now and then.
    private record End(String accessToken, long at) {}

    private volatile End known = new End("", 0);

    Session(Transport transport, TokenStore store, Duration margin) {
        this.transport = transport;
        this.store = store;
        this.margin = margin;
    }

    Optional<StoredTokens> tokens() {
        return store.load();
    }

    void begin(String accessToken, String refreshToken, Duration expiresIn) {
        Duration lifetime = bounded(expiresIn, LONGEST_LIFE);
        synchronized (changing) {
            known = new End(accessToken, System.nanoTime() + lifetime.toNanos());
            store.save(new StoredTokens(accessToken, refreshToken, Instant.now().plus(lifetime), lifetime));
        }
    }

    void end() {
        synchronized (changing) {
            store.clear();
        }
    }

    /** Forgets the session of a token that the server calls ended, unless somebody has logged in since. */
    void endOf(String accessToken) {
        store.alone(() -> {
            synchronized (changing) {
                if (store.load().filter(tokens -> tokens.accessToken().equals(accessToken)).isPresent()) {
                    store.clear();
                }
            }
            return null;
        });
    }

    /** How long until a token is to be renewed: some time before its end, of a short life a third at most. */
    Duration untilRenewal(StoredTokens tokens) {
        Duration third = tokens.lifetime().dividedBy(3);
        return left(tokens).minus(margin.compareTo(third) < 0 ? margin : third);
    }

    /** How long a token is good for. */
    private Duration left(StoredTokens tokens) {
        End end = known;
        if (!end.accessToken().equals(tokens.accessToken())) {
            // It was got by another program, or by this one in an earlier life, and only the clock says when.
            Duration left = bounded(Duration.between(Instant.now(), tokens.expiresAt()), tokens.lifetime());
            end = new End(tokens.accessToken(), System.nanoTime() + left.toNanos());
            known = end;
        }
        return Duration.ofNanos(end.at() - System.nanoTime());
    }

    private static Duration bounded(Duration length, Duration most) {
        return length.isNegative() ? Duration.ZERO : length.compareTo(most) > 0 ? most : length;
    }

    /** Tokens that are good for a while, of which the access token is another one than {@code stale}. */
    StoredTokens freshTokens(String stale) {
        StoredTokens tokens = loggedIn();
        boolean refused = tokens.accessToken().equals(stale);
        if (!refused && !untilRenewal(tokens).isNegative()) {
            return tokens;
        }
        try {
            return renew(tokens.accessToken());
        } catch (ConnectionFailedException | ApiException error) {
            // There was some margin left, perhaps.
            if (!refused && !left(tokens).isNegative()) {
                return tokens;
            }
            throw error;
        }
    }

    private StoredTokens loggedIn() {
        return store.load().orElseThrow(() -> new SessionEndedException("Nobody is logged in", null));
    }

    /**
     * Waits for the refresh that is under way, or begins it. It has a thread of its own, and goes on when nobody waits
     * for it any more: an answer that nobody keeps would be a session lost.
     */
    private StoredTokens renew(String stale) {
        return transport.join(renewal(stale));
    }

    private synchronized CompletableFuture<StoredTokens> renewal(String stale) {
        if (renewal == null) {
            renewal = transport.later(() -> {
                try {
                    return store.alone(() -> renewed(stale));
                } finally {
                    forgetRenewal();
                }
            });
        }
        return renewal;
    }

    private synchronized void forgetRenewal() {
        renewal = null;
    }

    /** Waits until the refresh under way has ended and its tokens are kept, if there is one, for a while. */
    void settle(Duration most) throws InterruptedException {
        CompletableFuture<StoredTokens> last;
        synchronized (this) {
            last = renewal;
        }
        if (last == null) {
            return;
        }
        try {
            last.get(most.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException | TimeoutException error) {
            // Whoever waited for it was told when the client was closed.
        }
    }

    /** Gets new tokens, unless somebody else got them meanwhile: another program, or another client. */
    private StoredTokens renewed(String stale) {
        StoredTokens tokens = loggedIn();
        return tokens.accessToken().equals(stale) ? successorOf(tokens) : tokens;
    }

    private StoredTokens successorOf(StoredTokens tokens) {
        // Whoever says this again, because no answer came, has the same key, and gets the same successor.
        String key = UUID.nameUUIDFromBytes(tokens.refreshToken().getBytes(StandardCharsets.UTF_8)).toString();
        Call<Tokens> call = new Call<>(Facts.REFRESH, Tokens.class)
            .body(Map.of("refresh_token", tokens.refreshToken()));
        Transport.Answer answer = transport.send(transport.prepare(call, key), null);
        synchronized (changing) {
            StoredTokens now = loggedIn();
            if (!now.refreshToken().equals(tokens.refreshToken())) {
                // Somebody has logged in meanwhile, and whoever logged out has ended this as well.
                return now;
            }
            if (!answer.succeeded()) {
                throw refused(answer.refused());
            }
            Tokens next = Client.read(answer, Tokens.class);
            // It is kept before it is used: the old ones are worth nothing now.
            long lifetime = Math.max(next.expiresIn(), SHORTEST_LIFE);
            begin(next.accessToken(), next.refreshToken(), Duration.ofSeconds(lifetime));
            return loggedIn();
        }
    }

    /** Only the server itself ends a session; all else may be different later, or come from something in between. */
    private ParleyException refused(ApiException error) {
        if (!error.saysUnauthorized()) {
            return error;
        }
        end();
        return new SessionEndedException("The session has ended", error);
    }
}
