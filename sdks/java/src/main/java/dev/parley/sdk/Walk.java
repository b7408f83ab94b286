package dev.parley.sdk;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;

/** Walks through a list of any length; the next page is fetched when it is needed. */
public final class Walk<P, T> implements Iterator<T> {
    private final Function<String, P> fetch;
    private final Function<P, Page<T>> read;
    private final boolean reversed;
    private final Deque<T> items = new ArrayDeque<>();
    private String cursor;
    private boolean more = true;

    private Walk(String start, Function<String, P> fetch, Function<P, Page<T>> read, boolean reversed) {
        this.cursor = start;
        this.fetch = fetch;
        this.read = read;
        this.reversed = reversed;
    }

    /** Goes back through a list whose pages are newest first, from a cursor in the query or its end. */
    public static <P, T> Iterable<T> older(
            Body query, String name, Function<String, P> fetch, Function<P, Page<T>> read) {
        return () -> new Walk<>((String) query.fields().get(name), fetch, read, false);
    }

    /** Goes forth through the same from a cursor, oldest first; what is added meanwhile is seen. */
    public static <P, T> Iterable<T> newer(
            Body query, String name, Function<String, P> fetch, Function<P, Page<T>> read) {
        String start = begin(query, name);
        return () -> new Walk<>(start, fetch, read, true);
    }

    /** Goes forth through a list whose pages are oldest first. */
    public static <P, T> Iterable<T> forth(
            Body query, String name, Function<String, P> fetch, Function<P, Page<T>> read) {
        String start = begin(query, name);
        return () -> new Walk<>(start, fetch, read, false);
    }

    private static String begin(Body query, String name) {
        if (query.fields().get(name) instanceof String start) {
            return start;
        }
        throw new IllegalArgumentException("A walk forth begins somewhere: set `" + name + "`");
    }

    @Override
    public boolean hasNext() {
        while (items.isEmpty() && more) {
            Page<T> page = read.apply(fetch.apply(cursor));
            List<T> found = page.items();
            if (reversed) {
                found = new ArrayList<>(found);
                Collections.reverse(found);
            }
            items.addAll(found);
            cursor = page.nextCursor();
            more = page.hasMore() && cursor != null && !found.isEmpty();
        }
        return !items.isEmpty();
    }

    @Override
    public T next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return items.removeFirst();
    }
}
