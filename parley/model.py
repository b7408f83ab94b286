"""The things Parley is about, as plain values.

Field names are the property names of the schemas in `spec/openapi.yaml`, so a value becomes a reply without
being copied. Times are aware datetimes in UTC; identifiers are UUIDs. What becomes a reply has no slots, because
it is serialised five times as fast without.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

import orjson
from asyncpg.pgproto.pgproto import UUID as DriverUUID

# How the values below are written as JSON, for whomever: times in UTC with `Z`.
JSON_OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
# And what the driver has its own kind of, identifiers; it raises TypeError for whatever else it is given.
write_identifier = DriverUUID.__str__

# Others hear of somebody (receipts, who is online, a changed profile) in conversations of at most so many members; in
# larger ones only numbers move. The function `collect_deliveries` of the database has this bound too, for webhooks:
# whoever changes it here writes a migration, or the socket and webhooks tell different things.
SMALL_CONVERSATION = 100

Role = Literal["owner", "admin", "member"]
ConversationKind = Literal["direct", "group"]
MessageType = Literal["text", "image", "video", "audio", "file"]
MessageStatus = Literal["sent", "delivered", "read"]
UserStatus = Literal["online", "offline"]
WebhookStatus = Literal["active", "disabled"]
DeliveryStatus = Literal["pending", "succeeded", "failed"]

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request: a user, through one of their sessions."""

    user_id: UUID
    session_id: UUID


@dataclass(frozen=True)
class Profile:
    """What a user tells about themselves; null is nothing told."""

    bio: str | None
    avatar_url: str | None
    location: str | None


@dataclass(frozen=True)
class User:
    """A person, as other people see them."""

    id: UUID
    username: str
    display_name: str
    status: UserStatus
    last_seen: datetime | None
    profile: Profile
    created_at: datetime


@dataclass(frozen=True)
class Me(User):
    """A person, as they see themselves. `beta_access` is whether they may use what is not released yet."""

    email: str
    beta_access: bool


@dataclass(frozen=True)
class Tokens:
    """What a log-in gives. `expires_in` is in seconds and concerns the access token."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: Literal["Bearer"]
    user_id: UUID
    session_id: UUID


@dataclass(frozen=True)
class Session:
    """One log-in of one user on one device."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str | None
    address: str | None
    current: bool


@dataclass
class Message:
    """A message, or (with `deleted_at`) the tombstone that keeps its place.

    Not frozen: pages hold many, and a frozen one takes seven times as long to make. Nobody changes one.
    """

    id: UUID
    conversation_id: UUID
    seq: int
    position: int
    sender_id: UUID
    receiver_id: UUID
    content: str | None
    type: MessageType
    status: MessageStatus
    metadata: Any
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class Conversation:
    """A conversation as one of its members sees it. In a direct one `user_id` is the other person."""

    id: UUID
    kind: ConversationKind
    user_id: UUID | None
    group_id: UUID | None
    name: str | None
    created_at: datetime
    last_activity_at: datetime
    last_message: Message | None
    unread_count: int
    last_seq: int
    read_seq: int
    delivered_seq: int


@dataclass(frozen=True)
class GroupSettings:
    """`message_retention_days` is None where messages are kept for ever."""

    is_private: bool
    allow_invites: bool
    message_retention_days: int | None


@dataclass(frozen=True)
class Member:
    """One person's place in a group."""

    user_id: UUID
    role: Role
    joined_at: datetime


@dataclass(frozen=True)
class Group:
    """A group; `members` are the first hundred by the time they joined."""

    id: UUID
    name: str
    description: str | None
    owner_id: UUID
    created_at: datetime
    member_count: int
    members: Sequence[Member]
    settings: GroupSettings


@dataclass(frozen=True)
class Receipt:
    """How far one member has received and read a conversation, as sequence numbers."""

    conversation_id: UUID
    user_id: UUID
    delivered_seq: int
    read_seq: int


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A page of a list, newest first, and how to go on.

    `total` is None where it is not counted, `total_exact` False where counting stopped early, and
    `current_page` None where the items of the list move. `newest_cursor` and `oldest_cursor` are those of the first
    item and of the last.
    """

    items: Sequence[Item]
    has_more: bool
    next_cursor: str | None
    per_page: int
    total: int | None = None
    total_exact: bool = True
    current_page: int | None = None
    newest_cursor: UUID | str | None = None
    oldest_cursor: UUID | str | None = None


@dataclass(frozen=True)
class Webhook:
    """An address to which events are sent. `previous_secret_until` is None when there is no previous secret."""

    id: UUID
    url: str
    events: Sequence[str]
    conversation_id: UUID | None
    ordered: bool
    status: WebhookStatus
    disabled_reason: str | None
    failing_since: datetime | None
    previous_secret_until: datetime | None
    created_at: datetime


@dataclass(frozen=True)
class CreatedWebhook(Webhook):
    """A new webhook with its secret, which is None in a repeat that comes after it was rotated."""

    secret: str | None
    signing_secret: str | None


@dataclass(frozen=True)
class RotatedSecret:
    """A webhook's new secret, which is None in a repeat that comes after it was rotated again."""

    secret: str | None
    signing_secret: str | None
    previous_secret_until: datetime | None


@dataclass(frozen=True)
class DeliveryAttempt:
    """What came of sending something once. Without a `status` there was no answer."""

    number: int
    at: datetime
    status: int | None
    error: str | None
    latency_ms: int
    response_excerpt: str | None


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one webhook; `attempts` are the last ones."""

    id: UUID
    webhook_id: UUID
    event: str
    cursor: str | None
    status: DeliveryStatus
    created_at: datetime
    next_attempt_at: datetime | None
    finished_at: datetime | None
    attempt_count: int
    attempts: Sequence[DeliveryAttempt]


@dataclass(frozen=True)
class Recovery:
    """How many deliveries wait to be sent again; what is left of them begins at `since`."""

    deliveries: int
    has_more: bool
    since: datetime


@dataclass(frozen=True)
class Event:
    """One event as a client reads it: REST, socket and webhook show the same."""

    type: str
    data: Any
    cursor: str
    seq: int | None


Facts = Mapping[str, Any]
