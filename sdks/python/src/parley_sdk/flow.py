"""How a request is made, decided without doing it: `Client` and `AsyncClient` carry out the same steps.

A flow is a generator. It yields a step, gets what came of it, and returns the answer; what a step raises is thrown
into it. So tokens, refreshing and retries are written once, for those who wait and for those who await.
"""

import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import httpx

from parley_sdk.api_error import ApiError, ConnectionFailed, SessionEnded, TimedOut
from parley_sdk.backoff import RetryPolicy
from parley_sdk.errors import error_of
from parley_sdk.generated.facts import OPERATIONS, Operation
from parley_sdk.stores import Tokens, TokenStore

REFRESH = OPERATIONS["refresh"]
LOGIN = OPERATIONS["login"]
TOO_MANY, UNAVAILABLE, REFUSED = 429, 503, 401


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
Flow = Generator[Step, httpx.Response, httpx.Response]


class Flows:
    """The session of a client, and what its requests go through."""

    def __init__(
        self, http: httpx.Client | httpx.AsyncClient, store: TokenStore, retry: RetryPolicy, margin: float
    ) -> None:
        self._http = http
        self._store = store
        self._retry = retry
        self._margin = margin
        # The key of a refresh whose answer never came: said again, it gives the same successor.
        self._refresh_key: tuple[str, str] | None = None
        self.last: LastAnswer | None = None

    # ---- the session

    @property
    def tokens(self) -> Tokens | None:
        """The session, if there is one."""
        return self._store.load()

    def begin(self, access_token: str, refresh_token: str, expires_in: float) -> None:
        """Take the tokens of a log-in or a refresh."""
        self._store.save(Tokens(access_token, refresh_token, time.time() + expires_in, expires_in))

    def end(self) -> None:
        """Forget the session."""
        self._store.clear()

    def needs_renewal(self, tokens: Tokens) -> bool:
        """Say whether the access token is about to expire; of a short life the margin takes a third at most."""
        return tokens.expires_at - time.time() <= min(self._margin, tokens.lifetime / 3)

    def renewal_in(self, expires_at: float, lifetime: float) -> float:
        """Return in how many seconds a token that expires then is to be renewed."""
        return max(0.0, expires_at - time.time() - min(self._margin, lifetime / 3))

    # ---- flows

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
            headers["Idempotency-Key"] = idempotency_key or str(uuid.uuid4())
        url = operation.path.format(**path)
        renewed = False
        while True:
            token = yield from self._token() if operation.secured else _nothing()
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

    def renewal(self, stale: str | None) -> Flow:
        """Get new tokens, unless somebody else got them meanwhile. Raises SessionEnded when they are refused."""
        tokens = self._store.load()
        if tokens is None:
            raise SessionEnded("The session has ended")
        if stale is not None and tokens.access_token != stale:
            return httpx.Response(200)
        if self._refresh_key is None or self._refresh_key[0] != tokens.refresh_token:
            self._refresh_key = (tokens.refresh_token, str(uuid.uuid4()))
        request = self._request(
            REFRESH,
            REFRESH.path,
            query={},
            json={"refresh_token": tokens.refresh_token},
            headers={"Idempotency-Key": self._refresh_key[1]},
        )
        answer = yield from self._attempts(REFRESH, request)
        if not answer.is_success:
            error = self._error(answer)
            # A refresh that is refused for what it says will never be accepted; others may be, later.
            if error.status < 500 and error.status != TOO_MANY:
                self.end()
                raise SessionEnded("The session has ended") from error
            raise error
        new = answer.json()
        self.begin(new["access_token"], new["refresh_token"], new["expires_in"])
        return answer

    def _token(self) -> Generator[Step, httpx.Response, str]:
        """Return an access token that is good for a while."""
        tokens = self._store.load()
        if tokens is not None and self.needs_renewal(tokens):
            try:
                yield Renew(tokens.access_token)
            except (ConnectionFailed, ApiError):
                # There was some margin left, perhaps.
                if tokens.expires_at <= time.time():
                    raise
            tokens = self._store.load()
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
            except httpx.TransportError as error:
                failure = ConnectionFailed(f"The server was not reached: {error}")
                failure.__cause__ = error
            if answer is not None:
                self.last = last_of(answer)
                # What was too much was not done. Whether the others were nobody knows.
                again = answer.status_code == TOO_MANY or (
                    answer.status_code == UNAVAILABLE and operation.repeatable
                )
                if not again:
                    return answer
                told = _retry_after(answer)
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


def _retry_after(answer: httpx.Response) -> float | None:
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None


def _text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(str(each) for each in value)
    return str(value)


def _nothing() -> Generator[Step, httpx.Response, None]:
    yield from ()
