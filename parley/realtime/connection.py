"""One socket from its first byte to its last: who it is, what it missed, what it hears, and when it has to go.

    AUTHENTICATING ──token──> CATCHING_UP ──all replayed──> LIVE
          └──────────────────────┴──────────────────────────┴──> CLOSED

While it catches up nothing live is queued for it, so a long replay cannot overflow anything: the last step folds
what the window holds and joins the hub in one turn of the loop.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, Protocol
from uuid import UUID

import structlog

from generated.frames import LIMITS, CloseCode
from parley import cursors, metrics
from parley.cursors import Cursor, ForgedCursor
from parley.errors import Forbidden, Invalid, ParleyError, Unauthorized, Unavailable
from parley.model import Caller
from parley.realtime.frames import encode
from parley.realtime.hub import Hub
from parley.realtime.relay import Relay
from parley.realtime.socket import Request, Socket, frame_text
from parley.realtime.window import LiveEvent
from parley.realtime.wire import payloads
from parley.services.events import Events
from parley.services.sessions import Sessions
from parley.services.users import Users
from parley.storage import feed
from parley.storage.database import Database
from parley.storage.events import LogState
from parley.storage.feed import Period

_log = structlog.get_logger(__name__)

# How many missed events are read and written at once, how many of the window are looked at, how many bytes written.
PAGE = 200
WINDOW_SPAN = 20_000
CHUNK = 256 * 1024
# How many questions sockets ask the database at once, so that REST has connections too when all come back; and how
# many seconds one waits for its turn.
MAX_QUESTIONS = 4
TURN_WITHIN = 60.0
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
        self._turns = asyncio.Semaphore(MAX_QUESTIONS)

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Wait for a turn to ask the database one thing. Raises Unavailable.

        Thousands who come back at once wait here. Were they to wait for connections, these would be refused to many
        of them, and to REST, after a few seconds.
        """
        try:
            async with asyncio.timeout(TURN_WITHIN):
                await self._turns.acquire()
        except TimeoutError:
            raise Unavailable from None
        try:
            yield
        finally:
            self._turns.release()

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
        "_bytes_out",
        "_cursor",
        "_expires_at",
        "_frames",
        "_frames_out",
        "_missed",
        "_packets",
        "_received",
        "_resets",
        "_shared",
        "_since_ping",
        "_stands_at",
        "_state",
        "_written",
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
        # The cursor of the handshake, for whoever says only later who they are.
        self._cursor: str | None = None
        # Where the client began; what was last written to it, and what is known to have arrived: positions of the log.
        self._stands_at = 0
        self._written = 0
        self._received = 0
        # How often the log was another one when this client began to catch up.
        self._resets = 0
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
            self.socket.ping(b"%d" % self._written)

    def log_was_reset(self) -> None:
        """Come back: the cursor of before is foreign now, and the answer to it will say so."""
        self.close(CloseCode.GOING_AWAY)

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
        # What was true a moment ago, as of a conversation that one was removed from, is no abuse.
        if isinstance(error, Invalid) or self._state is not State.LIVE:
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
            self._begin(data["token"], data.get("cursor") or self._cursor)
        elif data.get("cursor") is not None:
            raise Invalid("data.cursor", "The socket is open and stands where it stands")
        elif self._expires_at == float("inf"):
            raise Unavailable("The token of before is not judged yet: say it again")
        else:
            self._shared.run(self._renew(data["token"]))

    def _begin(self, token: str, cursor: str | None) -> None:
        self._state = State.CATCHING_UP
        self._since_ping = 0
        self._expires_at = float("inf")
        self._shared.run(self._catch_up(token, cursor))

    async def _renew(self, token: str) -> None:
        """Take a newer token of the same session; one that is refused changes nothing."""
        try:
            caller, expires_at = await self._shared.sessions.authenticate_until(token)
            if caller.session_id != self.session_id:
                raise Forbidden("This token is of another session")
            self._expires_at = expires_at
            await self._greet()
        except ParleyError as error:
            self._refuse(error, "auth")
        except Exception:
            _log.exception("a token could not be renewed")
            self.close(CloseCode.INTERNAL_ERROR)

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
        async with self._shared.asking():
            self.caller, self._expires_at = await sessions.authenticate_until(token)
        self.user_id, self.session_id = self.caller.user_id, self.caller.session_id
        await self._shared.admission.admit(self)
        if sessions.changes != ends:
            # It may have been this one that ended, while nobody knew whose socket this is.
            async with self._shared.asking():
                await sessions.confirm(self.caller)

    async def _replay(self, text: str | None) -> None:
        """Tell where the client stands, write what it missed, and join the hub without a gap or an overlap."""
        shared = self._shared
        self._resets = shared.hub.resets
        given = _decoded(text)
        state, periods = await self._memberships(_periods_after(text, given))
        obstacle = _obstacle(given, state)
        position = state.head
        if text == cursors.START:
            position = state.trimmed_to
        elif given is not None and obstacle is None:
            position = given.position
            shared.actions.received(self, position)
        self._stands_at = position
        await self._greet()
        if obstacle is not None:
            self._resync(obstacle, position)
        elif text is not None:
            metrics.sockets.resumed("window" if position >= shared.hub.window.start else "log")
        else:
            metrics.sockets.resumed("fresh")
        while True:
            async with asyncio.timeout(REACH_WITHIN):
                await shared.hub.reached(state.head)
            self._check_log(state)
            left = await self._through_window(position, Memberships(self.user_id, periods, state.head))
            if left is None:
                return
            position = await self._through_log(left)
            state, periods = await self._memberships(position)

    async def _through_window(self, position: int, memberships: "Memberships") -> int | None:
        """Write what the window holds after a position, and join the hub (None), or say how far it went."""
        hub = self._shared.hub
        while position >= hub.window.start and self._state is State.CATCHING_UP:
            found, end = hub.window.page(self.user_id, memberships.streams, position, WINDOW_SPAN)
            position = await self._write_theirs(found, end, memberships)
            if position >= hub.position and self._state is State.CATCHING_UP:
                # Nothing was awaited since the last of them was written, so nothing came in between.
                self._join(memberships.present())
                return None
            await asyncio.sleep(0)
            await self.socket.drained()
            self._check_log()
        return position if self._state is State.CATCHING_UP else None

    async def _write_theirs(self, found: Sequence[LiveEvent], end: int, memberships: "Memberships") -> int:
        """Write what is the user's of all that lies before `end`, chunk by chunk, and return how far that went.

        It ends early where the window has moved on: what is held here would be in memory for this client alone.
        """
        hub = self._shared.hub
        framed: list[bytes] = []
        size = 0
        for event in found:
            if memberships.sees(event):
                framed.append(event.frame)
                size += len(event.frame)
            if size > CHUNK:
                self._replayed(framed, event.position)
                framed, size = [], 0
                await self.socket.drained()
                if event.position < hub.window.start or self._state is not State.CATCHING_UP:
                    return event.position
        if framed:
            self._replayed(framed, end)
        return end

    async def _through_log(self, position: int) -> int:
        """Write what the log holds after a position, until the window reaches back to where that ends."""
        shared = self._shared
        while position < shared.hub.window.start and self._state is State.CATCHING_UP:
            async with shared.asking():
                page = await shared.events.missed(self.user_id, position, PAGE)
            self._check_log(page.state)
            if position < page.state.trimmed_to:
                # It was trimmed while this client read: from here on there is a hole.
                position = page.state.head
                self._resync("cursor_too_old", position)
                return position
            framed = [
                frame_text(encode(event.type, event.data, event.cursor, event.seq)) for event in page.events
            ]
            position = page.end
            if framed:
                self._replayed(framed, position)
            await self.socket.drained()
        return position

    async def _memberships(self, after: int | None) -> tuple[LogState, list[Period]]:
        async with self._shared.asking(), self._shared.database.read() as conn:
            state, periods = await feed.read_periods(conn, self.user_id, after)
        self._check_log(state)
        return state, periods

    def _check_log(self, state: LogState | None = None) -> None:
        """Raise where positions mean other events now: Refused where it is known here, else Unavailable."""
        if self._shared.hub.resets != self._resets:
            raise Refused(CloseCode.GOING_AWAY)
        if state is not None and cursors.epoch_of(state.epoch) != self._shared.relay.epoch:
            raise Unavailable("The log was set back a moment ago")

    def _replayed(self, framed: list[bytes], position: int) -> None:
        metrics.sockets.replayed += len(framed)
        self.deliver(b"".join(framed), len(framed), position)

    def _resync(self, reason: str, position: int) -> None:
        metrics.sockets.resumed(reason)
        self._stands_at = position
        self._write("resync", {"reason": reason, "cursor": self._shared.relay.cursor(position)})

    @property
    def _position(self) -> int:
        """Up to where all that is the client's was written."""
        if self._state is State.LIVE:
            return self._shared.hub.position
        return max(self._stands_at, self._written)

    async def _greet(self) -> None:
        """Say who the server takes the client for, what holds here, and where it stands."""
        async with self._shared.asking():
            user = await self._shared.users.own(self.user_id)
        ready = {
            "user": user,
            "session_id": self.session_id,
            "token_expires_at": datetime.fromtimestamp(self._expires_at, UTC),
            "heartbeat": HEARTBEAT,
            "limits": SOCKET_LIMITS,
            "cursor": self._shared.relay.cursor(self._position),
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
        metrics.sockets.frames_out += 1
        self.socket.write_text(encode(frame_type, data))


class Memberships:
    """What one user may read: periods as the database knew them, and what changed since, event by event."""

    def __init__(self, user_id: UUID, periods: Iterable[Period], known_to: int) -> None:
        self._user_id = user_id
        self._known_to = known_to
        self._periods: dict[UUID, list[tuple[int, int | None]]] = {}
        for period in periods:
            self._periods.setdefault(period.conversation_id, []).append((period.start, period.end))

    @property
    def streams(self) -> Collection[UUID]:
        """The conversations whose events may be the user's."""
        return self._periods.keys()

    def sees(self, event: LiveEvent) -> bool:
        """Tell whether an event is the user's. They come in order, each once; others' plain ones may be left out."""
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
    scheme, _, in_header = request.headers.get("authorization", "").partition(" ")
    in_query = request.query.get("token")
    if scheme.lower() != "bearer" or not in_header:
        return in_query
    # Two different ones are none.
    return in_header.strip() if in_query in (None, in_header.strip()) else ""


def _periods_after(text: str | None, given: Cursor | None) -> int | None:
    """Return the position from which on it matters where somebody was a member."""
    if text == cursors.START:
        return 0
    # A cursor may hold any number: nobody else's, but one that the database cannot hold.
    return None if given is None else min(given.position, 2**63 - 1)


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
