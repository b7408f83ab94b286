"""Requests that may come twice and must count once: the `Idempotency-Key`.

    async with self._idempotency.claim(caller.user_id, key, request_hash("POST", "/groups", body)) as claim:
        async with self._log.append() as entry:
            group_id = await claim.made(entry.conn)         # somebody made it before: read it and answer that
            if group_id is None:
                group_id = ...                              # the effect
                await claim.keep(entry.conn, "group", group_id)

Refusals leave nothing behind, since nothing is kept unless the transaction commits.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from parley.errors import Conflict, IdempotencyMismatch
from parley.storage import idempotency
from parley.storage.database import Connection

# Registrations are made by nobody yet.
NOBODY = UUID(int=0)


def request_hash(method: str, path: str, body: Any) -> bytes:
    """Return what tells one request from another: 32 bytes over method, path and parsed body.

    `path` is the path below `/v1` or `/api` with its parameters filled in; `body` holds what JSON can say, as
    well as UUIDs, datetimes and dataclasses. The order of properties does not matter.
    """
    canonical = orjson.dumps(
        [method, path, body], default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z
    )
    return hashlib.sha256(canonical).digest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request: something that it made, or that was there already."""

    resource_id: UUID
    is_new: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """One request's right to its key. With `key` None it came without, and nothing is looked up or kept."""

    user_id: UUID
    key: str | None
    request_hash: bytes

    async def made(self, conn: Connection) -> UUID | None:
        """Return the id of what this very request made before, or None. Raises as `outcome`."""
        outcome = await self.outcome(conn)
        return None if outcome is None else outcome.resource_id

    async def outcome(self, conn: Connection) -> Outcome | None:
        """Return what this very request made or found before, or None.

        Ask under the lock under which the effect will be written. Raises IdempotencyMismatch if the key was
        used for another request.
        """
        if self.key is None:
            return None
        found = await idempotency.find(conn, self.user_id, self.key)
        if found is None:
            return None
        known_hash, resource_id, is_new = found
        if known_hash != self.request_hash:
            raise IdempotencyMismatch
        return Outcome(resource_id, is_new)

    async def keep(
        self, conn: Connection, resource_kind: str, resource_id: UUID, *, is_new: bool = True
    ) -> None:
        """Note what the request made, or found made already, in the transaction that sees to it."""
        if self.key is None:
            return
        try:
            await idempotency.keep(
                conn, self.user_id, self.key, self.request_hash, resource_kind, resource_id, is_new
            )
        except idempotency.KeyTaken:
            raise _still_running() from None


class Idempotency:
    """Knows which keys are in use in this process at the moment."""

    def __init__(self) -> None:
        self._running: dict[tuple[UUID, str], bytes] = {}

    @asynccontextmanager
    async def claim(self, user_id: UUID, key: str | None, request_hash: bytes) -> AsyncIterator[Claim]:
        """Take a key for the length of one request; None takes nothing.

        Raises Conflict, to be repeated in a second, while the same request is still running in this process,
        and IdempotencyMismatch while another one runs under the key.
        """
        claim = Claim(user_id, key, request_hash)
        if key is None:
            yield claim
            return
        running = self._running.get((user_id, key))
        if running is not None:
            raise _still_running() if running == request_hash else IdempotencyMismatch()
        self._running[user_id, key] = request_hash
        try:
            yield claim
        finally:
            del self._running[user_id, key]


def _still_running() -> Conflict:
    return Conflict("A request with this Idempotency-Key is still running", retry_after=1)
