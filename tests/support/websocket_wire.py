"""WebSockets by hand: frames as a test wants them, and a listener that tells what it heard."""

import base64
import hashlib
import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from parley.contract.addresses import ClientAddresses
from parley.realtime.socket import Listener, Refusal, Request, Socket, SocketOptions, Sockets
from wire import Response, Served, Wire, serving

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
KEY = base64.b64encode(b"sixteen bytes !!").decode()
MASK = b"\x37\xfa\x21\x3d"
_PATIENCE = 20.0


def masked(opcode: int, payload: bytes = b"", *, bits: int = FIN, mask: bytes | None = MASK) -> bytes:
    """Return a client's frame; `mask=None` leaves the masking out, which no client may."""
    size = len(payload)
    if size < 126:
        return _frame(bits | opcode, size, b"", payload, mask)
    if size < 65_536:
        return _frame(bits | opcode, 126, size.to_bytes(2), payload, mask)
    return _frame(bits | opcode, 127, size.to_bytes(8), payload, mask)


def with_length(opcode: int, marker: int, field: bytes, payload: bytes) -> bytes:
    """Return a frame whose length is written as told, however wrong."""
    return _frame(FIN | opcode, marker, field, payload, MASK)


def _frame(first: int, marker: int, field: bytes, payload: bytes, mask: bytes | None) -> bytes:
    if mask is None:
        return bytes((first, marker)) + field + payload
    hidden = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes((first, 0x80 | marker)) + field + mask + hidden


def closing(code: int, reason: bytes = b"") -> bytes:
    """Return a client's close frame."""
    return masked(CLOSE, code.to_bytes(2) + reason)


def handshake(target: str = "/ws", *, method: str = "GET", version: str = "1.1", **changes: Any) -> bytes:
    """Return a handshake; `sec_websocket_key=None` leaves a header out, a list repeats it."""
    headers: dict[str, Any] = {
        "host": "localhost",
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-key": KEY,
        "sec-websocket-version": "13",
    }
    headers.update({name.replace("_", "-"): value for name, value in changes.items()})
    lines = [f"{method} {target} HTTP/{version}"]
    for name, value in headers.items():
        lines += [f"{name}: {each}" for each in (value if isinstance(value, list) else [value]) if each]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@dataclass(frozen=True)
class Frame:
    """A frame of the server."""

    first: int
    payload: bytes

    @property
    def opcode(self) -> int:
        return self.first & 0x0F

    @property
    def code(self) -> int:
        assert self.opcode == CLOSE, self
        return int.from_bytes(self.payload[:2])


class WebSocketWire:
    """The client's end of one socket."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def send(self, *frames: bytes) -> None:
        self.wire.send(b"".join(frames))

    def frame(self) -> Frame:
        """Read one frame. The server never masks."""
        first, second = self.wire.take(2)
        assert not second & 0x80, "the server masked a frame"
        size = second
        if second == 126:
            size = int.from_bytes(self.wire.take(2))
        elif second == 127:
            size = int.from_bytes(self.wire.take(8))
        return Frame(first, self.wire.take(size))

    def ended(self) -> bool:
        """Wait for the end; say whether nothing came before it."""
        return self.wire.ended()


class Heard:
    """What a listener was told, in order; tests wait for it."""

    def __init__(self) -> None:
        self._told: queue.Queue[tuple[str, Any]] = queue.Queue()

    def tell(self, what: str, value: Any = None) -> None:
        self._told.put((what, value))

    def next(self) -> tuple[str, Any]:
        """Wait for the next thing."""
        return self._told.get(timeout=_PATIENCE)

    def silent(self) -> bool:
        """Say whether nothing more was told until now."""
        return self._told.empty()


class Echo:
    """Sends back what it hears, and tells of everything but opening."""

    def __init__(self, heard: Heard, request: Request) -> None:
        self.heard = heard
        self.request = request
        self.socket: Socket | None = None

    def opened(self, socket: Socket) -> None:
        self.socket = socket

    def text(self, text: str) -> None:
        assert self.socket is not None
        self.heard.tell("text", text)
        self.socket.write_text(text.encode())

    def pong(self, payload: bytes) -> None:
        self.heard.tell("pong", payload)

    def closed(self, code: int) -> None:
        self.heard.tell("closed", code)


Make = Callable[[Heard, Request], Listener]


class SocketServer:
    """A server whose sockets are listened to by `make`, an Echo unless a test says otherwise."""

    def __init__(self, make: Make = Echo) -> None:
        self.make = make
        self.heard = Heard()
        self.requests: list[Request] = []
        self.listeners: list[Any] = []
        self.served: Served

    def endpoint(self, request: Request) -> Listener:
        self.requests.append(request)
        if request.path != "/ws":
            raise Refusal(404, "not_found", "There is no such path", {"X-Reason": "path"})
        listener = self.make(self.heard, request)
        self.listeners.append(listener)
        return listener

    @contextmanager
    def serve(self, options: SocketOptions, **server_options: Any) -> Iterator["SocketServer"]:
        sockets = Sockets(self.endpoint, options, ClientAddresses([]).address)
        with serving(_hello, sockets, **server_options) as self.served:
            yield self

    def ask(self, request: bytes) -> Response:
        return self.served.say(request)

    @contextmanager
    def connect(self, first: bytes = b"", **changes: Any) -> Iterator[WebSocketWire]:
        """Open a socket; `first` is sent in one packet with the handshake."""
        with self.served.connection() as wire:
            wire.send(handshake(**changes) + first)
            answer = wire.answer(head=True)
            assert answer.status == 101, answer
            assert answer.headers["sec-websocket-accept"] == accepted(KEY)
            yield WebSocketWire(wire)

    def in_loop(self, function: Callable[[Any], None]) -> None:
        """Call a function with the newest listener, in the server's loop."""
        listener = self.listeners[-1]
        self.served.call(lambda: function(listener))


def accepted(key: str) -> str:
    """Return what a client expects (RFC 6455, section 1.3)."""
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode(), usedforsecurity=False)
    return base64.b64encode(digest.digest()).decode()


@contextmanager
def socket_server(
    make: Make = Echo, options: SocketOptions | None = None, **changes: Any
) -> Iterator[SocketServer]:
    """Serve sockets; `changes` are to SocketOptions."""
    with SocketServer(make).serve(replace(options or SocketOptions(), **changes)) as server:
        yield server


async def _hello(scope: Any, _receive: Any, send: Any) -> None:
    """An application that says what it was asked."""
    said = f"{scope['method']} {scope['path']}".encode()
    head = [(b"content-length", str(len(said)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": said})
