// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * A conversation, as one of its members sees it.
 *
 * @param id The id of a conversation. A group has the same id as its conversation
 * @param userId The other person; null in a group; may be null
 * @param groupId The group; null between two people; may be null
 * @param name The name of the group; null between two people; may be null
 * @param createdAt A time of RFC 3339; the server gives it in UTC with Z
 * @param lastActivityAt A time of RFC 3339; the server gives it in UTC with Z
 * @param lastMessage Null while there is none; may be null
 * @param lastSeq The number of a message in its conversation, from 1 and without gaps. 0 is before the first
 * @param readSeq The number of a message in its conversation, from 1 and without gaps. 0 is before the first
 * @param deliveredSeq The number of a message in its conversation, from 1 and without gaps. 0 is before the
 * first
 */
public record Conversation(
    @JsonProperty(value = "id", required = true) String id,
    @JsonProperty(value = "kind", required = true) ConversationKind kind,
    @JsonProperty("user_id") String userId,
    @JsonProperty("group_id") String groupId,
    @JsonProperty("name") String name,
    @JsonProperty(value = "created_at", required = true) Instant createdAt,
    @JsonProperty(value = "last_activity_at", required = true) Instant lastActivityAt,
    @JsonProperty("last_message") Message lastMessage,
    @JsonProperty(value = "unread_count", required = true) long unreadCount,
    @JsonProperty(value = "last_seq", required = true) long lastSeq,
    @JsonProperty(value = "read_seq", required = true) long readSeq,
    @JsonProperty(value = "delivered_seq", required = true) long deliveredSeq) {}
