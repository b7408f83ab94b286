# Made from spec/openapi.yaml by scripts/codegen.py: change the former and run `make codegen`.

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import MISSING, AwareDatetime, BaseModel, ConfigDict, Field, RootModel


class DayOrTime(RootModel[date | AwareDatetime]):
    root: Annotated[date | AwareDatetime, Field(description='A day in UTC, or a time.')]


class FieldError(BaseModel):
    field: Annotated[str, Field(max_length=500)]
    reason: Annotated[str, Field(max_length=2000)]


class Credentials(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    email: Annotated[
        str,
        Field(
            description='Unique; capitals do not make a difference.',
            max_length=254,
            min_length=3,
            pattern="^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$",
        ),
    ]
    password: Annotated[
        str,
        Field(
            description='A password that may be right.', max_length=128, min_length=1
        ),
    ]


class RefreshToken(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    refresh_token: Annotated[str, Field(max_length=4096, min_length=1)]


class Tokens(BaseModel):
    access_token: Annotated[
        str,
        Field(
            description='For the Authorization header, as `Bearer <token>`.',
            max_length=4096,
            min_length=1,
        ),
    ]
    refresh_token: Annotated[
        str,
        Field(
            description='For the next tokens; it works once.',
            max_length=4096,
            min_length=1,
        ),
    ]
    expires_in: Annotated[
        int,
        Field(
            description='How long the access token works in seconds.', ge=1, le=31536000
        ),
    ]
    token_type: Literal['Bearer']
    user_id: Annotated[UUID, Field(description='The id of a user.')]
    session_id: Annotated[UUID, Field(description='The id of a session.')]


class ChangePassword(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    current_password: Annotated[
        str,
        Field(
            description='A password that may be right.', max_length=128, min_length=1
        ),
    ]
    new_password: Annotated[
        str,
        Field(description='At least eight characters.', max_length=128, min_length=8),
    ]


class Session(BaseModel):
    """
    One log-in on one device.
    """

    id: Annotated[UUID, Field(description='The id of a session.')]
    created_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    last_used_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    expires_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    user_agent: Annotated[
        str | None,
        Field(description='What the client called itself at log-in.', max_length=512),
    ]
    address: Annotated[
        str | None, Field(description='Where the log-in came from.', max_length=64)
    ]
    current: Annotated[bool, Field(description='Whether it is the session that asks.')]


class RegisterUser(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    email: Annotated[
        str,
        Field(
            description='Unique; capitals do not make a difference.',
            max_length=254,
            min_length=3,
            pattern="^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$",
        ),
    ]
    password: Annotated[
        str,
        Field(description='At least eight characters.', max_length=128, min_length=8),
    ]
    username: Annotated[
        str,
        Field(
            description='Unique; capitals do not make a difference.',
            max_length=32,
            min_length=3,
            pattern='^[A-Za-z0-9_.-]+$',
        ),
    ]
    display_name: Annotated[
        str | None,
        Field(
            description='What people call you; the username unless you say otherwise.',
            max_length=64,
            min_length=1,
        ),
    ] = None


class UpdateUser(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    display_name: Annotated[
        str | None | MISSING,
        Field(description='Null makes it the username.', max_length=64, min_length=1),
    ] = MISSING
    bio: Annotated[str | None | MISSING, Field(max_length=500)] = MISSING
    avatar_url: Annotated[
        str | None | MISSING,
        Field(
            max_length=2048,
            min_length=8,
            pattern="^https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#](?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$",
        ),
    ] = MISSING
    location: Annotated[str | None | MISSING, Field(max_length=100)] = MISSING


class Profile(BaseModel):
    """
    What a user tells about themselves; null is nothing told.
    """

    bio: Annotated[str | None, Field(max_length=500)]
    avatar_url: Annotated[str | None, Field(max_length=2048)]
    location: Annotated[str | None, Field(max_length=100)]


class User(BaseModel):
    """
    A person. The e-mail address and the access to the beta are shown only to themselves.
    """

    id: Annotated[UUID, Field(description='The id of a user.')]
    email: Annotated[
        str | MISSING,
        Field(
            description='Unique; capitals do not make a difference.',
            max_length=254,
            min_length=3,
            pattern="^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$",
        ),
    ] = MISSING
    username: Annotated[
        str,
        Field(
            description='Unique; capitals do not make a difference.',
            max_length=32,
            min_length=3,
            pattern='^[A-Za-z0-9_.-]+$',
        ),
    ]
    display_name: Annotated[
        str, Field(description='What people call you.', max_length=64, min_length=1)
    ]
    status: Literal['online', 'offline']
    last_seen: Annotated[
        AwareDatetime | None,
        Field(description='The last sign of life; null before the first.'),
    ]
    profile: Profile
    created_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    beta_access: Annotated[
        bool | MISSING,
        Field(
            description='Whether this person may use `/v2`, which is not released yet.'
        ),
    ] = MISSING


class Me(BaseModel):
    """
    A person, as they see themselves.
    """

    id: Annotated[UUID, Field(description='The id of a user.')]
    email: Annotated[
        str,
        Field(
            description='Unique; capitals do not make a difference.',
            max_length=254,
            min_length=3,
            pattern="^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$",
        ),
    ]
    username: Annotated[
        str,
        Field(
            description='Unique; capitals do not make a difference.',
            max_length=32,
            min_length=3,
            pattern='^[A-Za-z0-9_.-]+$',
        ),
    ]
    display_name: Annotated[
        str, Field(description='What people call you.', max_length=64, min_length=1)
    ]
    status: Literal['online', 'offline']
    last_seen: Annotated[
        AwareDatetime | None,
        Field(description='The last sign of life; null before the first.'),
    ]
    profile: Profile
    created_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    beta_access: Annotated[
        bool,
        Field(
            description='Whether this person may use `/v2`, which is not released yet.'
        ),
    ]


class UserPage(BaseModel):
    users: Annotated[list[User], Field(max_length=100)]
    has_more: bool
    next_cursor: Annotated[UUID | None, Field(...)]


class OpenConversation(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    user_id: Annotated[UUID, Field(description='The id of a user.')]


class Mark(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    message_id: Annotated[UUID, Field(description='The id of a message.')]


class Receipt(BaseModel):
    """
    How far a member has received and read a conversation.
    """

    conversation_id: Annotated[
        UUID,
        Field(
            description='The id of a conversation. A group has the same id as its conversation.'
        ),
    ]
    user_id: Annotated[UUID, Field(description='The id of a user.')]
    delivered_seq: Annotated[
        int,
        Field(
            description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
            ge=0,
            le=9007199254740991,
        ),
    ]
    read_seq: Annotated[
        int,
        Field(
            description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
            ge=0,
            le=9007199254740991,
        ),
    ]


class TextMetadata(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    reply_to: Annotated[UUID | MISSING, Field(description='The id of a message.')] = (
        MISSING
    )
    mentions: Annotated[list[UUID] | MISSING, Field(max_length=50)] = MISSING
    custom: dict[str, Any] | MISSING = MISSING


class EditMessage(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    content: Annotated[
        str, Field(description='The text of a message.', max_length=4000, min_length=1)
    ]


class Attachment(BaseModel):
    url: Annotated[
        str,
        Field(
            description='An http or https address, in ASCII.',
            max_length=2048,
            min_length=8,
            pattern="^https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#](?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$",
        ),
    ]
    name: Annotated[str, Field(max_length=255)]
    content_type: Annotated[
        str,
        Field(
            description='A media type without parameters (RFC 6838).',
            max_length=127,
            min_length=3,
            pattern='^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$',
        ),
    ]
    size: Annotated[int, Field(description='In bytes.', ge=0, le=9007199254740991)]


class CreateGroupSettings(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    is_private: Annotated[bool, Field(description='Only members can see it.')] = True
    allow_invites: Annotated[
        bool, Field(description='Every member may add others.')
    ] = True
    message_retention_days: Annotated[
        int | None,
        Field(
            description='For how long messages are kept; null is for ever.',
            ge=1,
            le=3650,
        ),
    ] = None


class UpdateGroupSettings(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    is_private: bool | MISSING = MISSING
    allow_invites: bool | MISSING = MISSING
    message_retention_days: Annotated[int | None | MISSING, Field(ge=1, le=3650)] = (
        MISSING
    )


class GroupSettings(BaseModel):
    is_private: Annotated[bool, Field(description='Only members can see it.')]
    allow_invites: Annotated[bool, Field(description='Every member may add others.')]
    message_retention_days: Annotated[
        int | None,
        Field(
            description='For how long messages are kept; null is for ever.',
            ge=1,
            le=3650,
        ),
    ]


class AddMember(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    user_id: Annotated[UUID, Field(description='The id of a user.')]


class UpdateMember(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    role: Literal['owner', 'admin', 'member']


class Member(BaseModel):
    """
    A user's place in a group.
    """

    user_id: Annotated[UUID, Field(description='The id of a user.')]
    role: Literal['owner', 'admin', 'member']
    joined_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]


class MemberPage(BaseModel):
    members: Annotated[list[Member], Field(max_length=100)]
    has_more: bool
    next_cursor: Annotated[UUID | None, Field(...)]


class ReceiptEvent(BaseModel):
    """
    A member received or read messages.
    """

    type: Literal['receipt']
    data: Receipt
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    seq: Annotated[int | None | MISSING, Field(ge=0, le=9007199254740991)] = MISSING


class UserUpdatedEvent(BaseModel):
    """
    A user changed what they tell about themselves.
    """

    type: Literal['user.updated']
    data: User
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    seq: Annotated[int | None | MISSING, Field(ge=0, le=9007199254740991)] = MISSING


class ConversationCreated(BaseModel):
    conversation_id: Annotated[
        UUID,
        Field(
            description='The id of a conversation. A group has the same id as its conversation.'
        ),
    ]
    kind: Literal['direct', 'group']
    name: Annotated[str | None, Field(max_length=100)]
    created_by: Annotated[UUID, Field(description='The id of a user.')]
    user_ids: Annotated[
        list[UUID], Field(description='The first hundred members.', max_length=100)
    ]


class Membership(BaseModel):
    conversation_id: Annotated[
        UUID,
        Field(
            description='The id of a conversation. A group has the same id as its conversation.'
        ),
    ]
    user_id: Annotated[UUID, Field(description='The id of a user.')]
    role: Literal['owner', 'admin', 'member']
    actor_id: Annotated[UUID, Field(description='The id of a user.')]


class GroupFacts(BaseModel):
    group_id: Annotated[UUID, Field(description='The id of a group.')]
    name: Annotated[str, Field(max_length=100, min_length=1)]
    description: Annotated[str | None, Field(max_length=1000)]
    settings: GroupSettings
    owner_id: Annotated[UUID, Field(description='The id of a user.')]


class GroupDeleted(BaseModel):
    group_id: Annotated[UUID, Field(description='The id of a group.')]
    actor_id: Annotated[UUID, Field(description='The id of a user.')]


class WebhookDisabled(BaseModel):
    webhook_id: Annotated[UUID, Field(description='The id of a webhook.')]
    reason: Annotated[
        str,
        Field(
            description='`requested`, `endpoint_gone` (it answered 410) or `failures` (nothing else for five days).',
            max_length=64,
            min_length=1,
        ),
    ]


class CreateWebhook(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    url: Annotated[
        str,
        Field(
            description='An http or https address in ASCII, without credentials. It is public, unless the operator allows others.',
            max_length=2048,
            min_length=8,
            pattern='^https?://[\\x21-\\x7e]+$',
        ),
    ]
    events: Annotated[
        list[Literal['message.created', 'message.updated', 'message.deleted', 'receipt.updated', 'member.added', 'member.removed', 'member.updated', 'group.created', 'group.updated', 'group.deleted', 'user.updated', 'webhook.disabled', '*']],
        Field(description='What to hear of.', max_length=13, min_length=1),
    ]
    secret: Annotated[
        str | MISSING,
        Field(
            description='What deliveries are signed with. After `whsec_` it is base64 of 24 to 64 bytes, which are the key; any other is its own key, as UTF-8.',
            max_length=128,
            min_length=8,
        ),
    ] = MISSING
    conversation_id: Annotated[
        UUID | None,
        Field(description='Events of this conversation only. You are in it.'),
    ] = None
    ordered: Annotated[
        bool,
        Field(
            description='Whether each delivery waits until the one before has arrived or is given up, which is slower.'
        ),
    ] = False


class UpdateWebhook(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    url: Annotated[
        str | MISSING,
        Field(
            description='An http or https address in ASCII, without credentials. It is public, unless the operator allows others.',
            max_length=2048,
            min_length=8,
            pattern='^https?://[\\x21-\\x7e]+$',
        ),
    ] = MISSING
    events: Annotated[
        list[Literal['message.created', 'message.updated', 'message.deleted', 'receipt.updated', 'member.added', 'member.removed', 'member.updated', 'group.created', 'group.updated', 'group.deleted', 'user.updated', 'webhook.disabled', '*']] | MISSING,
        Field(description='What to hear of from now on.', max_length=13, min_length=1),
    ] = MISSING
    conversation_id: Annotated[
        UUID | None | MISSING,
        Field(description='Events of this conversation only; null is all.'),
    ] = MISSING
    ordered: bool | MISSING = MISSING
    status: Literal['active', 'disabled'] | MISSING = MISSING


class Webhook(BaseModel):
    """
    An address to which events are sent.
    """

    id: Annotated[UUID, Field(description='The id of a webhook.')]
    url: Annotated[
        str, Field(description='Where deliveries are posted.', max_length=2048)
    ]
    events: Annotated[
        list[Literal['message.created', 'message.updated', 'message.deleted', 'receipt.updated', 'member.added', 'member.removed', 'member.updated', 'group.created', 'group.updated', 'group.deleted', 'user.updated', 'webhook.disabled', '*']],
        Field(max_length=100),
    ]
    conversation_id: Annotated[
        UUID | None, Field(description='Events of this conversation only; null is all.')
    ]
    ordered: Annotated[
        bool, Field(description='Whether each delivery waits for the one before.')
    ]
    status: Literal['active', 'disabled']
    disabled_reason: Annotated[
        str | None,
        Field(
            description='Null while it is active: `requested`, `endpoint_gone` (it answered 410) or `failures` (nothing else for five days).',
            max_length=64,
        ),
    ]
    failing_since: Annotated[
        AwareDatetime | None,
        Field(description='Since when every attempt failed; null after a success.'),
    ]
    previous_secret_until: Annotated[
        AwareDatetime | None,
        Field(
            description='Until when everything is signed with the previous secret too, and the last of those before it has ended; null when there is none.'
        ),
    ]
    created_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]


class CreatedWebhook(BaseModel):
    """
    A new webhook, with its secret.
    """

    id: Annotated[UUID, Field(description='The id of a webhook.')]
    url: Annotated[
        str, Field(description='Where deliveries are posted.', max_length=2048)
    ]
    events: Annotated[
        list[Literal['message.created', 'message.updated', 'message.deleted', 'receipt.updated', 'member.added', 'member.removed', 'member.updated', 'group.created', 'group.updated', 'group.deleted', 'user.updated', 'webhook.disabled', '*']],
        Field(max_length=100),
    ]
    conversation_id: Annotated[
        UUID | None, Field(description='Events of this conversation only; null is all.')
    ]
    ordered: Annotated[
        bool, Field(description='Whether each delivery waits for the one before.')
    ]
    status: Literal['active', 'disabled']
    disabled_reason: Annotated[
        str | None,
        Field(
            description='Null while it is active: `requested`, `endpoint_gone` (it answered 410) or `failures` (nothing else for five days).',
            max_length=64,
        ),
    ]
    failing_since: Annotated[
        AwareDatetime | None,
        Field(description='Since when every attempt failed; null after a success.'),
    ]
    previous_secret_until: Annotated[
        AwareDatetime | None,
        Field(
            description='Until when everything is signed with the previous secret too, and the last of those before it has ended; null when there is none.'
        ),
    ]
    created_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    secret: Annotated[
        str | None,
        Field(
            description='The secret as it was given, or made. Null only in a repeat, after it was rotated.',
            max_length=128,
        ),
    ]
    signing_secret: Annotated[
        str | None,
        Field(
            description='The same in the form that libraries for Standard Webhooks take.',
            max_length=700,
        ),
    ]


class WebhookPage(BaseModel):
    webhooks: Annotated[list[Webhook], Field(max_length=100)]
    has_more: bool
    next_cursor: Annotated[UUID | None, Field(...)]


class RotateSecret(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    secret: Annotated[
        str | MISSING,
        Field(
            description='What deliveries are signed with. After `whsec_` it is base64 of 24 to 64 bytes, which are the key; any other is its own key, as UTF-8.',
            max_length=128,
            min_length=8,
        ),
    ] = MISSING


class RotatedSecret(BaseModel):
    """
    The new secret of a webhook.
    """

    secret: Annotated[
        str | None,
        Field(
            description='The secret as it was given, or made. Null only in a repeat, after it was rotated.',
            max_length=128,
        ),
    ]
    signing_secret: Annotated[
        str | None,
        Field(
            description='The same in the form that libraries for Standard Webhooks take.',
            max_length=700,
        ),
    ]
    previous_secret_until: Annotated[
        AwareDatetime | None,
        Field(
            description='Until when the secret before is valid. Null only in a repeat that comes later than that.'
        ),
    ]


class RecoverDeliveries(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    since: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]


class Recovery(BaseModel):
    deliveries: Annotated[
        int, Field(description='How many wait to be sent now.', ge=0, le=1000000)
    ]
    has_more: Annotated[bool, Field(description='Whether there are more of them.')]
    since: Annotated[
        AwareDatetime, Field(description='Where to go on when there are more.')
    ]


class DeliveryAttempt(BaseModel):
    """
    What came of sending it once.
    """

    number: Annotated[int, Field(ge=1, le=1000000000)]
    at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    status: Annotated[
        int | None,
        Field(
            description='The status of the answer; null when there was none.',
            ge=100,
            le=999,
        ),
    ]
    error: Annotated[
        str | None,
        Field(description='Why there was no answer that counts.', max_length=500),
    ]
    latency_ms: Annotated[
        int, Field(description='How long it took.', ge=0, le=86400000)
    ]
    response_excerpt: Annotated[
        str | None,
        Field(
            description="The beginning of the answer's body; null when there was none.",
            max_length=4096,
        ),
    ]


class WebhookTest(BaseModel):
    webhook_id: Annotated[UUID, Field(description='The id of a webhook.')]


class AuthData(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    token: Annotated[
        str,
        Field(
            description='The `access_token` of a log-in.', max_length=4096, min_length=1
        ),
    ]
    cursor: Annotated[
        str | MISSING,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ] = MISSING


class SetTyping(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    conversation_id: Annotated[
        UUID,
        Field(
            description='The id of a conversation. A group has the same id as its conversation.'
        ),
    ]
    is_typing: bool
    user_id: Annotated[
        UUID | MISSING, Field(description='If it is given, it is your own.')
    ] = MISSING


class SetPresence(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    status: Literal['online', 'offline']


class SetReceipt(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    conversation_id: Annotated[
        UUID,
        Field(
            description='The id of a conversation. A group has the same id as its conversation.'
        ),
    ]
    message_id: Annotated[UUID, Field(description='The id of a message.')]
    kind: Annotated[
        Literal['delivered', 'read'],
        Field(description='What was read was delivered too.'),
    ]


class PingData(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    id: Annotated[
        str | MISSING,
        Field(description='Comes back with the pong.', max_length=64, min_length=1),
    ] = MISSING


class Heartbeat(BaseModel):
    """
    The server pings every `interval_seconds` and gives up `timeout_seconds` after a ping without any sign of life.
    """

    interval_seconds: Annotated[int, Field(ge=1, le=86400)]
    timeout_seconds: Annotated[int, Field(ge=1, le=86400)]


class SocketLimits(BaseModel):
    """
    What a client keeps to.
    """

    frame_bytes: Annotated[
        int, Field(description='How large a frame may be.', ge=1, le=1000000000)
    ]
    frames_per_minute: Annotated[int, Field(ge=1, le=1000000000)]
    sockets_per_user: Annotated[int, Field(ge=1, le=1000000000)]
    typing_seconds: Annotated[
        int,
        Field(
            description='How long a `typing` holds unless it is said again.',
            ge=1,
            le=86400,
        ),
    ]


class Typing(BaseModel):
    user_id: Annotated[UUID, Field(description='The id of a user.')]
    conversation_id: Annotated[
        UUID,
        Field(
            description='The id of a conversation. A group has the same id as its conversation.'
        ),
    ]
    is_typing: bool


class Presence(BaseModel):
    user_id: Annotated[UUID, Field(description='The id of a user.')]
    status: Literal['online', 'offline']
    last_seen: Annotated[
        AwareDatetime | None,
        Field(description='The last sign of life; null before the first.'),
    ]


class Resync(BaseModel):
    reason: Annotated[
        Literal['cursor_too_old', 'log_reset'],
        Field(
            description='The events after the cursor are no longer kept, or the log was set back since.'
        ),
    ]
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]


class Pong(BaseModel):
    id: Annotated[
        str | None,
        Field(description="The ping's own; null if it had none.", max_length=64),
    ]


class Contract(BaseModel):
    """
    Which contract a server keeps, and which build of Parley keeps it.
    """

    version: Annotated[
        str,
        Field(
            description='The `info.version` of both documents.',
            max_length=64,
            min_length=5,
        ),
    ]
    openapi_sha256: Annotated[
        str,
        Field(
            description='The SHA-256 of `/openapi.json`, in hex.',
            max_length=64,
            min_length=64,
            pattern='^[0-9a-f]{64}$',
        ),
    ]
    asyncapi_sha256: Annotated[
        str,
        Field(
            description='The SHA-256 of `/asyncapi.json`, in hex.',
            max_length=64,
            min_length=64,
            pattern='^[0-9a-f]{64}$',
        ),
    ]
    build: Annotated[
        str,
        Field(description='The version of Parley itself.', max_length=64, min_length=1),
    ]


class LimitBucket(BaseModel):
    name: Annotated[str, Field(max_length=64, min_length=1)]
    limit: Annotated[int, Field(ge=1, le=1000000000)]
    window_seconds: Annotated[int, Field(ge=1, le=86400)]
    remaining: Annotated[int, Field(ge=0, le=1000000000)]
    reset_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]


class ErrorDetails(BaseModel):
    """
    Facts about the error; which ones depends on the code.
    """

    field: Annotated[
        str | MISSING,
        Field(
            description='The first field that is wrong; in a body a path such as metadata.mentions[0].',
            max_length=500,
        ),
    ] = MISSING
    reason: Annotated[
        str | MISSING, Field(description='What is wrong with it.', max_length=2000)
    ] = MISSING
    errors: Annotated[
        list[FieldError] | MISSING,
        Field(description='All fields that are wrong.', max_length=100),
    ] = MISSING
    token_expired: Annotated[
        bool | MISSING, Field(description='Whether the token was right once.')
    ] = MISSING
    retry_after: Annotated[
        int | MISSING,
        Field(description='When to come back in seconds.', ge=0, le=86400),
    ] = MISSING
    resource: Annotated[
        str | MISSING, Field(description='What is not there.', max_length=64)
    ] = MISSING
    max_bytes: Annotated[
        int | MISSING,
        Field(description='How large a body may be.', ge=0, le=9007199254740991),
    ] = MISSING
    deleted_at: Annotated[
        AwareDatetime | MISSING,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ] = MISSING


class SessionList(BaseModel):
    sessions: Annotated[list[Session], Field(max_length=100)]


class TextToReceiver(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    receiver_id: Annotated[UUID, Field(description='The id of a user or of a group.')]
    content: Annotated[
        str, Field(description='The text of a message.', max_length=4000, min_length=1)
    ]
    type: Literal['text'] = 'text'
    metadata: TextMetadata | MISSING = MISSING


class TextToConversation(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    conversation_id: Annotated[
        UUID,
        Field(
            description='The id of a conversation. A group has the same id as its conversation.'
        ),
    ]
    content: Annotated[
        str, Field(description='The text of a message.', max_length=4000, min_length=1)
    ]
    type: Literal['text'] = 'text'
    metadata: TextMetadata | MISSING = MISSING


class SendAttachment(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    url: Annotated[
        str,
        Field(
            description='An http or https address, in ASCII.',
            max_length=2048,
            min_length=8,
            pattern="^https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#](?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$",
        ),
    ]
    name: Annotated[str, Field(max_length=255, min_length=1)]
    content_type: Annotated[
        str,
        Field(
            description='A media type without parameters (RFC 6838).',
            max_length=127,
            min_length=3,
            pattern='^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$',
        ),
    ]
    size: Annotated[int, Field(description='In bytes.', ge=0, le=9007199254740991)]


class MessageMetadata(BaseModel):
    """
    What the sender said beside the content. Null when the message was deleted.
    """

    reply_to: Annotated[UUID | MISSING, Field(description='The id of a message.')] = (
        MISSING
    )
    mentions: Annotated[list[UUID] | MISSING, Field(max_length=50)] = MISSING
    attachments: Annotated[list[Attachment] | MISSING, Field(max_length=10)] = MISSING
    custom: dict[str, Any] | MISSING = MISSING


class CreateGroup(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    name: Annotated[str, Field(max_length=100, min_length=1)]
    description: Annotated[str | None, Field(max_length=1000)] = None
    members: Annotated[
        list[UUID],
        Field(description='Who is in it from the start, beside you.', max_length=999),
    ] = []
    settings: CreateGroupSettings | MISSING = MISSING


class UpdateGroup(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    name: Annotated[str | MISSING, Field(max_length=100, min_length=1)] = MISSING
    description: Annotated[str | None | MISSING, Field(max_length=1000)] = MISSING
    settings: UpdateGroupSettings | MISSING = MISSING


class Group(BaseModel):
    id: Annotated[UUID, Field(description='The id of a group.')]
    name: Annotated[str, Field(max_length=100, min_length=1)]
    description: Annotated[str | None, Field(max_length=1000)]
    owner_id: Annotated[UUID, Field(description='The id of a user.')]
    created_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    member_count: Annotated[int, Field(ge=1, le=1000000)]
    members: Annotated[
        list[Member], Field(description='The first hundred who joined.', max_length=100)
    ]
    settings: GroupSettings


class GroupPage(BaseModel):
    groups: Annotated[list[Group], Field(max_length=100)]
    has_more: bool
    next_cursor: Annotated[UUID | None, Field(...)]


class ConversationCreatedEvent(BaseModel):
    """
    A conversation was made, with you in it.
    """

    type: Literal['conversation.created']
    data: ConversationCreated
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    seq: Annotated[int | None | MISSING, Field(ge=0, le=9007199254740991)] = MISSING


class MemberAddedEvent(BaseModel):
    """
    Somebody was added to a group, or joined it.
    """

    type: Literal['member.added']
    data: Membership
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    seq: Annotated[int | None | MISSING, Field(ge=0, le=9007199254740991)] = MISSING


class MemberRemovedEvent(BaseModel):
    """
    Somebody was removed from a group, or left it; the role is the one they had.
    """

    type: Literal['member.removed']
    data: Membership
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    seq: Annotated[int | None | MISSING, Field(ge=0, le=9007199254740991)] = MISSING


class MemberUpdatedEvent(BaseModel):
    """
    A member has another role.
    """

    type: Literal['member.updated']
    data: Membership
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    seq: Annotated[int | None | MISSING, Field(ge=0, le=9007199254740991)] = MISSING


class GroupUpdatedEvent(BaseModel):
    """
    A group has another name, description, owner or settings.
    """

    type: Literal['group.updated']
    data: GroupFacts
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    seq: Annotated[int | None | MISSING, Field(ge=0, le=9007199254740991)] = MISSING


class GroupDeletedEvent(BaseModel):
    """
    A group was deleted.
    """

    type: Literal['group.deleted']
    data: GroupDeleted
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    seq: Annotated[int | None | MISSING, Field(ge=0, le=9007199254740991)] = MISSING


class WebhookDisabledEvent(BaseModel):
    """
    One of your webhooks was disabled.
    """

    type: Literal['webhook.disabled']
    data: WebhookDisabled
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    seq: Annotated[int | None | MISSING, Field(ge=0, le=9007199254740991)] = MISSING


class Delivery(BaseModel):
    """
    One event on its way to one webhook.
    """

    id: Annotated[
        UUID, Field(description='The id of a delivery: of one event to one webhook.')
    ]
    webhook_id: Annotated[UUID, Field(description='The id of a webhook.')]
    event: Annotated[
        str, Field(description='The name of the event.', max_length=64, min_length=1)
    ]
    cursor: Annotated[
        str | None,
        Field(
            description='The cursor of the event, as on the socket; null for a test.',
            max_length=256,
        ),
    ]
    status: Annotated[
        Literal['pending', 'succeeded', 'failed'],
        Field(
            description='Whether it waits to be sent (again), has arrived, or is given up.'
        ),
    ]
    created_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    next_attempt_at: Annotated[
        AwareDatetime | None,
        Field(description='When it is tried next; null when it is finished.'),
    ]
    finished_at: Annotated[
        AwareDatetime | None,
        Field(description='When it arrived or was given up; null before.'),
    ]
    attempt_count: Annotated[
        int, Field(description='How often it was tried.', ge=0, le=1000000000)
    ]
    attempts: Annotated[
        list[DeliveryAttempt],
        Field(description='The last twenty attempts in order.', max_length=20),
    ]


class DeliveryPage(BaseModel):
    deliveries: Annotated[list[Delivery], Field(max_length=100)]
    has_more: bool
    next_cursor: Annotated[UUID | None, Field(...)]


class ReceiptUpdatedPayload(BaseModel):
    """
    A member received or read messages.
    """

    event: Literal['receipt.updated']
    timestamp: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    data: Receipt
    signature: Annotated[
        str,
        Field(
            description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
            max_length=71,
            min_length=71,
            pattern='^sha256=[0-9a-f]{64}$',
        ),
    ]


class MemberAddedPayload(BaseModel):
    """
    Somebody was added to a group, or joined it.
    """

    event: Literal['member.added']
    timestamp: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    data: Membership
    signature: Annotated[
        str,
        Field(
            description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
            max_length=71,
            min_length=71,
            pattern='^sha256=[0-9a-f]{64}$',
        ),
    ]


class MemberRemovedPayload(BaseModel):
    """
    Somebody was removed from a group, or left it; the role is the one they had.
    """

    event: Literal['member.removed']
    timestamp: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    data: Membership
    signature: Annotated[
        str,
        Field(
            description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
            max_length=71,
            min_length=71,
            pattern='^sha256=[0-9a-f]{64}$',
        ),
    ]


class MemberUpdatedPayload(BaseModel):
    """
    A member has another role.
    """

    event: Literal['member.updated']
    timestamp: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    data: Membership
    signature: Annotated[
        str,
        Field(
            description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
            max_length=71,
            min_length=71,
            pattern='^sha256=[0-9a-f]{64}$',
        ),
    ]


class GroupCreatedPayload(BaseModel):
    """
    A group was made, with you in it.
    """

    event: Literal['group.created']
    timestamp: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    data: ConversationCreated
    signature: Annotated[
        str,
        Field(
            description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
            max_length=71,
            min_length=71,
            pattern='^sha256=[0-9a-f]{64}$',
        ),
    ]


class GroupUpdatedPayload(BaseModel):
    """
    A group has another name, description, owner or settings.
    """

    event: Literal['group.updated']
    timestamp: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    data: GroupFacts
    signature: Annotated[
        str,
        Field(
            description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
            max_length=71,
            min_length=71,
            pattern='^sha256=[0-9a-f]{64}$',
        ),
    ]


class GroupDeletedPayload(BaseModel):
    """
    A group was deleted.
    """

    event: Literal['group.deleted']
    timestamp: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    data: GroupDeleted
    signature: Annotated[
        str,
        Field(
            description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
            max_length=71,
            min_length=71,
            pattern='^sha256=[0-9a-f]{64}$',
        ),
    ]


class UserUpdatedPayload(BaseModel):
    """
    A user changed what they tell about themselves.
    """

    event: Literal['user.updated']
    timestamp: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    data: User
    signature: Annotated[
        str,
        Field(
            description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
            max_length=71,
            min_length=71,
            pattern='^sha256=[0-9a-f]{64}$',
        ),
    ]


class WebhookDisabledPayload(BaseModel):
    """
    Another webhook of yours was disabled.
    """

    event: Literal['webhook.disabled']
    timestamp: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    data: WebhookDisabled
    signature: Annotated[
        str,
        Field(
            description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
            max_length=71,
            min_length=71,
            pattern='^sha256=[0-9a-f]{64}$',
        ),
    ]


class WebhookTestPayload(BaseModel):
    """
    Somebody asked for a test.
    """

    event: Literal['webhook.test']
    timestamp: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    data: WebhookTest
    signature: Annotated[
        str,
        Field(
            description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
            max_length=71,
            min_length=71,
            pattern='^sha256=[0-9a-f]{64}$',
        ),
    ]


class WebhookMessage(BaseModel):
    """
    A message, or (with `deleted_at`) the tombstone that keeps its place. `message_id` is its id once more.
    """

    message_id: Annotated[UUID, Field(description='The id of a message.')]
    id: Annotated[UUID, Field(description='The id of a message.')]
    conversation_id: Annotated[
        UUID,
        Field(
            description='The id of a conversation. A group has the same id as its conversation.'
        ),
    ]
    seq: Annotated[
        int,
        Field(
            description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
            ge=0,
            le=9007199254740991,
        ),
    ]
    position: Annotated[
        int,
        Field(
            description='Orders messages across conversations.',
            ge=1,
            le=9007199254740991,
        ),
    ]
    sender_id: Annotated[UUID, Field(description='The id of a user.')]
    receiver_id: Annotated[UUID, Field(description='The id of a user or of a group.')]
    content: Annotated[
        str | None,
        Field(description='Null when the message was deleted.', max_length=4000),
    ]
    type: Literal['text', 'image', 'video', 'audio', 'file']
    status: Annotated[
        Literal['sent', 'delivered', 'read'],
        Field(
            description='Read when every other member has read it, delivered when every other member has received it, else sent.'
        ),
    ]
    metadata: MessageMetadata | None
    created_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    edited_at: Annotated[
        AwareDatetime | None, Field(description='Null when it was never edited.')
    ]
    deleted_at: Annotated[
        AwareDatetime | None, Field(description='Null unless it was deleted.')
    ]


class AuthFrame(BaseModel):
    """
    Says who the client is, or renews the token of a socket.
    """

    model_config = ConfigDict(
        extra='forbid',
    )
    type: Literal['auth']
    data: AuthData


class TypingFrame(BaseModel):
    """
    Says that the client's user begins or stops to type.
    """

    model_config = ConfigDict(
        extra='forbid',
    )
    type: Literal['typing']
    data: SetTyping


class PresenceFrame(BaseModel):
    """
    Says whether the client's user is to be seen on this socket.
    """

    model_config = ConfigDict(
        extra='forbid',
    )
    type: Literal['presence']
    data: SetPresence


class ReceiptFrame(BaseModel):
    """
    Says up to which message the client's user received or read a conversation.
    """

    model_config = ConfigDict(
        extra='forbid',
    )
    type: Literal['receipt']
    data: SetReceipt


class PingFrame(BaseModel):
    """
    Asks for a sign of life.
    """

    model_config = ConfigDict(
        extra='forbid',
    )
    type: Literal['ping']
    data: PingData | MISSING = MISSING


class Ready(BaseModel):
    user: User
    session_id: Annotated[UUID, Field(description='The id of a session.')]
    token_expires_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    heartbeat: Heartbeat
    limits: SocketLimits
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]


class TypingNotice(BaseModel):
    """
    Somebody begins or stops to type.
    """

    type: Literal['typing']
    data: Typing


class PresenceNotice(BaseModel):
    """
    Somebody came or went.
    """

    type: Literal['presence']
    data: Presence


class ResyncNotice(BaseModel):
    """
    The events cannot go on from the cursor without a hole.
    """

    type: Literal['resync']
    data: Resync


class PongNotice(BaseModel):
    """
    The answer to a ping.
    """

    type: Literal['pong']
    data: Pong


class FrameError(BaseModel):
    code: Annotated[
        Literal['validation_error', 'unauthorized', 'forbidden', 'not_found', 'method_not_allowed', 'conflict', 'gone', 'payload_too_large', 'unsupported_media_type', 'idempotency_mismatch', 'upgrade_required', 'rate_limit_exceeded', 'internal_error', 'unavailable'],
        Field(
            description='What went wrong. Later versions add codes; treat one you do not know by the status.'
        ),
    ]
    message: Annotated[
        str, Field(description='A sentence for people.', max_length=500, min_length=1)
    ]
    details: ErrorDetails
    frame: Annotated[
        str | None,
        Field(
            description='The `type` of the frame that was refused; null if it had none that is known.',
            max_length=64,
        ),
    ]


class Limits(BaseModel):
    buckets: Annotated[list[LimitBucket], Field(max_length=20)]


class ErrorBody(BaseModel):
    code: Annotated[
        Literal['validation_error', 'unauthorized', 'forbidden', 'not_found', 'method_not_allowed', 'conflict', 'gone', 'payload_too_large', 'unsupported_media_type', 'idempotency_mismatch', 'upgrade_required', 'rate_limit_exceeded', 'internal_error', 'unavailable'],
        Field(
            description='What went wrong. Later versions add codes; treat one you do not know by the status.'
        ),
    ]
    message: Annotated[
        str, Field(description='A sentence for people.', max_length=500, min_length=1)
    ]
    details: ErrorDetails


class MediaMetadata(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    reply_to: Annotated[UUID | MISSING, Field(description='The id of a message.')] = (
        MISSING
    )
    mentions: Annotated[list[UUID] | MISSING, Field(max_length=50)] = MISSING
    attachments: Annotated[list[SendAttachment], Field(max_length=10, min_length=1)]
    custom: dict[str, Any] | MISSING = MISSING


class Message(BaseModel):
    """
    A message, or (with `deleted_at`) the tombstone that keeps its place.
    """

    id: Annotated[UUID, Field(description='The id of a message.')]
    conversation_id: Annotated[
        UUID,
        Field(
            description='The id of a conversation. A group has the same id as its conversation.'
        ),
    ]
    seq: Annotated[
        int,
        Field(
            description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
            ge=0,
            le=9007199254740991,
        ),
    ]
    position: Annotated[
        int,
        Field(
            description='Orders messages across conversations.',
            ge=1,
            le=9007199254740991,
        ),
    ]
    sender_id: Annotated[UUID, Field(description='The id of a user.')]
    receiver_id: Annotated[UUID, Field(description='The id of a user or of a group.')]
    content: Annotated[
        str | None,
        Field(description='Null when the message was deleted.', max_length=4000),
    ]
    type: Literal['text', 'image', 'video', 'audio', 'file']
    status: Annotated[
        Literal['sent', 'delivered', 'read'],
        Field(
            description='Read when every other member has read it, delivered when every other member has received it, else sent.'
        ),
    ]
    metadata: MessageMetadata | None
    created_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    edited_at: Annotated[
        AwareDatetime | None, Field(description='Null when it was never edited.')
    ]
    deleted_at: Annotated[
        AwareDatetime | None, Field(description='Null unless it was deleted.')
    ]


class MessagePage(BaseModel):
    messages: Annotated[list[Message], Field(max_length=100)]
    has_more: bool
    next_cursor: Annotated[UUID | None, Field(...)]


class MessageEvent(BaseModel):
    """
    A message was sent.
    """

    type: Literal['message']
    data: Message
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    seq: Annotated[
        int,
        Field(
            description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
            ge=0,
            le=9007199254740991,
        ),
    ]


class MessageUpdatedEvent(BaseModel):
    """
    A message was edited.
    """

    type: Literal['message.updated']
    data: Message
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    seq: Annotated[
        int,
        Field(
            description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
            ge=0,
            le=9007199254740991,
        ),
    ]


class MessageDeletedEvent(BaseModel):
    """
    A message was deleted; this is its tombstone.
    """

    type: Literal['message.deleted']
    data: Message
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    seq: Annotated[
        int,
        Field(
            description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
            ge=0,
            le=9007199254740991,
        ),
    ]


class MessageCreatedPayload(BaseModel):
    """
    A message was sent.
    """

    event: Literal['message.created']
    timestamp: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    data: WebhookMessage
    signature: Annotated[
        str,
        Field(
            description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
            max_length=71,
            min_length=71,
            pattern='^sha256=[0-9a-f]{64}$',
        ),
    ]


class MessageUpdatedPayload(BaseModel):
    """
    A message was edited.
    """

    event: Literal['message.updated']
    timestamp: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    data: WebhookMessage
    signature: Annotated[
        str,
        Field(
            description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
            max_length=71,
            min_length=71,
            pattern='^sha256=[0-9a-f]{64}$',
        ),
    ]


class MessageDeletedPayload(BaseModel):
    """
    A message was deleted; this is its tombstone.
    """

    event: Literal['message.deleted']
    timestamp: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    data: WebhookMessage
    signature: Annotated[
        str,
        Field(
            description='`sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC 8785). The header `webhook-signature` is the better way.',
            max_length=71,
            min_length=71,
            pattern='^sha256=[0-9a-f]{64}$',
        ),
    ]


class ClientFrame(
    RootModel[AuthFrame | TypingFrame | PresenceFrame | ReceiptFrame | PingFrame]
):
    root: Annotated[
        AuthFrame | TypingFrame | PresenceFrame | ReceiptFrame | PingFrame,
        Field(description='What a client may send.', discriminator='type'),
    ]


class ReadyNotice(BaseModel):
    """
    The socket is open, or its token was renewed.
    """

    type: Literal['ready']
    data: Ready


class ErrorNotice(BaseModel):
    """
    A frame was refused, and nothing came of it.
    """

    type: Literal['error']
    data: FrameError


class ErrorEnvelope(BaseModel):
    """
    The form of every error.
    """

    error: ErrorBody


class Conversation(BaseModel):
    """
    A conversation, as one of its members sees it.
    """

    id: Annotated[
        UUID,
        Field(
            description='The id of a conversation. A group has the same id as its conversation.'
        ),
    ]
    kind: Literal['direct', 'group']
    user_id: Annotated[
        UUID | None, Field(description='The other person; null in a group.')
    ]
    group_id: Annotated[
        UUID | None, Field(description='The group; null between two people.')
    ]
    name: Annotated[
        str | None,
        Field(
            description='The name of the group; null between two people.',
            max_length=100,
        ),
    ]
    created_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    last_activity_at: Annotated[
        AwareDatetime,
        Field(description='A time of RFC 3339; the server gives it in UTC with Z.'),
    ]
    last_message: Annotated[
        Message | None, Field(description='Null while there is none.')
    ]
    unread_count: Annotated[int, Field(ge=0, le=9007199254740991)]
    last_seq: Annotated[
        int,
        Field(
            description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
            ge=0,
            le=9007199254740991,
        ),
    ]
    read_seq: Annotated[
        int,
        Field(
            description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
            ge=0,
            le=9007199254740991,
        ),
    ]
    delivered_seq: Annotated[
        int,
        Field(
            description='The number of a message in its conversation, from 1 and without gaps. 0 is before the first.',
            ge=0,
            le=9007199254740991,
        ),
    ]


class ConversationPage(BaseModel):
    conversations: Annotated[list[Conversation], Field(max_length=100)]
    has_more: bool
    next_cursor: Annotated[str | None, Field(max_length=256)]


class MediaToReceiver(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    receiver_id: Annotated[UUID, Field(description='The id of a user or of a group.')]
    content: Annotated[
        str, Field(description='What is said about the attachments.', max_length=4000)
    ] = ''
    type: Literal['image', 'video', 'audio', 'file']
    metadata: MediaMetadata


class MediaToConversation(BaseModel):
    model_config = ConfigDict(
        extra='forbid',
    )
    conversation_id: Annotated[
        UUID,
        Field(
            description='The id of a conversation. A group has the same id as its conversation.'
        ),
    ]
    content: Annotated[
        str, Field(description='What is said about the attachments.', max_length=4000)
    ] = ''
    type: Literal['image', 'video', 'audio', 'file']
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
    root: Annotated[
        MessageCreatedPayload | MessageUpdatedPayload | MessageDeletedPayload | ReceiptUpdatedPayload | MemberAddedPayload | MemberRemovedPayload | MemberUpdatedPayload | GroupCreatedPayload | GroupUpdatedPayload | GroupDeletedPayload | UserUpdatedPayload | WebhookDisabledPayload | WebhookTestPayload,
        Field(
            description='What a webhook is sent. Later versions add events, which those who asked for `*` get; ignore those you do not know.',
            discriminator='event',
        ),
    ]


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
    root: Annotated[
        ReadyNotice | MessageEvent | MessageUpdatedEvent | MessageDeletedEvent | ReceiptEvent | ConversationCreatedEvent | MemberAddedEvent | MemberRemovedEvent | MemberUpdatedEvent | GroupUpdatedEvent | GroupDeletedEvent | UserUpdatedEvent | WebhookDisabledEvent | TypingNotice | PresenceNotice | ResyncNotice | PongNotice | ErrorNotice,
        Field(
            description='What the server may send: events, which have a cursor, and notices, which are gone when nobody was there. Later versions add types; ignore those you do not know.',
            discriminator='type',
        ),
    ]


class SendMessage(
    RootModel[
        TextToReceiver
        | TextToConversation
        | MediaToReceiver
        | MediaToConversation
    ]
):
    root: Annotated[
        TextToReceiver | TextToConversation | MediaToReceiver | MediaToConversation,
        Field(
            description='A text or a message with attachments, to a receiver or to a conversation.'
        ),
    ]


class EventPage(BaseModel):
    events: Annotated[
        list[Annotated[MessageEvent | MessageUpdatedEvent | MessageDeletedEvent | ReceiptEvent | ConversationCreatedEvent | MemberAddedEvent | MemberRemovedEvent | MemberUpdatedEvent | GroupUpdatedEvent | GroupDeletedEvent | UserUpdatedEvent | WebhookDisabledEvent, Field(discriminator='type')]],
        Field(max_length=100),
    ]
    next_cursor: Annotated[
        str,
        Field(
            description='Where to go on from. It has no meaning but to the server that gave it.',
            max_length=256,
            min_length=1,
            pattern='^[\\x21-\\x7e]+$',
        ),
    ]
    has_more: bool
