"""The socket's edge of one process on a real database, with clients that are on no network.

What is real: the log, the services, the relay, the hub, the bus and the connections. What is not: the socket, which
keeps what is written to it, and the tokens, which are the names of sessions.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import orjson

from chat import Chat, Person
from documents import read_document
from generated.frames import CLIENT_SCHEMAS, SERVER_MODELS, CloseCode, ServerFrameType
from live import Ticking, payloads
from parley import cursors
from parley.contract.client_frames import ClientFrames
from parley.errors import SessionEnded, Unauthorized
from parley.ids import uuid7
from parley.model import Caller
from parley.realtime.bus import Bus, InProcessBus
from parley.realtime.connection import Connection
from parley.realtime.hub import Hub
from parley.realtime.open_sockets import OpenSockets
from parley.realtime.relay import Relay
from parley.realtime.shared import Actions, Shared
from parley.realtime.socket import Request, Socket
from parley.realtime.window import Window
from parley.services.sessions import Sessions

Seen = tuple[str, str, int | None]


class Doors:
    """Stands for sessions: a token is what `let_in` returned."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[Caller, float]] = {}
        self.ended: set[UUID] = set()
        self.changes = 0

    def let_in(self, user_id: UUID, until: float = 1e9, session_id: UUID | None = None) -> str:
        """Return a token of this user, of a new session or of this one."""
        token = str(uuid7())
        self.known[token] = (Caller(user_id, session_id or uuid7()), until)
        return token

    def end(self, session_id: UUID) -> None:
        """End a session without telling anybody."""
        self.changes += 1
        self.ended.add(session_id)

    async def authenticate_until(self, token: str) -> tuple[Caller, float]:
        if token == "expired":
            raise Unauthorized(token_expired=True)
        if token not in self.known:
            raise Unauthorized
        if self.known[token][0].session_id in self.ended:
            raise SessionEnded
        return self.known[token]

    async def confirm(self, caller: Caller) -> None:
        if caller.session_id in self.ended:
            raise SessionEnded


@dataclass
class Deeds:
    """Notes what clients do beside listening."""

    joined_users: list[UUID] = field(default_factory=list)
    left_users: list[UUID] = field(default_factory=list)
    arrived: list[tuple[UUID, int]] = field(default_factory=list)
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def typing(self, connection: Connection, data: dict[str, Any]) -> None:
        self.said.append(("typing", data))

    def presence(self, connection: Connection, data: dict[str, Any]) -> None:
        self.said.append(("presence", data))

    def receipt(self, connection: Connection, data: dict[str, Any]) -> None:
        self.said.append(("receipt", data))

    def received(self, connection: Connection, position: int) -> None:
        self.arrived.append((connection.user_id, position))

    def joined(self, connection: Connection) -> None:
        self.joined_users.append(connection.user_id)

    def left(self, connection: Connection) -> None:
        self.left_users.append(connection.user_id)


class Client:
    """A client, which is its own socket: it reads all at once, unless `is_stuck`, and answers no ping by itself."""

    def __init__(self, house: "House", query: dict[str, str], headers: dict[str, str]) -> None:
        self.request = Request("/ws", query, headers, "127.0.0.1")
        self.received = 0
        self.extras = 0
        self.buffered = 0
        self.compresses = False
        self.is_held = False
        # How many frames there were each time that something was released.
        self.released: list[int] = []
        self.compressed: list[bytes] = []
        self.pings: list[bytes] = []
        self.closed_with: int | None = None
        self.frames: list[dict[str, Any]] = []
        self.writes = 0
        self._reads = asyncio.Event()
        self._reads.set()
        self.connection = Connection(house.shared)
        self.connection.opened(cast(Socket, self))

    # ---- what a connection asks of its socket

    def write(self, framed: bytes) -> None:
        if self.closed_with is None:
            self.writes += 1
            for payload in payloads(framed):
                self._read(payload)

    def write_text(self, payload: bytes) -> None:
        if self.closed_with is None:
            if self.compresses:
                self.compressed.append(payload)
            self._read(payload)

    def hold(self) -> None:
        # On no network what is held is read at once all the same.
        self.is_held = True

    def release(self) -> None:
        if self.is_held:
            self.is_held = False
            self.released.append(len(self.frames))

    def ping(self, payload: bytes = b"") -> None:
        self.pings.append(payload)

    def close(self, code: int, reason: str = "") -> None:
        if self.closed_with is None:
            self.closed_with = code
            self._reads.set()

    async def drained(self) -> None:
        await self._reads.wait()

    # ---- what a test does with it

    def get_stuck(self) -> None:
        """Read nothing more."""
        self._reads.clear()

    def go_on(self) -> None:
        """Read again."""
        self._reads.set()

    def say(self, frame: str | dict[str, Any]) -> None:
        """Send a frame."""
        self.received += 1
        self.connection.text(frame if isinstance(frame, str) else orjson.dumps(frame).decode())

    def pong(self, payload: bytes | None = None) -> None:
        """Answer the last ping."""
        self.received += 1
        self.connection.pong(self.pings[-1] if payload is None else payload)

    def hang_up(self) -> None:
        """Vanish."""
        if self.closed_with is None:
            self.closed_with = 1006
            self._reads.set()
        self.connection.closed(1006)

    async def until(self, frame_type: str, number: int = 1) -> dict[str, Any]:
        """Return the so-many-th frame of a type, once it is there."""
        async with asyncio.timeout(20):
            while len(found := [frame for frame in self.frames if frame["type"] == frame_type]) < number:
                assert self.closed_with is None, f"closed with {self.closed_with} after {self.frames}"
                await asyncio.sleep(0.001)
        return found[number - 1]

    async def until_closed(self) -> CloseCode:
        """Return why it was closed, once it is."""
        async with asyncio.timeout(20):
            while self.closed_with is None:
                await asyncio.sleep(0.001)
        return CloseCode(self.closed_with)

    async def until_live(self) -> "Client":
        """Return when it has joined the hub."""
        async with asyncio.timeout(20):
            while not self.is_live:
                assert self.closed_with is None, f"closed with {self.closed_with} after {self.frames}"
                await asyncio.sleep(0.001)
        return self

    @property
    def is_live(self) -> bool:
        return self.connection._state.name == "LIVE"

    @property
    def types(self) -> list[str]:
        return [frame["type"] for frame in self.frames]

    @property
    def events(self) -> list[Seen]:
        """What it was told of the log, in order."""
        return [
            (frame["type"], frame["cursor"], frame.get("seq")) for frame in self.frames if "cursor" in frame
        ]

    @property
    def cursor(self) -> str:
        """The last cursor that it was given."""
        given: list[str | None] = [
            frame.get("cursor") or frame["data"].get("cursor") for frame in self.frames
        ]
        return [cursor for cursor in given if cursor is not None][-1]

    def errors(self) -> list[tuple[str, str | None]]:
        """The codes of what was refused, and the types of the frames."""
        return [
            (frame["data"]["code"], frame["data"]["frame"])
            for frame in self.frames
            if frame["type"] == "error"
        ]

    def _read(self, payload: bytes) -> None:
        frame = orjson.loads(payload)
        SERVER_MODELS[ServerFrameType(frame["type"])].model_validate_json(payload)
        self.frames.append(frame)


