// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

/**
 * Something that happened. Later versions add types; ignore those you do not know. What came with a later
 * version is an UnknownEvent.
 */
@JsonTypeInfo(
    use = JsonTypeInfo.Id.NAME,
    property = "type",
    visible = true,
    defaultImpl = UnknownEvent.class)
@JsonSubTypes({
    @JsonSubTypes.Type(value = MessageEvent.class, name = "message"),
    @JsonSubTypes.Type(value = MessageUpdatedEvent.class, name = "message.updated"),
    @JsonSubTypes.Type(value = MessageDeletedEvent.class, name = "message.deleted"),
    @JsonSubTypes.Type(value = ReceiptEvent.class, name = "receipt"),
    @JsonSubTypes.Type(value = ConversationCreatedEvent.class, name = "conversation.created"),
    @JsonSubTypes.Type(value = MemberAddedEvent.class, name = "member.added"),
    @JsonSubTypes.Type(value = MemberRemovedEvent.class, name = "member.removed"),
    @JsonSubTypes.Type(value = MemberUpdatedEvent.class, name = "member.updated"),
    @JsonSubTypes.Type(value = GroupUpdatedEvent.class, name = "group.updated"),
    @JsonSubTypes.Type(value = GroupDeletedEvent.class, name = "group.deleted"),
    @JsonSubTypes.Type(value = UserUpdatedEvent.class, name = "user.updated"),
    @JsonSubTypes.Type(value = WebhookDisabledEvent.class, name = "webhook.disabled"),
    @JsonSubTypes.Type(value = ReadyNotice.class, name = "ready"),
    @JsonSubTypes.Type(value = TypingNotice.class, name = "typing"),
    @JsonSubTypes.Type(value = PresenceNotice.class, name = "presence"),
    @JsonSubTypes.Type(value = ResyncNotice.class, name = "resync"),
    @JsonSubTypes.Type(value = PongNotice.class, name = "pong"),
    @JsonSubTypes.Type(value = ErrorNotice.class, name = "error"),
})
public sealed interface Event
    permits
        MessageEvent,
        MessageUpdatedEvent,
        MessageDeletedEvent,
        ReceiptEvent,
        ConversationCreatedEvent,
        MemberAddedEvent,
        MemberRemovedEvent,
        MemberUpdatedEvent,
        GroupUpdatedEvent,
        GroupDeletedEvent,
        UserUpdatedEvent,
        WebhookDisabledEvent,
        ReadyNotice,
        TypingNotice,
        PresenceNotice,
        ResyncNotice,
        PongNotice,
        ErrorNotice,
        UnknownEvent {

    /** What tells which it is. */
    String type();

    /** What it is about. */
    Object data();

    /** Where it stands in the log; null where it does not. */
    default String cursor() {
        return null;
    }

    /** Its number in its conversation, or null. */
    default Long seq() {
        return null;
    }
}
