// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** What PingData sends. */
public final class PingData extends Body {
    public PingData() {
        super(named());
    }

    private PingData(Map<String, Object> fields) {
        super(fields);
    }

    /** Comes back with the pong. */
    public PingData id(String id) {
        return new PingData(with("id", id));
    }
}
