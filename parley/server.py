"""The HTTP server: uvicorn with uvloop and httptools, and one protocol class that mends what they leave open.

- A POST that offers `Upgrade: h2c`, as Java's HttpClient sends by default, would lose its body: the offer is
  declined by reading the request again without it (RFC 9110, section 7.8: an upgrade may be ignored).
- Heads have a size and a time, bodies a time; whoever drips longer is cut off. A request may be whole within
  `head_seconds` and `body_seconds` or the connection is closed without an answer: nobody is reading there.
- What is left of a refused body is read for a while, so that the client gets to read why, and then cut off.
- What is no HTTP gets the same envelope as any other error.
- A handshake of a WebSocket hands the connection over to `parley.realtime.socket`, where there are sockets.

Two Content-Lengths, a length together with chunks, folded headers and control bytes are refused by llhttp,
which is below httptools; `tests/e2e/test_raw_http.py` holds it to that.
"""

import asyncio
import socket
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar, cast

import httptools
import uvicorn
import uvloop
from starlette.types import ASGIApp
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import is_ssl

from parley import logs
from parley.contract.errors import InternalError, error_reply
from parley.contract.exchange import DIRECT, pick_request_id
from parley.contract.published import CONTRACT_HEADER
from parley.contract.replies import encode
from parley.errors import Invalid
from parley.realtime.handshake import Header, is_offered
from parley.realtime.socket import Refusal, Sockets, open_socket

Result = TypeVar("Result")

_log = logs.logger("server")

# Enough for a token in a header and a cookie that is not ours; nginx has 32 KiB.
MAX_HEAD_BYTES = 32_768
MAX_DISCARDED_BYTES = 8_388_608
# How many connections wait to be accepted, as far as the system lets them (net.core.somaxconn): of thousands who come
# back at once, those who find no room knock again only after a second, and then after three.
BACKLOG = 16_384

_VERSIONS = frozenset({"1.0", "1.1"})
_OFFER = frozenset({b"upgrade", b"http2-settings"})


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where to listen and how long to wait. Seconds, all of them."""

    host: str = "127.0.0.1"
    port: int = 0
    keep_alive_seconds: int = 65
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    grace_seconds: int = 10


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration with ours beside it, since a protocol is given nothing else."""

    def __init__(self, app: ASGIApp, options: ServerOptions, sockets: Sockets | None = None) -> None:
        super().__init__(
            app,
            host=options.host,
            port=options.port,
            http=PatientProtocol,
            # uvicorn's own ways to speak WebSocket log the path with its token.
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            # Whom to believe about addresses is the contract's business.
            proxy_headers=False,
            timeout_keep_alive=options.keep_alive_seconds,
            timeout_graceful_shutdown=options.grace_seconds,
            backlog=BACKLOG,
        )
        self.options = options
        self.sockets = sockets


