"""How a request is made, decided without doing it: `Client` and `AsyncClient` carry out the same steps.

A flow is a generator. It yields a step, gets what came of it, and returns the answer; what a step raises is thrown
into it. So tokens, refreshing and retries are written once, for those who wait and for those who await.
"""

import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from urllib.parse import quote

import httpx

from parley_sdk.answers import read
from parley_sdk.api_error import ApiError, ConnectionFailed, SessionEnded, TimedOut
from parley_sdk.backoff import RetryPolicy
from parley_sdk.errors import envelope_of, error_of
from parley_sdk.generated import models
from parley_sdk.generated.facts import OPERATIONS, Operation
from parley_sdk.retry_after import retry_after
from parley_sdk.session import Session, refresh_key

Result = TypeVar("Result")

REFRESH = OPERATIONS["refresh"]
REFUSED, CONFLICT, TOO_MANY, UNAVAILABLE = 401, 409, 429, 503
KEY = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What is left of a rate limit; `reset` is when it begins anew, in seconds since 1970."""

    limit: int
    remaining: int
    reset: int


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """What the last answer said beside its body."""

    status: int
    request_id: str | None
    rate_limit: RateLimit | None


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request, and return the answer. Raises httpx's errors."""

    request: httpx.Request


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Renew:
    """Carry out `Flows.renewal(stale)`, one at a time."""

    stale: str | None


Step = Send | Sleep | Renew
FlowOf = Generator[Step, httpx.Response, Result]
Flow = FlowOf[httpx.Response]


class Flows:
    """What the requests of a client go through."""

    def __init__(self, http: httpx.Client | httpx.AsyncClient, session: Session, retry: RetryPolicy) -> None:
        self._http = http
        self._session = session
        self._retry = retry
        self.last: LastAnswer | None = None

    def call(
        self,
        operation: Operation,
        *,
        path: Mapping[str, object],
        query: Mapping[str, object],
        json: object,
        idempotency_key: str | None,
    ) -> Flow:
        """Ask for an operation until there is an answer. Raises the errors of `parley_sdk.errors`."""
        headers = {}
        if operation.takes_key:
            headers[KEY] = idempotency_key or str(uuid.uuid4())
        url = operation.path.format(**{name: _segment(name, value) for name, value in path.items()})
        renewed = False
        while True:
            token = yield from self.fresh() if operation.secured else _nothing()
            if token is not None:
                headers["Authorization"] = f"Bearer {token}"
            request = self._request(operation, url, query=query, json=json, headers=headers)
            answer = yield from self._attempts(operation, request)
            if answer.is_success:
                return answer
            error = self._error(answer)
            if token is None or renewed or not _may_renew(error):
                raise error
            renewed = True
            yield Renew(token)

    def renewal(self, stale: str | None) -> FlowOf[None]:
        """Get new tokens, unless somebody else got them meanwhile. Raises SessionEnded when they are refused.

        Where somebody logged in or out while it was asked, what came of it counts no more.
        """
        tokens = self._session.tokens
        if tokens is None:
            raise SessionEnded("The session has ended")
        if stale is not None and tokens.access_token != stale:
            return
        body = {"refresh_token": tokens.refresh_token}
        headers = {KEY: refresh_key(tokens)}
        request = self._request(REFRESH, REFRESH.path, query={}, json=body, headers=headers)
        try:
            answer = yield from self._attempts(REFRESH, request)
        except ConnectionFailed:
            if self._session.has_moved_on(tokens):
                return
            raise
        if answer.is_success:
            new = read(answer, models.Tokens)
            self._session.renew(tokens, new.access_token, new.refresh_token, new.expires_in)
            return
        if self._session.has_moved_on(tokens):
            # Somebody who shares the store was quicker, or it is another session.
            return
        error = self._error(answer)
        # Only the server itself ends a session: not a page of a proxy, or of a hotel.
        if (error.status, error.code) != (REFUSED, "unauthorized"):
            raise error
        self._session.end(tokens.access_token)
        raise SessionEnded("The session has ended") from error

    def fresh(self, stale: str | None = None) -> FlowOf[str]:
        """Return an access token that is good for a while, and is another one than `stale`. Raises SessionEnded."""
        tokens = self._session.tokens
        if tokens is not None:
            is_stale = tokens.access_token == stale
            if is_stale or self._session.renewal_in(tokens) <= 0:
                try:
                    yield Renew(tokens.access_token)
                except (ConnectionFailed, ApiError):
                    # There was some margin left, perhaps.
                    if is_stale or self._session.left(tokens) <= 0:
                        raise
                tokens = self._session.tokens
        if tokens is None:
            raise SessionEnded("Nobody is logged in")
        return tokens.access_token

    def _attempts(self, operation: Operation, request: httpx.Request) -> Flow:
        """Send a request until it is answered, as often as the policy allows and as it is safe."""
        began = time.monotonic()
        attempts = 0
        while True:
            attempts += 1
            answer: httpx.Response | None = None
            failure: ConnectionFailed | None = None
            told: float | None = None
            try:
                answer = yield Send(request)
            except httpx.TimeoutException as error:
                failure = TimedOut(f"The server did not answer in time: {error}")
                failure.__cause__ = error
            except httpx.RequestError as error:
                failure = ConnectionFailed(f"The server was not reached: {error}")
                failure.__cause__ = error
            if answer is not None:
                self.last = last_of(answer)
                told = _told(answer)
                if not _may_repeat(answer.status_code, request, operation, told):
                    return answer
            elif not operation.repeatable:
                assert failure is not None
                raise failure
            delay = self._retry.backoff.delay(attempts) if told is None else told
            over = time.monotonic() - began + delay > self._retry.max_elapsed
            if attempts >= self._retry.max_attempts or over:
                if answer is not None:
                    return answer
                assert failure is not None
                raise failure
            yield Sleep(delay)

    def _request(
        self,
        operation: Operation,
        url: str,
        *,
        query: Mapping[str, object],
        json: object,
        headers: Mapping[str, str],
    ) -> httpx.Request:
        return self._http.build_request(
            operation.method,
            f"/v1{url}",
            params={name: _text(value) for name, value in query.items() if value is not None},
            json=json,
            headers=dict(headers),
        )

    def _error(self, answer: httpx.Response) -> ApiError:
        return error_of(answer.status_code, answer.content, answer.headers.get("X-Request-Id"))


