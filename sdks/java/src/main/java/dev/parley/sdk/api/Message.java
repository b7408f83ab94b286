// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * A message, or (with {@code deleted_at}) the tombstone that keeps its place.
 *
 * @param id The id of a message
 * @param conversationId The id of a conversation. A group has the same id as its conversation
 * @param seq The number of a message in its conversation, from 1 and without gaps. 0 is before the first
 * @param position Orders messages across conversations
 * @param senderId The id of a user
 * @param receiverId The id of a user or of a group
 * @param content Null when the message was deleted; may be null
 * @param status Read when every other member has read it, delivered when every other member has received it,
 * else sent
 * @param metadata What the sender said beside the content. Null when the message was deleted; may be null
 * @param createdAt A time of RFC 3339; the server gives it in UTC with Z
 * @param editedAt Null when it was never edited; may be null
 * @param deletedAt Null unless it was deleted; may be null
 */
public record Message(
    @JsonProperty(value = "id", required = true) String id,
    @JsonProperty(value = "conversation_id", required = true) String conversationId,
    @JsonProperty(value = "seq", required = true) long seq,
    @JsonProperty(value = "position", required = true) long position,
    @JsonProperty(value = "sender_id", required = true) String senderId,
    @JsonProperty(value = "receiver_id", required = true) String receiverId,
    @JsonProperty("content") String content,
    @JsonProperty(value = "type", required = true) MessageType type,
    @JsonProperty(value = "status", required = true) MessageStatus status,
    @JsonProperty("metadata") MessageMetadata metadata,
    @JsonProperty(value = "created_at", required = true) Instant createdAt,
    @JsonProperty("edited_at") Instant editedAt,
    @JsonProperty("deleted_at") Instant deletedAt) {}
