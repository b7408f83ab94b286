// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;

/** What UpdateMember sends. */
public final class UpdateMember extends Body {
    public UpdateMember(Role role) {
        super(named("role", role));
    }
}
