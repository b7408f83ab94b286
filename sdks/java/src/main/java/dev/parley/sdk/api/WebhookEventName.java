// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * The name of an event, or {@code *} for all of them. Later versions add names. A later version may have more
 * of them: they are kept as they are.
 */
public record WebhookEventName(@JsonValue String value) {
    public static final WebhookEventName MESSAGE_CREATED = new WebhookEventName("message.created");
    public static final WebhookEventName MESSAGE_UPDATED = new WebhookEventName("message.updated");
    public static final WebhookEventName MESSAGE_DELETED = new WebhookEventName("message.deleted");
    public static final WebhookEventName RECEIPT_UPDATED = new WebhookEventName("receipt.updated");
    public static final WebhookEventName MEMBER_ADDED = new WebhookEventName("member.added");
    public static final WebhookEventName MEMBER_REMOVED = new WebhookEventName("member.removed");
    public static final WebhookEventName MEMBER_UPDATED = new WebhookEventName("member.updated");
    public static final WebhookEventName GROUP_CREATED = new WebhookEventName("group.created");
    public static final WebhookEventName GROUP_UPDATED = new WebhookEventName("group.updated");
    public static final WebhookEventName GROUP_DELETED = new WebhookEventName("group.deleted");
    public static final WebhookEventName USER_UPDATED = new WebhookEventName("user.updated");
    public static final WebhookEventName WEBHOOK_DISABLED = new WebhookEventName("webhook.disabled");
    public static final WebhookEventName ALL = new WebhookEventName("*");

    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public WebhookEventName {}

    @Override
    public String toString() {
        return value;
    }
}
