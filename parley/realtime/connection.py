"""One socket from its first byte to its last: who it is, what it missed, what it hears, and when it has to go.

    AUTHENTICATING ──token──> CATCHING_UP ──all replayed──> LIVE
          └──────────────────────┴──────────────────────────┴──> CLOSED

While it catches up nothing live is queued for it, so a long replay cannot overflow anything: the last step folds
what the window holds and joins the hub in one turn of the loop.
"""

import asyncio
from collections.abc import Collection, Coroutine, Iterable
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, Protocol
from uuid import UUID

import structlog

from generated.frames import LIMITS, CloseCode
from parley import cursors
from parley.cursors import Cursor, ForgedCursor
from parley.errors import Invalid, ParleyError, Unauthorized, Unavailable
from parley.model import Caller
from parley.realtime.frames import encode
from parley.realtime.hub import Hub
from parley.realtime.relay import Relay
from parley.realtime.socket import Request, Socket, frame_text
from parley.realtime.window import LiveEvent
from parley.services.events import Events
from parley.services.sessions import Sessions
from parley.services.users import Users
from parley.storage import feed
from parley.storage.database import Database
from parley.storage.events import LogState
from parley.storage.feed import Period

_log = structlog.get_logger(__name__)

# How many missed events are read and written at once, and how many bytes of the window.
PAGE = 200
CHUNK = 256 * 1024
# Seconds that the hub may lag behind the log.
REACH_WITHIN = 10.0


HEARTBEAT = {
    "interval_seconds": LIMITS.heartbeat_seconds,
    "timeout_seconds": LIMITS.heartbeat_timeout_seconds,
}
SOCKET_LIMITS = {
    "frame_bytes": LIMITS.frame_bytes,
    "frames_per_minute": LIMITS.frames_per_minute,
    "sockets_per_user": LIMITS.sockets_per_user,
    "typing_seconds": LIMITS.typing_seconds,
}


class State(Enum):
    """Where a connection is in its life; it only moves downwards."""

    AUTHENTICATING = auto()
    CATCHING_UP = auto()
    LIVE = auto()
    CLOSED = auto()


class ClientFrames(Protocol):
    """Reads what clients say, as the document has it."""

    def read(self, text: str) -> tuple[str, dict[str, Any]]:
        """Return the type and the data of a frame. Raises Invalid with the field and the reason."""


class Actions(Protocol):
    """What clients can do on a socket beside listening."""

    def typing(self, connection: "Connection", data: dict[str, Any]) -> None:
        """Somebody types, or no longer."""

    def presence(self, connection: "Connection", data: dict[str, Any]) -> None:
        """Somebody says whether they are there."""

    def receipt(self, connection: "Connection", data: dict[str, Any]) -> None:
        """Somebody received or read up to a message."""

    def received(self, connection: "Connection", position: int) -> None:
        """Everything up to a position reached the client."""

    def joined(self, connection: "Connection") -> None:
        """A connection is live."""

    def left(self, connection: "Connection") -> None:
        """A live connection has ended."""


