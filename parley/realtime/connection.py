"""One socket from its first byte to its last: who it is, what it says and hears, and when it has to go.

    AUTHENTICATING ──token──> RECOGNISING ──ready──> CATCHING_UP ──all replayed──> LIVE
          └─────────────────────┴──────────────────────┴────────────────────────────┴──> CLOSED

While it catches up (`catching_up`) nothing live is queued for it, so a long replay cannot overflow anything. What the
client says before it can be done is held back until it can.
"""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any
from uuid import UUID

from generated.frames import LIMITS, CloseCode
from parley import logs, metrics
from parley.cursors import Cursor
from parley.errors import Forbidden, Invalid, ParleyError, SessionEnded, Unauthorized, Unavailable
from parley.model import Caller
from parley.realtime.catching_up import CatchingUp
from parley.realtime.frames import encode
from parley.realtime.shared import Refused, Shared
from parley.realtime.socket import Request, Socket
from parley.realtime.wire import payloads

_log = logs.logger("realtime")

HEARTBEAT = {
    "interval_seconds": LIMITS.heartbeat_seconds,
    "timeout_seconds": LIMITS.heartbeat_timeout_seconds,
}
SOCKET_LIMITS = {
    "frame_bytes": LIMITS.frame_bytes,
    "frames_per_minute": LIMITS.frames_per_minute,
    "typing_seconds": LIMITS.typing_seconds,
}


class State(Enum):
    """Where a connection is in its life; it only moves downwards."""

    AUTHENTICATING = auto()
    RECOGNISING = auto()
    CATCHING_UP = auto()
    LIVE = auto()
    CLOSED = auto()


class TooEarly(Unavailable):
    """So much is held back already that the client has to say it again."""

    def __init__(self) -> None:
        super().__init__("The socket is still catching up: say it again")


