"""Receivers of webhooks: real servers on this machine that answer as they are told, well or badly.

Each runs in a thread of its own, so that plain and asynchronous tests may use it, and the server under test too.
"""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

_PATIENCE = 60.0


@dataclass(frozen=True)
class Arrival:
    """One request. Names of headers are in lower case; `connection` counts the connections, from 1."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def payload(self) -> dict[str, Any]:
        """The body, read."""
        value: dict[str, Any] = json.loads(self.body)
        return value

    @property
    def id(self) -> str:
        """What tells a repeat."""
        return self.headers["webhook-id"]


class Then(Enum):
    """What becomes of the connection after an answer."""

    KEEP = auto()
    CLOSE = auto()
    # It is left open without a word until the sender closes it.
    HANG = auto()


# Writes whatever it wants to.
Behaviour = Callable[[Arrival, asyncio.StreamWriter], Awaitable[Then]]


class Receiver:
    """Keeps what arrived. `behave` may be changed while it runs."""

    def __init__(self, behave: Behaviour) -> None:
        self.behave = behave
        self.url = ""
        self.connections = 0
        self._arrivals: list[Arrival] = []
        self._changed = threading.Condition()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rstrip("/").rpartition(":")[2])

    @property
    def arrivals(self) -> list[Arrival]:
        """What has arrived until now."""
        with self._changed:
            return list(self._arrivals)

    def wait_for(self, wanted: Callable[[list[Arrival]], bool], seconds: float = _PATIENCE) -> list[Arrival]:
        """Wait until what has arrived is as wanted, and return it."""
        with self._changed:
            assert self._changed.wait_for(lambda: wanted(self._arrivals), seconds), self._arrivals
            return list(self._arrivals)

    def wait_for_count(self, count: int) -> list[Arrival]:
        """Wait until so many requests have arrived, and return them."""
        return self.wait_for(lambda arrivals: len(arrivals) >= count)

    def wait_until_alone(self, seconds: float = _PATIENCE) -> None:
        """Wait until some sender was connected, and none is any more."""
        deadline = time.monotonic() + seconds
        # One that goes at once may be gone before it is noticed that it came.
        while self._writers or not self.connections:
            assert time.monotonic() < deadline, "a connection was left open"
            time.sleep(0.005)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read the requests of one connection."""
        self.connections += 1
        number = self.connections
        self._writers.add(writer)
        try:
            # asyncio's streams would log that the end of a test ended their task.
            with suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
                while True:
                    arrival = await _read(reader, number)
                    with self._changed:
                        self._arrivals.append(arrival)
                        self._changed.notify_all()
                    then = await self.behave(arrival, writer)
                    if then is Then.HANG:
                        await reader.read()
                    if then is not Then.KEEP:
                        break
        finally:
            self._writers.discard(writer)
            writer.close()


async def _read(reader: asyncio.StreamReader, number: int) -> Arrival:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Arrival(method, path, headers, body, number)


@contextmanager
def receiving(behave: Behaviour | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Start a receiver, which answers 204 unless told otherwise, and stop it at the end."""
    receiver = Receiver(behave or answering(204))
    loop = asyncio.new_event_loop()
    started = threading.Event()

    async def run() -> None:
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/"
        started.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    task = loop.create_task(run())
    thread = threading.Thread(target=loop.run_until_complete, args=(task,), daemon=True)
    thread.start()
    assert started.wait(_PATIENCE)
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(_PATIENCE)
        loop.close()


# ---- how they answer


def answering(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer as one should, and keep the connection; `retry_after` is the header Retry-After."""

    async def behave(arrival: Arrival, writer: asyncio.StreamWriter) -> Then:
        del arrival
        writer.write(_answer(status, body, headers))
        await writer.drain()
        return Then.KEEP

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behave so, then so, and like the last from then on."""
    left = list(behaviours)

    async def behave(arrival: Arrival, writer: asyncio.StreamWriter) -> Then:
        return await (left.pop(0) if len(left) > 1 else left[0])(arrival, writer)

    return behave


def saying(*pieces: bytes) -> Behaviour:
    """Write these very bytes and close."""

    async def behave(arrival: Arrival, writer: asyncio.StreamWriter) -> Then:
        del arrival
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return Then.CLOSE

    return behave


async def hanging(arrival: Arrival, writer: asyncio.StreamWriter) -> Then:
    """Say nothing."""
    del arrival, writer
    return Then.HANG


async def closing(arrival: Arrival, writer: asyncio.StreamWriter) -> Then:
    """Hang up without a word."""
    del arrival, writer
    return Then.CLOSE


def dripping(head: bytes) -> Behaviour:
    """Say a head byte by byte, for ever."""

    async def behave(arrival: Arrival, writer: asyncio.StreamWriter) -> Then:
        del arrival
        writer.write(head)
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    return behave


async def flooding(arrival: Arrival, writer: asyncio.StreamWriter) -> Then:
    """Say 200 and send a body without end, until the sender hangs up."""
    del arrival
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


async def announcing(arrival: Arrival, writer: asyncio.StreamWriter) -> Then:
    """Say that an answer will come, for ever."""
    del arrival
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 2000)
        await writer.drain()


def _answer(status: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    if status != 204:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