def last_of(answer: httpx.Response) -> LastAnswer:
    """Return what an answer says beside its body."""
    headers = answer.headers
    try:
        limit = RateLimit(
            int(headers["X-RateLimit-Limit"]),
            int(headers["X-RateLimit-Remaining"]),
            int(headers["X-RateLimit-Reset"]),
        )
    except (KeyError, ValueError):
        return LastAnswer(answer.status_code, headers.get("X-Request-Id"), None)
    return LastAnswer(answer.status_code, headers.get("X-Request-Id"), limit)


def _may_renew(error: ApiError) -> bool:
    return error.status == REFUSED and bool(error.details.get("token_expired"))


def _may_repeat(status: int, request: httpx.Request, operation: Operation, told: float | None) -> bool:
    if status == CONFLICT:
        # The try before is still running: its answer is the one that is wanted.
        return KEY in request.headers and told is not None
    # What was too much was not done. Whether a 503 was nobody knows.
    return status == TOO_MANY or (status == UNAVAILABLE and operation.repeatable)


def _told(answer: httpx.Response) -> float | None:
    if answer.status_code not in (TOO_MANY, UNAVAILABLE, CONFLICT):
        return None
    details = envelope_of(answer.content).get("details")
    return retry_after(answer.headers, details if isinstance(details, dict) else {})


def _segment(name: str, value: object) -> str:
    """Return a part of a path that cannot become another path."""
    text = str(value)
    if text in ("", ".", ".."):
        raise ValueError(f"{name} is no id: {text!r}")
    return quote(text, safe="")


def _text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(str(each) for each in value)
    return str(value)


def _nothing() -> Generator[Step, httpx.Response, None]:
    yield from ()
