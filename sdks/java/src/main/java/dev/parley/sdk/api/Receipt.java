// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * How far a member has received and read a conversation.
 *
 * @param conversationId The id of a conversation. A group has the same id as its conversation
 * @param userId The id of a user
 * @param deliveredSeq The number of a message in its conversation, from 1 and without gaps. 0 is before the
 * first
 * @param readSeq The number of a message in its conversation, from 1 and without gaps. 0 is before the first
 */
public record Receipt(
    @JsonProperty(value = "conversation_id", required = true) String conversationId,
    @JsonProperty(value = "user_id", required = true) String userId,
    @JsonProperty(value = "delivered_seq", required = true) long deliveredSeq,
    @JsonProperty(value = "read_seq", required = true) long readSeq) {}