class Refused(Exception):
    """The user may not have this socket; `code` says why."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.meaning)
        self.code = code


class Admission(Protocol):
    """Keeps the list of connections, and decides about new ones."""

    def opened(self, connection: "Connection") -> None:
        """Note a socket, of nobody yet."""

    async def admit(self, connection: "Connection") -> None:
        """Note whose it is. Raises Refused."""

    def closed(self, connection: "Connection") -> None:
        """Forget it."""


class Shared:
    """What all connections of a process use."""

    def __init__(
        self,
        database: Database,
        *,
        sessions: Sessions,
        events: Events,
        users: Users,
        hub: Hub,
        relay: Relay,
        frames: ClientFrames,
        actions: Actions,
        admission: Admission,
    ) -> None:
        self.database = database
        self.sessions = sessions
        self.events = events
        self.hub = hub
        self.relay = relay
        self.frames = frames
        self.actions = actions
        self.users = users
        self.admission = admission
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the sockets, and keep it until it is done."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Break off what is under way."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


class Connection:
    """A listener of its socket and a subscriber of the hub."""

    __slots__ = (
        "_abuses",
        "_expires_at",
        "_frames",
        "_missed",
        "_packets",
        "_position",
        "_received",
        "_shared",
        "_since_ping",
        "_state",
        "caller",
        "session_id",
        "socket",
        "streams",
        "user_id",
    )

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._state = State.AUTHENTICATING
        self._expires_at = 0.0
        # What was written and what is known to have arrived, as positions of the log.
        self._position = 0
        self._received = 0
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
        token = _token(socket.request)
        if token is not None:
            self._begin(token, socket.request.query.get("cursor"))

    def text(self, text: str) -> None:
        """Do what a frame says, or answer what is wrong with it."""
        if self._state is State.CLOSED:
            return
        self._frames += 1
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
            self._arrived(min(int(payload), self._position))

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
        socket.write(framed)
        self._position = position
        if socket.buffered > LIMITS.queue_bytes:
            self.close(CloseCode.TOO_SLOW)

    # ---- time

    def tick(self, now: float) -> None:
        """Look at the clock, once a second."""
        self._since_ping += 1
        if self._packets != self.socket.received:
            # Whatever came is a sign of life.
            self._packets = self.socket.received
            self._missed = False
        if self._state is State.AUTHENTICATING:
            if self._since_ping > LIMITS.auth_seconds:
                self.close(CloseCode.UNAUTHORIZED)
            return
        if self._expires_at <= now:
            self.close(CloseCode.TOKEN_EXPIRED)
        elif self._missed and self._since_ping >= LIMITS.heartbeat_timeout_seconds:
            self.close(CloseCode.NO_HEARTBEAT)
        elif not self._missed and self._since_ping >= LIMITS.heartbeat_seconds:
            self._missed, self._since_ping = True, 0
            self.socket.ping(b"%d" % self._position)

    def log_was_reset(self) -> None:
        """Come back: the cursor of before is foreign now, and the answer to it will say so."""
        self.close(CloseCode.GOING_AWAY)

    def new_minute(self) -> None:
        """Forget how much the client said."""
        self._frames = self._abuses = 0

    def close(self, code: CloseCode) -> None:
        """Say why and end. Nothing is heard or delivered any more."""
        if self._state is not State.CLOSED:
            self.closed(code)
            self.socket.close(code, code.meaning)

    # ---- what clients say

    def _act(self, frame_type: str, data: dict[str, Any]) -> None:
        actions = self._shared.actions
        if frame_type == "auth":
            self._authenticate(data)
        elif self._state is State.AUTHENTICATING:
            raise Invalid("type", "Say who you are first, with an auth frame")
        elif frame_type == "ping":
            self._write("pong", {"id": data.get("id")})
        elif frame_type == "typing":
            actions.typing(self, data)
        elif frame_type == "presence":
            actions.presence(self, data)
        else:
            actions.receipt(self, data)

    def _refuse(self, error: ParleyError, frame: str | None) -> None:
        """Say what is wrong with a frame; only whoever goes on and on is closed."""
        self._abuses += 1
        if self._abuses > LIMITS.bad_frames_per_minute:
            self.close(CloseCode.BAD_FRAME)
            return
        self._write(
            "error", {"code": error.code, "message": error.message, "details": error.details, "frame": frame}
        )

    # ---- authentication and catching up

    def _authenticate(self, data: dict[str, Any]) -> None:
        if self._state is State.AUTHENTICATING:
            self._begin(data["token"], data.get("cursor"))
        else:
            self._shared.run(self._renew(data["token"]))

    def _begin(self, token: str, cursor: str | None) -> None:
        self._state = State.CATCHING_UP
        self._since_ping = 0
        self._expires_at = float("inf")
        self._shared.run(self._catch_up(token, cursor))

    async def _renew(self, token: str) -> None:
        """Take a newer token of the same session's user."""
        try:
            caller, expires_at = await self._shared.sessions.authenticate_until(token)
        except Unauthorized as error:
            self.close(_refusal(error))
            return
        except Unavailable as error:
            self._refuse(error, "auth")
            return
        if caller.user_id != self.user_id:
            self.close(CloseCode.UNAUTHORIZED)
            return
        self.caller, self.session_id, self._expires_at = caller, caller.session_id, expires_at
        await self._greet(self._position)

    async def _catch_up(self, token: str, text: str | None) -> None:
        try:
            await self._identify(token)
            await self._replay(text)
        except Unauthorized as error:
            self.close(_refusal(error))
        except Refused as refused:
            self.close(refused.code)
        except (Unavailable, TimeoutError):
            self.close(CloseCode.UNAVAILABLE)
        except Invalid as error:
            # A forged cursor. Without one the client knows where it stands, and can begin afresh.
            self._refuse(error, "auth")
            self.close(CloseCode.BAD_CURSOR)
        except Exception:
            _log.exception("a socket could not catch up")
            self.close(CloseCode.INTERNAL_ERROR)

    async def _identify(self, token: str) -> None:
        self.caller, self._expires_at = await self._shared.sessions.authenticate_until(token)
        self.user_id, self.session_id = self.caller.user_id, self.caller.session_id
        await self._shared.admission.admit(self)

    async def _replay(self, text: str | None) -> None:
        """Tell where the client stands, write what it missed, and join the hub without a gap or an overlap."""
        shared = self._shared
        given = _decoded(text)
        state, periods = await self._memberships(given.position if given is not None else None)
        obstacle = _obstacle(given, state)
        position = state.head
        if text == cursors.START:
            position = state.trimmed_to
        elif given is not None and obstacle is None:
            position = given.position
            shared.actions.received(self, position)
        await self._greet(position)
        if obstacle is not None:
            self._write("resync", {"reason": obstacle, "cursor": shared.relay.cursor(position)})
        while True:
            async with asyncio.timeout(REACH_WITHIN):
                await shared.hub.reached(state.head)
            left = await self._through_window(position, Memberships(self.user_id, periods, state.head))
            if left is None:
                return
            position = await self._through_log(left)
            state, periods = await self._memberships(position)

    async def _through_window(self, position: int, memberships: "Memberships") -> int | None:
        """Write what the window holds after a position, and join the hub (None), or say how far it went."""
        hub = self._shared.hub
        while position >= hub.window.start and self._state is State.CATCHING_UP:
            framed: list[bytes] = []
            size = 0
            for event in hub.window.after(position):
                position = event.position
                if memberships.sees(event):
                    framed.append(event.frame)
                    size += len(event.frame)
                    if size > CHUNK:
                        break
            if framed:
                self.deliver(b"".join(framed), len(framed), position)
            if size <= CHUNK:
                # Nothing was awaited since the window was read, so nothing came in between.
                self._join(memberships.present())
                return None
            await self.socket.drained()
        return position if self._state is State.CATCHING_UP else None

    async def _through_log(self, position: int) -> int:
        """Write what the log holds after a position, until the window reaches back to where that ends."""
        shared = self._shared
        while position < shared.hub.window.start and self._state is State.CATCHING_UP:
            page = await shared.events.missed(self.user_id, position, PAGE)
            if position < page.state.trimmed_to:
                # It was trimmed while this client read: from here on there is a hole.
                position = page.state.head
                self._write("resync", {"reason": "cursor_too_old", "cursor": shared.relay.cursor(position)})
                return position
            framed = [
                frame_text(encode(event.type, event.data, event.cursor, event.seq)) for event in page.events
            ]
            position = page.end
            if framed:
                self.deliver(b"".join(framed), len(framed), position)
            await self.socket.drained()
        return position

    async def _memberships(self, after: int | None) -> tuple[LogState, list[Period]]:
        async with self._shared.database.read() as conn:
            return await feed.read_periods(conn, self.user_id, after)

    async def _greet(self, position: int) -> None:
        """Say who the server takes the client for, what holds here, and where it stands."""
        ready = {
            "user": await self._shared.users.own(self.user_id),
            "session_id": self.session_id,
            "token_expires_at": datetime.fromtimestamp(self._expires_at, UTC),
            "heartbeat": HEARTBEAT,
            "limits": SOCKET_LIMITS,
            "cursor": self._shared.relay.cursor(position),
        }
        self._write("ready", ready)

    def _join(self, streams: Collection[UUID]) -> None:
        if self._state is State.CATCHING_UP:
            self._state = State.LIVE
            self._shared.hub.join(self, streams)
            self._shared.actions.joined(self)

    def _arrived(self, position: int) -> None:
        if position > self._received:
            self._received = position
            self._shared.actions.received(self, position)

    def _write(self, frame_type: str, data: Any) -> None:
        self.socket.write(frame_text(encode(frame_type, data)))


