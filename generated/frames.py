# Made from spec/asyncapi.yaml by scripts/codegen.py: change the former and run `make codegen`.
"""The socket's protocol: types of frames and their models, close codes, limits, and what is allowed when.

A frame is judged by the schema in `generated/openapi.json` that `CLIENT_SCHEMAS` or `SERVER_SCHEMAS` names, and
read into the model of the same name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, TypeAlias

from generated import models


class ClientFrameType(StrEnum):
    """What stands in `type` of a client's frame."""

    AUTH = "auth"
    TYPING = "typing"
    PRESENCE = "presence"
    RECEIPT = "receipt"
    PING = "ping"


ClientFrame: TypeAlias = (
    models.AuthFrame
    | models.TypingFrame
    | models.PresenceFrame
    | models.ReceiptFrame
    | models.PingFrame
)


CLIENT_SCHEMAS: Final[Mapping[str, str]] = {
    ClientFrameType.AUTH: "AuthFrame",
    ClientFrameType.TYPING: "TypingFrame",
    ClientFrameType.PRESENCE: "PresenceFrame",
    ClientFrameType.RECEIPT: "ReceiptFrame",
    ClientFrameType.PING: "PingFrame",
}

CLIENT_MODELS: Final[Mapping[str, type[ClientFrame]]] = {
    ClientFrameType.AUTH: models.AuthFrame,
    ClientFrameType.TYPING: models.TypingFrame,
    ClientFrameType.PRESENCE: models.PresenceFrame,
    ClientFrameType.RECEIPT: models.ReceiptFrame,
    ClientFrameType.PING: models.PingFrame,
}


class ServerFrameType(StrEnum):
    """What stands in `type` of a server's frame."""

    READY = "ready"
    MESSAGE = "message"
    MESSAGE_UPDATED = "message.updated"
    MESSAGE_DELETED = "message.deleted"
    RECEIPT = "receipt"
    CONVERSATION_CREATED = "conversation.created"
    MEMBER_ADDED = "member.added"
    MEMBER_REMOVED = "member.removed"
    MEMBER_UPDATED = "member.updated"
    GROUP_UPDATED = "group.updated"
    GROUP_DELETED = "group.deleted"
    USER_UPDATED = "user.updated"
    WEBHOOK_DISABLED = "webhook.disabled"
    TYPING = "typing"
    PRESENCE = "presence"
    RESYNC = "resync"
    PONG = "pong"
    ERROR = "error"


ServerFrame: TypeAlias = (
    models.ReadyNotice
    | models.MessageEvent
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
    | models.PongNotice
    | models.ErrorNotice
)


SERVER_SCHEMAS: Final[Mapping[str, str]] = {
    ServerFrameType.READY: "ReadyNotice",
    ServerFrameType.MESSAGE: "MessageEvent",
    ServerFrameType.MESSAGE_UPDATED: "MessageUpdatedEvent",
    ServerFrameType.MESSAGE_DELETED: "MessageDeletedEvent",
    ServerFrameType.RECEIPT: "ReceiptEvent",
    ServerFrameType.CONVERSATION_CREATED: "ConversationCreatedEvent",
    ServerFrameType.MEMBER_ADDED: "MemberAddedEvent",
    ServerFrameType.MEMBER_REMOVED: "MemberRemovedEvent",
    ServerFrameType.MEMBER_UPDATED: "MemberUpdatedEvent",
    ServerFrameType.GROUP_UPDATED: "GroupUpdatedEvent",
    ServerFrameType.GROUP_DELETED: "GroupDeletedEvent",
    ServerFrameType.USER_UPDATED: "UserUpdatedEvent",
    ServerFrameType.WEBHOOK_DISABLED: "WebhookDisabledEvent",
    ServerFrameType.TYPING: "TypingNotice",
    ServerFrameType.PRESENCE: "PresenceNotice",
    ServerFrameType.RESYNC: "ResyncNotice",
    ServerFrameType.PONG: "PongNotice",
    ServerFrameType.ERROR: "ErrorNotice",
}

