// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** What RotateSecret sends. */
public final class RotateSecret extends Body {
    public RotateSecret() {
        super(named());
    }

    private RotateSecret(Map<String, Object> fields) {
        super(fields);
    }

    /**
     * What deliveries are signed with. After {@code whsec_} it is base64 of 24 to 64 bytes, which are the
     * key; any other is its own key, as UTF-8.
     */
    public RotateSecret secret(String secret) {
        return new RotateSecret(with("secret", secret));
    }
}
