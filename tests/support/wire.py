"""HTTP by hand: a real server in a thread, and sockets that say exactly what a test wants said."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from parley.realtime.socket import Sockets
from parley.server import Server, ServerOptions, make_server, run

_PATIENCE = 20.0


@dataclass
class Served:
    """A server that listens."""

    port: int
    _loop: asyncio.AbstractEventLoop | None = None
    _server: Server | None = None

    def end(self) -> None:
        """Tell the server to go; it does so in its own time."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(setattr, self._server, "should_exit", True)

    def call(self, function: Callable[[], None]) -> None:
        """Call a function in the server's loop."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(function)

    @contextmanager
    def connection(self) -> Iterator["Wire"]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE) as raw:
            yield Wire(raw)

    def say(self, *pieces: bytes) -> "Response":
        """Open a connection, send, and return the first answer; no answer is status 0."""
        with self.connection() as wire:
            for piece in pieces:
                wire.send(piece)
            return wire.answer()


@dataclass
class Response:
    """One answer as it stood on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


NONE = Response(0, {}, b"")


class Wire:
    """One connection."""

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw
        self._received = b""

    def send(self, data: bytes) -> None:
        """Send; that the other side has closed already is seen when its answer is read."""
        try:
            self.raw.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def answer(self, *, head: bool = False) -> Response:
        """Read one whole answer; NONE where the connection ended instead."""
        while b"\r\n\r\n" not in self._received:
            if not self._more():
                assert not self._received, self._received
                return NONE
        raw_head, self._received = self._received.split(b"\r\n\r\n", 1)
        first, *lines = raw_head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        status = int(first.split()[1])
        length = 0 if head else int(headers.get("content-length", "0"))
        while len(self._received) < length:
            assert self._more(), "the body was cut"
        body, self._received = self._received[:length], self._received[length:]
        return Response(status, headers, body)

    def take(self, size: int) -> bytes:
        """Read exactly this many bytes."""
        while len(self._received) < size:
            assert self._more(), f"the connection ended within {size} bytes: {self._received!r}"
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def ended(self) -> bool:
        """Wait for the end of the connection; say whether it came without another byte."""
        while self._more():
            continue
        return not self._received

    def _more(self) -> bool:
        try:
            data = self.raw.recv(65536)
        except ConnectionResetError:
            return False
        self._received += data
        return bool(data)


@contextmanager
def serving(app: ASGIApp, sockets: Sockets | None = None, **options: Any) -> Iterator[Served]:
    """Serve an application, and perhaps sockets, as `parley serve` would, in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    served = Served(listener.getsockname()[1])
    started = threading.Event()

    async def main() -> None:
        server = make_server(app, ServerOptions(**options), sockets)
        served._loop, served._server = asyncio.get_running_loop(), server
        serve = asyncio.ensure_future(server.serve(sockets=[listener]))
        await server.ready.wait()
        started.set()
        await serve

    thread = threading.Thread(target=lambda: run(main()), daemon=True)
    thread.start()
    assert started.wait(_PATIENCE), "the server did not start"
    try:
        yield served
    finally:
        if thread.is_alive():
            served.end()
        thread.join(_PATIENCE)
        assert not thread.is_alive(), "the server did not stop"