@dataclass
class House:
    """One process's sockets."""

    chat: Chat
    bus: Bus
    hub: Hub
    relay: Relay
    sockets: OpenSockets
    shared: Shared
    doors: Doors
    deeds: Deeds
    clock: Ticking
    refused: set[UUID]

    def client(self, person: Person, cursor: str | None = None) -> Client:
        """Let somebody connect, with a token in the URL and perhaps a cursor."""
        query = {"token": self.doors.let_in(person.id)}
        if cursor is not None:
            query["cursor"] = cursor
        return Client(self, query, {})

    def stranger(self, **query: str) -> Client:
        """Let somebody connect who has not said yet who they are, or says it wrong."""
        return Client(self, query, {})

    async def live(self, person: Person, cursor: str | None = None) -> Client:
        """Let somebody connect and catch up."""
        return await self.client(person, cursor).until_live()

    async def settle(self) -> int:
        """Return the end of the log, once all up to it was handed on."""
        head: int = await self.chat.head()
        async with asyncio.timeout(20):
            await self.hub.reached(head)
        return head

    def tick(self, seconds: int = 1) -> None:
        """Let so many seconds pass."""
        for _ in range(seconds):
            self.clock.now += 1
            self.sockets.tick()

    def live_on(self, seconds: int, *clients: Client) -> None:
        """Let so many seconds pass, in which these clients give signs of life."""
        for _ in range(seconds):
            self.tick()
            for client in clients:
                client.received += 1

    def tokens_of(self, client: Client) -> str:
        """Return the token that a client has come with."""
        return client.request.query["token"]


async def told(person: Person, after: str = "0") -> list[Seen]:
    """Return what `GET /v1/events` says of the same span, in the same words."""
    # From the beginning, since a cursor says what was received, which may be an event itself.
    page = await person.events("0", limit=100_000)
    assert not page.has_more
    start = 0 if after == cursors.START else cursors.decode(after).position
    return [
        (event.type, event.cursor, event.seq)
        for event in page.events
        if cursors.decode(event.cursor).position > start
    ]


@asynccontextmanager
async def open_house(
    chat: Chat, *, bus: Bus | None = None, window_bytes: int = 1 << 20, patience: float | None = None
) -> AsyncIterator[House]:
    """Open one to the clients of a process."""
    clock, doors, deeds = Ticking(), Doors(), Deeds()
    refused: set[UUID] = set()

    async def count(user_id: UUID) -> bool:
        return user_id not in refused

    bus = bus or InProcessBus()
    hub = Hub(Window(0, window_bytes))
    relay = Relay(chat.database, chat.log, chat.users, hub, bus, patience=patience)
    sockets = OpenSockets(count, clock)
    schemas = {str(frame_type): name for frame_type, name in CLIENT_SCHEMAS.items()}
    shared = Shared(
        chat.database,
        sessions=cast(Sessions, doors),
        events=chat.events,
        users=chat.users,
        hub=hub,
        relay=relay,
        frames=ClientFrames(read_document(), schemas),
        actions=cast(Actions, deeds),
        admission=sockets,
    )
    await bus.start()
    await relay.start()
    chat.queue.publish = relay.offer
    try:
        yield House(chat, bus, hub, relay, sockets, shared, doors, deeds, clock, refused)
    finally:
        chat.queue.publish = None
        await shared.stop()
        await relay.stop()
        await bus.stop()
