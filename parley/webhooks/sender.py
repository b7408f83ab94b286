"""Sends one request to one webhook and says what came of it. Whether and when it is sent again is not decided here.

Every address is judged at the moment when a socket for it is made, after the name was resolved: what was judged
is what is connected to, whatever the name leads to a moment later. Connections are kept; one that is used again
still ends where it was judged. Redirects are not followed, proxies of the environment are not used.
"""

import asyncio
import math
import os
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from yarl import URL

from parley.errors import Invalid
from parley.services.egress import Egress
from parley.webhooks.resolver import LeadsNowhere, LookUp, Resolver, Unresolved

TIMEOUT_SECONDS = 15.0
MAX_EXCERPT_BYTES = 4096

_KEEP_SECONDS = 20.0
# For how long what was written can be sent as it is.
_FRESH_SECONDS = 0.05
# A name that moves is followed after so many seconds at the latest, where no connection to it is kept.
_NAME_SECONDS = 10
_MAX_HEADER_BYTES = 8190
_MAX_HEADERS = 100
_BUFFER_BYTES = 8192
# What one turn of the loop reads of an answer at most: reading is work, and the receiver chooses how much there is.
_KERNEL_BUFFER_BYTES = 16 * 1024
# A receiver may say that it is still there (RFC 9110, section 15.2), but not for ever.
_MAX_INTERIM_ANSWERS = 10
# An empty line, which some write without carriage returns.
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_URLS_KEPT = 10_000
# The longest wait that a receiver may ask for in seconds has so many digits: more is nonsense.
_MAX_DIGITS = 9


class Refused(OSError):
    """An address or a port is one where webhooks may not go, for the reason that is its sentence."""


# Called with body and headers of each request that leaves.
Observe = Callable[[bytes, Mapping[str, str]], None]
Written = tuple[bytes, Mapping[str, str]]
# Writes a request anew, with what holds by now; None where nothing is to be sent any more.
Renew = Callable[[], Awaitable[Written | None]]


class Withdrawn(Exception):
    """When the request could be written at last, there was nothing to be sent any more."""


class ObserverFailed(Exception):
    """Whoever observes has raised something, so that the request was not sent."""


@dataclass(slots=True)
class _Request:
    """What is to be sent, from when on it has to be written anew, and who hears of it when it leaves."""

    written: Written
    renew: Renew | None
    stale_at: float
    observe: Observe | None


_under_way: ContextVar[_Request] = ContextVar("request")

# Whether the request that runs in this context has opened a connection of its own.
_opened: ContextVar[list[None]] = ContextVar("opened")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request. `status` is None where nobody answered, and then `error` says why.

    `excerpt` is the beginning of the answer's body; `retry_after` is in seconds from now.
    """

    status: int | None
    error: str | None
    latency_ms: int
    excerpt: str | None = None
    retry_after: float | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the receiver has taken it: any status from 200 to 299, as soon as it is there."""
        return self.status is not None and 200 <= self.status < 300


