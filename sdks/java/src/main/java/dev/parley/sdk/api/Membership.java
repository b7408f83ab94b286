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
    @JsonProperty(value = "conversation_id", required = true) String conversationId,
    @JsonProperty(value = "user_id", required = true) String userId,
    @JsonProperty(value = "role", required = true) Role role,
    @JsonProperty(value = "actor_id", required = true) String actorId) {}
