// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A GroupSettings.
 *
 * @param isPrivate Only members can see it
 * @param allowInvites Every member may add others
 * @param messageRetentionDays For how long messages are kept; null is for ever; may be null
 */
public record GroupSettings(
    @JsonProperty(value = "is_private", required = true) boolean isPrivate,
    @JsonProperty(value = "allow_invites", required = true) boolean allowInvites,
    @JsonProperty("message_retention_days") Long messageRetentionDays) {}
