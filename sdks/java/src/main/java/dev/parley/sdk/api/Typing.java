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
    @JsonProperty(value = "user_id", required = true) String userId,
    @JsonProperty(value = "conversation_id", required = true) String conversationId,
    @JsonProperty(value = "is_typing", required = true) boolean isTyping) {}
