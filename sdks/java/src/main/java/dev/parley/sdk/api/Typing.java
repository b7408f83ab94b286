// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A Typing.
 *
 * @param userId The id of a user
 * @param conversationId The id of a conversation. A group has the same id as its conversation
 */
public record Typing(
    @JsonProperty("user_id") String userId,
    @JsonProperty("conversation_id") String conversationId,
    @JsonProperty("is_typing") boolean isTyping) {}
