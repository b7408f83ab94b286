"""A broken network between Parley and PostgreSQL: a relay that understands where one call ends.

It knows the messages of the protocol (https://www.postgresql.org/docs/current/protocol-message-formats.html) just so
far that it can hold back a whole call, a statement with its values, and ask the test what becomes of it.
"""

import asyncio
import enum
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit


class Fate(enum.Enum):
    """What becomes of a call."""

    PASSES = enum.auto()
    REQUEST_LOST = enum.auto()  # the server never hears of it
    REQUEST_TORN = enum.auto()  # the server gets a part of it
    REQUEST_LATE = enum.auto()  # the client is cut off at once, the server gets it when the test says so
    UNFINISHED = enum.auto()  # the server gets all but the end, and waits for that; so does the client
    ANSWER_LOST = enum.auto()  # the server has done it, and the client never hears
    ANSWER_TORN = enum.auto()  # the client gets a part of the answer


@dataclass
class Network:
    """Says what becomes of each call, by the text of its statement, and where it is torn (0 to 1)."""

    decide: Callable[[str], Fate] = lambda statement: Fate.PASSES
    tear: Callable[[], float] = lambda: 0.5
    released: asyncio.Event = field(default_factory=asyncio.Event)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    fates: list[Fate] = field(default_factory=list)
    # The statements in the order in which they were answered, and the bytes of each answer.
    answers: list[tuple[str, int]] = field(default_factory=list)

    def next(self, statement: str) -> Fate:
        fate = self.decide(statement)
        if fate is not Fate.PASSES:
            self.fates.append(fate)
        return fate


@asynccontextmanager
async def broken_network(dsn: str, network: Network, directory: Path) -> AsyncIterator[str]:
    """The address of the database behind a network that breaks as it is told."""
    url = urlsplit(dsn)
    host = parse_qs(url.query)["host"][0]
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.5432")
        line = _Line(network, (reader, writer), (server_reader, server_writer))
        task = asyncio.create_task(line.run())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = await asyncio.start_unix_server(accept, directory / ".s.PGSQL.5432")
    try:
        query = f"host={quote(str(directory), safe='')}&port=5432"
        yield urlunsplit(url._replace(query=query))
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Cut(Exception):
    """This line is at its end."""


class _Line:
    """One connection through the network."""

    def __init__(self, network: Network, client: Stream, server: Stream) -> None:
        self._network = network
        self._from_client, self._to_client = client
        self._from_server, self._to_server = server
        self._statements: dict[bytes, str] = {}
        # What becomes of the answer of the call that runs now.
        self._answer = Fate.PASSES
        self._statement = ""

    async def run(self) -> None:
        pumps = [asyncio.create_task(self._requests()), asyncio.create_task(self._answers())]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for writer in (self._to_client, self._to_server):
                writer.close()

    async def _requests(self) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, _Cut):
            length = await self._from_client.readexactly(4)
            self._to_server.write(length + await self._rest(self._from_client, length))
            call, statement = b"", ""
            while True:
                kind, message = await self._message(self._from_client)
                if kind == b"P":
                    name, text, _ = message[5:].split(b"\0", 2)
                    self._statements[name] = text.decode()
                elif kind == b"B":
                    _, name, _ = message[5:].split(b"\0", 2)
                    statement = self._statements[name]
                elif kind == b"Q":
                    statement = message[5:-1].decode()
                call += message
                if kind in (b"S", b"Q", b"H", b"X"):
                    whole, call = call, b""
                    await self._pass_on(whole, statement)
                    statement = ""

    async def _pass_on(self, call: bytes, statement: str) -> None:
        fate = self._network.next(statement) if statement else Fate.PASSES
        self._answer, self._statement = fate, statement
        match fate:
            case Fate.REQUEST_LOST:
                raise _Cut
            case Fate.REQUEST_TORN:
                self._to_server.write(call[: max(1, int(len(call) * self._network.tear()))])
                await self._to_server.drain()
                raise _Cut
            case Fate.REQUEST_LATE:
                self._to_client.close()
                self._network.held.set()
                await self._network.released.wait()
            case Fate.UNFINISHED:
                # The last message of a call is Sync, of five bytes: without it nothing is committed.
                self._to_server.write(call[:-5])
                self._network.held.set()
                await self._network.released.wait()
                raise _Cut
        self._to_server.write(call)
        await self._to_server.drain()

    async def _answers(self) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            answer, size = b"", 0
            while True:
                kind, message = await self._message(self._from_server)
                size += len(message)
                if kind == b"Z":
                    self._network.answers.append((self._statement, size))
                    size = 0
                if self._answer not in (Fate.ANSWER_LOST, Fate.ANSWER_TORN, Fate.REQUEST_LATE):
                    self._to_client.write(message)
                    await self._to_client.drain()
                    continue
                answer += message
                if kind == b"Z":
                    if self._answer is Fate.ANSWER_TORN:
                        self._to_client.write(answer[: int(len(answer) * self._network.tear())])
                        await self._to_client.drain()
                    return

    async def _message(self, reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
        kind = await reader.readexactly(1)
        length = await reader.readexactly(4)
        return kind, kind + length + await self._rest(reader, length)

    async def _rest(self, reader: asyncio.StreamReader, length: bytes) -> bytes:
        return await reader.readexactly(struct.unpack(">I", length)[0] - 4)
