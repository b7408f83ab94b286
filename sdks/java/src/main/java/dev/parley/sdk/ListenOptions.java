package dev.parley.sdk;

import java.util.function.Consumer;

/** What can be different about a listener. */
public final class ListenOptions {
    private CursorStore cursorStore = new MemoryCursorStore(null);
    private Backoff backoff = Backoff.DEFAULT;
    private Consumer<Listener.State> onState = state -> {};

    /** Begins after a cursor; {@code 0} is the beginning of what is kept. Without one it begins now. */
    public ListenOptions cursor(String cursor) {
        return cursorStore(new MemoryCursorStore(cursor));
    }

    /** Goes on where the last listener of this store stood. */
    public ListenOptions cursorStore(CursorStore cursorStore) {
        this.cursorStore = cursorStore;
        return this;
    }

    /** How long to wait before coming back. */
    public ListenOptions backoff(Backoff backoff) {
        this.backoff = backoff;
        return this;
    }

    /** Is told of each change of the state, by the thread that asks for events. */
    public ListenOptions onState(Consumer<Listener.State> onState) {
        this.onState = onState;
        return this;
    }

    CursorStore cursorStore() {
        return cursorStore;
    }

    Backoff backoff() {
        return backoff;
    }

    Consumer<Listener.State> onState() {
        return onState;
    }
}