class Sender:
    """Sends requests over connections that it keeps. To be started and stopped in one event loop.

    `observe` is for tests, and hears of each request at the moment when it is written to a connection. So are `tls` and
    `look_up`: what certificates are trusted, and what names lead to.
    """

    def __init__(
        self,
        egress: Egress,
        *,
        timeout: float = TIMEOUT_SECONDS,
        observe: Observe | None = None,
        tls: ssl.SSLContext | None = None,
        look_up: LookUp | None = None,
    ) -> None:
        self._egress = egress
        self._timeout = timeout
        self._observe = observe
        self._tls = tls
        self._look_up = look_up
        self._session: aiohttp.ClientSession | None = None
        self._url = lru_cache(maxsize=_URLS_KEPT)(self._checked)

    async def start(self) -> None:
        """Be ready to send."""
        connector = _Connector(
            resolver=Resolver(self._egress, self._look_up),
            ttl_dns_cache=_NAME_SECONDS,
            # Whoever calls `send` decides how many run at the same time.
            limit=0,
            keepalive_timeout=_KEEP_SECONDS,
            ssl=self._tls or ssl.create_default_context(),
            socket_factory=self._make_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
            request_class=_LateRequest,
            read_bufsize=_BUFFER_BYTES,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
            max_headers=_MAX_HEADERS,
            trust_env=False,
        )

    async def stop(self) -> None:
        """Close all connections. Requests that still run end with an error."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(
        self, url: str, body: bytes, headers: Mapping[str, str], renew: Renew | None = None
    ) -> Outcome:
        """Send a request and return what came of it, in `timeout` seconds at the most.

        Where it takes a while until it can be written, because a name has to be looked up or somebody greets slowly,
        `renew` writes it anew. Nothing that a receiver does raises an exception; Withdrawn is `renew`'s doing, and
        ObserverFailed that of whoever observes.
        """
        began = time.monotonic()
        deadline = began + self._timeout
        request = _Request((body, headers), renew, began + _FRESH_SECONDS, self._observe)
        _under_way.set(request)
        while True:
            opened: list[None] = []
            _opened.set(opened)
            try:
                return await self._exchange(self._url(url), *request.written, began, deadline)
            except Invalid as refusal:
                return _failure(f"the URL {refusal.details['reason']}", began)
            except (aiohttp.ClientError, OSError, ValueError) as error:
                if not opened and _was_left_over(error):
                    # The receiver closed a connection that was kept, at the moment it was used again, or there was
                    # something left in it. A receiver that got the request twice knows it by its webhook-id.
                    continue
                return self._unanswered(error, began)

    async def _exchange(
        self, url: URL, body: bytes, headers: Mapping[str, str], began: float, deadline: float
    ) -> Outcome:
        assert self._session is not None, "the sender was not started"
        response = await self._session.post(
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            # The threshold above which aiohttp rounds up to whole seconds is out of reach.
            timeout=aiohttp.ClientTimeout(
                total=max(deadline - time.monotonic(), 0.001), ceil_threshold=math.inf
            ),
        )
        try:
            excerpt = await _read(response.content)
        finally:
            # Where the answer was read to its end, its connection is back among the others already.
            response.close()
        status = response.status
        return Outcome(
            status=status,
            error="redirects are not followed" if 300 <= status < 400 else None,
            latency_ms=_milliseconds_since(began),
            excerpt=_as_text(excerpt),
            retry_after=None if status < 300 else _retry_after(response.headers.get("Retry-After")),
        )

    def _checked(self, url: str) -> URL:
        self._egress.check_url(url)
        return URL(url, encoded=True)

    def _make_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """Make the socket for an address, or raise Refused. Nothing is connected to but through here."""
        family, kind, protocol, _, (host, port, *_) = info
        opened = _opened.get()
        reason = self._egress.reason(ip_address(host))
        if reason is not None:
            raise Refused(reason)
        if not self._egress.allows_port(int(port)):
            raise Refused(f"at port {port}, which webhooks may not use here")
        opened.append(None)
        made = socket.socket(family=family, type=kind, proto=protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BUFFER_BYTES)
        return made

    def _unanswered(self, error: Exception, began: float) -> Outcome:
        """Say why there is no answer. Nothing is told of addresses behind a name: they may be nobody's business."""
        cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
        if isinstance(cause, LeadsNowhere):
            # Nor how long it took to find that out, which may be another time for names that are known.
            return Outcome(status=None, error=str(cause), latency_ms=0)
        if isinstance(cause, Refused):
            return _failure(f"the host leads to an address that is refused: it is {cause}", began)
        return _failure(str(cause) if isinstance(cause, Unresolved) else self._reason(error), began)

    def _reason(self, error: Exception) -> str:
        match error:
            case TimeoutError():
                return f"no answer within {self._timeout:g} s"
            case aiohttp.ClientConnectorCertificateError():
                return f"the certificate is not valid: {_certificate_problem(error.certificate_error)}"
            case aiohttp.ClientSSLError() | ssl.SSLError():
                return "TLS failed"
            case aiohttp.ClientConnectorError():
                return f"no connection: {_words(error.os_error)}"
            case aiohttp.ServerDisconnectedError():
                return "the connection was closed before an answer"
            case aiohttp.ClientResponseError():
                return "the answer is not HTTP"
            case aiohttp.ClientPayloadError():
                return "there is no end of interim answers"
            case OSError():
                return f"the connection broke: {_words(error)}"
        return f"no answer: {type(error).__name__}"


class _LateRequest(aiohttp.ClientRequest):
    """A request that is written when there is a connection for it, and not before.

    A message may be deleted while a receiver takes its time: what leaves then is what there is of it by then.
    """

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Write it to a connection. Raises Withdrawn."""
        request = _under_way.get()
        if request.renew is not None and time.monotonic() >= request.stale_at:
            written = await request.renew()
            if written is None:
                raise Withdrawn
            request.written, request.stale_at = written, time.monotonic() + _FRESH_SECONDS
            body, headers = written
            self.headers.update(headers)
            await self.update_body(body)
        if request.observe is not None:
            _tell(request.observe, request.written)
        return await super().send(conn)


class _Connector(aiohttp.TCPConnector):
    """Makes connections that understand answers as `_Protocol` does."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory: Any = partial(_Protocol, loop=self._loop)