class Memberships:
    """What one user may read: periods as the database knew them, and what changed since, event by event."""

    def __init__(self, user_id: UUID, periods: Iterable[Period], known_to: int) -> None:
        self._user_id = user_id
        self._known_to = known_to
        self._periods: dict[UUID, list[tuple[int, int | None]]] = {}
        for period in periods:
            self._periods.setdefault(period.conversation_id, []).append((period.start, period.end))

    def sees(self, event: LiveEvent) -> bool:
        """Tell whether an event is the user's. Events come in order, each once."""
        if event.position > self._known_to:
            self._apply(event)
        if event.audience is not None:
            return self._user_id in event.audience
        periods = self._periods.get(event.stream_id, ())
        return any(
            start <= event.position and (end is None or event.position < end) for start, end in periods
        )

    def present(self) -> set[UUID]:
        """Return the conversations that the user is in after the last event."""
        return {stream for stream, periods in self._periods.items() if any(end is None for _, end in periods)}

    def _apply(self, event: LiveEvent) -> None:
        if self._user_id in event.joins:
            self._periods.setdefault(event.stream_id, []).append((event.position, None))
        if self._user_id in event.leaves:
            self._end(event.stream_id, event.position)
        if event.ends:
            self._end(event.stream_id, event.position + 1)

    def _end(self, stream_id: UUID, position: int) -> None:
        periods = self._periods.get(stream_id, [])
        self._periods[stream_id] = [(start, position if end is None else end) for start, end in periods]


def _token(request: Request) -> str | None:
    """Return the token of a handshake: in the query, as the seed has it, or in the header."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return request.query.get("token")


def _decoded(text: str | None) -> Cursor | None:
    if text is None or text == cursors.START:
        return None
    try:
        return cursors.decode(text)
    except ForgedCursor:
        raise Invalid("cursor", "This is not a cursor of the log") from None


def _obstacle(cursor: Cursor | None, state: LogState) -> str | None:
    """Say why the log cannot continue after a cursor without a hole."""
    if cursor is None:
        return None
    if cursor.epoch != cursors.epoch_of(state.epoch) or cursor.position > state.head:
        return "log_reset"
    return "cursor_too_old" if cursor.position < state.trimmed_to else None


def _refusal(error: Unauthorized) -> CloseCode:
    return CloseCode.TOKEN_EXPIRED if error.details["token_expired"] else CloseCode.UNAUTHORIZED
