"""A proxy between an SDK and a server, which does to connections what networks do.

It listens at one port for its whole life, so a server behind it may be replaced by another. Faults are chosen by
what the client sent: `when` is a part of the request's bytes, as `b"POST /v1/messages"`.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, TypeVar
from urllib.parse import urlsplit

Result = TypeVar("Result")
CHUNK = 64 * 1024


class Fault(Enum):
    """What befalls a connection."""

    CUT_REQUEST = auto()
    """The connection breaks before the server got the request."""

    CUT_ANSWER = auto()
    """The server got the request, and the connection breaks before the client got a byte of the answer."""

    HALF_ANSWER = auto()
    """The connection breaks in the middle of the answer."""

    CORRUPT_ANSWER = auto()
    """The answer is no HTTP at all."""

    STALL = auto()
    """The answer never comes, and the connection stays."""


@dataclass
class _Rule:
    fault: Fault
    when: bytes
    times: int


@dataclass(eq=False)
class _Link:
    """One connection of a client, and its other half to the server."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    sent: bytearray = field(default_factory=bytearray)
    fault: Fault | None = None
    stalled: bool = False
    is_socket: bool = False

    def abort(self) -> None:
        for writer in (self.client, self.server):
            if writer is not None:
                writer.transport.abort()


class Proxy:
    """Use it as `with proxy_to(server.url) as proxy`; all methods may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._links: set[_Link] = set()
        self._rules: list[_Rule] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._upstream: tuple[str, int] = ("127.0.0.1", 9)
        self._delay = 0.0
        self._refusing = False
        # Everything that clients sent, one entry for each connection.
        self._requests: list[bytearray] = []
        self.url = ""

    def start(self, upstream: str) -> None:
        """Begin to listen."""
        self._thread.start()
        self.lead_to(upstream)
        port = self._call(self._listen())
        self.url = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """Cut everything, and end."""
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def lead_to(self, url: str) -> None:
        """Connect those who come from now on to another server."""
        address = urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        self._upstream = (address.hostname, address.port)

    def befall(self, fault: Fault, when: bytes, times: int = 1) -> None:
        """Let a fault befall the next requests that contain `when`."""
        self._rules.append(_Rule(fault, when, times))

    def delay(self, seconds: float) -> None:
        """Let each piece of an answer come later by this much."""
        self._delay = seconds

    def refuse(self, refusing: bool) -> None:
        """Cut whoever connects at once, or no longer."""
        self._refusing = refusing

    def cut(self) -> None:
        """Break all connections now."""
        self._call(self._cut(lambda link: True))

    def cut_sockets(self) -> None:
        """Break all WebSockets now."""
        self._call(self._cut(lambda link: link.is_socket))

    def count(self, part: bytes) -> int:
        """Return how often clients sent these bytes."""
        return sum(bytes(sent).count(part) for sent in list(self._requests))

    @property
    def sockets(self) -> int:
        """How many WebSockets are open now."""
        return sum(1 for link in list(self._links) if link.is_socket)

    def until_sockets(self, number: int, patience: float = 30.0) -> None:
        """Wait until so many WebSockets are open."""
        self._call(self._until_sockets(number, patience), patience + 5)

    def _call(self, work: Coroutine[Any, Any, Result], patience: float = 20.0) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=patience)

    async def _until_sockets(self, number: int, patience: float) -> None:
        deadline = self._loop.time() + patience
        while self.sockets != number:
            assert self._loop.time() < deadline, f"{self.sockets} WebSockets are open, and not {number}"
            await asyncio.sleep(0.01)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        self._server.close()
        await self._cut(lambda link: True)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _cut(self, chosen: Callable[[_Link], bool]) -> None:
        for link in [link for link in self._links if chosen(link)]:
            link.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(writer)
        if self._refusing:
            link.abort()
            return
        self._links.add(link)
        self._requests.append(link.sent)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            server_reader, link.server = await asyncio.open_connection(*self._upstream)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._upwards(link, reader))
                both.create_task(self._downwards(link, server_reader))
        except* (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            link.abort()
            self._links.discard(link)
            self._tasks.discard(task)

    async def _upwards(self, link: _Link, reader: asyncio.StreamReader) -> None:
        assert link.server is not None
        while chunk := await reader.read(CHUNK):
            link.sent += chunk
            link.is_socket = link.is_socket or b"upgrade: websocket" in bytes(link.sent[:4096]).lower()
            link.fault = self._fault_of(chunk) or link.fault
            if link.fault is Fault.CUT_REQUEST:
                raise EOFError
            link.server.write(chunk)
            await link.server.drain()
        if link.server.can_write_eof():
            link.server.write_eof()

    async def _downwards(self, link: _Link, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(CHUNK):
            if self._delay:
                await asyncio.sleep(self._delay)
            match link.fault:
                case Fault.CUT_ANSWER:
                    raise EOFError
                case Fault.HALF_ANSWER:
                    link.client.write(chunk[: len(chunk) // 2])
                    await link.client.drain()
                    raise EOFError
                case Fault.CORRUPT_ANSWER:
                    link.client.write(b"\x00\x01 this is no answer \xff\xfe\r\n\r\n")
                    await link.client.drain()
                    raise EOFError
                case Fault.STALL:
                    link.stalled = True
            if not link.stalled:
                link.client.write(chunk)
                await link.client.drain()
        # The other half goes, too: neither clients nor servers here close only one.
        raise EOFError

    def _fault_of(self, chunk: bytes) -> Fault | None:
        for rule in self._rules:
            if rule.times and rule.when in chunk:
                rule.times -= 1
                return rule.fault
        return None


@contextmanager
def proxy_to(url: str) -> Iterator[Proxy]:
    """Run a proxy in front of a server."""
    proxy = Proxy()
    proxy.start(url)
    try:
        yield proxy
    finally:
        proxy.stop()
