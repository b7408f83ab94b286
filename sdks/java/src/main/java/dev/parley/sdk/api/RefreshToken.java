// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;

/** What RefreshToken sends. */
public final class RefreshToken extends Body {
    public RefreshToken(String refreshToken) {
        super(named("refresh_token", refreshToken));
    }
}