class _Protocol(ResponseHandler):
    """One connection. The head of an answer counts as soon as it is there, whatever comes behind it.

    aiohttp's parser forgets a head when the same piece of data has something in it that is wrong: a body after 204,
    or more of it than was announced. So it gets each head by itself. It reads interim answers for ever, while nobody
    else runs. And what comes when nobody has asked for anything it keeps, however much that is: here it is the end of
    the connection.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._is_answered = False
        self._interim_left = 0
        # The end of what came before, where a head may have begun to end.
        self._before = b""

    def set_response_params(self, **options: Any) -> None:
        """Begin to wait for an answer."""
        self._is_answered = False
        self._interim_left = _MAX_INTERIM_ANSWERS + 1
        self._before = b""
        super().set_response_params(**options)

    def feed_data(self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0) -> None:
        """Note a head."""
        # Behind 101 nothing else of HTTP follows (RFC 9110, section 15.2.2).
        self._is_answered = data[0].code >= 200 or data[0].code == 101
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Take what came, each head apart from what is behind it."""
        while not self._is_answered and self._exception is None:
            if not self._before:
                # Empty lines before a head are none (RFC 9112, section 2.2), however many there are.
                data = data.lstrip(b"\r\n")
                if not data:
                    return
            seen = self._before + data
            end = _END_OF_HEAD.search(seen)
            if end is None:
                self._before = seen[-3:]
                break
            head, data = data[: end.end() - len(self._before)], seen[end.end() :]
            self._before = b""
            super().data_received(head)
            if not data:
                return
        if self._is_answered and (self._payload is None or self._payload.is_eof()):
            self._hang_up()
        elif self._exception is None:
            super().data_received(data)

    def _hang_up(self) -> None:
        """Let nobody use the connection again, and read no more of it. What was answered by now stays."""
        self.force_close()
        if self.transport is not None:
            self.transport.abort()

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """End a body in which there was something wrong: aiohttp leaves its reader waiting."""
        super().set_exception(exc, *cause)
        if self._payload is not None and not self._payload.is_eof():
            self._payload.feed_eof()

    async def read(self) -> tuple[RawResponseMessage, aiohttp.StreamReader]:
        """Return the next answer. Raises ClientPayloadError where there are too many before the one that counts."""
        self._interim_left -= 1
        if self._interim_left < 0:
            raise aiohttp.ClientPayloadError("There is no end of interim answers")
        return await super().read()


def _tell(observe: Observe, written: Written) -> None:
    try:
        observe(*written)
    except Exception as error:
        # As it is it might be taken for something that the receiver did.
        raise ObserverFailed from error


def _failure(error: str, began: float) -> Outcome:
    return Outcome(status=None, error=error, latency_ms=_milliseconds_since(began))


def _milliseconds_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _was_left_over(error: Exception) -> bool:
    """Tell whether a connection broke, or said what is no answer to anything.

    One that could not be made, and a timeout, are other errors.
    """
    if isinstance(error, aiohttp.ClientConnectorError | TimeoutError):
        return False
    return isinstance(
        error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError | aiohttp.ClientResponseError
    )


async def _read(content: aiohttp.StreamReader) -> bytes:
    """Return the beginning of a body. The status has been heard: a body that breaks off or drips changes nothing."""
    excerpt = b""
    try:
        # One byte more than is kept, so that the end of a body that just fits is seen and its connection kept.
        while (missing := MAX_EXCERPT_BYTES + 1 - len(excerpt)) > 0:
            piece = await content.read(missing)
            if not piece:
                break
            excerpt += piece
    except (aiohttp.ClientError, OSError):
        pass
    return excerpt[:MAX_EXCERPT_BYTES]


def _as_text(excerpt: bytes) -> str | None:
    """Return bytes as text that PostgreSQL can store, still within the bound, or None where there are none."""
    text = excerpt.decode(errors="replace").replace("\0", "\ufffd")
    return text.encode()[:MAX_EXCERPT_BYTES].decode(errors="ignore") or None


def _retry_after(value: str | None) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, section 10.2.3), which holds seconds or a date."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value) if len(value) <= _MAX_DIGITS else None
    try:
        date = parsedate_to_datetime(value)
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        return max((date - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, OverflowError):
        return None


def _certificate_problem(error: Exception) -> str:
    return getattr(error, "verify_message", None) or "it was not issued for this host"


def _words(error: OSError) -> str:
    """Return the system's words for an error, without the address that asyncio puts before them."""
    return os.strerror(error.errno).lower() if error.errno and error.errno > 0 else "the connection broke"
