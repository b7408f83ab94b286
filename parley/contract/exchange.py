"""One request and its one answer.

An exchange begins before anything is known of the request but its headers, so that every answer, also that
of an unknown path, has a request id, CORS headers and a place in the metrics.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from itertools import count
from time import perf_counter
from typing import Any, ClassVar, Protocol

from starlette.types import Receive, Scope, Send

from parley.contract.addresses import ClientAddresses, counted_address
from parley.contract.answers import AnswersRecorder
from parley.contract.cors import Cors
from parley.contract.errors import PayloadTooLarge
from parley.contract.limits import Count, RateLimits, as_limit
from parley.contract.observer import RequestObserver
from parley.contract.published import PUBLISHED, Published
from parley.contract.replies import Reply, encode
from parley.contract.request import RequestInfo
from parley.model import Caller

Header = tuple[bytes, bytes]

# Where our server puts itself into `scope["extensions"]`.
DIRECT = "parley.direct"


class Direct(Protocol):
    """What our server can do beyond ASGI: hand over what it has, and take what it can write at once."""

    def body(self) -> bytes | None:
        """Return the whole body, once; None while it is not all there."""

    def answer(self, status: int, head: bytes, body: bytes) -> bool:
        """Write an answer, of which `head` has the lines of the headers.

        Return False where the client is slow to read: then ASGI's way, which can wait, is the way.
        """


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_COMMON = b"x-request-id: %%b\r\nx-contract: %b\r\nvary: Origin\r\n%%b"
_LENGTH = b"content-length: %d\r\n"
# RFC 9110, sections 8.6 and 15.4.5: what has no content has no length, and 304 has that of what it stands for.
_WITHOUT_LENGTH = (204, 304)
_NO_REPEATS: Mapping[bytes, list[bytes]] = {}

# A number per request behind a random prefix per process: unique, and a hundred times cheaper than a UUID.
_prefix = secrets.token_hex(6).encode()
_numbers = count(1)


def common_lines(published: Published) -> bytes:
    """Return the lines of every head, with room for the request id and the lines of CORS."""
    return _COMMON % published.header.encode()


def pick_request_id(given: bytes | None) -> bytes:
    """Return the client's own id where it is sane, else a new one. It stands in headers and in logs."""
    if given is not None and _REQUEST_ID.fullmatch(given) is not None:
        return given
    return b"%s-%x" % (_prefix, next(_numbers))


class Edge:
    """What all exchanges of a server share."""

    def __init__(
        self,
        cors: Cors,
        addresses: ClientAddresses,
        limits: RateLimits,
        observer: RequestObserver,
        recorder: AnswersRecorder | None,
    ) -> None:
        self.cors = cors
        self.limits = limits
        self.addresses = addresses
        self.observer = observer
        self.recorder = recorder


