// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;

/** What OpenConversation sends. */
public final class OpenConversation extends Body {
    public OpenConversation(String userId) {
        super(named("user_id", userId));
    }
}
