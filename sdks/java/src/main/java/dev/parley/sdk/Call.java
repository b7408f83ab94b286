package dev.parley.sdk;

import java.util.HashMap;
import java.util.Map;

/** One request: an operation with what fills it, and the class of its answer. */
public record Call<T>(
    Operation operation, Class<T> result, Map<String, String> path, Body query, Object body, String idempotencyKey) {

    public Call(Operation operation, Class<T> result) {
        this(operation, result, Map.of(), null, null, null);
    }

    public Call<T> path(String name, String value) {
        Map<String, String> more = new HashMap<>(path);
        more.put(name, value);
        return new Call<>(operation, result, more, query, body, idempotencyKey);
    }

    public Call<T> query(Body query) {
        return new Call<>(operation, result, path, query, body, idempotencyKey);
    }

    public Call<T> body(Object body) {
        return new Call<>(operation, result, path, query, body, idempotencyKey);
    }

    public Call<T> key(String idempotencyKey) {
        return new Call<>(operation, result, path, query, body, idempotencyKey);
    }
}
