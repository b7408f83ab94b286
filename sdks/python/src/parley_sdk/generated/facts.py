# Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
"""What the contract says beside its types."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from parley_sdk.generated import models
from parley_sdk.model import UnknownEvent, UnknownPayload

CONTRACT_VERSION = "1.1.0"


@dataclass(frozen=True, slots=True)
class CloseVerdict:
    """What a close code of the socket tells a client to do."""

    code: int
    name: str
    meaning: str
    reconnect: Literal["never", "now", "later", "new_token", "new_session"]
    after_seconds: int
    keep_cursor: bool


@dataclass(frozen=True, slots=True)
class Bucket:
    """A rate limit: so many requests in a window."""

    name: str
    limit: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Operation:
    """How an operation is asked; `repeatable` says whether it may be asked again after a cut."""

    id: str
    method: str
    path: str
    secured: bool
    takes_key: bool
    repeatable: bool
    bucket: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What a page calls its items, and in what order they are."""

    items: str
    newest_first: bool


CLOSE_VERDICTS = {
    1000: CloseVerdict(
        1000,
        "normal",
        "The client closed the socket; the answer has the client's own code.",
        "never",
        0,
        True,
    ),
    1001: CloseVerdict(
        1001,
        "going_away",
        "The server ends or starts again. Another one may be there already.",
        "now",
        0,
        True,
    ),
    1002: CloseVerdict(
        1002,
        "protocol_error",
        "The client broke the rules of RFC 6455.",
        "never",
        0,
        True,
    ),
    1003: CloseVerdict(
        1003,
        "unsupported_data",
        "The client sent a binary message; frames are text.",
        "never",
        0,
        True,
    ),
    1007: CloseVerdict(
        1007,
        "invalid_text",
        "The client sent text that is not UTF-8.",
        "never",
        0,
        True,
    ),
    1009: CloseVerdict(
        1009,
        "frame_too_big",
        "The client sent a frame of more bytes than are allowed.",
        "never",
        0,
        True,
    ),
    1011: CloseVerdict(
        1011,
        "internal_error",
        "The server made a mistake.",
        "later",
        5,
        True,
    ),
    4400: CloseVerdict(
        4400,
        "bad_frame",
        "The client sent too many frames that had to be refused.",
        "never",
        0,
        True,
    ),
    4401: CloseVerdict(
        4401,
        "unauthorized",
        "The token is none of ours or is for something else, or none came in time.",
        "new_token",
        0,
        True,
    ),
    4402: CloseVerdict(
        4402,
        "token_expired",
        "The token was right and has expired.",
        "new_token",
        0,
        True,
    ),
    4403: CloseVerdict(
        4403,
        "session_revoked",
        "The session has ended: by a log-out, from another device, by a new password or by an operator.",
        "new_session",
        0,
        True,
    ),
    4408: CloseVerdict(
        4408,
        "no_heartbeat",
        "The client gave no sign of life after a ping.",
        "now",
        0,
        True,
    ),
    4413: CloseVerdict(
        4413,
        "too_slow",
        "The client did not read as fast as things happened. Come back with the cursor, and what is missing comes.",
        "now",
        0,
        True,
    ),
    4422: CloseVerdict(
        4422,
        "bad_cursor",
        "The cursor is none that this server ever gave. Come back without one and read afresh.",
        "now",
        0,
        False,
    ),
    4429: CloseVerdict(
        4429,
        "too_many_frames",
        "The client sent more frames in a minute than are allowed.",
        "later",
        60,
        True,
    ),
    4430: CloseVerdict(
        4430,
        "too_many_sockets",
        "The user has as many open sockets as are allowed already.",
        "later",
        60,
        True,
    ),
    4431: CloseVerdict(
        4431,
        "too_many_connections",
        "The user connected more often in a minute than is allowed.",
        "later",
        60,
        True,
    ),
    4503: CloseVerdict(
        4503,
        "unavailable",
        "The server cannot read the log at the moment.",
        "later",
        5,
        True,
    ),
}
BUCKETS = {
    "auth": Bucket("auth", 5, 60),
    "auth_address": Bucket("auth_address", 60, 60),
    "api": Bucket("api", 100, 60),
    "ws": Bucket("ws", 10, 60),
    "webhooks": Bucket("webhooks", 30, 60),
}
OPERATIONS = {
    "login": Operation("login", "POST", "/auth/login", False, False, False, "auth"),
    "refresh": Operation("refresh", "POST", "/auth/refresh", False, True, True, "auth"),
    "logout": Operation("logout", "POST", "/auth/logout", True, False, False, "auth"),
    "list_sessions": Operation("list_sessions", "GET", "/auth/sessions", True, False, True, "auth"),
    "revoke_session": Operation("revoke_session", "DELETE", "/auth/sessions/{session_id}", True, False, True, "auth"),
    "change_password": Operation("change_password", "PUT", "/auth/password", True, False, False, "auth"),
    "list_users": Operation("list_users", "GET", "/users", True, False, True, "api"),
    "register_user": Operation("register_user", "POST", "/users", False, True, True, "api"),
    "get_me": Operation("get_me", "GET", "/me", True, False, True, "api"),
    "get_user": Operation("get_user", "GET", "/users/{user_id}", True, False, True, "api"),
    "update_user": Operation("update_user", "PATCH", "/users/{user_id}", True, False, False, "api"),
    "list_conversations": Operation("list_conversations", "GET", "/conversations", True, False, True, "api"),
    "open_conversation": Operation("open_conversation", "POST", "/conversations", True, True, True, "api"),
    "get_conversation": Operation("get_conversation", "GET", "/conversations/{conversation_id}", True, False, True, "api"),
    "mark_read": Operation("mark_read", "PUT", "/conversations/{conversation_id}/read", True, False, True, "api"),
    "mark_delivered": Operation("mark_delivered", "PUT", "/conversations/{conversation_id}/delivered", True, False, True, "api"),
    "list_messages": Operation("list_messages", "GET", "/messages", True, False, True, "api"),
    "send_message": Operation("send_message", "POST", "/messages", True, True, True, "api"),
    "get_message": Operation("get_message", "GET", "/messages/{message_id}", True, False, True, "api"),
    "edit_message": Operation("edit_message", "PATCH", "/messages/{message_id}", True, False, False, "api"),
    "delete_message": Operation("delete_message", "DELETE", "/messages/{message_id}", True, False, True, "api"),
    "list_groups": Operation("list_groups", "GET", "/groups", True, False, True, "api"),
    "create_group": Operation("create_group", "POST", "/groups", True, True, True, "api"),
    "get_group": Operation("get_group", "GET", "/groups/{group_id}", True, False, True, "api"),
    "update_group": Operation("update_group", "PATCH", "/groups/{group_id}", True, False, False, "api"),
    "delete_group": Operation("delete_group", "DELETE", "/groups/{group_id}", True, False, True, "api"),
    "list_members": Operation("list_members", "GET", "/groups/{group_id}/members", True, False, True, "api"),
    "add_member": Operation("add_member", "POST", "/groups/{group_id}/members", True, True, True, "api"),
    "get_member": Operation("get_member", "GET", "/groups/{group_id}/members/{user_id}", True, False, True, "api"),
    "update_member": Operation("update_member", "PATCH", "/groups/{group_id}/members/{user_id}", True, False, False, "api"),
    "remove_member": Operation("remove_member", "DELETE", "/groups/{group_id}/members/{user_id}", True, False, True, "api"),
    "join_group": Operation("join_group", "POST", "/groups/{group_id}/join", True, True, True, "api"),
    "list_events": Operation("list_events", "GET", "/events", True, False, True, "api"),
    "list_webhooks": Operation("list_webhooks", "GET", "/webhooks", True, False, True, "api"),
    "create_webhook": Operation("create_webhook", "POST", "/webhooks", True, True, True, "api"),
    "get_webhook": Operation("get_webhook", "GET", "/webhooks/{webhook_id}", True, False, True, "api"),
    "update_webhook": Operation("update_webhook", "PATCH", "/webhooks/{webhook_id}", True, False, False, "api"),
    "delete_webhook": Operation("delete_webhook", "DELETE", "/webhooks/{webhook_id}", True, False, True, "api"),
    "rotate_secret": Operation("rotate_secret", "POST", "/webhooks/{webhook_id}/rotate-secret", True, True, True, "api"),
    "test_webhook": Operation("test_webhook", "POST", "/webhooks/{webhook_id}/test", True, True, True, "webhooks"),
    "list_deliveries": Operation("list_deliveries", "GET", "/webhooks/{webhook_id}/deliveries", True, False, True, "api"),
    "get_delivery": Operation("get_delivery", "GET", "/webhooks/{webhook_id}/deliveries/{delivery_id}", True, False, True, "api"),
    "redeliver": Operation("redeliver", "POST", "/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", True, False, False, "webhooks"),
    "recover_deliveries": Operation("recover_deliveries", "POST", "/webhooks/{webhook_id}/recover", True, False, False, "webhooks"),
    "get_limits": Operation("get_limits", "GET", "/limits", True, False, True, "api"),
    "get_contract": Operation("get_contract", "GET", "/contract", False, False, True, "api"),
}
# The limits of the socket, by their names in the document.
SOCKET_LIMITS = {
    "frame_bytes": 16384,
    "frames_per_minute": 120,
    "bad_frames_per_minute": 10,
    "sockets_per_user": 20,
    "connections_per_minute": 10,
    "handshakes_per_minute": 3000,
    "held_frames": 16,
    "queue_bytes": 1048576,
    "queue_frames": 1000,
    "heartbeat_seconds": 25,
    "heartbeat_timeout_seconds": 10,
    "auth_seconds": 10,
    "typing_seconds": 6,
    "close_seconds": 5,
}
# The classes of what a socket says, by type.
FRAMES: dict[str, type[BaseModel]] = {
    "message": models.MessageEvent,
    "message.updated": models.MessageUpdatedEvent,
    "message.deleted": models.MessageDeletedEvent,
    "receipt": models.ReceiptEvent,
    "conversation.created": models.ConversationCreatedEvent,
    "member.added": models.MemberAddedEvent,
    "member.removed": models.MemberRemovedEvent,
    "member.updated": models.MemberUpdatedEvent,
    "group.updated": models.GroupUpdatedEvent,
    "group.deleted": models.GroupDeletedEvent,
    "user.updated": models.UserUpdatedEvent,
    "webhook.disabled": models.WebhookDisabledEvent,
    "ready": models.ReadyNotice,
    "typing": models.TypingNotice,
    "presence": models.PresenceNotice,
    "resync": models.ResyncNotice,
    "pong": models.PongNotice,
    "error": models.ErrorNotice,
}
# What is listed, by the class of the page.
LISTINGS: dict[type[BaseModel], Listing] = {
    models.UserPage: Listing("users", True),
    models.ConversationPage: Listing("conversations", True),
    models.MessagePage: Listing("messages", True),
    models.GroupPage: Listing("groups", True),
    models.MemberPage: Listing("members", True),
    models.EventPage: Listing("events", False),
    models.WebhookPage: Listing("webhooks", True),
    models.DeliveryPage: Listing("deliveries", True),
}
Event = (
    models.MessageEvent
    | models.MessageUpdatedEvent
    | models.MessageDeletedEvent
    | models.ReceiptEvent
    | models.ConversationCreatedEvent
    | models.MemberAddedEvent
    | models.MemberRemovedEvent
    | models.MemberUpdatedEvent
    | models.GroupUpdatedEvent
    | models.GroupDeletedEvent
    | models.UserUpdatedEvent
    | models.WebhookDisabledEvent
    | models.TypingNotice
    | models.PresenceNotice
    | models.ResyncNotice
    | models.ErrorNotice
    | UnknownEvent
)
WebhookEvent = (
    models.MessageCreatedPayload
    | models.MessageUpdatedPayload
    | models.MessageDeletedPayload
    | models.ReceiptUpdatedPayload
    | models.MemberAddedPayload
    | models.MemberRemovedPayload
    | models.MemberUpdatedPayload
    | models.GroupCreatedPayload
    | models.GroupUpdatedPayload
    | models.GroupDeletedPayload
    | models.UserUpdatedPayload
    | models.WebhookDisabledPayload
    | models.WebhookTestPayload
    | UnknownPayload
)
