// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** What UpdateGroupSettings sends. */
public final class UpdateGroupSettings extends Body {
    public UpdateGroupSettings() {
        super(named());
    }

    private UpdateGroupSettings(Map<String, Object> fields) {
        super(fields);
    }

    /** Sets {@code is_private}. */
    public UpdateGroupSettings isPrivate(boolean isPrivate) {
        return new UpdateGroupSettings(with("is_private", isPrivate));
    }

    /** Sets {@code allow_invites}. */
    public UpdateGroupSettings allowInvites(boolean allowInvites) {
        return new UpdateGroupSettings(with("allow_invites", allowInvites));
    }

    /** Sets {@code message_retention_days}. Null clears it. */
    public UpdateGroupSettings messageRetentionDays(Long messageRetentionDays) {
        return new UpdateGroupSettings(with("message_retention_days", messageRetentionDays));
    }
}
