// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;

/** What SetPresence sends. */
public final class SetPresence extends Body {
    public SetPresence(UserStatus status) {
        super(named("status", status));
    }
}
