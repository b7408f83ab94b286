# Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from parley_sdk.model import Model, UnknownEvent
from pydantic import AwareDatetime, ConfigDict, Field, RootModel


class DayOrTime(RootModel[date | AwareDatetime]):
    root: date | AwareDatetime = Field(..., description='A day in UTC, or a time.')


class FieldError(Model):
    field: str
    reason: str


class Credentials(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    email: str = Field(..., description='Unique; capitals do not make a difference.')
    password: str = Field(..., description='A password that may be right.')


class RefreshToken(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    refresh_token: str


class Tokens(Model):
    access_token: str = Field(
        ..., description='For the Authorization header, as `Bearer <token>`.'
    )
    refresh_token: str = Field(..., description='For the next tokens; it works once.')
    expires_in: int = Field(
        ..., description='How long the access token works in seconds.'
    )
    token_type: Literal['Bearer']
    user_id: UUID = Field(..., description='The id of a user.')
    session_id: UUID = Field(..., description='The id of a session.')


class ChangePassword(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    current_password: str = Field(..., description='A password that may be right.')
    new_password: str = Field(..., description='At least eight characters.')


class Session(Model):
    """
    One log-in on one device.
    """

    id: UUID = Field(..., description='The id of a session.')
    created_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    last_used_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    expires_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    user_agent: str | None = Field(
        ..., description='What the client called itself at log-in.'
    )
    address: str | None = Field(..., description='Where the log-in came from.')
    current: bool = Field(..., description='Whether it is the session that asks.')


class RegisterUser(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    email: str = Field(..., description='Unique; capitals do not make a difference.')
    password: str = Field(..., description='At least eight characters.')
    username: str = Field(..., description='Unique; capitals do not make a difference.')
    display_name: str | None = Field(
        None, description='What people call you; the username unless you say otherwise.'
    )


class UpdateUser(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    display_name: str | None = Field(None, description='Null makes it the username.')
    bio: str | None = None
    avatar_url: str | None = None
    location: str | None = None


class Profile(Model):
    """
    What a user tells about themselves; null is nothing told.
    """

    bio: str | None = Field(...)
    avatar_url: str | None = Field(...)
    location: str | None = Field(...)


class User(Model):
    """
    A person. The e-mail address and the access to the beta are shown only to themselves.
    """

    id: UUID = Field(..., description='The id of a user.')
    email: str | None = Field(
        None, description='Unique; capitals do not make a difference.'
    )
    username: str = Field(..., description='Unique; capitals do not make a difference.')
    display_name: str = Field(..., description='What people call you.')
    status: Literal['online', 'offline'] | str
    last_seen: AwareDatetime | None = Field(
        ..., description='The last sign of life; null before the first.'
    )
    profile: Profile
    created_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    beta_access: bool | None = Field(
        None,
        description='Whether this person may use `/v2`, which is not released yet.',
    )


class Me(Model):
    """
    A person, as they see themselves.
    """

    id: UUID = Field(..., description='The id of a user.')
    email: str = Field(..., description='Unique; capitals do not make a difference.')
    username: str = Field(..., description='Unique; capitals do not make a difference.')
    display_name: str = Field(..., description='What people call you.')
    status: Literal['online', 'offline'] | str
    last_seen: AwareDatetime | None = Field(
        ..., description='The last sign of life; null before the first.'
    )
    profile: Profile
    created_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    beta_access: bool = Field(
        ..., description='Whether this person may use `/v2`, which is not released yet.'
    )


class UserPage(Model):
    users: list[User]
    has_more: bool
    next_cursor: UUID | None = Field(...)


class OpenConversation(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    user_id: UUID = Field(..., description='The id of a user.')


class Mark(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    message_id: UUID = Field(..., description='The id of a message.')


class Receipt(Model):
    """
    How far a member has received and read a conversation.
    """

    conversation_id: UUID = Field(
        ...,
        description='The id of a conversation. A group has the same id as its conversation.',
    )
    user_id: UUID = Field(..., description='The id of a user.')
    delivered_seq: int = Field(
        ...,
        description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
    )
    read_seq: int = Field(
        ...,
        description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
    )


class CustomData(Model):
    """
    Your own data, up to 4 KB as JSON. The server keeps it and does not look into it.
    """

    model_config = ConfigDict(
        extra='allow',
    )


class EditMessage(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    content: str = Field(..., description='The text of a message.')


class Attachment(Model):
    url: str = Field(..., description='An http or https address, in ASCII.')
    name: str
    content_type: str = Field(
        ..., description='A media type without parameters (RFC 6838).'
    )
    size: int = Field(..., description='In bytes.')


class CreateGroupSettings(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    is_private: bool = Field(True, description='Only members can see it.')
    allow_invites: bool = Field(True, description='Every member may add others.')
    message_retention_days: int | None = Field(
        None, description='For how long messages are kept; null is for ever.'
    )


class UpdateGroupSettings(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    is_private: bool | None = None
    allow_invites: bool | None = None
    message_retention_days: int | None = None


class GroupSettings(Model):
    is_private: bool = Field(..., description='Only members can see it.')
    allow_invites: bool = Field(..., description='Every member may add others.')
    message_retention_days: int | None = Field(
        ..., description='For how long messages are kept; null is for ever.'
    )


class AddMember(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    user_id: UUID = Field(..., description='The id of a user.')


class UpdateMember(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    role: Literal['owner', 'admin', 'member'] | str


class Member(Model):
    """
    A user's place in a group.
    """

    user_id: UUID = Field(..., description='The id of a user.')
    role: Literal['owner', 'admin', 'member'] | str
    joined_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )


class MemberPage(Model):
    members: list[Member]
    has_more: bool
    next_cursor: UUID | None = Field(...)


class ReceiptEvent(Model):
    """
    A member received or read messages.
    """

    type: Literal['receipt']
    data: Receipt
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    seq: int | None = None


class UserUpdatedEvent(Model):
    """
    A user changed what they tell about themselves.
    """

    type: Literal['user.updated']
    data: User
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    seq: int | None = None


class ConversationCreated(Model):
    conversation_id: UUID = Field(
        ...,
        description='The id of a conversation. A group has the same id as its conversation.',
    )
    kind: Literal['direct', 'group'] | str
    name: str | None = Field(...)
    created_by: UUID = Field(..., description='The id of a user.')
    user_ids: list[UUID] = Field(..., description='The first hundred members.')


class Membership(Model):
    conversation_id: UUID = Field(
        ...,
        description='The id of a conversation. A group has the same id as its conversation.',
    )
    user_id: UUID = Field(..., description='The id of a user.')
    role: Literal['owner', 'admin', 'member'] | str
    actor_id: UUID = Field(..., description='The id of a user.')


class GroupFacts(Model):
    group_id: UUID = Field(..., description='The id of a group.')
    name: str
    description: str | None = Field(...)
    settings: GroupSettings
    owner_id: UUID = Field(..., description='The id of a user.')


class GroupDeleted(Model):
    group_id: UUID = Field(..., description='The id of a group.')
    actor_id: UUID = Field(..., description='The id of a user.')


class WebhookDisabled(Model):
    webhook_id: UUID = Field(..., description='The id of a webhook.')
    reason: str = Field(
        ...,
        description='`requested`, `endpoint_gone` (it answered 410) or `failures` (nothing else for five days).',
    )


class CreateWebhook(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    url: str = Field(
        ...,
        description='An http or https address in ASCII, without credentials. It is public, unless the operator allows others.',
    )
    events: list[Literal['message.created', 'message.updated', 'message.deleted', 'receipt.updated', 'member.added', 'member.removed', 'member.updated', 'group.created', 'group.updated', 'group.deleted', 'user.updated', 'webhook.disabled', '*'] | str] = (
        Field(..., description='What to hear of.')
    )
    secret: str | None = Field(
        None,
        description='What deliveries are signed with. After `whsec_` it is base64 of 24 to 64 bytes, which are the key; any other is its own key, as UTF-8.',
    )
    conversation_id: UUID | None = Field(
        None, description='Events of this conversation only. You are in it.'
    )
    ordered: bool = Field(
        False,
        description='Whether each delivery waits until the one before has arrived or is given up, which is slower.',
    )


class UpdateWebhook(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    url: str | None = Field(
        None,
        description='An http or https address in ASCII, without credentials. It is public, unless the operator allows others.',
    )
    events: (
        list[
            Literal['message.created', 'message.updated', 'message.deleted', 'receipt.updated', 'member.added', 'member.removed', 'member.updated', 'group.created', 'group.updated', 'group.deleted', 'user.updated', 'webhook.disabled', '*'] | str
        ]
        | None
    ) = Field(None, description='What to hear of from now on.')
    conversation_id: UUID | None = Field(
        None, description='Events of this conversation only; null is all.'
    )
    ordered: bool | None = None
    status: Literal['active', 'disabled'] | str | None = None


class Webhook(Model):
    """
    An address to which events are sent.
    """

    id: UUID = Field(..., description='The id of a webhook.')
    url: str = Field(..., description='Where deliveries are posted.')
    events: list[Literal['message.created', 'message.updated', 'message.deleted', 'receipt.updated', 'member.added', 'member.removed', 'member.updated', 'group.created', 'group.updated', 'group.deleted', 'user.updated', 'webhook.disabled', '*'] | str]
    conversation_id: UUID | None = Field(
        ..., description='Events of this conversation only; null is all.'
    )
    ordered: bool = Field(
        ..., description='Whether each delivery waits for the one before.'
    )
    status: Literal['active', 'disabled'] | str
    disabled_reason: str | None = Field(
        ...,
        description='Null while it is active: `requested`, `endpoint_gone` (it answered 410) or `failures` (nothing else for five days).',
    )
    failing_since: AwareDatetime | None = Field(
        ..., description='Since when every attempt failed; null after a success.'
    )
    previous_secret_until: AwareDatetime | None = Field(
        ...,
        description='Until when everything is signed with the previous secret too, and the last of those before it has ended; null when there is none.',
    )
    created_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )


class CreatedWebhook(Model):
    """
    A new webhook, with its secret.
    """

    id: UUID = Field(..., description='The id of a webhook.')
    url: str = Field(..., description='Where deliveries are posted.')
    events: list[Literal['message.created', 'message.updated', 'message.deleted', 'receipt.updated', 'member.added', 'member.removed', 'member.updated', 'group.created', 'group.updated', 'group.deleted', 'user.updated', 'webhook.disabled', '*'] | str]
    conversation_id: UUID | None = Field(
        ..., description='Events of this conversation only; null is all.'
    )
    ordered: bool = Field(
        ..., description='Whether each delivery waits for the one before.'
    )
    status: Literal['active', 'disabled'] | str
    disabled_reason: str | None = Field(
        ...,
        description='Null while it is active: `requested`, `endpoint_gone` (it answered 410) or `failures` (nothing else for five days).',
    )
    failing_since: AwareDatetime | None = Field(
        ..., description='Since when every attempt failed; null after a success.'
    )
    previous_secret_until: AwareDatetime | None = Field(
        ...,
        description='Until when everything is signed with the previous secret too, and the last of those before it has ended; null when there is none.',
    )
    created_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    secret: str | None = Field(
        ...,
        description='The secret as it was given, or made. Null only in a repeat, after it was rotated.',
    )
    signing_secret: str | None = Field(
        ...,
        description='The same in the form that libraries for Standard Webhooks take.',
    )


class WebhookPage(Model):
    webhooks: list[Webhook]
    has_more: bool
    next_cursor: UUID | None = Field(...)


class RotateSecret(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    secret: str | None = Field(
        None,
        description='What deliveries are signed with. After `whsec_` it is base64 of 24 to 64 bytes, which are the key; any other is its own key, as UTF-8.',
    )


class RotatedSecret(Model):
    """
    The new secret of a webhook.
    """

    secret: str | None = Field(
        ...,
        description='The secret as it was given, or made. Null only in a repeat, after it was rotated.',
    )
    signing_secret: str | None = Field(
        ...,
        description='The same in the form that libraries for Standard Webhooks take.',
    )
    previous_secret_until: AwareDatetime | None = Field(
        ...,
        description='Until when the secret before is valid. Null only in a repeat that comes later than that.',
    )


class RecoverDeliveries(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    since: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )


class Recovery(Model):
    deliveries: int = Field(..., description='How many wait to be sent now.')
    has_more: bool = Field(..., description='Whether there are more of them.')
    since: AwareDatetime = Field(..., description='Where to go on when there are more.')


class DeliveryAttempt(Model):
    """
    What came of sending it once.
    """

    number: int
    at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    status: int | None = Field(
        ..., description='The status of the answer; null when there was none.'
    )
    error: str | None = Field(..., description='Why there was no answer that counts.')
    latency_ms: int = Field(..., description='How long it took.')
    response_excerpt: str | None = Field(
        ..., description="The beginning of the answer's body; null when there was none."
    )


class WebhookTest(Model):
    webhook_id: UUID = Field(..., description='The id of a webhook.')


class AuthData(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    token: str = Field(..., description='The `access_token` of a log-in.')
    cursor: str | None = Field(
        None,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )


class SetTyping(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    conversation_id: UUID = Field(
        ...,
        description='The id of a conversation. A group has the same id as its conversation.',
    )
    is_typing: bool
    user_id: UUID | None = Field(None, description='If it is given, it is your own.')


class SetPresence(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    status: Literal['online', 'offline'] | str


class SetReceipt(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    conversation_id: UUID = Field(
        ...,
        description='The id of a conversation. A group has the same id as its conversation.',
    )
    message_id: UUID = Field(..., description='The id of a message.')
    kind: Literal['delivered', 'read'] | str = Field(
        ..., description='What was read was delivered too.'
    )


class PingData(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    id: str | None = Field(None, description='Comes back with the pong.')


class Heartbeat(Model):
    """
    The server pings every `interval_seconds` and gives up `timeout_seconds` after a ping without any sign of life.
    """

    interval_seconds: int
    timeout_seconds: int


class SocketLimits(Model):
    """
    What a client keeps to.
    """

    frame_bytes: int = Field(..., description='How large a frame may be.')
    frames_per_minute: int
    sockets_per_user: int
    typing_seconds: int = Field(
        ..., description='How long a `typing` holds unless it is said again.'
    )


class Typing(Model):
    user_id: UUID = Field(..., description='The id of a user.')
    conversation_id: UUID = Field(
        ...,
        description='The id of a conversation. A group has the same id as its conversation.',
    )
    is_typing: bool


class Presence(Model):
    user_id: UUID = Field(..., description='The id of a user.')
    status: Literal['online', 'offline'] | str
    last_seen: AwareDatetime | None = Field(
        ..., description='The last sign of life; null before the first.'
    )


class Resync(Model):
    reason: Literal['cursor_too_old', 'log_reset'] | str = Field(
        ...,
        description='The events after the cursor are no longer kept, or the log was set back since.',
    )
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )


class Pong(Model):
    id: str | None = Field(..., description="The ping's own; null if it had none.")


class Contract(Model):
    """
    Which contract a server keeps, and which build of Parley keeps it.
    """

    version: str = Field(..., description='The `info.version` of both documents.')
    openapi_sha256: str = Field(
        ..., description='The SHA-256 of `/openapi.json`, in hex.'
    )
    asyncapi_sha256: str = Field(
        ..., description='The SHA-256 of `/asyncapi.json`, in hex.'
    )
    build: str = Field(..., description='The version of Parley itself.')


class LimitBucket(Model):
    name: str
    limit: int
    window_seconds: int
    remaining: int
    reset_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )


class ErrorDetails(Model):
    """
    Facts about the error; which ones depends on the code.
    """

    field: str | None = Field(
        None,
        description='The first field that is wrong; in a body a path such as metadata.mentions[0].',
    )
    reason: str | None = Field(None, description='What is wrong with it.')
    errors: list[FieldError] | None = Field(
        None, description='All fields that are wrong.'
    )
    token_expired: bool | None = Field(
        None, description='Whether the token was right once.'
    )
    retry_after: int | None = Field(None, description='When to come back in seconds.')
    resource: str | None = Field(None, description='What is not there.')
    max_bytes: int | None = Field(None, description='How large a body may be.')
    deleted_at: AwareDatetime | None = Field(
        None, description='A time of RFC 3339; the server gives it in UTC with Z.'
    )


class SessionList(Model):
    sessions: list[Session]


class TextMetadata(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    reply_to: UUID | None = Field(None, description='The id of a message.')
    mentions: list[UUID] | None = None
    custom: CustomData | None = None


class SendAttachment(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    url: str = Field(..., description='An http or https address, in ASCII.')
    name: str
    content_type: str = Field(
        ..., description='A media type without parameters (RFC 6838).'
    )
    size: int = Field(..., description='In bytes.')


class MessageMetadata(Model):
    """
    What the sender said beside the content. Null when the message was deleted.
    """

    reply_to: UUID | None = Field(None, description='The id of a message.')
    mentions: list[UUID] | None = None
    attachments: list[Attachment] | None = None
    custom: CustomData | None = None


class CreateGroup(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    name: str
    description: str | None = None
    members: list[UUID] = Field(
        [], description='Who is in it from the start, beside you.'
    )
    settings: CreateGroupSettings | None = None


class UpdateGroup(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    name: str | None = None
    description: str | None = None
    settings: UpdateGroupSettings | None = None


class Group(Model):
    id: UUID = Field(..., description='The id of a group.')
    name: str
    description: str | None = Field(...)
    owner_id: UUID = Field(..., description='The id of a user.')
    created_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    member_count: int
    members: list[Member] = Field(..., description='The first hundred who joined.')
    settings: GroupSettings


class GroupPage(Model):
    groups: list[Group]
    has_more: bool
    next_cursor: UUID | None = Field(...)


class ConversationCreatedEvent(Model):
    """
    A conversation was made, with you in it.
    """

    type: Literal['conversation.created']
    data: ConversationCreated
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    seq: int | None = None


class MemberAddedEvent(Model):
    """
    Somebody was added to a group, or joined it.
    """

    type: Literal['member.added']
    data: Membership
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    seq: int | None = None


class MemberRemovedEvent(Model):
    """
    Somebody was removed from a group, or left it; the role is the one they had.
    """

    type: Literal['member.removed']
    data: Membership
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    seq: int | None = None


class MemberUpdatedEvent(Model):
    """
    A member has another role.
    """

    type: Literal['member.updated']
    data: Membership
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    seq: int | None = None


class GroupUpdatedEvent(Model):
    """
    A group has another name, description, owner or settings.
    """

    type: Literal['group.updated']
    data: GroupFacts
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    seq: int | None = None


class GroupDeletedEvent(Model):
    """
    A group was deleted.
    """

    type: Literal['group.deleted']
    data: GroupDeleted
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    seq: int | None = None


class WebhookDisabledEvent(Model):
    """
    One of your webhooks was disabled.
    """

    type: Literal['webhook.disabled']
    data: WebhookDisabled
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    seq: int | None = None


class Delivery(Model):
    """
    One event on its way to one webhook.
    """

    id: UUID = Field(
        ..., description='The id of a delivery: of one event to one webhook.'
    )
    webhook_id: UUID = Field(..., description='The id of a webhook.')
    event: str = Field(..., description='The name of the event.')
    cursor: str | None = Field(
        ..., description='The cursor of the event, as on the socket; null for a test.'
    )
    status: Literal['pending', 'succeeded', 'failed'] | str = Field(
        ...,
        description='Whether it waits to be sent (again), has arrived, or is given up.',
    )
    created_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    next_attempt_at: AwareDatetime | None = Field(
        ..., description='When it is tried next; null when it is finished.'
    )
    finished_at: AwareDatetime | None = Field(
        ..., description='When it arrived or was given up; null before.'
    )
    attempt_count: int = Field(..., description='How often it was tried.')
    attempts: list[DeliveryAttempt] = Field(
        ..., description='The last twenty attempts in order.'
    )


class DeliveryPage(Model):
    deliveries: list[Delivery]
    has_more: bool
    next_cursor: UUID | None = Field(...)


class ReceiptUpdatedPayload(Model):
    """
    A member received or read messages.
    """

    event: Literal['receipt.updated']
    timestamp: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    data: Receipt
    signature: str = Field(
        ...,
        description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
    )


class MemberAddedPayload(Model):
    """
    Somebody was added to a group, or joined it.
    """

    event: Literal['member.added']
    timestamp: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    data: Membership
    signature: str = Field(
        ...,
        description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
    )


class MemberRemovedPayload(Model):
    """
    Somebody was removed from a group, or left it; the role is the one they had.
    """

    event: Literal['member.removed']
    timestamp: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    data: Membership
    signature: str = Field(
        ...,
        description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
    )


class MemberUpdatedPayload(Model):
    """
    A member has another role.
    """

    event: Literal['member.updated']
    timestamp: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    data: Membership
    signature: str = Field(
        ...,
        description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
    )


class GroupCreatedPayload(Model):
    """
    A group was made, with you in it.
    """

    event: Literal['group.created']
    timestamp: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    data: ConversationCreated
    signature: str = Field(
        ...,
        description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
    )


class GroupUpdatedPayload(Model):
    """
    A group has another name, description, owner or settings.
    """

    event: Literal['group.updated']
    timestamp: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    data: GroupFacts
    signature: str = Field(
        ...,
        description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
    )


class GroupDeletedPayload(Model):
    """
    A group was deleted.
    """

    event: Literal['group.deleted']
    timestamp: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    data: GroupDeleted
    signature: str = Field(
        ...,
        description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
    )


class UserUpdatedPayload(Model):
    """
    A user changed what they tell about themselves.
    """

    event: Literal['user.updated']
    timestamp: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    data: User
    signature: str = Field(
        ...,
        description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
    )


class WebhookDisabledPayload(Model):
    """
    Another webhook of yours was disabled.
    """

    event: Literal['webhook.disabled']
    timestamp: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    data: WebhookDisabled
    signature: str = Field(
        ...,
        description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
    )


class WebhookTestPayload(Model):
    """
    Somebody asked for a test.
    """

    event: Literal['webhook.test']
    timestamp: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    data: WebhookTest
    signature: str = Field(
        ...,
        description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
    )


class WebhookMessage(Model):
    """
    A message, or (with `deleted_at`) the tombstone that keeps its place. `message_id` is its id once more.
    """

    message_id: UUID = Field(..., description='The id of a message.')
    id: UUID = Field(..., description='The id of a message.')
    conversation_id: UUID = Field(
        ...,
        description='The id of a conversation. A group has the same id as its conversation.',
    )
    seq: int = Field(
        ...,
        description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
    )
    position: int = Field(..., description='Orders messages across conversations.')
    sender_id: UUID = Field(..., description='The id of a user.')
    receiver_id: UUID = Field(..., description='The id of a user or of a group.')
    content: str | None = Field(..., description='Null when the message was deleted.')
    type: Literal['text', 'image', 'video', 'audio', 'file'] | str
    status: Literal['sent', 'delivered', 'read'] | str = Field(
        ...,
        description='Read when every other member has read it, delivered when every other member has received it, else sent.',
    )
    metadata: MessageMetadata | None
    created_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    edited_at: AwareDatetime | None = Field(
        ..., description='Null when it was never edited.'
    )
    deleted_at: AwareDatetime | None = Field(
        ..., description='Null unless it was deleted.'
    )


class AuthFrame(Model):
    """
    Says who the client is, or renews the token of a socket.
    """

    model_config = ConfigDict(
        extra='forbid',
    )
    type: Literal['auth']
    data: AuthData


class TypingFrame(Model):
    """
    Says that the client's user begins or stops to type.
    """

    model_config = ConfigDict(
        extra='forbid',
    )
    type: Literal['typing']
    data: SetTyping


class PresenceFrame(Model):
    """
    Says whether the client's user is to be seen on this socket.
    """

    model_config = ConfigDict(
        extra='forbid',
    )
    type: Literal['presence']
    data: SetPresence


class ReceiptFrame(Model):
    """
    Says up to which message the client's user received or read a conversation.
    """

    model_config = ConfigDict(
        extra='forbid',
    )
    type: Literal['receipt']
    data: SetReceipt


class PingFrame(Model):
    """
    Asks for a sign of life.
    """

    model_config = ConfigDict(
        extra='forbid',
    )
    type: Literal['ping']
    data: PingData | None = None


class Ready(Model):
    user: User
    session_id: UUID = Field(..., description='The id of a session.')
    token_expires_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    heartbeat: Heartbeat
    limits: SocketLimits
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )


class TypingNotice(Model):
    """
    Somebody begins or stops to type.
    """

    type: Literal['typing']
    data: Typing


class PresenceNotice(Model):
    """
    Somebody came or went.
    """

    type: Literal['presence']
    data: Presence


class ResyncNotice(Model):
    """
    The events cannot go on from the cursor without a hole.
    """

    type: Literal['resync']
    data: Resync


class PongNotice(Model):
    """
    The answer to a ping.
    """

    type: Literal['pong']
    data: Pong


class FrameError(Model):
    code: (
        Literal[
            'validation_error',
            'unauthorized',
            'forbidden',
            'not_found',
            'method_not_allowed',
            'conflict',
            'gone',
            'payload_too_large',
            'unsupported_media_type',
            'idempotency_mismatch',
            'upgrade_required',
            'rate_limit_exceeded',
            'internal_error',
            'unavailable',
        ]
        | str
    ) = Field(..., description='What went wrong. Later versions add codes; treat one you do not know by the status.')
    message: str = Field(..., description='A sentence for people.')
    details: ErrorDetails
    frame: str | None = Field(
        ...,
        description='The `type` of the frame that was refused; null if it had none that is known.',
    )


class Limits(Model):
    buckets: list[LimitBucket]


class ErrorBody(Model):
    code: (
        Literal[
            'validation_error',
            'unauthorized',
            'forbidden',
            'not_found',
            'method_not_allowed',
            'conflict',
            'gone',
            'payload_too_large',
            'unsupported_media_type',
            'idempotency_mismatch',
            'upgrade_required',
            'rate_limit_exceeded',
            'internal_error',
            'unavailable',
        ]
        | str
    ) = Field(..., description='What went wrong. Later versions add codes; treat one you do not know by the status.')
    message: str = Field(..., description='A sentence for people.')
    details: ErrorDetails


class TextToReceiver(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    receiver_id: UUID = Field(..., description='The id of a user or of a group.')
    content: str = Field(..., description='The text of a message.')
    type: Literal['text'] = 'text'
    metadata: TextMetadata | None = None


class TextToConversation(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    conversation_id: UUID = Field(
        ...,
        description='The id of a conversation. A group has the same id as its conversation.',
    )
    content: str = Field(..., description='The text of a message.')
    type: Literal['text'] = 'text'
    metadata: TextMetadata | None = None


class MediaMetadata(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    reply_to: UUID | None = Field(None, description='The id of a message.')
    mentions: list[UUID] | None = None
    attachments: list[SendAttachment]
    custom: CustomData | None = None


class Message(Model):
    """
    A message, or (with `deleted_at`) the tombstone that keeps its place.
    """

    id: UUID = Field(..., description='The id of a message.')
    conversation_id: UUID = Field(
        ...,
        description='The id of a conversation. A group has the same id as its conversation.',
    )
    seq: int = Field(
        ...,
        description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
    )
    position: int = Field(..., description='Orders messages across conversations.')
    sender_id: UUID = Field(..., description='The id of a user.')
    receiver_id: UUID = Field(..., description='The id of a user or of a group.')
    content: str | None = Field(..., description='Null when the message was deleted.')
    type: Literal['text', 'image', 'video', 'audio', 'file'] | str
    status: Literal['sent', 'delivered', 'read'] | str = Field(
        ...,
        description='Read when every other member has read it, delivered when every other member has received it, else sent.',
    )
    metadata: MessageMetadata | None
    created_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    edited_at: AwareDatetime | None = Field(
        ..., description='Null when it was never edited.'
    )
    deleted_at: AwareDatetime | None = Field(
        ..., description='Null unless it was deleted.'
    )


class MessagePage(Model):
    messages: list[Message]
    has_more: bool
    next_cursor: UUID | None = Field(...)


class MessageEvent(Model):
    """
    A message was sent.
    """

    type: Literal['message']
    data: Message
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    seq: int = Field(
        ...,
        description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
    )


class MessageUpdatedEvent(Model):
    """
    A message was edited.
    """

    type: Literal['message.updated']
    data: Message
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    seq: int = Field(
        ...,
        description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
    )


class MessageDeletedEvent(Model):
    """
    A message was deleted; this is its tombstone.
    """

    type: Literal['message.deleted']
    data: Message
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    seq: int = Field(
        ...,
        description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
    )


class MessageCreatedPayload(Model):
    """
    A message was sent.
    """

    event: Literal['message.created']
    timestamp: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    data: WebhookMessage
    signature: str = Field(
        ...,
        description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
    )


class MessageUpdatedPayload(Model):
    """
    A message was edited.
    """

    event: Literal['message.updated']
    timestamp: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    data: WebhookMessage
    signature: str = Field(
        ...,
        description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
    )


class MessageDeletedPayload(Model):
    """
    A message was deleted; this is its tombstone.
    """

    event: Literal['message.deleted']
    timestamp: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    data: WebhookMessage
    signature: str = Field(
        ...,
        description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
    )


class ClientFrame(
    RootModel[AuthFrame | TypingFrame | PresenceFrame | ReceiptFrame | PingFrame]
):
    root: AuthFrame | TypingFrame | PresenceFrame | ReceiptFrame | PingFrame = Field(
        ..., description='What a client may send.', discriminator='type'
    )


class ReadyNotice(Model):
    """
    The socket is open, or its token was renewed.
    """

    type: Literal['ready']
    data: Ready


class ErrorNotice(Model):
    """
    A frame was refused, and nothing came of it.
    """

    type: Literal['error']
    data: FrameError


class ErrorEnvelope(Model):
    """
    The form of every error.
    """

    error: ErrorBody


class Conversation(Model):
    """
    A conversation, as one of its members sees it.
    """

    id: UUID = Field(
        ...,
        description='The id of a conversation. A group has the same id as its conversation.',
    )
    kind: Literal['direct', 'group'] | str
    user_id: UUID | None = Field(..., description='The other person; null in a group.')
    group_id: UUID | None = Field(
        ..., description='The group; null between two people.'
    )
    name: str | None = Field(
        ..., description='The name of the group; null between two people.'
    )
    created_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    last_activity_at: AwareDatetime = Field(
        ..., description='A time of RFC 3339; the server gives it in UTC with Z.'
    )
    last_message: Message | None = Field(..., description='Null while there is none.')
    unread_count: int
    last_seq: int = Field(
        ...,
        description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
    )
    read_seq: int = Field(
        ...,
        description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
    )
    delivered_seq: int = Field(
        ...,
        description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
    )


class ConversationPage(Model):
    conversations: list[Conversation]
    has_more: bool
    next_cursor: str | None = Field(...)


class MediaToReceiver(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    receiver_id: UUID = Field(..., description='The id of a user or of a group.')
    content: str = Field('', description='What is said about the attachments.')
    type: Literal['image', 'video', 'audio', 'file'] | str
    metadata: MediaMetadata


class MediaToConversation(Model):
    model_config = ConfigDict(
        extra='forbid',
    )
    conversation_id: UUID = Field(
        ...,
        description='The id of a conversation. A group has the same id as its conversation.',
    )
    content: str = Field('', description='What is said about the attachments.')
    type: Literal['image', 'video', 'audio', 'file'] | str
    metadata: MediaMetadata


class WebhookPayload(
    RootModel[
        MessageCreatedPayload
        | MessageUpdatedPayload
        | MessageDeletedPayload
        | ReceiptUpdatedPayload
        | MemberAddedPayload
        | MemberRemovedPayload
        | MemberUpdatedPayload
        | GroupCreatedPayload
        | GroupUpdatedPayload
        | GroupDeletedPayload
        | UserUpdatedPayload
        | WebhookDisabledPayload
        | WebhookTestPayload
    ]
):
    root: (
        MessageCreatedPayload
        | MessageUpdatedPayload
        | MessageDeletedPayload
        | ReceiptUpdatedPayload
        | MemberAddedPayload
        | MemberRemovedPayload
        | MemberUpdatedPayload
        | GroupCreatedPayload
        | GroupUpdatedPayload
        | GroupDeletedPayload
        | UserUpdatedPayload
        | WebhookDisabledPayload
        | WebhookTestPayload
    ) = Field(..., description='What a webhook is sent. Later versions add events, which those who asked for `*` get; ignore those you do not know.', discriminator='event')


class ServerFrame(
    RootModel[
        ReadyNotice
        | MessageEvent
        | MessageUpdatedEvent
        | MessageDeletedEvent
        | ReceiptEvent
        | ConversationCreatedEvent
        | MemberAddedEvent
        | MemberRemovedEvent
        | MemberUpdatedEvent
        | GroupUpdatedEvent
        | GroupDeletedEvent
        | UserUpdatedEvent
        | WebhookDisabledEvent
        | TypingNotice
        | PresenceNotice
        | ResyncNotice
        | PongNotice
        | ErrorNotice
    ]
):
    root: (
        ReadyNotice
        | MessageEvent
        | MessageUpdatedEvent
        | MessageDeletedEvent
        | ReceiptEvent
        | ConversationCreatedEvent
        | MemberAddedEvent
        | MemberRemovedEvent
        | MemberUpdatedEvent
        | GroupUpdatedEvent
        | GroupDeletedEvent
        | UserUpdatedEvent
        | WebhookDisabledEvent
        | TypingNotice
        | PresenceNotice
        | ResyncNotice
        | PongNotice
        | ErrorNotice
    ) = Field(..., description='What the server may send: events, which have a cursor, and notices, which are gone when nobody was there. Later versions add types; ignore those you do not know.', discriminator='type')


class SendMessage(
    RootModel[
        TextToReceiver
        | TextToConversation
        | MediaToReceiver
        | MediaToConversation
    ]
):
    root: (
        TextToReceiver | TextToConversation | MediaToReceiver | MediaToConversation
    ) = Field(..., description='A text or a message with attachments, to a receiver or to a conversation.')


class EventPage(Model):
    model_config = ConfigDict(
        arbitrary_types_allowed=True,
    )
    events: list[Annotated[MessageEvent | MessageUpdatedEvent | MessageDeletedEvent | ReceiptEvent | ConversationCreatedEvent | MemberAddedEvent | MemberRemovedEvent | MemberUpdatedEvent | GroupUpdatedEvent | GroupDeletedEvent | UserUpdatedEvent | WebhookDisabledEvent | UnknownEvent, Field(union_mode='left_to_right')]]
    next_cursor: str = Field(
        ...,
        description='Where to go on from. It has no meaning but to the server that gave it.',
    )
    has_more: bool
