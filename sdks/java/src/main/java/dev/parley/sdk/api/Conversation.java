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
    @JsonProperty("id") String id,
    @JsonProperty("kind") ConversationKind kind,
    @JsonProperty("user_id") String userId,
    @JsonProperty("group_id") String groupId,
    @JsonProperty("name") String name,
    @JsonProperty("created_at") Instant createdAt,
    @JsonProperty("last_activity_at") Instant lastActivityAt,
    @JsonProperty("last_message") Message lastMessage,
    @JsonProperty("unread_count") long unreadCount,
    @JsonProperty("last_seq") long lastSeq,
    @JsonProperty("read_seq") long readSeq,
    @JsonProperty("delivered_seq") long deliveredSeq) {}
