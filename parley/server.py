"""The HTTP server: uvicorn with uvloop and httptools, and one protocol class that mends what they leave open.

- A POST that offers `Upgrade: h2c`, as Java's HttpClient sends by default, would lose its body: the offer is
  declined by reading the request again without it (RFC 9110, section 7.8: an upgrade may be ignored).
- Heads have a size and a time, bodies a time; whoever drips longer is cut off. A request may be whole within
  `head_seconds` and `body_seconds` or the connection is closed without an answer: nobody is reading there.
- What is left of a refused body is read for a while, so that the client gets to read why, and then cut off.
- What is no HTTP gets the same envelope as any other error.

Two Content-Lengths, a length together with chunks, folded headers and control bytes are refused by llhttp,
which is below httptools; `tests/e2e/test_raw_http.py` holds it to that.
"""

import asyncio
import socket
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from parley.contract.errors import error_reply
from parley.contract.exchange import WHOLE_ANSWER, pick_request_id
from parley.contract.replies import encode
from parley.errors import Invalid, ParleyError

Result = TypeVar("Result")

# Enough for a token in a header and a cookie that is not ours; nginx has 32 KiB.
MAX_HEAD_BYTES = 32_768
MAX_DISCARDED_BYTES = 8_388_608

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

    def __init__(self, app: ASGIApp, options: ServerOptions) -> None:
        super().__init__(
            app,
            host=options.host,
            port=options.port,
            http=PatientProtocol,
            # There is no socket yet; an offer of one is declined like any other.
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
        )
        self.options = options


class HeadTooLarge(ParleyError):
    """The request line and headers are larger than anybody needs."""

    code = "payload_too_large"

    def __init__(self) -> None:
        super().__init__(f"The head of the request is larger than {MAX_HEAD_BYTES} bytes")


class WholeAnswer:
    """Writes the answer to one request at once.

    uvicorn's own way looks every header through for what ours cannot have, and writes head and body each by
    itself: nine microseconds of the fifty that a request took.
    """

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    def __call__(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Write, or return False and leave it to ASGI's messages, which wait for a client that reads slowly."""
        cycle = self._cycle
        if cycle.flow.write_paused or cycle.response_started:
            return False
        if cycle.disconnected:
            return True
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        written = [STATUS_LINE[status]]
        for name, value in (*cycle.default_headers, *headers):
            written += (name, b": ", value, b"\r\n")
        if not cycle.keep_alive:
            written.append(b"connection: close\r\n")
        written += (b"\r\n", body)
        cycle.transport.write(b"".join(written))
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

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a head."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._wait(self.config.options.head_seconds, for_head=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and see to it that the rest of it comes in time."""
        if self._broken:
            return
        self._unset_keepalive_if_required()
        self._head_bytes += len(data)
        self._ended_in_this_piece = False
        try:
            self._feed(data)
        except httptools.HttpParserUpgrade:
            self.handle_websocket_upgrade()
        except httptools.HttpParserError:
            self._refuse()
        else:
            self._watch(len(data))

    def _feed(self, data: bytes) -> None:
        """Parse. A request that offers another protocol than a socket is parsed again without the offer."""
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if not self._declining:
                    raise
                data = self._head_without_offer() + data[upgrade.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                # As uvicorn does: the answer to a last request is sent though more came behind it.
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            else:
                return

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        super().on_message_begin()
        self._in_message = self._in_head = True
        self._declining = False
        if self._ended_in_this_piece:
            self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the request is to be read again without its offer of another protocol."""
        self._in_head = False
        if self._head_bytes > MAX_HEAD_BYTES and self._head_size() > MAX_HEAD_BYTES:
            self._too_large = True
            raise ValueError("the head is too large")
        if self.parser.get_method() == b"CONNECT":
            raise ValueError("this is no proxy")
        if self.parser.get_http_version() not in _VERSIONS:
            raise ValueError("this is not HTTP/1")
        for name, value in self.headers:
            # llhttp takes any coding before the chunks, and nobody here would undo it.
            if name == b"transfer-encoding" and value.lower() != b"chunked":
                raise ValueError("the body is coded")
        if self.parser.should_upgrade() and not self._should_upgrade():
            self._declining = True
        else:
            super().on_headers_complete()
            extensions: Any = {WHOLE_ANSWER: WholeAnswer(self.cycle)}
            self.scope["extensions"] = extensions
            if not self.parser.should_upgrade():
                # Trailers come after the body, and what a proxy did not look at must not pass for a header.
                self.headers = []

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        if not self._declining:
            self._in_message = False
            self._ended_in_this_piece = True
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request, unless the client may think that this one's body was never asked for."""
        super().on_response_complete()
        if self._in_message and self.expect_100_continue:
            self.transport.close()
        self._discarded_bytes = 0

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
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                # The request before it was whole. It gets its answer, and then the connection ends.
                cycle.keep_alive = False
                return
        else:
            self.transport.write(self._refusal())
        self.transport.close()

    def _refusal(self) -> bytes:
        error = HeadTooLarge() if self._too_large else Invalid("request", "Is not HTTP")
        body = encode(error_reply(error).body)
        lines = [
            STATUS_LINE[431 if self._too_large else 400],
            *(b"%s: %s\r\n" % header for header in self.server_state.default_headers),
            b"content-type: application/json\r\n",
            b"x-request-id: %s\r\n" % pick_request_id(None),
            b"content-length: %d\r\n" % len(body),
            b"connection: close\r\n\r\n",
            body,
        ]
        return b"".join(lines)


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


def make_server(app: ASGIApp, options: ServerOptions) -> Server:
    """Return a server for the running event loop; `await server.serve()` until it is told to exit."""
    return Server(ServerConfig(app, options))


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run `main` in the event loop that the server is fastest in."""
    if sys.platform == "win32":
        return asyncio.run(main)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