class Connection:
    """A listener of its socket and a subscriber of the hub."""

    __slots__ = (
        "_abuses",
        "_age",
        "_bytes_out",
        "_cursor",
        "_epoch",
        "_expires_at",
        "_frames",
        "_frames_out",
        "_held",
        "_missed",
        "_packets",
        "_received",
        "_shared",
        "_since_ping",
        "_state",
        "_written",
        "caller",
        "session_id",
        "socket",
        "stands_at",
        "streams",
        "user_id",
    )

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._state = State.AUTHENTICATING
        self._expires_at = 0.0
        # The cursor of the handshake, for whoever says only later who they are.
        self._cursor: str | None = None
        # Positions of the log of `_epoch`: up to where the client was told everything while it catches up; what was
        # written to it last, and what is known to have arrived.
        self._epoch = b""
        self.stands_at = 0
        self._written = 0
        self._received = 0
        # Frames of the client that came too early, and the second of the connection's life in which they came.
        self._held: list[tuple[str, dict[str, Any], int]] = []
        self._age = 0
        # What was written in all, which tells how many frames those bytes are that wait.
        self._bytes_out = 0
        self._frames_out = 0
        # Whole seconds since the state began or the last ping; what the client said in this minute.
        self._since_ping = 0
        self._missed = False
        self._packets = 0
        self._frames = 0
        self._abuses = 0
        self.streams: set[UUID] = set()
        self.socket: Socket
        self.caller: Caller
        self.user_id: UUID
        self.session_id: UUID

    # ---- what the socket tells

    def opened(self, socket: Socket) -> None:
        """Begin with the token of the handshake, or wait for one in the first frame."""
        self.socket = socket
        self._shared.admission.opened(self)
        self._cursor = socket.request.query.get("cursor")
        token = _token(socket.request)
        if token is not None:
            # The answer to the handshake comes with the greeting, where that takes no second (see `tick`).
            socket.hold()
            self._begin(token, self._cursor)

    def text(self, text: str) -> None:
        """Do what a frame says, or answer what is wrong with it."""
        if self._state is State.CLOSED:
            return
        self._frames += 1
        metrics.sockets.frames_in += 1
        if self._frames + self.socket.extras > LIMITS.frames_per_minute:
            self.close(CloseCode.TOO_MANY_FRAMES)
            return
        frame_type = None
        try:
            frame_type, data = self._shared.frames.read(text)
            self._act(frame_type, data)
        except ParleyError as error:
            self._refuse(error, frame_type)

    def pong(self, payload: bytes) -> None:
        """Note that what was written before the ping has arrived."""
        if payload.isdigit() and len(payload) < 20:
            self._arrived(min(int(payload), self._written))

    def closed(self, code: int) -> None:
        """Leave everything, once: the socket says so later than `close` does."""
        if self._state is State.CLOSED:
            return
        was_live, self._state = self._state is State.LIVE, State.CLOSED
        self._shared.admission.closed(self)
        if was_live:
            self._shared.hub.leave(self)
            self._shared.actions.left(self)

    # ---- what the hub tells

    def deliver(self, framed: bytes, frames: int, position: int) -> None:
        """Write frames. Whoever is too slow is closed and comes back with the cursor; nobody waits for them."""
        socket = self.socket
        if socket.compresses:
            for payload in payloads(framed):
                socket.write_text(payload)
        else:
            socket.write(framed)
        self._written = position
        self._bytes_out += len(framed)
        self._frames_out += frames
        metrics.sockets.frames_out += frames
        if (waiting := socket.buffered) and self._is_too_slow(waiting):
            self.close(CloseCode.TOO_SLOW)

    def _is_too_slow(self, waiting: int) -> bool:
        """Judge by the bytes that wait, and by how many frames of the usual size they are."""
        if waiting > LIMITS.queue_bytes:
            return True
        # While it catches up it is never given more than it takes.
        return (
            self._state is State.LIVE and waiting * self._frames_out > LIMITS.queue_frames * self._bytes_out
        )

    # ---- time

    def tick(self, now: float) -> None:
        """Look at the clock, once a second."""
        self._age += 1
        self._since_ping += 1
        if self._packets != self.socket.received:
            # Whatever came is a sign of life.
            self._packets = self.socket.received
            self._missed = False
        if self._state is State.AUTHENTICATING:
            if self._since_ping > LIMITS.auth_seconds:
                self.close(CloseCode.UNAUTHORIZED)
            return
        if self._state is State.RECOGNISING:
            self.socket.release()
        if self._expires_at <= now:
            self.close(CloseCode.TOKEN_EXPIRED)
        elif self._missed and self._since_ping >= LIMITS.heartbeat_timeout_seconds:
            self.close(CloseCode.NO_HEARTBEAT)
        elif not self._missed and self._since_ping >= LIMITS.heartbeat_seconds:
            self._missed, self._since_ping = True, 0
            self.socket.ping(b"%d" % self._written)

    def log_was_reset(self) -> None:
        """Come back: the cursor of before is foreign now, and the answer to it will say so."""
        self.close(CloseCode.GOING_AWAY)

    def cut(self) -> None:
        """Come back: something was not written that should have been, and a close frame might not be either."""
        self.socket.abort()

    def new_minute(self) -> None:
        """Forget how much the client said."""
        self._frames = self._abuses = 0

    def close(self, code: CloseCode) -> None:
        """Say why and end. Nothing is heard or delivered any more."""
        if self._state is not State.CLOSED:
            metrics.sockets.closed(code)
            self.closed(code)
            self.socket.close(code, code.meaning)

    # ---- what clients say

    def _act(self, frame_type: str, data: dict[str, Any]) -> None:
        if self._state is State.AUTHENTICATING:
            if frame_type != "auth":
                raise Unauthorized
            self._begin(data["token"], data.get("cursor") or self._cursor)
        elif frame_type == "ping":
            self._write("pong", {"id": data.get("id")})
        elif frame_type == "auth" and data.get("cursor") is not None:
            raise Invalid("data.cursor", "The socket is open and stands where it stands")
        elif self._is_early(frame_type):
            if len(self._held) >= LIMITS.held_frames:
                raise TooEarly
            self._held.append((frame_type, data, self._age))
        else:
            self._do(frame_type, data)

    def _is_early(self, frame_type: str) -> bool:
        """Tell whether something cannot be done yet: whoever catches up only receives, and says so."""
        if self._state is State.CATCHING_UP:
            return frame_type not in ("auth", "receipt")
        return self._state is State.RECOGNISING

    def _do(self, frame_type: str, data: dict[str, Any]) -> None:
        actions = self._shared.actions
        match frame_type:
            case "auth":
                self._shared.run(self._renew(data["token"]))
            case "typing":
                actions.typing(self, data)
            case "presence":
                actions.presence(self, data)
            case _:
                actions.receipt(self, data)

    def _do_held(self) -> None:
        """Do what was held back, as far as it can be done now."""
        held, self._held = self._held, []
        for frame_type, data, age in held:
            if self._is_early(frame_type):
                self._held.append((frame_type, data, age))
            elif frame_type != "typing" or self._age - age < LIMITS.typing_seconds:
                try:
                    self._do(frame_type, data)
                except ParleyError as error:
                    self._refuse(error, frame_type)

    def _refuse(self, error: ParleyError, frame: str | None) -> None:
        """Say what is wrong with a frame; only whoever goes on and on is closed."""
        # What was true a moment ago, as of a conversation that one was removed from, is no abuse.
        if isinstance(error, Invalid | TooEarly) or self._state is State.AUTHENTICATING:
            self._abuses += 1
        if self._abuses > LIMITS.bad_frames_per_minute:
            self.close(CloseCode.BAD_FRAME)
            return
        self._write(
            "error", {"code": error.code, "message": error.message, "details": error.details, "frame": frame}
        )

    # ---- authentication and catching up

    def _begin(self, token: str, cursor: str | None) -> None:
        self._state = State.RECOGNISING
        self._since_ping = 0
        self._expires_at = float("inf")
        self._shared.run(self._catch_up(token, cursor))

    async def _renew(self, token: str) -> None:
        """Take a newer token of the same session; one that is refused changes nothing."""
        try:
            caller, expires_at = await self._shared.sessions.authenticate_until(token)
            if caller.session_id != self.session_id:
                raise Forbidden("This token is of another session")
            # Two may be judged at once, and the older one last.
            self._expires_at = max(self._expires_at, expires_at)
            await self._say_ready()
        except ParleyError as error:
            self._refuse(error, "auth")
        except Exception:
            _log.exception("a token could not be renewed")
            self.close(CloseCode.INTERNAL_ERROR)

    async def _catch_up(self, token: str, cursor: str | None) -> None:
        try:
            await self._identify(token)
            await CatchingUp(self._shared, self, cursor).run()
        except Unauthorized as error:
            self.close(_refusal(error))
        except Refused as refused:
            self.close(refused.code)
        except (Unavailable, TimeoutError):
            self.close(CloseCode.UNAVAILABLE)
        except Invalid as error:
            metrics.sockets.resumed("forged")
            # A forged cursor. Without one the client knows where it stands, and can begin afresh.
            self._refuse(error, "auth")
            self.close(CloseCode.BAD_CURSOR)
        except Exception:
            _log.exception("a socket could not catch up")
            self.close(CloseCode.INTERNAL_ERROR)

    async def _identify(self, token: str) -> None:
        sessions = self._shared.sessions
        ends = sessions.changes
        self.caller, self._expires_at = await sessions.authenticate_until(token)
        self.user_id, self.session_id = self.caller.user_id, self.caller.session_id
        await self._shared.admission.admit(self)
        if sessions.changes != ends:
            # It may have been this one that ended, while nobody knew whose socket this is.
            await sessions.confirm(self.caller)

    @property
    def is_catching_up(self) -> bool:
        """Whether it was greeted, and is neither live nor closed yet."""
        return self._state is State.CATCHING_UP

    async def greet(self, start: Cursor, said: Cursor) -> None:
        """Say `ready`: the client stands at `start`, and is told `said`. Raises Unavailable."""
        self.socket.hold()
        await self._say_ready(said)
        # With the greeting goes what was missed, as far as it can be written in this turn of the loop.
        asyncio.get_running_loop().call_soon(self.socket.release)
        if self._state is State.RECOGNISING:
            self._state = State.CATCHING_UP
            self._epoch, self.stands_at = start.epoch, start.position
            self._do_held()

    def resync(self, reason: str, cursor: Cursor) -> None:
        """Say that there is a hole before a cursor, from which it goes on."""
        self._epoch, self.stands_at = cursor.epoch, cursor.position
        self._write("resync", {"reason": reason, "cursor": cursor.encode()})

    def join(self, streams: Collection[UUID]) -> None:
        """Be live, in these conversations."""
        self._state = State.LIVE
        self._shared.hub.join(self, streams)
        self._shared.actions.joined(self)
        self._do_held()

    def _stands(self) -> Cursor:
        """Return up to where all that is the client's was written to it."""
        position = self._shared.hub.position if self._state is State.LIVE else self.stands_at
        return Cursor(self._epoch, position)

    async def _say_ready(self, cursor: Cursor | None = None) -> None:
        """Say who the server takes the client for, what holds here, and where it stands."""
        user = await self._shared.users.own(self.user_id)
        ready = {
            "user": user,
            "session_id": self.session_id,
            "token_expires_at": datetime.fromtimestamp(self._expires_at, UTC),
            "heartbeat": HEARTBEAT,
            "limits": {**SOCKET_LIMITS, "sockets_per_user": self._shared.admission.per_user},
            "cursor": (cursor or self._stands()).encode(),
        }
        self._write("ready", ready)

    def _arrived(self, position: int) -> None:
        if position > self._received:
            self._received = position
            self._shared.actions.received(self, position)

    def _write(self, frame_type: str, data: Any) -> None:
        metrics.sockets.frames_out += 1
        self.socket.write_text(encode(frame_type, data))


def _token(request: Request) -> str | None:
    """Return the token of a handshake: in the query, as the seed has it, or in the header."""
    scheme, _, in_header = request.headers.get("authorization", "").partition(" ")
    in_query = request.query.get("token")
    if scheme.lower() != "bearer" or not in_header:
        return in_query
    # Two different ones are none.
    return in_header.strip() if in_query in (None, in_header.strip()) else ""


def _refusal(error: Unauthorized) -> CloseCode:
    if isinstance(error, SessionEnded):
        return CloseCode.SESSION_REVOKED
    return CloseCode.TOKEN_EXPIRED if error.details["token_expired"] else CloseCode.UNAUTHORIZED
