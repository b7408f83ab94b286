package dev.parley.sdk;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a request says, by the names of the contract: what was set to null is sent as null, the rest is not sent. */
public abstract class Body {
    private final Map<String, Object> fields;

    protected Body(Map<String, Object> fields) {
        this.fields = Collections.unmodifiableMap(fields);
    }

    /** What was set. */
    @JsonValue
    public final Map<String, Object> fields() {
        return fields;
    }

    protected final Map<String, Object> with(String name, Object value) {
        Map<String, Object> changed = new LinkedHashMap<>(fields);
        changed.put(name, value);
        return changed;
    }

    protected static Map<String, Object> named(Object... namesAndValues) {
        Map<String, Object> fields = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            fields.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return fields;
    }

    @Override
    public final boolean equals(Object other) {
        return other != null && other.getClass() == getClass() && ((Body) other).fields.equals(fields);
    }

    @Override
    public final int hashCode() {
        return fields.hashCode();
    }

    /** Names only: contents and passwords do not get into logs. */
    @Override
    public final String toString() {
        return getClass().getSimpleName() + fields.keySet();
    }
}
