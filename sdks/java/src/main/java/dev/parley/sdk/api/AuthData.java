// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** What AuthData sends. */
public final class AuthData extends Body {
    public AuthData(String token) {
        super(named("token", token));
    }

    private AuthData(Map<String, Object> fields) {
        super(fields);
    }

    /** Where to go on from. It has no meaning but to the server that gave it. */
    public AuthData cursor(String cursor) {
        return new AuthData(with("cursor", cursor));
    }
}
