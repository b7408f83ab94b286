package dev.parley.sdk;

/** Keeps where a listener stands; null is nowhere. */
public interface CursorStore {
    String load();

    void save(String cursor);
}
