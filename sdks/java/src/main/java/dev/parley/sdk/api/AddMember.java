// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;

/** What AddMember sends. */
public final class AddMember extends Body {
    public AddMember(String userId) {
        super(named("user_id", userId));
    }
}
