// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** What RegisterUser sends. */
public final class RegisterUser extends Body {
    public RegisterUser(String email, String password, String username) {
        super(named("email", email, "password", password, "username", username));
    }

    private RegisterUser(Map<String, Object> fields) {
        super(fields);
    }

    /** What people call you; the username unless you say otherwise. Null clears it. */
    public RegisterUser displayName(String displayName) {
        return new RegisterUser(with("display_name", displayName));
    }
}
