"""The socket: every event once and in order, through any reconnect.

`Course` decides (when to come back, with what cursor, what is handed over); `Listener` and `AsyncListener` do it.
Nothing is read ahead beyond a few frames: whoever handles events slowly holds the socket back, and where the server
gives them up they come back with their cursor.
"""

import asyncio
import logging
import socket as sockets
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from websockets.asyncio.client import ClientConnection as AsyncConnection
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from parley_sdk.api_error import ApiError, ConnectionFailed, ParleyError
from parley_sdk.course import Course, State
from parley_sdk.dial import dial
from parley_sdk.generated.facts import Event
from parley_sdk.retry_after import retry_after
from parley_sdk.version import USER_AGENT

if TYPE_CHECKING:
    from parley_sdk.client import AsyncClient, Client

# How many frames are read ahead.
READ_AHEAD = 64
CLOSE_WITHIN = 5.0
# At its lowest level this logger would write down every frame, and so the tokens.
LOGGER = logging.getLogger("parley_sdk.socket")
LOGGER.setLevel(logging.INFO)
OPTIONS: Mapping[str, Any] = {
    "close_timeout": CLOSE_WITHIN,
    "ping_interval": None,
    "max_queue": READ_AHEAD,
    # Frames of the contract are far smaller; a larger one ends the connection, and the listener comes back.
    "max_size": 1 << 20,
    "user_agent_header": USER_AGENT,
    "proxy": None,
    "logger": LOGGER,
}
# After one of these a listener comes back, if it may.
_LOST = (WebSocketException, ConnectionFailed, ApiError)


class Listener:
    """Iterate over it in one thread; `close`, and what it says, may be called in any."""

    def __init__(
        self, client: "Client", course: Course, timeout: float, on_end: Callable[["Listener"], None]
    ) -> None:
        self._client = client
        self._course = course
        self._timeout = timeout
        self._on_end = on_end
        self._socket: ClientConnection | None = None
        # The connection of one that is not open yet.
        self._opening: sockets.socket | None = None
        self._closing = threading.Event()
        # The same, for what waits for something else, too.
        self._given_up: Future[None] = Future()
        # Gets a new token while events go on, and what came of the last one that ended everything.
        self._renewing: threading.Thread | None = None
        self._failure: Exception | None = None

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
        self._closing.set()
        with suppress(InvalidStateError):
            self._given_up.set_result(None)
        try:
            if handled:
                self._course.handled()
        finally:
            self._wake()
            if self._socket is not None:
                self._socket.close()
            if self._renewing is not None:
                self._renewing.join(CLOSE_WITHIN)
            self._on_end(self)
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
        try:
            self._course.handled()
            while not self._closing.is_set():
                if (event := self._step()) is not None:
                    return event
        except BaseException:
            self.close(handled=False)
            raise
        return None

    def _step(self) -> Event | None:
        try:
            if self._socket is None:
                self._open()
            return self._receive()
        except _LOST as error:
            if self._failure is not None:
                raise self._failure from None
            self._lost(error)
            return None

    def _open(self) -> None:
        self._course.move("connecting")
        token = self._client.fresh_token(self._course.stale, given_up=self._given_up)
        socket = self._connected()
        self._socket = socket
        if self._closing.is_set():
            socket.close()
        socket.send(self._course.opening(token))

    def _connected(self) -> ClientConnection:
        try:
            # A redirect is not followed with a socket that was there before: it would get the token.
            raw = dial(_address(self._course.url), self._timeout, self._closing.is_set)
            # The same connection under another number, for TLS takes this one away.
            self._opening = raw.dup()
            if self._closing.is_set():
                self._wake()
            # Entered by hand: it is closed in other places than here.
            socket: ClientConnection = connect(
                self._course.url, sock=raw, open_timeout=self._timeout, **OPTIONS
            )
            return socket.__enter__()
        except (OSError, ValueError) as error:
            raise _unreached(error) from error
        finally:
            opening, self._opening = self._opening, None
            if opening is not None:
                opening.close()

    def _wake(self) -> None:
        opening = self._opening
        if opening is not None:
            with suppress(OSError):
                opening.shutdown(sockets.SHUT_RDWR)

    def _receive(self) -> Event | None:
        socket = self._socket
        assert socket is not None
        if self._course.renewal_is_due:
            self._begin_renewal(socket)
        try:
            text = socket.recv(timeout=self._course.patience())
        except TimeoutError:
            if self._course.renewal_is_due:
                return None
            pong = socket.ping()
            try:
                text = socket.recv(timeout=self._course.heartbeat[1])
            except TimeoutError:
                if pong.is_set():
                    return None
                raise ConnectionFailed("The server is silent") from None
        return self._course.take(text)

    def _begin_renewal(self, socket: ClientConnection) -> None:
        self._course.renew_later()
        if self._renewing is None or not self._renewing.is_alive():
            self._renewing = threading.Thread(target=self._renew, args=(socket,), daemon=True)
            self._renewing.start()

    def _renew(self, socket: ClientConnection) -> None:
        try:
            token = self._client.fresh_token(given_up=self._given_up)
            # Another socket has had its token with its first frame.
            frame = self._course.renewal(token) if self._socket is socket else None
            if frame is not None:
                socket.send(frame)
        except (ConnectionFailed, ApiError, ConnectionClosed):
            # It is tried again later, or the loop hears of it.
            return
        except Exception as error:
            self._failure = error
            socket.close_socket()

    def _lost(self, error: Exception) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            # Not by the handshake, which a server that is gone or silent would not answer.
            socket.close_socket()
            socket.recv_events_thread.join(CLOSE_WITHIN)
        if not self._closing.is_set():
            self._closing.wait(_verdict(self._course, error))


