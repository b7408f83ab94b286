"""How a page answers: whole bodies, GET and HEAD only, and headers that keep a browser from guessing."""

import asyncio
import gzip
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from parley.contract.errors import MethodNotAllowed, error_reply
from parley.contract.replies import encode
from parley.errors import ParleyError

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
    fields = [("X-Content-Type-Options", "nosniff"), *headers]
    if status != 304:
        # RFC 9110, section 15.4.5: 304 describes no body of its own.
        fields += [("Content-Type", content_type), ("Content-Length", str(len(body)))]
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
        self._making: asyncio.Task[_Forms] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in _ALLOWED:
            return await refuse(scope, send, MethodNotAllowed(", ".join(_ALLOWED)))
        forms = await self._forms()
        packed = _accepts_gzip(scope)
        tag = f'"{forms.digest}-gzip"' if packed else f'"{forms.digest}"'
        headers = [*self._headers, ("ETag", tag)]
        if header(scope, b"if-none-match") == tag.encode():
            return await answer(scope, send, 304, b"", self._content_type, headers)
        if packed:
            headers.append(("Content-Encoding", "gzip"))
        body = forms.compressed if packed else forms.plain
        await answer(scope, send, 200, body, self._content_type, headers)

    async def _forms(self) -> "_Forms":
        # A thread, because compressing the viewer's four megabytes takes a tenth of a second; shielded,
        # because the first reader may leave while a second one waits for the same bytes.
        if self._making is None:
            self._making = asyncio.create_task(asyncio.to_thread(self._make))
        return await asyncio.shield(self._making)

    def _make(self) -> "_Forms":
        plain = self._read()
        digest = hashlib.sha256(plain).hexdigest()[:32]
        return _Forms(plain, gzip.compress(plain, compresslevel=6, mtime=0), digest)


@dataclass(frozen=True, slots=True)
class _Forms:
    """One body as it is and compressed, and what tells it from every other."""

    plain: bytes
    compressed: bytes
    digest: str


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
