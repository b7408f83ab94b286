"""The socket: every event once and in order, through any reconnect.

`Course` decides (when to come back, with what cursor, what is handed over); `Listener` and `AsyncListener` do it.
Nothing is read ahead beyond a few frames: whoever handles events slowly holds the socket back, and where the server
gives them up they come back with their cursor.
"""

import asyncio
import json
import random
import threading
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self
from uuid import UUID

from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection as AsyncConnection
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from parley_sdk.api_error import FrameLimitReached, ParleyError, SessionEnded, SocketClosed
from parley_sdk.backoff import Backoff
from parley_sdk.flow import Flows
from parley_sdk.generated import models
from parley_sdk.generated.facts import CLOSE_VERDICTS, FRAMES, SOCKET_LIMITS
from parley_sdk.stores import CursorStore
from parley_sdk.version import USER_AGENT

if TYPE_CHECKING:
    from parley_sdk.client import AsyncClient, Client

State = Literal["connecting", "catching_up", "live", "waiting", "closed"]

# How many frames are read ahead, and how many cursors are remembered to know a duplicate by.
READ_AHEAD = 64
REMEMBERED = 2048
# A connection that held for so many seconds was a good one: the next failure is the first again.
GOOD_AFTER = 10.0
# The server's pings count among a client's frames, too, so some are left to them.
FRAMES_PER_MINUTE = SOCKET_LIMITS["frames_per_minute"] - 10
CLOSED_WITHOUT_CODE = 1006
# A handshake that is refused for what it asks would be refused again.
_TEMPORARY = frozenset((408, 429, 500, 502, 503, 504))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was said on the socket.

    `data` is the model of the type, as `models.Message` for a `message`, or the plain object where the type (or
    what is in it) is one of a later version. Notices, as `typing`, have no cursor. After a `resync` everything that
    came from the socket before is to be read afresh.
    """

    type: str
    data: Any
    cursor: str | None
    seq: int | None

    @property
    def is_known(self) -> bool:
        """Whether this version knows the type."""
        return self.type in FRAMES


class Course:
    """Where a listener stands, and what it does next. Nothing here waits."""

    def __init__(self, flows: Flows, store: CursorStore, base_url: str, backoff: Backoff) -> None:
        self._flows = flows
        self._store = store
        self._backoff = backoff
        self.url = base_url.replace("http", "ws", 1) + "/ws"
        self.state: State = "connecting"
        self.on_state: Callable[[State], None] = lambda state: None
        self.heartbeat = (
            float(SOCKET_LIMITS["heartbeat_seconds"]),
            float(SOCKET_LIMITS["heartbeat_timeout_seconds"]),
        )
        self._cursor = store.load()
        # What was handed over and may not be done yet: its cursor is kept when the next one is asked for.
        self._in_hand: str | None = None
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._failures = 0
        self._live_since: float | None = None
        self._renew_at = float("inf")
        self._said: deque[float] = deque()

    def move(self, state: State) -> None:
        """Go to another state."""
        if state != self.state:
            self.state = state
            self.on_state(state)

    # ---- what is said

    def opening(self, token: str) -> str:
        """Return the first frame of a connection."""
        self._said.clear()
        self.move("catching_up")
        data = {"token": token} if self._cursor is None else {"token": token, "cursor": self._cursor}
        return self.frame("auth", data)

    def frame(self, kind: str, data: Mapping[str, Any]) -> str:
        """Return a frame to send. Raises FrameLimitReached."""
        now = time.monotonic()
        while self._said and now - self._said[0] > 60:
            self._said.popleft()
        if len(self._said) >= FRAMES_PER_MINUTE:
            raise FrameLimitReached(f"{FRAMES_PER_MINUTE} frames were sent within a minute")
        self._said.append(now)
        return json.dumps({"type": kind, "data": data})

    # ---- what is heard

    def take(self, text: str | bytes) -> Event | None:
        """Return what is to be handed over of a frame, if anything."""
        frame = _object(text)
        kind, data = frame.get("type"), frame.get("data")
        if not isinstance(kind, str):
            return None
        if kind == "ready" and isinstance(data, dict):
            self._welcomed(data)
            return None
        if kind == "pong":
            return None
        cursor, seq = frame.get("cursor"), frame.get("seq")
        if kind == "resync" and isinstance(data, dict):
            # The events that follow go on from there, and nothing of before tells a duplicate.
            self._seen.clear()
            self._in_hand = data["cursor"]
            return Event(kind, _model(kind, frame), None, None)
        if isinstance(cursor, str):
            if cursor in self._seen:
                return None
            self._seen[cursor] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            self._in_hand = cursor
        return Event(
            kind,
            _model(kind, frame),
            cursor if isinstance(cursor, str) else None,
            seq if isinstance(seq, int) else None,
        )

    def handled(self) -> None:
        """Keep the cursor of what was handed over last: whoever asks for more is done with it."""
        if self._in_hand is not None:
            self._cursor, self._in_hand = self._in_hand, None
            self._store.save(self._cursor)

    def patience(self) -> float:
        """Return how long to wait for a frame before a ping, or a new token, is due."""
        return max(0.01, min(self.heartbeat[0], self._renew_at - time.monotonic()))

    @property
    def renewal_is_due(self) -> bool:
        """Whether the token of the socket is about to expire."""
        return time.monotonic() >= self._renew_at

    def renewed(self) -> None:
        """Note that a new token was sent; `ready` says until when it holds."""
        self._renew_at = time.monotonic() + self.heartbeat[0]

    def _welcomed(self, data: Mapping[str, Any]) -> None:
        heartbeat = data.get("heartbeat") or {}
        self.heartbeat = (
            float(heartbeat.get("interval_seconds", self.heartbeat[0])),
            float(heartbeat.get("timeout_seconds", self.heartbeat[1])),
        )
        tokens = self._flows.tokens
        expires_at = datetime.fromisoformat(data["token_expires_at"].replace("Z", "+00:00")).timestamp()
        lifetime = tokens.lifetime if tokens is not None else 0.0
        self._renew_at = time.monotonic() + self._flows.renewal_in(expires_at, lifetime)
        if self._cursor is None:
            # Whoever began without one goes on from here, also when nothing happens until the connection breaks.
            self._cursor = data["cursor"]
            self._store.save(self._cursor)
        if self._live_since is None:
            self._live_since = time.monotonic()
        self.move("live")

    # ---- how it ends

    def closed(self, code: int) -> tuple[float, bool]:
        """Return in how many seconds to come back, and whether with a new token. Raises SocketClosed, SessionEnded."""
        was_good = self._live_since is not None and time.monotonic() - self._live_since >= GOOD_AFTER
        self._failures = 1 if was_good else self._failures + 1
        self._live_since = None
        self._renew_at = float("inf")
        verdict = CLOSE_VERDICTS.get(code)
        delay = self._backoff.delay(self._failures)
        if verdict is None:
            return self._wait(delay), False
        if not verdict.keep_cursor:
            self._cursor = self._in_hand = None
            self._store.save(None)
        match verdict.reconnect:
            case "never":
                raise SocketClosed(code, verdict.meaning)
            case "new_session":
                self._flows.end()
                raise SessionEnded(verdict.meaning)
            case "new_token":
                return self._wait(delay), True
            case "later":
                return self._wait(verdict.after_seconds * random.uniform(1, 1.25) + delay), False
            case _:
                return self._wait(delay), False

    def refused(self, status: int, retry_after: str | None) -> tuple[float, bool]:
        """The same for a handshake that was refused. Raises SocketClosed."""
        if status not in _TEMPORARY:
            raise SocketClosed(CLOSED_WITHOUT_CODE, f"The handshake was refused with {status}")
        delay, new_token = self.closed(CLOSED_WITHOUT_CODE)
        told = float(retry_after) if retry_after and retry_after.isdigit() else 0.0
        return told + delay, new_token

    def _wait(self, delay: float) -> float:
        self.move("waiting")
        return delay


class Listener:
    """Iterate over it in one thread; `close`, and what it says, may be called in any."""

    def __init__(self, client: "Client", course: Course, timeout: float) -> None:
        self._client = client
        self._course = course
        self._timeout = timeout
        self._socket: ClientConnection | None = None
        self._closing = threading.Event()
        # The token that the socket knows, and one that the server refused.
        self._token: str | None = None
        self._stale: str | None = None

    @property
    def state(self) -> State:
        """Where it is."""
        return self._course.state

    @property
    def held(self) -> int:
        """How many frames were read ahead and wait to be handed over."""
        return 0 if self._socket is None else self._socket.recv_messages.frames.qsize()

    def on_state(self, told: Callable[[State], None]) -> None:
        """Be told of each change of the state."""
        self._course.on_state = told

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(handled=kind is None)

    def __iter__(self) -> Iterator[Event]:
        while (event := self._next()) is not None:
            yield event

    def close(self, *, handled: bool = True) -> None:
        """End. The last event counts as handled, unless one says that it is not."""
        if self._course.state == "closed":
            return
        if handled:
            self._course.handled()
        self._closing.set()
        if self._socket is not None:
            self._socket.close()
        self._course.move("closed")

    def typing(self, conversation_id: UUID | str, is_typing: bool = True) -> None:
        """Say that one types, or no longer; it holds for some seconds."""
        self._say("typing", _typing(conversation_id, is_typing))

    def presence(self, status: Literal["online", "offline"]) -> None:
        """Say whether one is to be seen."""
        self._say("presence", {"status": status})

    def receipt(
        self, conversation_id: UUID | str, message_id: UUID | str, kind: Literal["delivered", "read"] = "read"
    ) -> None:
        """Say up to which message one has received or read."""
        self._say("receipt", _receipt(conversation_id, message_id, kind))

    def _say(self, kind: str, data: Mapping[str, Any]) -> None:
        socket = self._socket
        if socket is None or self.state != "live":
            raise ParleyError("The socket is not open at the moment")
        try:
            socket.send(self._course.frame(kind, data))
        except ConnectionClosed as error:
            raise ParleyError("The socket has just closed") from error

    def _next(self) -> Event | None:
        self._course.handled()
        while not self._closing.is_set():
            try:
                if self._socket is None:
                    self._open()
                event = self._receive()
            except (ConnectionClosed, InvalidHandshake, OSError, WebSocketException, EOFError) as error:
                self._lost(error)
            except BaseException:
                self.close(handled=False)
                raise
            else:
                if event is not None:
                    return event
        return None

    def _open(self) -> None:
        self._course.move("connecting")
        token = self._client.fresh_token(self._stale)
        # Entered by hand: it is closed in other places than here.
        socket = connect(
            self._course.url,
            open_timeout=self._timeout,
            close_timeout=5,
            ping_interval=None,
            max_queue=READ_AHEAD,
            max_size=None,
            user_agent_header=USER_AGENT,
            proxy=None,
        ).__enter__()
        self._socket, self._token, self._stale = socket, token, None
        if self._closing.is_set():
            socket.close()
        socket.send(self._course.opening(token))

    def _receive(self) -> Event | None:
        socket = self._socket
        assert socket is not None
        try:
            text = socket.recv(timeout=self._course.patience())
        except TimeoutError:
            if self._course.renewal_is_due:
                self._renew(socket)
                return None
            pong = socket.ping()
            try:
                text = socket.recv(timeout=self._course.heartbeat[1])
            except TimeoutError:
                if pong.is_set():
                    return None
                # It is not there any more, and would not answer a close either.
                socket.socket.close()
                raise EOFError("The server is silent") from None
        return self._course.take(text)

    def _renew(self, socket: ClientConnection) -> None:
        self._token = self._client.fresh_token(self._token)
        socket.send(self._course.frame("auth", {"token": self._token}))
        self._course.renewed()

    def _lost(self, error: Exception) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.socket.close()
        if self._closing.is_set():
            return
        try:
            delay, new_token = _verdict(self._course, error)
        except ParleyError:
            self._course.move("closed")
            raise
        if new_token and (tokens := self._client.tokens) is not None:
            self._stale = tokens.access_token
        self._closing.wait(delay)


class AsyncListener:
    """Iterate over it in one task; `close`, and what it says, may be called in any of the same loop."""

    def __init__(self, client: "AsyncClient", course: Course, timeout: float) -> None:
        self._client = client
        self._course = course
        self._timeout = timeout
        self._socket: AsyncConnection | None = None
        self._closing = asyncio.Event()
        # The token that the socket knows, and one that the server refused.
        self._token: str | None = None
        self._stale: str | None = None

    @property
    def state(self) -> State:
        """Where it is."""
        return self._course.state

    @property
    def held(self) -> int:
        """How many frames were read ahead and wait to be handed over."""
        return 0 if self._socket is None else len(self._socket.recv_messages.frames)

    def on_state(self, told: Callable[[State], None]) -> None:
        """Be told of each change of the state."""
        self._course.on_state = told

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close(handled=kind is None)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self._next()) is not None:
            yield event

    async def close(self, *, handled: bool = True) -> None:
        """End. The last event counts as handled, unless one says that it is not."""
        if self._course.state == "closed":
            return
        if handled:
            self._course.handled()
        self._closing.set()
        self._course.move("closed")
        if self._socket is not None:
            await self._socket.close()

    async def typing(self, conversation_id: UUID | str, is_typing: bool = True) -> None:
        """Say that one types, or no longer; it holds for some seconds."""
        await self._say("typing", _typing(conversation_id, is_typing))

    async def presence(self, status: Literal["online", "offline"]) -> None:
        """Say whether one is to be seen."""
        await self._say("presence", {"status": status})

    async def receipt(
        self, conversation_id: UUID | str, message_id: UUID | str, kind: Literal["delivered", "read"] = "read"
    ) -> None:
        """Say up to which message one has received or read."""
        await self._say("receipt", _receipt(conversation_id, message_id, kind))

    async def _say(self, kind: str, data: Mapping[str, Any]) -> None:
        socket = self._socket
        if socket is None or self.state != "live":
            raise ParleyError("The socket is not open at the moment")
        try:
            await socket.send(self._course.frame(kind, data))
        except ConnectionClosed as error:
            raise ParleyError("The socket has just closed") from error

    async def _next(self) -> Event | None:
        self._course.handled()
        while not self._closing.is_set():
            try:
                if self._socket is None:
                    await self._open()
                event = await self._receive()
            except (ConnectionClosed, InvalidHandshake, OSError, WebSocketException, EOFError) as error:
                await self._lost(error)
            except BaseException:
                await self.close(handled=False)
                raise
            else:
                if event is not None:
                    return event
        return None

    async def _open(self) -> None:
        self._course.move("connecting")
        token = await self._client.fresh_token(self._stale)
        socket = await connect_async(
            self._course.url,
            open_timeout=self._timeout,
            close_timeout=5,
            ping_interval=None,
            max_queue=READ_AHEAD,
            max_size=None,
            user_agent_header=USER_AGENT,
            proxy=None,
        )
        self._socket, self._token, self._stale = socket, token, None
        if self._closing.is_set():
            await socket.close()
        await socket.send(self._course.opening(token))

    async def _receive(self) -> Event | None:
        socket = self._socket
        assert socket is not None
        try:
            async with asyncio.timeout(self._course.patience()):
                text = await socket.recv()
        except TimeoutError:
            if self._course.renewal_is_due:
                await self._renew(socket)
                return None
            pong = asyncio.ensure_future(await socket.ping())
            try:
                async with asyncio.timeout(self._course.heartbeat[1]):
                    text = await socket.recv()
            except TimeoutError:
                if pong.done():
                    return None
                # It is not there any more, and would not answer a close either.
                socket.transport.abort()
                raise EOFError("The server is silent") from None
        return self._course.take(text)

    async def _renew(self, socket: AsyncConnection) -> None:
        self._token = await self._client.fresh_token(self._token)
        await socket.send(self._course.frame("auth", {"token": self._token}))
        self._course.renewed()

    async def _lost(self, error: Exception) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.transport.abort()
        if self._closing.is_set():
            return
        try:
            delay, new_token = _verdict(self._course, error)
        except ParleyError:
            self._course.move("closed")
            raise
        if new_token and (tokens := self._client.tokens) is not None:
            self._stale = tokens.access_token
        try:
            async with asyncio.timeout(delay):
                await self._closing.wait()
        except TimeoutError:
            return


def _verdict(course: Course, error: Exception) -> tuple[float, bool]:
    """Say in how many seconds to come back, and whether with a new token. Raises SocketClosed, SessionEnded."""
    if isinstance(error, InvalidStatus):
        return course.refused(error.response.status_code, error.response.headers.get("Retry-After"))
    code = CLOSED_WITHOUT_CODE
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        code = error.rcvd.code
    return course.closed(code)


def _typing(conversation_id: UUID | str, is_typing: bool) -> dict[str, Any]:
    return {"conversation_id": str(conversation_id), "is_typing": is_typing}


def _receipt(conversation_id: UUID | str, message_id: UUID | str, kind: str) -> dict[str, Any]:
    return {"conversation_id": str(conversation_id), "message_id": str(message_id), "kind": kind}


def _object(text: str | bytes) -> dict[str, Any]:
    """Return a frame; what is none is left out, as a type that nobody knows."""
    try:
        frame = json.loads(text)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}


def _model(kind: str, frame: Mapping[str, Any]) -> Any:
    """Return the data of a frame as its model, or as it is where a later version has changed it."""
    known = FRAMES.get(kind)
    if known is None:
        return frame.get("data")
    try:
        return getattr(known.model_validate(frame), "data", None)
    except ValidationError:
        return frame.get("data")


__all__ = ["AsyncListener", "Course", "Event", "Listener", "State", "models"]