SERVER_MODELS: Final[Mapping[str, type[ServerFrame]]] = {
    ServerFrameType.READY: models.ReadyNotice,
    ServerFrameType.MESSAGE: models.MessageEvent,
    ServerFrameType.MESSAGE_UPDATED: models.MessageUpdatedEvent,
    ServerFrameType.MESSAGE_DELETED: models.MessageDeletedEvent,
    ServerFrameType.RECEIPT: models.ReceiptEvent,
    ServerFrameType.CONVERSATION_CREATED: models.ConversationCreatedEvent,
    ServerFrameType.MEMBER_ADDED: models.MemberAddedEvent,
    ServerFrameType.MEMBER_REMOVED: models.MemberRemovedEvent,
    ServerFrameType.MEMBER_UPDATED: models.MemberUpdatedEvent,
    ServerFrameType.GROUP_UPDATED: models.GroupUpdatedEvent,
    ServerFrameType.GROUP_DELETED: models.GroupDeletedEvent,
    ServerFrameType.USER_UPDATED: models.UserUpdatedEvent,
    ServerFrameType.WEBHOOK_DISABLED: models.WebhookDisabledEvent,
    ServerFrameType.TYPING: models.TypingNotice,
    ServerFrameType.PRESENCE: models.PresenceNotice,
    ServerFrameType.RESYNC: models.ResyncNotice,
    ServerFrameType.PONG: models.PongNotice,
    ServerFrameType.ERROR: models.ErrorNotice,
}


# Those of the log, which have a cursor; the others are gone when nobody was there.
EVENTS: Final = frozenset((
    ServerFrameType.MESSAGE,
    ServerFrameType.MESSAGE_UPDATED,
    ServerFrameType.MESSAGE_DELETED,
    ServerFrameType.RECEIPT,
    ServerFrameType.CONVERSATION_CREATED,
    ServerFrameType.MEMBER_ADDED,
    ServerFrameType.MEMBER_REMOVED,
    ServerFrameType.MEMBER_UPDATED,
    ServerFrameType.GROUP_UPDATED,
    ServerFrameType.GROUP_DELETED,
    ServerFrameType.USER_UPDATED,
    ServerFrameType.WEBHOOK_DISABLED,
))


class Reconnect(StrEnum):
    """Whether a client comes back after a close, and with what."""

    NOW = "now"
    LATER = "later"
    NEW_TOKEN = "new_token"
    NEW_SESSION = "new_session"
    NEVER = "never"