class Exchange:
    """A request as its headers tell it, and the way to answer it, once."""

    published: ClassVar[Published] = PUBLISHED
    _common_lines: ClassVar[bytes] = common_lines(PUBLISHED)

    __slots__ = (
        "_common_headers",
        "_cors_headers",
        "_direct",
        "_edge",
        "_send",
        "_started",
        "address",
        "caller",
        "headers",
        "limit_headers",
        "receive",
        "repeated",
        "request_id",
        "scope",
    )

    def __init__(self, edge: Edge, scope: Scope, receive: Receive, send: Send) -> None:
        self._started = perf_counter()
        self._edge = edge
        self._send = send
        # Taken out, because what a scope refers to refers to the scope: a circle only the garbage collector ends.
        self._direct: Direct | None = scope.setdefault("extensions", {}).pop(DIRECT, None)
        self.scope = scope
        self.receive = receive
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.repeated = _repeats(scope) if len(self.headers) != len(scope["headers"]) else _NO_REPEATS
        self.limit_headers = b""
        self.caller: Caller | None = None
        client = scope.get("client")
        self.address: str = client[0] if client else "local"
        if b"x-forwarded-for" in self.headers or b"forwarded" in self.headers:
            self.address = edge.addresses.address(
                self.address, self._joined(b"x-forwarded-for"), self._joined(b"forwarded")
            )
        request_id = pick_request_id(self.single(b"x-request-id"))
        self.request_id = request_id.decode("ascii")
        origin = self.headers.get(b"origin")
        self._cors_headers = b"" if origin is None else edge.cors.headers(origin, self.headers.get(b"host"))
        self._common_headers = self._common_lines % (request_id, self._cors_headers)

    @staticmethod
    def limit_lines(count: Count) -> bytes:
        """Write a counter into the head of the answer."""
        return count.headers()

    def info(self) -> RequestInfo:
        """Tell where the request came from. What the client calls itself it may have made up."""
        agent = self.headers.get(b"user-agent")
        return RequestInfo(self.request_id, self.address, None if agent is None else agent.decode("latin-1"))

    async def limits_left(self) -> list[dict[str, Any]]:
        """Tell what is left of each bucket for the caller."""
        limits = self._edge.limits
        return [
            as_limit(
                await limits.peek(bucket, self.user_key() if not bucket.by_address else self.address_key())
            )
            for bucket in limits.buckets.values()
        ]

    def user_key(self) -> str:
        """Return what tells the caller's counters from others'."""
        assert self.caller is not None
        return f"user/{self.caller.user_id.hex}"

    def address_key(self) -> str:
        """Return what tells the address's counters from others'."""
        return f"address/{counted_address(self.address)}"

    def single(self, name: bytes) -> bytes | None:
        """Return a header that must not be repeated; None where it is missing or was sent twice."""
        return None if name in self.repeated else self.headers.get(name)

    def add_lines(self, lines: bytes) -> None:
        """Put these lines into the head of the answer, whatever it will be."""
        self._common_headers += lines

    def options_reply(self, allow: str) -> Reply:
        """Answer OPTIONS: what the path can do, and to a browser that asks for a page what it may send."""
        if b"access-control-request-method" in self.headers and self._cors_headers:
            self._common_headers += self._edge.cors.preflight_headers(allow)
        return Reply(204, headers={"Allow": allow})

    async def answer(self, reply: Reply, operation: str | None, route: str) -> None:
        """Send the reply, whole. Before anything is sent it raises TypeError for a body that is no JSON,
        and ValueError for a header that would be more than one.
        """
        status = reply.status
        body = b"" if reply.body is None else encode(reply.body)
        lines = [self._common_headers, self.limit_headers]
        if body:
            lines.append(reply.content_type)
        if status not in _WITHOUT_LENGTH:
            lines.append(_LENGTH % len(body))
        if reply.headers:
            lines.extend(_line(name, value) for name, value in reply.headers.items())
        head = b"".join(lines)
        scope = self.scope
        edge = self._edge
        if edge.recorder is not None:
            edge.recorder.record(operation, scope["method"], status, _headers(head), body)
        if scope["method"] == "HEAD":
            body = b""
        direct = self._direct
        if direct is None or not direct.answer(status, head, body):
            await self._send({"type": "http.response.start", "status": status, "headers": _headers(head)})
            await self._send({"type": "http.response.body", "body": body})
        edge.observer.answered(
            operation, scope["method"], route, status, perf_counter() - self._started, self.request_id
        )

    def body_at_hand(self, limit: int) -> bytes | None:
        """Return the body where all of it is here already. Raises PayloadTooLarge."""
        body = None if self._direct is None else self._direct.body()
        if body is not None and len(body) > limit:
            raise PayloadTooLarge(limit)
        return body

    def lines(self, name: bytes) -> Sequence[str] | None:
        """Return all lines of a header as text; None where there is none."""
        value = self.headers.get(name)
        if value is None:
            return None
        return [line.decode("latin-1") for line in self.repeated.get(name, (value,))]

    def _joined(self, name: bytes) -> bytes | None:
        """Return a list header as one value: proxies may append a line of their own (RFC 9110, 5.3)."""
        lines = self.repeated.get(name)
        return self.headers.get(name) if lines is None else b",".join(lines)


def _line(name: str, value: str) -> bytes:
    if _CONTROL.search(value) is not None:
        raise ValueError(f"The header {name} has a control character in it")
    return f"{name.lower()}: {value}\r\n".encode()


def _headers(head: bytes) -> list[Header]:
    """Take a head apart again, as ASGI wants it."""
    pairs = (line.partition(b": ") for line in head.split(b"\r\n")[:-1])
    return [(name, value) for name, _, value in pairs]


def _repeats(scope: Scope) -> dict[bytes, list[bytes]]:
    lines: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        lines.setdefault(name, []).append(value)
    return {name: values for name, values in lines.items() if len(values) > 1}
