// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** What CreateGroupSettings sends. */
public final class CreateGroupSettings extends Body {
    public CreateGroupSettings() {
        super(named());
    }

    private CreateGroupSettings(Map<String, Object> fields) {
        super(fields);
    }

    /** Only members can see it. */
    public CreateGroupSettings isPrivate(boolean isPrivate) {
        return new CreateGroupSettings(with("is_private", isPrivate));
    }

    /** Every member may add others. */
    public CreateGroupSettings allowInvites(boolean allowInvites) {
        return new CreateGroupSettings(with("allow_invites", allowInvites));
    }

    /** For how long messages are kept; null is for ever. Null clears it. */
    public CreateGroupSettings messageRetentionDays(Long messageRetentionDays) {
        return new CreateGroupSettings(with("message_retention_days", messageRetentionDays));
    }
}
