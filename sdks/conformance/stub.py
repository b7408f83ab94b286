"""A server that answers what a test tells it: what a real one cannot be made to say.

Its sockets are played by a test's own coroutine, which gets each connection with its number.
"""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import WSMsgType, web

Result = TypeVar("Result")

USER_ID = "019d0a7b-8991-7ce9-9b84-d1e0b4cfd9ec"
OTHER_ID = "019d0b70-469d-7ca0-b9e7-6f44a316302b"
CONVERSATION_ID = "019d0a82-495f-743c-a331-1aab066ba7c9"
SESSION_ID = "019d0a7b-9f21-7d1c-8f0e-7e0b5b1f0c11"
NOW = "2026-11-22T12:00:00Z"
PROFILE = {"bio": None, "avatar_url": None, "location": None}
ME = {
    "id": USER_ID,
    "email": "ada@example.com",
    "username": "ada",
    "display_name": "Ada",
    "status": "online",
    "last_seen": NOW,
    "profile": PROFILE,
    "created_at": NOW,
    "beta_access": False,
}


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    # It comes when this is set.
    held: threading.Event | None = None


@dataclass(frozen=True)
class Request:
    """One request, and when it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float


class Socket:
    """A connection of a client, as the script of a test sees it."""

    def __init__(self, response: web.WebSocketResponse, number: int, path: str) -> None:
        self._response = response
        # The first connection is number 1.
        self.number = number
        self.path = path
        # What the client said.
        self.frames: list[dict[str, Any]] = []

    async def send(self, kind: str, data: Any, **more: Any) -> None:
        """Send a frame."""
        await self.send_text(json.dumps({"type": kind, "data": data, **more}))

    async def send_text(self, text: str) -> None:
        """Send what may be no frame at all."""
        await self._response.send_str(text)

    async def next(self) -> dict[str, Any]:
        """Wait for the next frame of the client. Raises ConnectionError when it left."""
        message = await self._response.receive()
        if message.type is not WSMsgType.TEXT:
            raise ConnectionError
        frame: dict[str, Any] = json.loads(message.data)
        self.frames.append(frame)
        return frame

    async def greet(self, cursor: str = "cursor-0", *, heartbeat: tuple[int, int] = (25, 10)) -> Any:
        """Wait for the token in the first frame, and say `ready`; returns the client's frame."""
        frame = await self.next()
        await self.send("ready", ready(cursor, heartbeat))
        return frame

    async def until_left(self) -> None:
        """Read until the client leaves."""
        while (await self._response.receive()).type not in (
            WSMsgType.CLOSE,
            WSMsgType.CLOSED,
            WSMsgType.ERROR,
        ):
            pass

    async def fall_silent_once(self) -> None:
        """Greet; on the first connection neither read nor write from then on, and leave it open."""
        await self.greet(heartbeat=(1, 1))
        if self.number == 1:
            await asyncio.sleep(60)
        await self.until_left()

    async def close(self, code: int) -> None:
        """Close with a code."""
        await self._response.close(code=code, message=b"", drain=True)


# The stub may be asked by pages of any origin.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "*",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Expose-Headers": "*",
}

Script = Callable[[Socket], Awaitable[None]]


class Stub:
    """Use it as `with stub_server() as stub`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stub", daemon=True)
        self._replies: dict[tuple[str, str], list[Reply]] = {}
        self._script: Script | None = None
        self.requests: list[Request] = []
        self.sockets: list[Socket] = []
        self.url = ""

    def start(self) -> None:
        """Begin to listen; it knows a log-in and `GET /me` from the start."""
        self._thread.start()
        self.answer("POST", "/v1/auth/login", Reply(200, renewed(1)))
        self.answer("GET", "/v1/me", Reply(200, ME))
        self.url = f"http://127.0.0.1:{self._call(self._listen())}"

    def stop(self) -> None:
        """End."""
        self._call(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def answer(self, method: str, path: str, *replies: Reply) -> None:
        """Answer the next requests so; the last goes on for ever."""
        self._replies[method, path] = list(replies)

    def play(self, script: Script) -> None:
        """Let this coroutine speak on each socket; the connection breaks where it returns."""
        self._script = script

    def asked(self, method: str, path: str) -> list[Request]:
        """Return the requests of an operation until now."""
        return [request for request in self.requests if (request.method, request.path) == (method, path)]

    def _call(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)

    async def _listen(self) -> int:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=CORS)
        self.requests.append(
            Request(request.method, request.path, dict(request.headers), body, time.monotonic())
        )
        replies = self._replies.get((request.method, request.path))
        # A handshake may be answered like any other request, too.
        if request.path == "/ws" and replies is None:
            return await self._socket(request)
        if replies is None:
            return web.json_response(envelope("not_found", "Nothing here"), status=404, headers=CORS)
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        while reply.held is not None and not reply.held.is_set():
            await asyncio.sleep(0.01)
        headers = {**CORS, "X-Request-Id": f"stub-{len(self.requests)}", **reply.headers}
        if isinstance(reply.body, bytes):
            return web.Response(status=reply.status, body=reply.body, headers=headers)
        return web.json_response(reply.body, status=reply.status, headers=headers)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        response = web.WebSocketResponse(autoping=True, autoclose=True, timeout=2)
        await response.prepare(request)
        socket = Socket(response, len(self.sockets) + 1, request.path_qs)
        self.sockets.append(socket)
        assert self._script is not None
        with suppress(ConnectionError):
            await self._script(socket)
        if not response.closed and request.transport is not None:
            request.transport.abort()
        return response


def renewed(number: int) -> dict[str, Any]:
    """Return tokens; those of the log-in are number 1."""
    return {
        "access_token": f"access-{number}",
        "refresh_token": f"refresh-{number}",
        "expires_in": 3600,
        "token_type": "Bearer",
        "user_id": USER_ID,
        "session_id": SESSION_ID,
    }


def envelope(code: str, message: str, **details: Any) -> dict[str, Any]:
    """Return an error as the contract has it."""
    return {"error": {"code": code, "message": message, "details": details}}


def ready(cursor: str, heartbeat: tuple[int, int] = (25, 10)) -> dict[str, Any]:
    """Return the data of a `ready`."""
    return {
        "user": ME,
        "session_id": SESSION_ID,
        "token_expires_at": "2036-11-22T12:00:00Z",
        "heartbeat": {"interval_seconds": heartbeat[0], "timeout_seconds": heartbeat[1]},
        "limits": {
            "frame_bytes": 16384,
            "frames_per_minute": 120,
            "sockets_per_user": 20,
            "typing_seconds": 6,
        },
        "cursor": cursor,
    }


def message(number: int, content: str = "") -> dict[str, Any]:
    """Return the data of a `message`."""
    return {
        "id": f"019d0b1d-6934-7405-a814-{number:012x}",
        "conversation_id": CONVERSATION_ID,
        "seq": number,
        "position": number,
        "sender_id": OTHER_ID,
        "receiver_id": USER_ID,
        "content": content or f"message {number}",
        "type": "text",
        "status": "sent",
        "metadata": {},
        "created_at": NOW,
        "edited_at": None,
        "deleted_at": None,
    }


@contextmanager
def stub_server() -> Iterator[Stub]:
    """Run a stub."""
    stub = Stub()
    stub.start()
    try:
        yield stub
    finally:
        stub.stop()
