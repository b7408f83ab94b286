// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;

/** What Mark sends. */
public final class Mark extends Body {
    public Mark(String messageId) {
        super(named("message_id", messageId));
    }
}
