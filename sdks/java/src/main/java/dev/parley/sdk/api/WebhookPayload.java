// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Instant;

/**
 * What a webhook is sent. Later versions add events, which those who asked for {@code *} get; ignore those
 * you do not know. What came with a later version is an UnknownPayload.
 */
@JsonTypeInfo(
    use = JsonTypeInfo.Id.NAME,
    property = "event",
    visible = true,
    defaultImpl = UnknownPayload.class)
@JsonSubTypes({
    @JsonSubTypes.Type(value = MessageCreatedPayload.class, name = "message.created"),
    @JsonSubTypes.Type(value = MessageUpdatedPayload.class, name = "message.updated"),
    @JsonSubTypes.Type(value = MessageDeletedPayload.class, name = "message.deleted"),
    @JsonSubTypes.Type(value = ReceiptUpdatedPayload.class, name = "receipt.updated"),
    @JsonSubTypes.Type(value = MemberAddedPayload.class, name = "member.added"),
    @JsonSubTypes.Type(value = MemberRemovedPayload.class, name = "member.removed"),
    @JsonSubTypes.Type(value = MemberUpdatedPayload.class, name = "member.updated"),
    @JsonSubTypes.Type(value = GroupCreatedPayload.class, name = "group.created"),
    @JsonSubTypes.Type(value = GroupUpdatedPayload.class, name = "group.updated"),
    @JsonSubTypes.Type(value = GroupDeletedPayload.class, name = "group.deleted"),
    @JsonSubTypes.Type(value = UserUpdatedPayload.class, name = "user.updated"),
    @JsonSubTypes.Type(value = WebhookDisabledPayload.class, name = "webhook.disabled"),
    @JsonSubTypes.Type(value = WebhookTestPayload.class, name = "webhook.test"),
})
public sealed interface WebhookPayload
    permits
        MessageCreatedPayload,
        MessageUpdatedPayload,
        MessageDeletedPayload,
        ReceiptUpdatedPayload,
        MemberAddedPayload,
        MemberRemovedPayload,
        MemberUpdatedPayload,
        GroupCreatedPayload,
        GroupUpdatedPayload,
        GroupDeletedPayload,
        UserUpdatedPayload,
        WebhookDisabledPayload,
        WebhookTestPayload,
        UnknownPayload {

    /** What tells which it is. */
    String event();

    /** What it is about. */
    Object data();

    /** Where it stands in the log; null where it does not. */
    default String cursor() {
        return null;
    }

    /** When it happened. */
    Instant timestamp();
}
