"""One WebSocket on uvicorn's port: RFC 6455 on one side, whole messages and framed bytes on the other.

uvicorn has read the handshake as the HTTP request it is; `open_socket` takes its transport over.

    OPEN ──close()──────────> CLOSING ──the peer's close frame──┐
      ├────the peer's close frame, answered─────────────────────┴─> ENDING ──> connection lost
      └────the peer broke the protocol─────────────────────────────> (as ENDING)

The listener hears `closed` when the state is OPEN no more. The connection may be lost in any state. Whatever state
takes longer than `close_seconds`, but OPEN, is cut.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Protocol

from generated.frames import CloseCode as Declared
from parley import logs, metrics
from parley.realtime.deflate import frame_compressed, inflate
from parley.realtime.handshake import AddressOf, Handshake, Header, Refusal, Request, read_handshake
from parley.realtime.wire import (
    FIN,
    CloseCode,
    Opcode,
    Reader,
    Violation,
    frame,
    frame_close,
    frame_text,
    may_be_sent,
    read_close,
    read_text,
)

__all__ = [
    "Endpoint",
    "Listener",
    "Refusal",
    "Request",
    "Socket",
    "SocketOptions",
    "Sockets",
    "frame_text",
    "open_socket",
]

_SECONDS_OF_EXTRAS = 60.0

_log = logs.logger("realtime")


class Listener(Protocol):
    """Who hears what a socket receives. A method that raises ends the socket with 1011."""

    def opened(self, socket: "Socket") -> None:
        """Begin; the answer to the handshake is on its way."""

    def text(self, text: str) -> None:
        """Take one whole message."""

    def pong(self, payload: bytes) -> None:
        """Take the answer to a ping, or one that nobody asked for."""

    def closed(self, code: int) -> None:
        """End, once, and at once: the connection may last a little longer, but nothing is heard or said any more.

        `code` is what the first close frame said, ours or the peer's (1005: nothing). 1006 says that the peer
        vanished, or that `abort` was called, before there was one.
        """


# Decides who gets a socket; may raise Refusal.
Endpoint = Callable[[Request], Listener]


@dataclass(frozen=True, slots=True)
class SocketOptions:
    """The limits of a socket. Sizes are in bytes."""

    max_message_bytes: int = 16_384
    compression: bool = False
    close_seconds: float = 5.0
    # Control frames and fragments in a minute, which no listener sees.
    max_extra_frames: int = 600
    too_many_frames_code: int = Declared.TOO_MANY_FRAMES
    going_away_code: int = CloseCode.GOING_AWAY


@dataclass(frozen=True, slots=True)
class Sockets:
    """What a server needs to have sockets; `make` is there for tests that look at every frame."""

    endpoint: Endpoint
    options: SocketOptions
    address_of: AddressOf
    make: "MakeSocket | None" = None


class _State(Enum):
    OPEN = auto()
    CLOSING = auto()
    ENDING = auto()


class Socket(asyncio.Protocol):
    """One socket.

    `write` takes framed bytes, one frame or many, and is the transport's own until the socket closes: what is
    written after that goes nowhere. `received` counts the packets that came, so that a number that has grown is
    a sign of life.

    Who comes back gets an answer to the handshake, a greeting and what they missed: three system calls, each of
    which wakes the peer, and together a third of what coming back cost. So a listener may `hold` what is written,
    from within `opened` on: even the answer to the handshake waits then, for `release`, `drained` or a close.
    """

    __slots__ = (
        "_code",
        "_connections",
        "_cut",
        "_drained",
        "_full",
        "_held",
        "_is_held",
        "_listener",
        "_options",
        "_owed_pong",
        "_reader",
        "_since",
        "_state",
        "_transport",
        "_window_bits",
        "received",
        "request",
        "write",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        handshake: Handshake,
        listener: Listener,
        options: SocketOptions,
        connections: set[Any],
    ) -> None:
        self.request = handshake.request
        self.received = 0
        self.write: Callable[[bytes], None] = transport.write
        self._window_bits = handshake.window_bits
        self._transport = transport
        self._listener: Listener | None = listener
        self._options = options
        self._connections = connections
        self._reader = Reader(options.max_message_bytes, inflate if self.compresses else None)
        self._state = _State.OPEN
        self._code: int = CloseCode.ABNORMAL
        self._cut: asyncio.TimerHandle | None = None
        self._full = False
        self._drained: asyncio.Event | None = None
        self._owed_pong: bytes | None = None
        self._held: list[bytes] = []
        self._is_held = False
        self._since = asyncio.get_running_loop().time()

    @property
    def buffered(self) -> int:
        """Bytes that the kernel has not taken; what was written in this turn of the loop may not be in it yet."""
        return self._transport.get_write_buffer_size()

    @property
    def compresses(self) -> bool:
        """Whether `write_text` compresses. Frames that are not compressed may be written all the same."""
        return self._window_bits != 0

    @property
    def extras(self) -> int:
        """How many control frames and fragments came in this minute, counted from the first of them."""
        return self._reader.extras

    def write_text(self, payload: bytes) -> None:
        """Send one message of UTF-8."""
        if self._window_bits:
            self.write(frame_compressed(payload, self._window_bits))
        else:
            self.write(frame_text(payload))

    async def drained(self) -> None:
        """Wait while the peer reads more slowly than we write, or until there is nothing to wait for any more."""
        self.release()
        while self._full and self._state is _State.OPEN:
            if self._drained is None:
                self._drained = asyncio.Event()
            await self._drained.wait()

    def hold(self) -> None:
        """Keep what is written from now on until `release`."""
        if self._state is _State.OPEN:
            self._is_held = True
            self._write_by(self._held.append)

    def release(self) -> None:
        """Write what was kept, at once. Where nothing is held there is nothing to do."""
        if self._is_held:
            self._is_held = False
            self._write_held()

    def ping(self, payload: bytes = b"") -> None:
        """Ask for a sign of life."""
        self.write(frame(FIN | Opcode.PING, payload))

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye, wait a little for the peer to say it too, and cut the connection. Only the first counts."""
        assert may_be_sent(code), code
        if self._state is _State.OPEN:
            self._say_close(code, frame_close(code, reason), _State.CLOSING)

    def abort(self) -> None:
        """Cut the connection."""
        self._end(_State.ENDING)
        self._transport.abort()

    # ---- what uvicorn and the transport call

    def shutdown(self) -> None:
        """Go away with the server."""
        self._send_away(self._options.going_away_code)

    def open(self, answer: bytes, rest: bytes) -> None:
        """Begin. `answer` is the one to the handshake, and `rest` came behind it."""
        assert self._listener is not None
        self._connections.add(self)
        self._held.append(answer)
        self._write_by(self._held.append)
        try:
            self._listener.opened(self)
        except Exception:
            self._stumble()
        if not self._is_held and self._held:
            self._write_held()
        # Nobody needs the headers again, and the query may hold a token.
        self.request = replace(self.request, query={}, headers={})
        if rest:
            self.data_received(rest)

    def data_received(self, data: bytes) -> None:
        """Read. What comes after the peer's close frame, or after it broke the protocol, is dropped."""
        if self._is_over:
            return
        self.received += 1
        extras = self._reader.extras
        try:
            for opcode, payload in self._reader.feed(data):
                self._take(opcode, payload)
                if self._is_over:
                    return
            if self._reader.extras > extras:
                self._count_extras(self._reader.extras - extras)
        except Violation as violation:
            self._fail(violation)
        except Exception:
            self._stumble()

    def eof_received(self) -> None:
        """Let the transport close. A peer that does not read what is still to be written is cut off."""
        self._cut_later()

    def pause_writing(self) -> None:
        """Owe the answers to pings until the peer reads."""
        self._full = True

    def resume_writing(self) -> None:
        """Pay the last one, which is enough (section 5.5.3), and let go on who waits."""
        self._full = False
        self._wake()
        owed, self._owed_pong = self._owed_pong, None
        if owed is not None:
            self.write(frame(FIN | Opcode.PONG, owed))

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._connections.discard(self)
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None
        self._end(_State.ENDING)

    # ---- decisions

    @property
    def _is_over(self) -> bool:
        return self._state is _State.ENDING

    def _take(self, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.CLOSE:
            self._answer_close(payload)
        elif self._state is _State.OPEN:
            assert self._listener is not None
            if opcode is Opcode.TEXT:
                self._listener.text(read_text(payload))
            elif opcode is Opcode.PONG:
                self._listener.pong(payload)
            elif self._full:
                self._owed_pong = payload
            else:
                self.write(frame(FIN | Opcode.PONG, payload))

    def _answer_close(self, payload: bytes) -> None:
        code = read_close(payload)
        if self._state is _State.OPEN:
            self._say_close(code, frame(FIN | Opcode.CLOSE, payload[:2]), _State.ENDING)
        self._state = _State.ENDING
        # Section 7.1.1: the server closes first, so that it is the client's port that waits.
        self._transport.close()

    def _fail(self, violation: Violation) -> None:
        """Fail the connection (section 7.1.7)."""
        if self._state is _State.OPEN:
            _log.debug("a peer broke the protocol", code=int(violation.code), reason=violation.reason)
            metrics.sockets.closed(violation.code)
            said = frame_close(violation.code, violation.reason)
            self._say_close(violation.code, said, _State.ENDING)
        self._state = _State.ENDING
        # Were it closed at once, what the peer still sends would reset it, and the peer might not get to read why.
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _count_extras(self, new: int) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._since >= _SECONDS_OF_EXTRAS:
            self._since = now
            self._reader.extras = new
        if self._reader.extras > self._options.max_extra_frames:
            self._send_away(self._options.too_many_frames_code, "Too many control frames and fragments")

    def _stumble(self) -> None:
        """End a socket whose listener failed."""
        _log.exception("a listener of a socket failed")
        self._send_away(CloseCode.INTERNAL_ERROR)

    def _send_away(self, code: int, reason: str = "") -> None:
        """Close what no listener closes."""
        if self._state is _State.OPEN:
            metrics.sockets.closed(code)
            self.close(code, reason)

    def _write_held(self) -> None:
        self._write_by(self._transport.write)
        if self._held:
            held, self._held = self._held, []
            self._transport.write(b"".join(held))

    def _write_by(self, write: Callable[[bytes], None]) -> None:
        """Choose where what is written goes; frames are looked at before that, in tests."""
        self.write = write

    def _say_close(self, code: int, framed: bytes, state: _State) -> None:
        self.write(framed)
        self._is_held = False
        self._write_held()
        self._code = code
        self._cut_later()
        self._end(state)

    def _end(self, state: _State) -> None:
        """Say nothing more, and let the listener know."""
        self._state = state
        self._is_held = False
        self._held.clear()
        self.write = _nowhere
        self._wake()
        listener, self._listener = self._listener, None
        if listener is not None:
            try:
                listener.closed(self._code)
            except Exception:
                _log.exception("a listener of a socket failed")

    def _wake(self) -> None:
        waiting, self._drained = self._drained, None
        if waiting is not None:
            waiting.set()

    def _cut_later(self) -> None:
        if self._cut is None:
            loop = asyncio.get_running_loop()
            self._cut = loop.call_later(self._options.close_seconds, self._transport.abort)


MakeSocket = Callable[[asyncio.Transport, Handshake, Listener, SocketOptions, set[Any]], Socket]


def open_socket(
    sockets: Sockets,
    url: bytes,
    headers: Sequence[Header],
    transport: asyncio.Transport,
    connections: set[Any],
    answer: Callable[[Sequence[Header]], bytes],
    rest: bytes,
) -> None:
    """Take the transport of a request over, or raise Refusal. `answer` writes the head of a 101."""
    peername = transport.get_extra_info("peername")
    peer = peername[0] if isinstance(peername, tuple) else ""
    try:
        handshake = read_handshake(
            url, headers, peer, sockets.address_of, compression=sockets.options.compression
        )
        listener = sockets.endpoint(handshake.request)
    except Exception as error:
        metrics.sockets.refused(error.code if isinstance(error, Refusal) else "internal_error")
        raise
    socket = (sockets.make or Socket)(transport, handshake, listener, sockets.options, connections)
    transport.set_protocol(socket)
    socket.open(answer(handshake.headers), rest)


def _nowhere(_framed: bytes) -> None:
    """Drop what is written to a socket that says nothing any more."""