class DirectCycle:
    """One request and its answer without ASGI's messages between the two of us.

    uvicorn's own way to answer looks every header through for what ours cannot have, and writes head and body
    each by itself: nine microseconds of the fifty that a request took.
    """

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    def body(self) -> bytes | None:
        """Return the whole body, once; None while it is not all there."""
        cycle = self._cycle
        if cycle.more_body or cycle.disconnected:
            return None
        body = bytes(cycle.body)
        cycle.body = bytearray()
        return body

    def answer(self, status: int, head: bytes, body: bytes) -> bool:
        """Write, or return False and leave it to ASGI's messages, which wait for a client that reads slowly."""
        cycle = self._cycle
        if cycle.flow.write_paused or cycle.response_started:
            return False
        if cycle.disconnected:
            return True
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        lines = [STATUS_LINE[status], *(b"%b: %b\r\n" % header for header in cycle.default_headers), head]
        if not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        lines += (b"\r\n", body)
        cycle.transport.write(b"".join(lines))
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, patient up to a point."""

    config: ServerConfig

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn asks whether the root logger has handlers, and would write paths with their tokens to them.
        self.access_log = False
        self._broken = False
        self._in_message = False
        self._in_head = False
        self._head_bytes = 0
        self._discarded_bytes = 0
        self._declining = False
        self._ended_in_this_piece = False
        self._too_large = False
        self._deadline: asyncio.TimerHandle | None = None
        self._deadline_is_for_head = False
        self._idle_since = 0.0
        self._idle_check: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a head.

        This is uvicorn's own but for the addresses: to ask for those it makes a socket object, which takes a tenth of
        the time that a new connection does, and stays for as long as that.
        """
        self.connections.add(self)
        self.transport = cast(asyncio.Transport, transport)
        self.flow = FlowControl(self.transport)
        self.server = _address(transport.get_extra_info("sockname"))
        self.client = _address(transport.get_extra_info("peername"))
        self.scheme = "https" if is_ssl(self.transport) else "http"
        self._wait(self.config.options.head_seconds, for_head=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        if self._idle_check is not None:
            self._idle_check.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and see to it that the rest of it comes in time."""
        if self._broken:
            return
        self._head_bytes += len(data)
        self._ended_in_this_piece = False
        try:
            rest = self._feed(data)
        except httptools.HttpParserError:
            self._refuse()
        else:
            if rest is None:
                self._watch(len(data))
            else:
                self._hand_over(rest)

    def _feed(self, data: bytes) -> bytes | None:
        """Parse. A request that offers another protocol than a socket is parsed again without the offer.

        Returns what stands behind a handshake, if there was one.
        """
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if not self._declining:
                    return data[upgrade.args[0] :]
                data = self._head_without_offer() + data[upgrade.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                # As uvicorn does: the answer to a last request is sent though more came behind it.
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            else:
                return None

    def _should_upgrade(self) -> bool:
        """Say whether the offer is taken. uvicorn asks this too, and only where a protocol is offered."""
        return self.config.sockets is not None and is_offered(
            self.parser.get_method(), self.parser.get_http_version(), self.headers
        )

    def _hand_over(self, rest: bytes) -> None:
        """Let the socket have the connection, or answer why not and close it."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            # Its answer would end up among the frames.
            self._refuse()
            return
        assert self.config.sockets is not None
        self._broken = True
        self._stop_waiting()
        try:
            open_socket(
                self.config.sockets,
                self.url,
                self.headers,
                self.transport,
                self.connections,
                self._switching,
                rest,
            )
        except Refusal as refusal:
            error = {"code": refusal.code, "message": refusal.message, "details": refusal.details}
            self._end_with(refusal.status, {"error": error}, refusal.headers)
        except Exception:
            _log.exception("a handshake failed")
            self._end_with(500, error_reply(InternalError()).body)
        else:
            self.connections.discard(self)
            # It refers to us as we do to it, and this one object of the two is never needed again.
            self.parser = None  # type: ignore[assignment]  # nothing is parsed any more

    def _switching(self, headers: Sequence[Header]) -> bytes:
        upgrade = [(b"upgrade", b"websocket"), (b"connection", b"Upgrade"), *headers]
        return self._head(101, upgrade) + b"\r\n"

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        super().on_message_begin()
        self._in_message = self._in_head = True
        self._declining = False
        if self._ended_in_this_piece:
            self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the request is to be read again without its offer of another protocol."""
        if self._head_bytes > MAX_HEAD_BYTES and self._head_size() > MAX_HEAD_BYTES:
            self._too_large = True
            raise ValueError("the head is too large")
        if self.parser.get_method() == b"CONNECT":
            raise ValueError("this is no proxy")
        if self.parser.get_http_version() not in _VERSIONS:
            raise ValueError("this is not HTTP/1")
        names = [name for name, _ in self.headers]
        hosts = names.count(b"host")
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            # RFC 9112, section 3.2; two servers in a row may believe two different ones.
            raise ValueError("a request names its host once")
        if b"transfer-encoding" in names:
            # llhttp takes any coding before the chunks, and nobody here would undo it.
            codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
            if any(coding != b"chunked" for coding in codings):
                raise ValueError("the body is coded")
        self._in_head = False
        if self.parser.should_upgrade() and not self._should_upgrade():
            self._declining = True
        else:
            super().on_headers_complete()
            if not self.parser.should_upgrade():
                extensions: Any = {DIRECT: DirectCycle(self.cycle)}
                self.scope["extensions"] = extensions
                # Trailers come after the body, and what a proxy did not look at must not pass for a header.
                self.headers = []

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        if not self._declining:
            self._in_message = False
            self._ended_in_this_piece = True
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request, or begin to be idle.

        uvicorn sets a timer here and takes it back with the next request, which costs a microsecond and a half.
        """
        self.server_state.total_requests += 1
        self._discarded_bytes = 0
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._in_message and self.expect_100_continue:
            # The client may think that this body was never asked for: what comes next could be either.
            self.transport.close()
        else:
            self._idle_since = self.loop.time()
            if self._idle_check is None:
                self._idle_check = self.loop.call_later(self.timeout_keep_alive, self._end_if_idle)

    def _end_if_idle(self) -> None:
        """Close after a whole time of rest; look again when there may have been one."""
        self._idle_check = None
        if self._in_message or not self.cycle.response_complete:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._idle_check = self.loop.call_later(left, self._end_if_idle)
        else:
            self.transport.close()

    def _watch(self, received: int) -> None:
        """Look after each piece where the request stands. A request in one piece costs three comparisons."""
        if not self._in_message:
            self._head_bytes = 0
            if self._deadline is not None:
                self._stop_waiting()
            return
        if self._in_head:
            if self._head_bytes > MAX_HEAD_BYTES:
                self._too_large = True
                self._refuse()
            elif self._deadline is None:
                self._wait(self.config.options.head_seconds, for_head=True)
            return
        self._head_bytes = 0
        if self._deadline is None or self._deadline_is_for_head:
            self._wait(self.config.options.body_seconds, for_head=False)
        if self.cycle.response_complete:
            self._discarded_bytes += received
            if self._discarded_bytes > MAX_DISCARDED_BYTES:
                self.transport.close()

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _head_without_offer(self) -> bytes:
        """Write the head again as if nothing but HTTP/1.1 had been offered."""
        head = [self.parser.get_method(), b" ", self.url, b" HTTP/", self.parser.get_http_version().encode()]
        for name, value in self.headers:
            if name == b"connection":
                tokens = [token.strip() for token in value.split(b",")]
                value = b", ".join(token for token in tokens if token.lower() not in _OFFER)
            if value and name not in _OFFER:
                head += [b"\r\n", name, b": ", value]
        head.append(b"\r\n\r\n")
        return b"".join(head)

    def _wait(self, seconds: float, *, for_head: bool) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(seconds, self._give_up)
        self._deadline_is_for_head = for_head

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        self.transport.close()

    def _refuse(self) -> None:
        """Answer what is no request, and close: where the next one would begin cannot be known."""
        self._broken = True
        self._stop_waiting()
        cycle: Any = self.cycle
        in_body = self._in_message and not self._in_head
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                # The request before it was whole. It gets its answer, and then the connection ends.
                cycle.keep_alive = False
                return
            # Whoever waits for the rest of this body hears that the client is gone, and answers nothing.
            cycle.disconnected = True
            cycle.message_event.set()
        if in_body and cycle.response_started:
            # It has its answer. A second one would be taken for that of the next request.
            self.transport.close()
            return
        if in_body:
            self.headers = list(self.scope["headers"])
        reason = f"Has a head of more than {MAX_HEAD_BYTES} bytes" if self._too_large else "Is not HTTP"
        self._end_with(400, error_reply(Invalid("request", reason)).body)

    def _end_with(self, status: int, body: Any, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        """Answer without the application, and close."""
        content = encode(body)
        more = [
            *((name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()),
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
            (b"connection", b"close"),
        ]
        self.transport.write(b"%s\r\n%s" % (self._head(status, more), content))
        self.transport.close()

    def _head(self, status: int, headers: Sequence[Header]) -> bytes:
        given = next((value for name, value in self.headers or () if name == b"x-request-id"), None)
        own = ((b"x-request-id", pick_request_id(given)), CONTRACT_HEADER)
        every = [*self.server_state.default_headers, *own, *headers]
        return STATUS_LINE[status] + b"".join(b"%s: %s\r\n" % header for header in every)


def _address(found: object) -> tuple[str, int] | None:
    """Return host and port; a transport that has neither, as on a Unix socket, has no such tuple."""
    return (found[0], found[1]) if isinstance(found, tuple) else None


class Server(uvicorn.Server):
    """uvicorn's server, which says when it is `ready`, and leaves signals to whoever owns the process."""

    def __init__(self, config: ServerConfig) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Change nothing: what a signal means is decided where the process began."""
        yield


def make_server(app: ASGIApp, options: ServerOptions, sockets: Sockets | None = None) -> Server:
    """Return a server for the running event loop; `await server.serve()` until it is told to exit."""
    return Server(ServerConfig(app, options, sockets))


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run `main` in the event loop that the server is fastest in."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