class CloseCode(IntEnum):
    """Why the server closes a socket. `meaning` is what the close frame says beside the number."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    INVALID_TEXT = 1007
    FRAME_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    BAD_FRAME = 4400
    UNAUTHORIZED = 4401
    TOKEN_EXPIRED = 4402
    SESSION_REVOKED = 4403
    NO_HEARTBEAT = 4408
    TOO_SLOW = 4413
    BAD_CURSOR = 4422
    TOO_MANY_FRAMES = 4429
    TOO_MANY_SOCKETS = 4430
    TOO_MANY_CONNECTIONS = 4431
    UNAVAILABLE = 4503

    @property
    def meaning(self) -> str:
        """The sentence of the document."""
        return _CLOSES[self].meaning

    @property
    def reconnect(self) -> Reconnect:
        """Whether a client comes back."""
        return _CLOSES[self].reconnect

    @property
    def after_seconds(self) -> int:
        """How long it waits before that, at least; 0 is a moment."""
        return _CLOSES[self].after_seconds

    @property
    def keep_cursor(self) -> bool:
        """Whether its cursor is still good."""
        return _CLOSES[self].keep_cursor


@dataclass(frozen=True, slots=True)
class _Close:
    meaning: str
    reconnect: Reconnect
    after_seconds: int
    keep_cursor: bool


_CLOSES: Final[Mapping[CloseCode, _Close]] = {
    CloseCode.NORMAL: _Close(
        "The client closed the socket; the answer has the client's own code.",
        Reconnect.NEVER,
        after_seconds=0,
        keep_cursor=True,
    ),
    CloseCode.GOING_AWAY: _Close(
        "The server ends or starts again. Another one may be there already.",
        Reconnect.NOW,
        after_seconds=0,
        keep_cursor=True,
    ),
    CloseCode.PROTOCOL_ERROR: _Close(
        "The client broke the rules of RFC 6455.",
        Reconnect.NEVER,
        after_seconds=0,
        keep_cursor=True,
    ),
    CloseCode.UNSUPPORTED_DATA: _Close(
        "The client sent a binary message; frames are text.",
        Reconnect.NEVER,
        after_seconds=0,
        keep_cursor=True,
    ),
    CloseCode.INVALID_TEXT: _Close(
        "The client sent text that is not UTF-8.",
        Reconnect.NEVER,
        after_seconds=0,
        keep_cursor=True,
    ),
    CloseCode.FRAME_TOO_BIG: _Close(
        "The client sent a frame of more bytes than are allowed.",
        Reconnect.NEVER,
        after_seconds=0,
        keep_cursor=True,
    ),
    CloseCode.INTERNAL_ERROR: _Close(
        "The server made a mistake.",
        Reconnect.LATER,
        after_seconds=5,
        keep_cursor=True,
    ),
    CloseCode.BAD_FRAME: _Close(
        "The client sent too many frames that had to be refused.",
        Reconnect.NEVER,
        after_seconds=0,
        keep_cursor=True,
    ),
    CloseCode.UNAUTHORIZED: _Close(
        "The token is none of ours or is for something else, or none came in time.",
        Reconnect.NEW_TOKEN,
        after_seconds=0,
        keep_cursor=True,
    ),
    CloseCode.TOKEN_EXPIRED: _Close(
        "The token was right and has expired.",
        Reconnect.NEW_TOKEN,
        after_seconds=0,
        keep_cursor=True,
    ),
    CloseCode.SESSION_REVOKED: _Close(
        "The session has ended: by a log-out, from another device, by a new password or by an operator.",
        Reconnect.NEW_SESSION,
        after_seconds=0,
        keep_cursor=True,
    ),
    CloseCode.NO_HEARTBEAT: _Close(
        "The client gave no sign of life after a ping.",
        Reconnect.NOW,
        after_seconds=0,
        keep_cursor=True,
    ),
    CloseCode.TOO_SLOW: _Close(
        "The client did not read as fast as things happened. Come back with the cursor, and what is missing comes.",
        Reconnect.NOW,
        after_seconds=0,
        keep_cursor=True,
    ),
    CloseCode.BAD_CURSOR: _Close(
        "The cursor is none that this server ever gave. Come back without one and read afresh.",
        Reconnect.NOW,
        after_seconds=0,
        keep_cursor=False,
    ),
    CloseCode.TOO_MANY_FRAMES: _Close(
        "The client sent more frames in a minute than are allowed.",
        Reconnect.LATER,
        after_seconds=60,
        keep_cursor=True,
    ),
    CloseCode.TOO_MANY_SOCKETS: _Close(
        "The user has as many open sockets as are allowed already.",
        Reconnect.LATER,
        after_seconds=60,
        keep_cursor=True,
    ),
    CloseCode.TOO_MANY_CONNECTIONS: _Close(
        "The user connected more often in a minute than is allowed.",
        Reconnect.LATER,
        after_seconds=60,
        keep_cursor=True,
    ),
    CloseCode.UNAVAILABLE: _Close(
        "The server cannot read the log at the moment.",
        Reconnect.LATER,
        after_seconds=5,
        keep_cursor=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server keeps to, and whom it closes or refuses."""

    # How many bytes a frame of a client has at most, its fragments joined.
    frame_bytes: int = 16384
    # How many frames a client sends at most, pings of the protocol included.
    frames_per_minute: int = 120
    # How many of them may be refused as `validation_error` or for coming too early.
    bad_frames_per_minute: int = 10
    # How many sockets of one user are open at once; `ready` tells what it is on a server that was set otherwise.
    sockets_per_user: int = 20
    # How often one user connects.
    connections_per_minute: int = 10
    # How often one address connects, whoever it is.
    handshakes_per_minute: int = 3000
    # How many frames are kept at most that came before they could be done; more are refused as `unavailable`.
    held_frames: int = 16
    # How many bytes wait at most for a client that reads slowly.
    queue_bytes: int = 1048576
    # How many frames wait at most for a client that reads slowly.
    queue_frames: int = 1000
    # How long the server waits from one ping to the next.
    heartbeat_seconds: int = 25
    # How long a client may be silent after a ping.
    heartbeat_timeout_seconds: int = 10
    # How long a client may take to say who it is.
    auth_seconds: int = 10
    # How long somebody types without saying so again.
    typing_seconds: int = 6
    # How long the server waits for the answer to its close before it cuts the connection.
    close_seconds: int = 5


LIMITS: Final = Limits()


