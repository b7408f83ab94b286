"""Rate limits: the buckets and their numbers stand in the document, the counters in a storage.

A limiter that cannot reach its counters lets requests through, on purpose, and says so in log and metric:
a chat that is down protects nobody.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any, Literal

from limits.aio.storage import Storage
from limits.errors import StorageError

from parley.contract.counters import ProcessMemory
from parley.contract.document import ContractError, operations_of
from parley.contract.observer import RequestObserver
from parley.errors import MAX_RETRY_AFTER
from parley.logs import logger

Per = Literal["user", "address", "account", "session"]
PER: tuple[Per, ...] = ("user", "address", "account", "session")

_HEADERS = b"x-ratelimit-limit: %d\r\nx-ratelimit-remaining: %d\r\nx-ratelimit-reset: %d\r\n"

log = logger("contract")


@dataclass(frozen=True, slots=True)
class Bucket:
    """`limit` requests in `window_seconds`; `by_address` where it is counted by nothing else."""

    name: str
    limit: int
    window_seconds: int
    by_address: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What an operation counts against, and what tells one counter of the bucket from the next."""

    bucket: Bucket
    per: Per


# Not frozen: one is made per request, and freezing triples what that costs.
@dataclass(slots=True)
class Count:
    """Where a counter stands after a hit. `reset` is in seconds since 1970."""

    bucket: Bucket
    used: int
    reset: float

    @property
    def refused(self) -> bool:
        """Say whether this hit was one too many."""
        return self.used > self.bucket.limit

    @property
    def remaining(self) -> int:
        """Return how many more there may be in this window."""
        return max(0, self.bucket.limit - self.used)

    def retry_after(self) -> int:
        """Return in how many whole seconds to come back: when the window ends, or tomorrow."""
        return min(max(1, ceil(self.reset - time.time())), MAX_RETRY_AFTER)

    def headers(self) -> bytes:
        """Return the seed's three headers, as lines of a head."""
        return _HEADERS % (self.bucket.limit, self.remaining, ceil(self.reset))


# What writes a counter into the head of an answer.
LimitLines = Callable[[Count], bytes]


class RateLimits:
    """The buckets of a document with their counters."""

    def __init__(
        self,
        buckets: Mapping[str, Bucket],
        storage: Storage,
        observer: RequestObserver,
        *,
        enforced: bool = True,
    ) -> None:
        self.buckets = buckets
        self._storage = storage
        self._observer = observer
        self.enforced = enforced
        self._untouched_headers: dict[tuple[str, LimitLines], tuple[int, bytes]] = {}

    async def hit(self, bucket: Bucket, who: str) -> Count:
        """Count one request of `who`, and say where that leaves them. Never raises."""
        if not self.enforced:
            return _untouched(bucket)
        key = f"{bucket.name}/{who}"
        if isinstance(self._storage, ProcessMemory):
            return Count(bucket, *self._storage.hit(key, bucket.window_seconds))
        try:
            used = await self._storage.incr(key, bucket.window_seconds)
            return Count(bucket, used, await self._storage.get_expiry(key))
        except (StorageError, OSError) as error:
            self._say_failed(bucket, error)
            return _untouched(bucket)

    async def peek(self, bucket: Bucket, who: str) -> Count:
        """Say where a counter stands without counting. Never raises."""
        if not self.enforced:
            return _untouched(bucket)
        key = f"{bucket.name}/{who}"
        try:
            used = await self._storage.get(key)
            return Count(bucket, used, await self._storage.get_expiry(key)) if used else _untouched(bucket)
        except (StorageError, OSError) as error:
            self._say_failed(bucket, error)
            return _untouched(bucket)

    def untouched_headers(self, bucket: Bucket, lines: LimitLines) -> bytes:
        """Return the headers of a bucket from which nobody takes; they change once a second."""
        now = int(time.time())
        key = (bucket.name, lines)
        second, headers = self._untouched_headers.get(key, (0, b""))
        if second != now:
            headers = lines(Count(bucket, 0, now + bucket.window_seconds))
            self._untouched_headers[key] = now, headers
        return headers

    def _say_failed(self, bucket: Bucket, error: Exception) -> None:
        self._observer.limiter_failed()
        log.warning("rate_limiter_unreachable", bucket=bucket.name, error=repr(error))


def _untouched(bucket: Bucket) -> Count:
    return Count(bucket, 0, time.time() + bucket.window_seconds)


def read_buckets(document: Mapping[str, Any], overrides: Mapping[str, tuple[int, int]]) -> dict[str, Bucket]:
    """Read the document's buckets, with what the settings say instead."""
    documented: Mapping[str, Any] = document.get("x-rate-limits", {})
    kinds = _kinds_of_counting(document)
    unknown = sorted(set(overrides) - set(documented))
    if unknown:
        raise ContractError(f"The document has no rate limit called {', '.join(unknown)}")
    buckets = {}
    for name, facts in documented.items():
        limit, seconds = overrides.get(name, (facts["limit"], facts["window_seconds"]))
        buckets[name] = Bucket(name, limit, seconds, by_address=kinds.get(name) == {"address"})
    return buckets


def _kinds_of_counting(document: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return for each bucket all that the document counts in it by."""
    kinds: dict[str, set[str]] = {}
    for operation in operations_of(document):
        for said in _said(operation.raw):
            kinds.setdefault(said["bucket"], set()).add(said.get("per", "user"))
    return kinds


def _said(operation: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    said: Mapping[str, Any] | None = operation.get("x-rate-limit")
    while said is not None:
        yield said
        said = said.get("also")


def read_rules(operation: Mapping[str, Any], buckets: Mapping[str, Bucket], name: str) -> tuple[Rule, ...]:
    """Read what an operation counts against: the rule whose headers it shows first, then `also`."""
    rules: list[Rule] = []
    for said in _said(operation):
        if said["bucket"] not in buckets or said.get("per", "user") not in PER:
            raise ContractError(f"{name} has a rate limit that the document does not define: {said}")
        rules.append(Rule(buckets[said["bucket"]], said.get("per", "user")))
    return tuple(rules)


def as_limit(count: Count) -> dict[str, Any]:
    """Show a counter as `GET /limits` does."""
    return {
        "name": count.bucket.name,
        "limit": count.bucket.limit,
        "window_seconds": count.bucket.window_seconds,
        "remaining": count.remaining,
        "reset_at": datetime.fromtimestamp(ceil(count.reset), UTC),
    }