class AsyncListener:
    """Iterate over it in one task; `close`, and what it says, may be called in any of the same loop."""

    def __init__(
        self,
        client: "AsyncClient",
        course: Course,
        timeout: float,
        on_end: Callable[["AsyncListener"], None],
    ) -> None:
        self._client = client
        self._course = course
        self._timeout = timeout
        self._on_end = on_end
        self._socket: AsyncConnection | None = None
        # What is waited for while there is no socket: a token, or a handshake.
        self._opening: asyncio.Task[tuple[str, AsyncConnection]] | None = None
        # Gets a new token while events go on, and what came of the last one that ended everything.
        self._renewing: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._closing = asyncio.Event()

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
        self._closing.set()
        try:
            self._course.move("closed")
            if handled:
                self._course.handled()
        finally:
            self._on_end(self)
            if self._opening is not None:
                self._opening.cancel()
            if self._renewing is not None:
                self._renewing.cancel()
                await asyncio.wait({self._renewing})
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
        try:
            self._course.handled()
            while not self._closing.is_set():
                if (event := await self._step()) is not None:
                    return event
        except BaseException:
            await self.close(handled=False)
            raise
        return None

    async def _step(self) -> Event | None:
        try:
            if self._socket is None:
                await self._open()
            return await self._receive()
        except _LOST as error:
            if self._failure is not None:
                raise self._failure from None
            await self._lost(error)
            return None

    async def _open(self) -> None:
        self._course.move("connecting")
        self._opening = asyncio.create_task(self._connected())
        try:
            token, self._socket = await self._opening
        except asyncio.CancelledError:
            if self._closing.is_set() and self._opening.cancelled():
                raise ConnectionFailed("The listener is closed") from None
            raise
        finally:
            self._opening = None
        if self._closing.is_set():
            await self._socket.close()
        await self._socket.send(self._course.opening(token))

    async def _connected(self) -> tuple[str, AsyncConnection]:
        token = await self._client.fresh_token(self._course.stale)
        host, port = _address(self._course.url)
        try:
            # With an address of one's own a redirect to another server is not followed: it would get the token.
            socket = await connect_async(
                self._course.url, host=host, port=port, open_timeout=self._timeout, **OPTIONS
            )
        except (OSError, ValueError) as error:
            raise _unreached(error) from error
        return token, socket

    async def _receive(self) -> Event | None:
        socket = self._socket
        assert socket is not None
        if self._course.renewal_is_due:
            self._begin_renewal(socket)
        try:
            async with asyncio.timeout(self._course.patience()):
                text = await socket.recv()
        except TimeoutError:
            if self._course.renewal_is_due:
                return None
            pong = asyncio.ensure_future(await socket.ping())
            try:
                async with asyncio.timeout(self._course.heartbeat[1]):
                    text = await socket.recv()
            except TimeoutError:
                if pong.done():
                    return None
                raise ConnectionFailed("The server is silent") from None
        return self._course.take(text)

    def _begin_renewal(self, socket: AsyncConnection) -> None:
        self._course.renew_later()
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew(socket))

    async def _renew(self, socket: AsyncConnection) -> None:
        try:
            token = await self._client.fresh_token()
            # Another socket has had its token with its first frame.
            frame = self._course.renewal(token) if self._socket is socket else None
            if frame is not None:
                await socket.send(frame)
        except (ConnectionFailed, ApiError, ConnectionClosed):
            # It is tried again later, or the loop hears of it.
            return
        except Exception as error:
            self._failure = error
            socket.transport.abort()

    async def _lost(self, error: Exception) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            # Not by the handshake, which a server that is gone or silent would not answer.
            socket.transport.abort()
        if self._closing.is_set():
            return
        try:
            async with asyncio.timeout(_verdict(self._course, error)):
                await self._closing.wait()
        except TimeoutError:
            return


def _verdict(course: Course, error: Exception) -> float:
    """Say in how many seconds to come back. Raises SocketClosed, SessionEnded."""
    match error:
        case InvalidStatus(response=answer):
            return course.refused(answer.status_code, retry_after(answer.headers, {}))
        case ConnectionClosed(rcvd=said) if said is not None:
            return course.closed(said.code)
        case ApiError(details=details):
            return course.away(retry_after({}, details))
        case _:
            return course.away()


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "wss" else 80)


def _unreached(error: Exception) -> Exception:
    # What it is about a redirect that was not followed.
    refusal = error.__cause__
    if isinstance(refusal, InvalidStatus):
        return refusal
    return ConnectionFailed(f"The server was not reached: {error}")


def _typing(conversation_id: UUID | str, is_typing: bool) -> dict[str, Any]:
    return {"conversation_id": str(conversation_id), "is_typing": is_typing}


def _receipt(conversation_id: UUID | str, message_id: UUID | str, kind: str) -> dict[str, Any]:
    return {"conversation_id": str(conversation_id), "message_id": str(message_id), "kind": kind}


__all__ = ["AsyncListener", "Course", "Event", "Listener", "State"]
