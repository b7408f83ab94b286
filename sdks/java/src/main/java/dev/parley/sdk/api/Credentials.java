// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;

/** What Credentials sends. */
public final class Credentials extends Body {
    public Credentials(String email, String password) {
        super(named("email", email, "password", password));
    }
}
