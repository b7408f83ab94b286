package dev.parley.sdk;

import java.util.Optional;
import java.util.function.Supplier;

/** Keeps one session. {@code save} has to be done when it returns: the tokens of before are worth nothing then. */
public interface TokenStore {
    Optional<StoredTokens> load();

    void save(StoredTokens tokens);

    void clear();

    /** Renews the tokens while nobody else does who shares this store; a store of one client need not care. */
    default <T> T alone(Supplier<T> renewal) {
        return renewal.get();
    }
}
