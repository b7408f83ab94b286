package dev.parley.sdk;

import java.util.Optional;

/** Keeps one session. {@code save} has to be done when it returns: the tokens of before are worth nothing then. */
public interface TokenStore {
    Optional<StoredTokens> load();

    void save(StoredTokens tokens);

    void clear();
}
