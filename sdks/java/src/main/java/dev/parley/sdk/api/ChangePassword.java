// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;

/** What ChangePassword sends. */
public final class ChangePassword extends Body {
    public ChangePassword(String currentPassword, String newPassword) {
        super(named("current_password", currentPassword, "new_password", newPassword));
    }
}
