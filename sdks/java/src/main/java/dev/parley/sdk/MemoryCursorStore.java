package dev.parley.sdk;

/** Forgets with the process; it may begin with a cursor, of which {@code 0} is the beginning of what is kept. */
public final class MemoryCursorStore implements CursorStore {
    private volatile String cursor;

    public MemoryCursorStore(String cursor) {
        this.cursor = cursor;
    }

    @Override
    public String load() {
        return cursor;
    }

    @Override
    public void save(String cursor) {
        this.cursor = cursor;
    }
}
