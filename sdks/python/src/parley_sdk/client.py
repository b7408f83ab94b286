"""The client, for programs that wait (`Client`) and for those on asyncio (`AsyncClient`)."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from types import NoneType, TracebackType
from typing import Any, Self, TypeVar, cast
from uuid import UUID

import httpx
from pydantic import BaseModel, TypeAdapter

from parley_sdk import pages
from parley_sdk.api_error import ParleyError, SessionEnded
from parley_sdk.backoff import Backoff, RetryPolicy
from parley_sdk.flow import Flow, Flows, LastAnswer, Renew, Send, Sleep, Step
from parley_sdk.generated import models
from parley_sdk.generated.facts import OPERATIONS, Operation
from parley_sdk.generated.operations import AsyncOperations, Operations
from parley_sdk.realtime import AsyncListener, Course, Listener
from parley_sdk.stores import CursorStore, MemoryCursorStore, MemoryTokenStore, Tokens, TokenStore
from parley_sdk.version import USER_AGENT

Result = TypeVar("Result")

_adapters: dict[Any, TypeAdapter[Any]] = {}
# What a step may raise that the flow wants to know.
_TOLD = (httpx.HTTPError, ParleyError)


class Client(Operations):
    """Talks to one server for one user; may be shared by threads.

    `base_url` is where the server is, without `/v1`. `timeout` is in seconds, for connecting, and for each wait
    for bytes. The access token is refreshed `refresh_margin` seconds before it expires.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token_store: TokenStore | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy | None = None,
        refresh_margin: float = 60.0,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._http = httpx.Client(**_options(self._base_url, timeout))
        self._flows = Flows(
            self._http, token_store or MemoryTokenStore(), retry or RetryPolicy(), refresh_margin
        )
        self._renewing = threading.Lock()
        self._timeout = timeout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the session lives on in its store."""
        self._http.close()

    @property
    def last(self) -> LastAnswer | None:
        """What the last answer said beside its body: its id, and what is left of the rate limit."""
        return self._flows.last

    @property
    def tokens(self) -> Tokens | None:
        """The session, if somebody is logged in."""
        return self._flows.tokens

    def log_in(self, email: str, password: str) -> models.Tokens:
        """Begin a session, which all requests use from now on."""
        tokens = self.login(models.Credentials(email=email, password=password))
        self._flows.begin(tokens.access_token, tokens.refresh_token, tokens.expires_in)
        return tokens

    def use_tokens(self, access_token: str, refresh_token: str, expires_in: float) -> None:
        """Go on with a session that was begun elsewhere; the access token is valid for so many seconds."""
        self._flows.begin(access_token, refresh_token, expires_in)

    def log_out(self) -> None:
        """End the session, on the server too."""
        try:
            self.logout()
        finally:
            self._flows.end()

    def each_message(
        self, conversation_id: UUID | str, *, newer_than: UUID | str | None = None, **filters: Any
    ) -> Iterator[models.Message]:
        """Walk through a conversation: back from its end (or `older_than=`), or forth from `newer_than`."""
        return pages.each(
            self.list_messages, "messages", newer_than, {"conversation_id": conversation_id, **filters}
        )

    def each(self, operation: Any, name: str, **query: Any) -> Iterator[Any]:
        """Walk through any list: `client.each(client.list_groups, "groups", visibility="public")`."""
        return pages.each(operation, name, query.pop("newer_than", None), query)

    def listen(
        self,
        *,
        cursor: str | None = None,
        cursor_store: CursorStore | None = None,
        backoff: Backoff | None = None,
    ) -> Listener:
        """Listen to everything that happens: `for event in client.listen(): ...`."""
        store = cursor_store or MemoryCursorStore(cursor)
        return Listener(self, Course(self._flows, store, self._base_url, backoff or Backoff()), self._timeout)

    def fresh_token(self, stale: str | None = None) -> str:
        """Return an access token that is good for a while, and is another one than `stale`. Raises SessionEnded."""
        tokens = self._flows.tokens
        if tokens is not None and (tokens.access_token == stale or self._flows.needs_renewal(tokens)):
            self._renew(tokens.access_token)
            tokens = self._flows.tokens
        if tokens is None:
            raise SessionEnded("Nobody is logged in")
        return tokens.access_token

    def call(
        self,
        operation: Operation,
        result: type[Result],
        *,
        path: Mapping[str, object] = {},
        query: Mapping[str, object] = {},
        body: object = None,
        idempotency_key: str | None = None,
    ) -> Result:
        """Ask for an operation, and return its answer as what `result` is the class of."""
        flow = self._flows.call(
            operation, path=path, query=query, json=_plain(body), idempotency_key=idempotency_key
        )
        return _read(self._carry_out(flow), result)

    def _carry_out(self, flow: Flow) -> httpx.Response:
        answer: httpx.Response | None = None
        error: Exception | None = None
        while True:
            try:
                step = _next(flow, answer, error)
            except StopIteration as done:
                return cast(httpx.Response, done.value)
            answer = error = None
            try:
                match step:
                    case Send(request):
                        answer = self._http.send(request)
                    case Sleep(seconds):
                        time.sleep(seconds)
                    case Renew(stale):
                        self._renew(stale)
            except _TOLD as raised:
                error = raised

    def _renew(self, stale: str | None) -> None:
        with self._renewing:
            self._carry_out(self._flows.renewal(stale))


class AsyncClient(AsyncOperations):
    """Talks to one server for one user, on one event loop; the parameters are those of `Client`."""

    def __init__(
        self,
        base_url: str,
        *,
        token_store: TokenStore | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy | None = None,
        refresh_margin: float = 60.0,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._http = httpx.AsyncClient(**_options(self._base_url, timeout))
        self._flows = Flows(
            self._http, token_store or MemoryTokenStore(), retry or RetryPolicy(), refresh_margin
        )
        self._renewing = asyncio.Lock()
        self._timeout = timeout

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; the session lives on in its store."""
        await self._http.aclose()

    @property
    def last(self) -> LastAnswer | None:
        """What the last answer said beside its body: its id, and what is left of the rate limit."""
        return self._flows.last

    @property
    def tokens(self) -> Tokens | None:
        """The session, if somebody is logged in."""
        return self._flows.tokens

    async def log_in(self, email: str, password: str) -> models.Tokens:
        """Begin a session, which all requests use from now on."""
        tokens = await self.login(models.Credentials(email=email, password=password))
        self._flows.begin(tokens.access_token, tokens.refresh_token, tokens.expires_in)
        return tokens

    def use_tokens(self, access_token: str, refresh_token: str, expires_in: float) -> None:
        """Go on with a session that was begun elsewhere; the access token is valid for so many seconds."""
        self._flows.begin(access_token, refresh_token, expires_in)

    async def log_out(self) -> None:
        """End the session, on the server too."""
        try:
            await self.logout()
        finally:
            self._flows.end()

    def each_message(
        self, conversation_id: UUID | str, *, newer_than: UUID | str | None = None, **filters: Any
    ) -> AsyncIterator[models.Message]:
        """Walk through a conversation: back from its end (or `older_than=`), or forth from `newer_than`."""
        query = {"conversation_id": conversation_id, **filters}
        return pages.each_async(self.list_messages, "messages", newer_than, query)

    def each(self, operation: Any, name: str, **query: Any) -> AsyncIterator[Any]:
        """Walk through any list: `client.each(client.list_groups, "groups", visibility="public")`."""
        return pages.each_async(operation, name, query.pop("newer_than", None), query)

    def listen(
        self,
        *,
        cursor: str | None = None,
        cursor_store: CursorStore | None = None,
        backoff: Backoff | None = None,
    ) -> AsyncListener:
        """Listen to everything that happens: `async for event in client.listen(): ...`."""
        store = cursor_store or MemoryCursorStore(cursor)
        course = Course(self._flows, store, self._base_url, backoff or Backoff())
        return AsyncListener(self, course, self._timeout)

    async def fresh_token(self, stale: str | None = None) -> str:
        """Return an access token that is good for a while, and is another one than `stale`. Raises SessionEnded."""
        tokens = self._flows.tokens
        if tokens is not None and (tokens.access_token == stale or self._flows.needs_renewal(tokens)):
            await self._renew(tokens.access_token)
            tokens = self._flows.tokens
        if tokens is None:
            raise SessionEnded("Nobody is logged in")
        return tokens.access_token

    async def call(
        self,
        operation: Operation,
        result: type[Result],
        *,
        path: Mapping[str, object] = {},
        query: Mapping[str, object] = {},
        body: object = None,
        idempotency_key: str | None = None,
    ) -> Result:
        """Ask for an operation, and return its answer as what `result` is the class of."""
        flow = self._flows.call(
            operation, path=path, query=query, json=_plain(body), idempotency_key=idempotency_key
        )
        return _read(await self._carry_out(flow), result)

    async def _carry_out(self, flow: Flow) -> httpx.Response:
        answer: httpx.Response | None = None
        error: Exception | None = None
        while True:
            try:
                step = _next(flow, answer, error)
            except StopIteration as done:
                return cast(httpx.Response, done.value)
            answer = error = None
            try:
                match step:
                    case Send(request):
                        answer = await self._http.send(request)
                    case Sleep(seconds):
                        await asyncio.sleep(seconds)
                    case Renew(stale):
                        await self._renew(stale)
            except _TOLD as raised:
                error = raised

    async def _renew(self, stale: str | None) -> None:
        async with self._renewing:
            await self._carry_out(self._flows.renewal(stale))


def _options(base_url: str, timeout: float) -> dict[str, Any]:
    return {
        "base_url": base_url,
        "timeout": timeout,
        "headers": {"User-Agent": USER_AGENT},
        # A hundred requests at once share so many connections; the others wait for one as long as `timeout`.
        "limits": httpx.Limits(max_connections=100, max_keepalive_connections=20),
        "follow_redirects": False,
    }


def _next(flow: Flow, answer: httpx.Response | None, error: Exception | None) -> Step:
    if error is not None:
        return flow.throw(error)
    return flow.send(cast(httpx.Response, answer))


def _plain(body: object) -> object:
    # What was not set is left out, so that null is said only where it was meant.
    return body.model_dump(mode="json", exclude_unset=True) if isinstance(body, BaseModel) else body


def _read(answer: httpx.Response, result: type[Result]) -> Result:
    if result is NoneType:
        return cast(Result, None)
    adapter = _adapters.get(result)
    if adapter is None:
        adapter = _adapters[result] = TypeAdapter(result)
    return cast(Result, adapter.validate_json(answer.content))


__all__ = ["OPERATIONS", "AsyncClient", "Client"]
