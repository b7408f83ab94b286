"""The client, for programs that wait (`Client`) and for those on asyncio (`AsyncClient`)."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import httpx
from pydantic import BaseModel

from parley_sdk.answers import read
from parley_sdk.api_error import ConnectionFailed, ParleyError
from parley_sdk.backoff import Backoff, RetryPolicy
from parley_sdk.connections import Connections
from parley_sdk.flow import FlowOf, Flows, LastAnswer, Renew, Send, Sleep, Step
from parley_sdk.generated import models
from parley_sdk.generated.facts import OPERATIONS, Operation
from parley_sdk.generated.operations import AsyncOperations, Operations
from parley_sdk.history import history_since, history_since_async
from parley_sdk.realtime import AsyncListener, Course, Listener
from parley_sdk.renewals import AsyncRenewals, Renewals
from parley_sdk.session import Session
from parley_sdk.stores import CursorStore, MemoryCursorStore, MemoryTokenStore, Tokens, TokenStore
from parley_sdk.version import USER_AGENT

Result = TypeVar("Result")

# What a step may raise that the flow wants to know.
_TOLD = (httpx.HTTPError, ParleyError)


class Client(Operations):
    """Talks to one server for one user; may be shared by threads.

    `base_url` is where the server is, without `/v1`. `timeout` is in seconds, for each try of a request, until its
    answer is there as a whole. The access token is refreshed `refresh_margin` seconds before it expires.
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
        self._session = Session(token_store or MemoryTokenStore(), refresh_margin)
        self._flows = Flows(self._http, self._session, retry or RetryPolicy())
        self._connections = Connections(self._http)
        self._renewals = Renewals(lambda stale: self._carry_out(self._flows.renewal(stale)))
        self._closed = threading.Event()
        self._timeout = timeout
        self._listeners: set[Listener] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(handled=kind is None)

    def close(self, *, handled: bool = False) -> None:
        """End the listeners, and close the connections; the session lives on in its store.

        An event that is in the hands of a loop comes again, unless one says that it is handled. A refresh that is
        under way may end within five seconds, and its tokens are kept. Raises what a cursor store raised first,
        when all is closed.
        """
        self._closed.set()
        errors: list[Exception] = []
        try:
            for listener in list(self._listeners):
                try:
                    listener.close(handled=handled)
                except Exception as error:
                    errors.append(error)
            self._renewals.close()
        finally:
            self._connections.break_all()
            self._http.close()
            self._renewals.leave()
        if errors:
            raise errors[0]

    @property
    def last(self) -> LastAnswer | None:
        """What the last answer said beside its body: its id, and what is left of the rate limit."""
        return self._flows.last

    @property
    def tokens(self) -> Tokens | None:
        """The session, if somebody is logged in."""
        return self._session.tokens

    def log_in(self, email: str, password: str) -> models.Tokens:
        """Begin a session, which all requests use from now on."""
        tokens = self.login(models.Credentials(email=email, password=password))
        self._session.begin(tokens.access_token, tokens.refresh_token, tokens.expires_in)
        return tokens

    def use_tokens(self, access_token: str, refresh_token: str, expires_in: float) -> None:
        """Go on with a session that was begun elsewhere; the access token is valid for so many seconds."""
        self._session.begin(access_token, refresh_token, expires_in)

    def log_out(self) -> None:
        """End the session, on the server too."""
        try:
            self.logout()
        finally:
            self._session.end()

    def history_since(self, since: datetime) -> Iterator[models.Message]:
        """Walk through what was missed: the messages since a time of the server's, as a message's `created_at`.

        One conversation comes after the other, each with its newest message first. What was edited or deleted
        meanwhile and is older is not told.
        """
        return history_since(self, since)

    def listen(
        self,
        *,
        cursor: str | None = None,
        cursor_store: CursorStore | None = None,
        backoff: Backoff | None = None,
    ) -> Listener:
        """Listen to everything that happens: `for event in client.listen(): ...`."""
        store = cursor_store or MemoryCursorStore(cursor)
        course = Course(self._session, store, self._base_url, backoff or Backoff())
        listener = Listener(self, course, self._timeout, self._listeners.discard)
        self._listeners.add(listener)
        return listener

    def fresh_token(self, stale: str | None = None, *, given_up: Future[None] | None = None) -> str:
        """Return an access token that is good for a while, and is another one than `stale`. Raises SessionEnded.

        When `given_up` is done, a refresh is no longer waited for.
        """
        return self._carry_out(self._flows.fresh(stale), given_up)

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
        return read(self._carry_out(flow), result)

    def _carry_out(self, flow: FlowOf[Result], given_up: Future[None] | None = None) -> Result:
        answer: httpx.Response | None = None
        error: Exception | None = None
        while True:
            try:
                step = _next(flow, answer, error)
            except StopIteration as done:
                return cast(Result, done.value)
            answer = error = None
            try:
                _refuse_if(self._closed.is_set())
                match step:
                    case Send(request):
                        self._connections.allow(self._timeout)
                        answer = self._http.send(request)
                    case Sleep(seconds):
                        self._closed.wait(seconds)
                    case Renew(stale):
                        self._renewals.wait(stale, given_up or Future())
            except _TOLD as raised:
                error = raised


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
        self._session = Session(token_store or MemoryTokenStore(), refresh_margin)
        self._flows = Flows(self._http, self._session, retry or RetryPolicy())
        self._renewals = AsyncRenewals(lambda stale: self._carry_out(self._flows.renewal(stale)))
        self._closed = asyncio.Event()
        self._timeout = timeout
        self._listeners: set[AsyncListener] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close(handled=kind is None)

    async def close(self, *, handled: bool = False) -> None:
        """End the listeners, and close the connections; the session lives on in its store.

        An event that is in the hands of a loop comes again, unless one says that it is handled. A refresh that is
        under way may end within five seconds, and its tokens are kept. Raises what a cursor store raised first,
        when all is closed.
        """
        self._closed.set()
        errors: list[Exception] = []
        try:
            for listener in list(self._listeners):
                try:
                    await listener.close(handled=handled)
                except Exception as error:
                    errors.append(error)
            await self._renewals.close()
        finally:
            await self._http.aclose()
        if errors:
            raise errors[0]

    @property
    def last(self) -> LastAnswer | None:
        """What the last answer said beside its body: its id, and what is left of the rate limit."""
        return self._flows.last

    @property
    def tokens(self) -> Tokens | None:
        """The session, if somebody is logged in."""
        return self._session.tokens

    async def log_in(self, email: str, password: str) -> models.Tokens:
        """Begin a session, which all requests use from now on."""
        tokens = await self.login(models.Credentials(email=email, password=password))
        self._session.begin(tokens.access_token, tokens.refresh_token, tokens.expires_in)
        return tokens

    def use_tokens(self, access_token: str, refresh_token: str, expires_in: float) -> None:
        """Go on with a session that was begun elsewhere; the access token is valid for so many seconds."""
        self._session.begin(access_token, refresh_token, expires_in)

    async def log_out(self) -> None:
        """End the session, on the server too."""
        try:
            await self.logout()
        finally:
            self._session.end()

    def history_since(self, since: datetime) -> AsyncIterator[models.Message]:
        """Walk through what was missed: the messages since a time of the server's, as a message's `created_at`.

        One conversation comes after the other, each with its newest message first. What was edited or deleted
        meanwhile and is older is not told.
        """
        return history_since_async(self, since)

    def listen(
        self,
        *,
        cursor: str | None = None,
        cursor_store: CursorStore | None = None,
        backoff: Backoff | None = None,
    ) -> AsyncListener:
        """Listen to everything that happens: `async for event in client.listen(): ...`."""
        store = cursor_store or MemoryCursorStore(cursor)
        course = Course(self._session, store, self._base_url, backoff or Backoff())
        listener = AsyncListener(self, course, self._timeout, self._listeners.discard)
        self._listeners.add(listener)
        return listener

    async def fresh_token(self, stale: str | None = None) -> str:
        """Return an access token that is good for a while, and is another one than `stale`. Raises SessionEnded."""
        return await self._carry_out(self._flows.fresh(stale))

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
        return read(await self._carry_out(flow), result)

    async def _carry_out(self, flow: FlowOf[Result]) -> Result:
        answer: httpx.Response | None = None
        error: Exception | None = None
        while True:
            try:
                step = _next(flow, answer, error)
            except StopIteration as done:
                return cast(Result, done.value)
            answer = error = None
            try:
                _refuse_if(self._closed.is_set())
                match step:
                    case Send(request):
                        answer = await self._send(request)
                    case Sleep(seconds):
                        with suppress(TimeoutError):
                            async with asyncio.timeout(seconds):
                                await self._closed.wait()
                    case Renew(stale):
                        await self._renewals.wait(stale)
            except _TOLD as raised:
                error = raised

    async def _send(self, request: httpx.Request) -> httpx.Response:
        # httpx measures each wait for bytes by itself: an answer that drips would last for ever.
        try:
            async with asyncio.timeout(self._timeout):
                return await self._http.send(request)
        except TimeoutError as error:
            raise httpx.ReadTimeout("it took too long", request=request) from error


def _options(base_url: str, timeout: float) -> dict[str, Any]:
    if not base_url.startswith(("http://", "https://")):
        raise ValueError(f"A base URL begins with http:// or https://: {base_url!r}")
    return {
        "base_url": base_url,
        "timeout": timeout,
        "headers": {"User-Agent": USER_AGENT},
        # A hundred requests at once share so many connections; the others wait for one as long as `timeout`.
        "limits": httpx.Limits(max_connections=100, max_keepalive_connections=20),
        "follow_redirects": False,
    }


def _next(flow: FlowOf[Any], answer: httpx.Response | None, error: Exception | None) -> Step:
    if error is not None:
        return flow.throw(error)
    return flow.send(cast(httpx.Response, answer))


def _refuse_if(closed: bool) -> None:
    if closed:
        raise ConnectionFailed("The client is closed")


def _plain(body: object) -> object:
    # What was not set is left out, so that null is said only where it was meant.
    return body.model_dump(mode="json", exclude_unset=True) if isinstance(body, BaseModel) else body


__all__ = ["OPERATIONS", "AsyncClient", "Client"]