class SocketState(StrEnum):
    """Where a socket stands, as far as its frames go."""

    AUTHENTICATING = "authenticating"
    OPEN = "open"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Step:
    """What comes of a frame of the client in a state.

    One that is not allowed is refused with `error` where that is among `answers`, else dropped. `then` is the state
    after it, unless it was refused; `closes` are the codes that it may end in.
    """

    allowed: bool
    then: SocketState
    answers: frozenset[ServerFrameType]
    closes: frozenset[CloseCode]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer to the handshake over HTTP; `code` is that of the error in its body."""

    status: int
    code: str


HANDSHAKE: Final[Mapping[tuple[SocketState, ClientFrameType], Step]] = {
    (SocketState.AUTHENTICATING, ClientFrameType.AUTH): Step(
        allowed=True,
        then=SocketState.OPEN,
        answers=frozenset((
            ServerFrameType.READY,
            ServerFrameType.ERROR,
        )),
        closes=frozenset((
            CloseCode.UNAUTHORIZED,
            CloseCode.TOKEN_EXPIRED,
            CloseCode.SESSION_REVOKED,
            CloseCode.BAD_CURSOR,
            CloseCode.TOO_MANY_SOCKETS,
            CloseCode.TOO_MANY_CONNECTIONS,
            CloseCode.UNAVAILABLE,
        )),
    ),
    (SocketState.AUTHENTICATING, ClientFrameType.TYPING): Step(
        allowed=False,
        then=SocketState.AUTHENTICATING,
        answers=frozenset((
            ServerFrameType.ERROR,
        )),
        closes=frozenset((
            CloseCode.BAD_FRAME,
        )),
    ),
    (SocketState.AUTHENTICATING, ClientFrameType.PRESENCE): Step(
        allowed=False,
        then=SocketState.AUTHENTICATING,
        answers=frozenset((
            ServerFrameType.ERROR,
        )),
        closes=frozenset((
            CloseCode.BAD_FRAME,
        )),
    ),
    (SocketState.AUTHENTICATING, ClientFrameType.RECEIPT): Step(
        allowed=False,
        then=SocketState.AUTHENTICATING,
        answers=frozenset((
            ServerFrameType.ERROR,
        )),
        closes=frozenset((
            CloseCode.BAD_FRAME,
        )),
    ),
    (SocketState.AUTHENTICATING, ClientFrameType.PING): Step(
        allowed=False,
        then=SocketState.AUTHENTICATING,
        answers=frozenset((
            ServerFrameType.ERROR,
        )),
        closes=frozenset((
            CloseCode.BAD_FRAME,
        )),
    ),
    (SocketState.OPEN, ClientFrameType.AUTH): Step(
        allowed=True,
        then=SocketState.OPEN,
        answers=frozenset((
            ServerFrameType.READY,
            ServerFrameType.ERROR,
        )),
        closes=frozenset((
            CloseCode.BAD_FRAME,
        )),
    ),
    (SocketState.OPEN, ClientFrameType.TYPING): Step(
        allowed=True,
        then=SocketState.OPEN,
        answers=frozenset((
            ServerFrameType.ERROR,
        )),
        closes=frozenset((
            CloseCode.BAD_FRAME,
        )),
    ),
    (SocketState.OPEN, ClientFrameType.PRESENCE): Step(
        allowed=True,
        then=SocketState.OPEN,
        answers=frozenset((
            ServerFrameType.ERROR,
        )),
        closes=frozenset((
            CloseCode.BAD_FRAME,
        )),
    ),
    (SocketState.OPEN, ClientFrameType.RECEIPT): Step(
        allowed=True,
        then=SocketState.OPEN,
        answers=frozenset((
            ServerFrameType.ERROR,
        )),
        closes=frozenset((
            CloseCode.BAD_FRAME,
        )),
    ),
    (SocketState.OPEN, ClientFrameType.PING): Step(
        allowed=True,
        then=SocketState.OPEN,
        answers=frozenset((
            ServerFrameType.PONG,
            ServerFrameType.ERROR,
        )),
        closes=frozenset((
            CloseCode.BAD_FRAME,
        )),
    ),
    (SocketState.CLOSING, ClientFrameType.AUTH): Step(
        allowed=False,
        then=SocketState.CLOSING,
        answers=frozenset(),
        closes=frozenset(),
    ),
    (SocketState.CLOSING, ClientFrameType.TYPING): Step(
        allowed=False,
        then=SocketState.CLOSING,
        answers=frozenset(),
        closes=frozenset(),
    ),
    (SocketState.CLOSING, ClientFrameType.PRESENCE): Step(
        allowed=False,
        then=SocketState.CLOSING,
        answers=frozenset(),
        closes=frozenset(),
    ),
    (SocketState.CLOSING, ClientFrameType.RECEIPT): Step(
        allowed=False,
        then=SocketState.CLOSING,
        answers=frozenset(),
        closes=frozenset(),
    ),
    (SocketState.CLOSING, ClientFrameType.PING): Step(
        allowed=False,
        then=SocketState.CLOSING,
        answers=frozenset(),
        closes=frozenset(),
    ),
}


SENDS: Final[Mapping[SocketState, frozenset[ServerFrameType]]] = {
    SocketState.AUTHENTICATING: frozenset((
        ServerFrameType.ERROR,
    )),
    SocketState.OPEN: frozenset((
        ServerFrameType.READY,
        ServerFrameType.MESSAGE,
        ServerFrameType.MESSAGE_UPDATED,
        ServerFrameType.MESSAGE_DELETED,
        ServerFrameType.RECEIPT,
        ServerFrameType.CONVERSATION_CREATED,
        ServerFrameType.MEMBER_ADDED,
        ServerFrameType.MEMBER_REMOVED,
        ServerFrameType.MEMBER_UPDATED,
        ServerFrameType.GROUP_UPDATED,
        ServerFrameType.GROUP_DELETED,
        ServerFrameType.USER_UPDATED,
        ServerFrameType.WEBHOOK_DISABLED,
        ServerFrameType.TYPING,
        ServerFrameType.PRESENCE,
        ServerFrameType.RESYNC,
        ServerFrameType.PONG,
        ServerFrameType.ERROR,
    )),
    SocketState.CLOSING: frozenset(),
}


CLOSES: Final[Mapping[SocketState, frozenset[CloseCode]]] = {
    SocketState.AUTHENTICATING: frozenset((
        CloseCode.NORMAL,
        CloseCode.GOING_AWAY,
        CloseCode.PROTOCOL_ERROR,
        CloseCode.UNSUPPORTED_DATA,
        CloseCode.INVALID_TEXT,
        CloseCode.FRAME_TOO_BIG,
        CloseCode.INTERNAL_ERROR,
        CloseCode.BAD_FRAME,
        CloseCode.UNAUTHORIZED,
        CloseCode.TOKEN_EXPIRED,
        CloseCode.SESSION_REVOKED,
        CloseCode.NO_HEARTBEAT,
        CloseCode.TOO_SLOW,
        CloseCode.BAD_CURSOR,
        CloseCode.TOO_MANY_FRAMES,
        CloseCode.TOO_MANY_SOCKETS,
        CloseCode.TOO_MANY_CONNECTIONS,
        CloseCode.UNAVAILABLE,
    )),
    SocketState.OPEN: frozenset((
        CloseCode.NORMAL,
        CloseCode.GOING_AWAY,
        CloseCode.PROTOCOL_ERROR,
        CloseCode.UNSUPPORTED_DATA,
        CloseCode.INVALID_TEXT,
        CloseCode.FRAME_TOO_BIG,
        CloseCode.INTERNAL_ERROR,
        CloseCode.BAD_FRAME,
        CloseCode.UNAUTHORIZED,
        CloseCode.TOKEN_EXPIRED,
        CloseCode.SESSION_REVOKED,
        CloseCode.NO_HEARTBEAT,
        CloseCode.TOO_SLOW,
        CloseCode.BAD_CURSOR,
        CloseCode.TOO_MANY_FRAMES,
        CloseCode.TOO_MANY_SOCKETS,
        CloseCode.TOO_MANY_CONNECTIONS,
        CloseCode.UNAVAILABLE,
    )),
    SocketState.CLOSING: frozenset(),
}


REFUSALS: Final = (
    Refusal(400, "validation_error"),
    Refusal(403, "forbidden"),
    Refusal(404, "not_found"),
    Refusal(405, "method_not_allowed"),
    Refusal(426, "upgrade_required"),
    Refusal(429, "rate_limit_exceeded"),
    Refusal(500, "internal_error"),
    Refusal(503, "unavailable"),
)
