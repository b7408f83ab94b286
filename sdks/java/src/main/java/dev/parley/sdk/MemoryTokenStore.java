package dev.parley.sdk;

import java.util.Optional;

/** Forgets with the process. */
public final class MemoryTokenStore implements TokenStore {
    private volatile StoredTokens tokens;

    @Override
    public Optional<StoredTokens> load() {
        return Optional.ofNullable(tokens);
    }

    @Override
    public void save(StoredTokens tokens) {
        this.tokens = tokens;
    }

    @Override
    public void clear() {
        tokens = null;
    }
}
