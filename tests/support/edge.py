"""The contract's edge without anything behind it: handlers that say what they were given, asked in process."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from limits.aio.storage import Storage
from starlette.types import ASGIApp, Message

from documents import read_document
from generated import models
from parley.contract import Reply, current_request
from parley.contract.document import Document, DocumentedOperation, operations_of, resolve
from parley.contract.observer import NoObserver
from parley.contract.options import ContractOptions
from parley.contract.request import limits_left
from parley.contract.stack import contract_app
from parley.contract.v2 import Beta
from parley.errors import Unauthorized
from parley.model import Caller

DOCUMENT = read_document()
ADA = Caller(UUID(int=1), UUID(int=11))
BOB = Caller(UUID(int=2), UUID(int=22))
CALLERS = {"ada": ADA, "bob": BOB}
ID = "019d0a7b-8991-7ce9-9b84-d1e0b4cfd9ec"

Headers = Sequence[tuple[str, str]]


class StubAccounts:
    """Knows two tokens, and one that has expired."""

    async def authenticate(self, token: str) -> Caller:
        if token not in CALLERS:
            raise Unauthorized(token_expired=token == "expired")
        return CALLERS[token]


class Watcher(NoObserver):
    """Remembers what an observer is told."""

    def __init__(self) -> None:
        self.answers: list[tuple[str | None, str, str, int]] = []
        self.request_ids: list[str] = []
        self.limiter_failures = 0
        self.unexpected = 0

    def answered(
        self, operation: str | None, method: str, route: str, status: int, seconds: float, request_id: str
    ) -> None:
        assert 0 <= seconds < 60
        self.answers.append((operation, method, route, status))
        self.request_ids.append(request_id)

    def limiter_failed(self) -> None:
        self.limiter_failures += 1

    def failed_unexpectedly(self) -> None:
        self.unexpected += 1


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json()["error"]

    @property
    def details(self) -> Any:
        return self.error["details"]


class Recording:
    """Handlers that answer 200 and remember their arguments. `replies` overrides what one answers."""

    def __init__(self, document: Document) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.replies: dict[str, Reply | Exception | Callable[[], Awaitable[Reply]]] = {}
        self.modules: dict[str, Any] = {}
        for operation in operations_of(document):
            module = self.modules.setdefault(operation.tag, SimpleNamespace())
            setattr(module, operation.operation_id, self._function(operation))

    @property
    def last(self) -> dict[str, Any]:
        return self.calls[-1][1]

    def _function(self, operation: DocumentedOperation) -> Any:
        async def handler(**arguments: Any) -> Reply:
            self.calls.append((operation.operation_id, arguments))
            reply = self.replies.get(operation.operation_id, Reply(200, {"ok": True}))
            if isinstance(reply, Exception):
                raise reply
            if not isinstance(reply, Reply):
                return await reply()
            if operation.operation_id == "get_limits":
                return Reply(200, {"buckets": await limits_left()})
            if operation.operation_id == "get_me":
                request = current_request()
                return Reply(200, {"address": request.address, "agent": request.user_agent})
            return reply

        return handler


class Edge:
    """An application of the contract, and its handlers."""

    def __init__(
        self,
        document: Document = DOCUMENT,
        options: ContractOptions | None = None,
        counters: Storage | None = None,
        models: Any = models,
        beta: Beta | None = None,
    ) -> None:
        self.handlers = Recording(document)
        self.watcher = Watcher()
        self.app: ASGIApp = contract_app(
            document,
            self.handlers.modules,
            models,
            StubAccounts(),
            options or ContractOptions(enforce_rate_limits=False),
            self.watcher,
            counters,
            beta=beta,
        )

    async def ask(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        token: str | None = "ada",
        headers: Headers = (),
        client: str = "192.0.2.1",
        chunks: Iterable[bytes] | None = None,
    ) -> Answer:
        """Send one request; `body` is JSON, or bytes as they are. `chunks` come without a length."""
        sent = [*headers]
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if token is not None:
            sent.append(("Authorization", f"Bearer {token}"))
        if chunks is not None:
            sent.append(("Transfer-Encoding", "chunked"))
        elif raw:
            sent.append(("Content-Length", str(len(raw))))
        if (raw or chunks is not None) and not any(name.lower() == "content-type" for name, _ in headers):
            sent.append(("Content-Type", "application/json"))
        return await ask(self.app, method, target, sent, chunks if chunks is not None else [raw], client)


async def ask(
    app: ASGIApp,
    method: str,
    target: str,
    headers: Headers,
    chunks: Iterable[bytes],
    client: str = "192.0.2.1",
) -> Answer:
    """Speak ASGI, as uvicorn would."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": (client, 1234),
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "root_path": "",
        "asgi": {"version": "3.0"},
    }
    waiting = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if waiting:
        waiting[-1]["more_body"] = False
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent, "no answer"
    body = b"".join(message["body"] for message in sent[1:])
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert len(found) == len(sent[0]["headers"]), "a header is there twice"
    return Answer(sent[0]["status"], found, body)


def only(*operation_ids: str) -> Document:
    """Return the document with a few operations: checking a whole one takes half a second."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations_of(DOCUMENT):
        if operation.operation_id in operation_ids:
            raw = {name: value for name, value in operation.raw.items() if name != "responses"}
            responses = {
                status: {
                    "description": response.get("description", ""),
                    "headers": response.get("headers", {}),
                }
                for status, found in operation.raw["responses"].items()
                for response in [resolve(DOCUMENT, found)]
            }
            paths.setdefault(operation.path, {})[operation.method] = {**raw, "responses": responses}
    kept = {
        name: DOCUMENT["components"][name] for name in ("schemas", "parameters", "headers", "securitySchemes")
    }
    outside: Document = {"x-outside-operations": {}}
    return {**DOCUMENT, **outside, "paths": paths, "components": kept}


def with_limits(document: Document, **limits: int) -> Mapping[str, tuple[int, int]]:
    """Return settings that override the limits of some buckets, in the documented windows."""
    return {
        name: (limit, document["x-rate-limits"][name]["window_seconds"]) for name, limit in limits.items()
    }


def token_info(token: str) -> dict[str, str] | None:
    """Tell stock Connexion, which finds this function by its name, whose token it is."""
    return {"sub": token} if token in CALLERS else None
