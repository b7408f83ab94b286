"""How a page answers: whole bodies, GET and HEAD only, and headers that keep a browser from guessing."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from parley.contract.errors import MethodNotAllowed, error_reply
from parley.contract.replies import encode
from parley.errors import ParleyError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Page = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[str, str]]

_ALLOWED = ("GET", "HEAD")

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


async def answer(
    scope: Scope,
    send: Send,
    status: int,
    body: bytes,
    content_type: str,
    headers: Headers = (),
) -> None:
    """Send one whole answer; to HEAD without the body, but with its length."""
    fields = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("X-Content-Type-Options", "nosniff"),
        *headers,
    ]
    raw = [(name.lower().encode(), value.encode()) for name, value in fields]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def refuse(scope: Scope, send: Send, error: ParleyError) -> None:
    """Answer with the envelope that all of Parley's errors have."""
    reply = error_reply(error)
    await answer(scope, send, reply.status, encode(reply.body), JSON, reply.headers.items())


def only_read(page: Page) -> Page:
    """Let a page hear of GET and HEAD; every other method is refused."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in _ALLOWED:
            await refuse(scope, send, MethodNotAllowed(", ".join(_ALLOWED)))
        else:
            await page(scope, receive, send)

    return guarded


class StaticPage:
    """A body that never changes while the server runs; made and compressed when it is first asked for."""

    def __init__(self, read: Callable[[], bytes], content_type: str, headers: Headers = ()) -> None:
        self._read = read
        self._content_type = content_type
        self._headers = (("Vary", "Accept-Encoding"), ("Cache-Control", "no-cache"), *headers)
        self._making: asyncio.Task[tuple[bytes, bytes]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in _ALLOWED:
            return await refuse(scope, send, MethodNotAllowed(", ".join(_ALLOWED)))
        plain, compressed = await self._bodies()
        if _accepts_gzip(scope):
            headers = (*self._headers, ("Content-Encoding", "gzip"))
            return await answer(scope, send, 200, compressed, self._content_type, headers)
        await answer(scope, send, 200, plain, self._content_type, self._headers)

    async def _bodies(self) -> tuple[bytes, bytes]:
        # A thread, because compressing the viewer's four megabytes takes a tenth of a second; shielded,
        # because the first reader may leave while a second one waits for the same bytes.
        if self._making is None:
            self._making = asyncio.create_task(asyncio.to_thread(self._make))
        return await asyncio.shield(self._making)

    def _make(self) -> tuple[bytes, bytes]:
        plain = self._read()
        return plain, gzip.compress(plain, compresslevel=6, mtime=0)


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first field of that name (in lower case), or None."""
    return next((value for field, value in scope["headers"] if field == name), None)


def _accepts_gzip(scope: Scope) -> bool:
    # RFC 9110, section 12.5.3: a weight of zero means "not this one".
    for choice in (header(scope, b"accept-encoding") or b"").lower().split(b","):
        coding, _, weight = choice.partition(b";")
        if coding.strip() in {b"gzip", b"*"}:
            return weight.replace(b" ", b"") not in {b"q=0", b"q=0.0", b"q=0.00", b"q=0.000"}
    return False
