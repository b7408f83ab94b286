// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * A ConversationCreated.
 *
 * @param conversationId The id of a conversation. A group has the same id as its conversation
 * @param name may be null
 * @param createdBy The id of a user
 * @param userIds The first hundred members
 */
public record ConversationCreated(
    @JsonProperty(value = "conversation_id", required = true) String conversationId,
    @JsonProperty(value = "kind", required = true) ConversationKind kind,
    @JsonProperty("name") String name,
    @JsonProperty(value = "created_by", required = true) String createdBy,
    @JsonProperty(value = "user_ids", required = true) List<String> userIds) {}
