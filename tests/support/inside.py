"""A node whose sockets run inside the test: no network, a clock that only the test moves, and every frame checked.

What is real: the handshake, RFC 6455, connections, hub, relay, services, PostgreSQL. What is not: the kernel's
sockets. A `Peer` is a client on a transport of memory, so that it can read slowly, vanish between two bytes, and
never takes longer than the loop.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from pydantic import SecretStr

from chat import Chat, Person
from documents import read_document
from generated.frames import CLIENT_SCHEMAS
from parley import cursors
from parley.cli.serving import _socket_options
from parley.contract.addresses import ClientAddresses
from parley.contract.client_frames import ClientFrames
from parley.contract.frames_seen import FramesRecorder
from parley.ids import uuid7
from parley.node import Node
from parley.realtime.edge import Realtime
from parley.realtime.hub import Subscriber
from parley.realtime.socket import Sockets, open_socket
from parley.services import Services
from parley.settings import JwtKey, Settings
from parley.storage import sessions
from people import KEY, KEY_ID
from websocket_wire import CLOSE, PING, PONG, TEXT, handshake, masked

OPENAPI = read_document()
ASYNCAPI = read_document("asyncapi")

# As in asyncio: from here on a writer is asked to pause.
HIGH_WATER = 64 * 1024
PATIENCE = 20.0


class Violated(AssertionError):
    """The server said what the document does not allow."""


class _Recorder(FramesRecorder):
    """Notes what is seen like that of a server, and remembers violations for the test that is under way."""

    def __init__(self) -> None:
        directory = os.environ.get("ANSWERS_DIRECTORY") or tempfile.gettempdir()
        super().__init__(OPENAPI, ASYNCAPI, Path(directory) / f"{os.getpid()}-inside.jsonl")
        self.violations: list[str] = []

    def note(self, direction: str, what: str | int, violation: str | None) -> None:
        if violation is not None:
            self.violations.append(f"{direction} {what}: {violation}")
        super().note(direction, what, violation)


class Peer(asyncio.Transport):
    """A client, and the connection to it: what the server writes here has arrived, unless the peer reads slowly."""

    def __init__(self, user: "User", given: str | None) -> None:
        super().__init__()
        self.user = user
        # The cursor that it came with, and where its events begin, which `ready` says.
        self.given = given
        self.start: int | None = None
        # How far the log was handed on when it came, and how many of its frames a test has judged.
        self.began = 0
        self.judged = 0
        self.frames: list[dict[str, Any]] = []
        self.positions: list[int] = []
        self.cursor: str | None = None
        self.code: int | None = None
        self.gone = False
        self.answers_pings = True
        self.refused: int | None = None
        self._slow = False
        self._waiting = b""
        self._full = False
        self._ending = False
        self._protocol: Any = None

    # ---- what a client does

    def say(self, frame: Mapping[str, Any]) -> None:
        """Send a frame."""
        self.put(masked(TEXT, json.dumps(frame).encode()))

    def put(self, data: bytes) -> None:
        """Send bytes."""
        if not self.gone and self._protocol is not None:
            self._protocol.data_received(data)

    def drop(self) -> None:
        """Vanish: nobody hears of it but the server's kernel."""
        if not self.gone and self._protocol is not None:
            self.gone = True
            self._protocol.connection_lost(None)

    def read_slowly(self, slow: bool) -> None:
        """Leave what comes where it is, or read it all."""
        self._slow = slow
        if not slow:
            waiting, self._waiting = self._waiting, b""
            self._read(waiting)
            if self._full and not self.gone:
                self._full = False
                self._protocol.resume_writing()
            if self._ending:
                self.drop()

    @property
    def is_slow(self) -> bool:
        return self._slow

    # ---- what asyncio's transports do

    def write(self, data: Any) -> None:
        if self.gone or self._ending:
            return
        if not self._slow:
            self._read(bytes(data))
            return
        self._waiting += data
        if len(self._waiting) > HIGH_WATER and not self._full:
            self._full = True
            self._protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return len(self._waiting)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        # The peer sees the end, and closes too.
        asyncio.get_running_loop().call_soon(self.drop)

    def close(self) -> None:
        if not self._ending and not self.gone:
            self._ending = True
            if not self._waiting:
                asyncio.get_running_loop().call_soon(self.drop)

    def abort(self) -> None:
        self._waiting = b""
        asyncio.get_running_loop().call_soon(self.drop)

    def is_closing(self) -> bool:
        return self._ending or self.gone

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else default

    # ---- reading

    def _read(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            first, size, at = data[at], data[at + 1], at + 2
            width = {126: 2, 127: 8}.get(size, 0)
            if width:
                size, at = int.from_bytes(data[at : at + width]), at + width
            self._take(first & 0x0F, data[at : at + size])
            at += size

    def _take(self, opcode: int, payload: bytes) -> None:
        loop = asyncio.get_running_loop()
        if opcode == TEXT:
            self._hear(json.loads(payload))
        elif opcode == PING and self.answers_pings:
            loop.call_soon(self.put, masked(PONG, payload))
        elif opcode == CLOSE:
            self.code = int.from_bytes(payload[:2])
            loop.call_soon(self.put, masked(CLOSE, payload[:2]))

    def _hear(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)
        cursor = frame.get("cursor")
        if cursor is not None:
            self.positions.append(cursors.decode(cursor).position)
        elif frame["type"] in ("ready", "resync"):
            cursor = frame["data"]["cursor"]
            if self.start is None or frame["type"] == "resync":
                self.start = cursors.decode(cursor).position
                self.positions.clear()
        if cursor is not None:
            self.cursor = cursor

    def heard(self, frame_type: str) -> list[dict[str, Any]]:
        """Return the frames of a type."""
        return [frame for frame in self.frames if frame["type"] == frame_type]

    @property
    def is_ready(self) -> bool:
        return self.start is not None


@dataclass
class User:
    """Somebody with an account and a session."""

    person: Person
    session_id: UUID
    token: str
    peers: list[Peer] = field(default_factory=list)

    @property
    def id(self) -> UUID:
        return self.person.id


class Inside:
    """The node. `now` is what its sockets take for the time; `chosen` are settings."""

    def __init__(self, dsn: str, **chosen: Any) -> None:
        self._settings = Settings(
            database_url=SecretStr(dsn),
            rate_limits=False,
            jwt_keys=(JwtKey(KEY_ID, SecretStr(KEY)),),
            **chosen,
        )
        self._frames = ClientFrames(OPENAPI, dict(CLIENT_SCHEMAS))
        self._stack = AsyncExitStack()
        self.recorder = _Recorder()
        self.now = time.time()
        self.within = True
        self.is_running = False
        self.peers: list[Peer] = []
        self.node: Node
        self.realtime: Realtime
        self.chat: Chat

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin, as a new process does."""
        async with AsyncExitStack() as stack:
            node = self.node = await stack.enter_async_context(Node(self._settings))
            services = node.services
            self.realtime = await node.open_sockets(
                self._frames, allowed=lambda _origin, _host: True, count=self._count, now=lambda: self.now
            )
            # Seconds pass when the test says so.
            await self.realtime.sockets.stop()
            self._stack = stack.pop_all()
        self.chat = Chat(
            node.database,
            node.log,
            services.users,
            services.conversations,
            services.messages,
            services.groups,
            services.events,
            node.queue,
        )
        self.is_running = True

    async def stop(self) -> None:
        """End. Whoever is connected is cut off, as when the process is killed."""
        self.is_running = False
        self.forget_peers()
        await self._stack.aclose()

    def forget_peers(self) -> None:
        """Let all clients vanish, and begin afresh with what was said."""
        for peer in self.peers:
            peer.drop()
        self.peers.clear()
        self.recorder.violations.clear()

    async def restart(self) -> None:
        """Be killed, and come back with the same database."""
        await self.stop()
        await self.start()

    async def _count(self, _user_id: UUID) -> bool:
        return self.within

    @property
    def services(self) -> Services:
        return self.node.services

    async def user(self, name: str = "person") -> User:
        """Return somebody new, logged in."""
        person = await self.chat.person(name)
        return await self.log_in(person)

    async def log_in(self, person: Person) -> User:
        """Begin a session; no password is needed here, and none hashed."""
        async with self.chat.database.transaction() as conn:
            record = await sessions.insert(conn, uuid7(), person.id, None, None, timedelta(days=1))
        return User(person, record.id, self.services.sessions.tokens_for(record).access_token)

    def connect(self, user: User, target: str = "/ws", given: str | None = None, **headers: str) -> Peer:
        """Open a socket of somebody; nothing has been answered yet when this returns."""
        peer = Peer(user, given)
        peer.began = self.realtime.hub.position
        sockets = Sockets(
            self.realtime.endpoint,
            _socket_options(self._settings),
            ClientAddresses([]).address,
            self.recorder.make,
        )
        head = handshake(target, **headers).split(b"\r\n")[1:-2]
        said = [(name.lower(), value) for name, value in (line.split(b": ", 1) for line in head)]
        self.peers.append(peer)
        user.peers.append(peer)
        open_socket(sockets, target.encode(), said, peer, set(), lambda _headers: b"", b"")
        return peer

    def is_live(self, peer: Peer) -> bool:
        """Say whether the hub delivers to it."""
        connections = self.realtime.hub.connections_of(peer.user.id)
        return any(_transport_of(connection) is peer for connection in connections)

    async def settle(self, *, catching_up: bool = True) -> None:
        """Let everything happen that can: the log is handed on, and whoever connected has caught up."""
        head = self.node.log.head
        await self.until(lambda: self.realtime.hub.position >= head.position)
        if catching_up:
            await self.until(lambda: all(map(self._is_settled, self.peers)))

    def _is_settled(self, peer: Peer) -> bool:
        connection = _connection_of(peer)
        if peer.is_slow or connection is None:
            return True
        # What was said while it caught up is held until that turn of the loop is over, when it may be live already.
        is_said = not connection.socket._is_held
        return is_said and connection._state.name not in ("RECOGNISING", "CATCHING_UP")

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(PATIENCE):
            while not true():
                await asyncio.sleep(0.001)

    async def pass_time(self, seconds: int) -> None:
        """Let so many seconds pass on the clock of the sockets, one by one."""
        for _ in range(seconds):
            self.now += 1
            self.realtime.sockets.tick()
            # A ping is answered before the next second.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await self.realtime.actions.tick()

    def check(self) -> None:
        """Fail with what was said against the document since the last time."""
        violations, self.recorder.violations = self.recorder.violations, []
        if violations:
            raise Violated("\n".join(violations))


def _connection_of(peer: Peer) -> Any:
    return None if peer.gone or peer._protocol is None else peer._protocol._listener


def _transport_of(connection: Subscriber) -> Any:
    return connection.socket._transport  # type: ignore[attr-defined]  # not public
