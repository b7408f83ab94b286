// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A Membership.
 *
 * @param conversationId The id of a conversation. A group has the same id as its conversation
 * @param userId The id of a user
 * @param actorId The id of a user
 */
public record Membership(
    @JsonProperty("conversation_id") String conversationId,
    @JsonProperty("user_id") String userId,
    @JsonProperty("role") Role role,
    @JsonProperty("actor_id") String actorId) {}
