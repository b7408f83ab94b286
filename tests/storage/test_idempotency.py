"""Idempotency keys on a real database: what counts as the same request, and what is remembered of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from parley.errors import Conflict, IdempotencyMismatch
from parley.ids import uuid7
from parley.services.idempotency import Idempotency, request_hash
from parley.storage import idempotency as storage
from parley.storage.database import Database

pytestmark = pytest.mark.anyio

USER = uuid4()
FIRST = request_hash("POST", "/groups", {"name": "Book club"})
OTHER = request_hash("POST", "/groups", {"name": "Chess club"})


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_dsn, pool_size=4)
    yield opened
    await opened.close()


async def make(
    database: Database, keys: Idempotency, key: str | None, wanted: bytes = FIRST, user_id: UUID = USER
) -> tuple[UUID, bool]:
    """Make something under a key, as services do; tell whether it had been made before."""
    async with keys.claim(user_id, key, wanted) as claim, database.transaction() as conn:
        made = await claim.made(conn)
        if made is not None:
            return made, True
        resource_id = uuid7()
        await claim.keep(conn, "group", resource_id)
        return resource_id, False


def test_same_request_has_same_hash() -> None:
    """The order of properties does not matter; everything else does."""
    user_id = uuid4()
    base = request_hash("POST", "/messages", {"a": 1, "b": [user_id, datetime(2026, 1, 2, tzinfo=UTC)]})
    assert len(base) == 32
    assert base == request_hash("POST", "/messages", {"b": [str(user_id), "2026-01-02T00:00:00Z"], "a": 1})
    for other in (
        request_hash("PUT", "/messages", {"a": 1, "b": [user_id, datetime(2026, 1, 2, tzinfo=UTC)]}),
        request_hash("POST", "/message", {"a": 1, "b": [user_id, datetime(2026, 1, 2, tzinfo=UTC)]}),
        request_hash("POST", "/messages", {"a": 2, "b": [user_id, datetime(2026, 1, 2, tzinfo=UTC)]}),
        request_hash("POST", "/messages", {"a": 1, "b": [datetime(2026, 1, 2, tzinfo=UTC), user_id]}),
        request_hash("POST", "/messages", None),
    ):
        assert other != base


async def test_repeat_finds_what_was_made(database: Database) -> None:
    """The same key and request find what the first one made, in this process and in the next."""
    made, replayed = await make(database, Idempotency(), "key-1")
    assert not replayed
    assert await make(database, Idempotency(), "key-1") == (made, True)


async def test_other_request_is_a_mismatch(database: Database) -> None:
    """A key that was used for another request is refused, and the first keeps it."""
    made, _ = await make(database, Idempotency(), "key-1")
    with pytest.raises(IdempotencyMismatch):
        await make(database, Idempotency(), "key-1", OTHER)
    assert await make(database, Idempotency(), "key-1") == (made, True)


async def test_keys_belong_to_users(database: Database) -> None:
    """Two users may choose the same key, and one user the same word in another case."""
    first, _ = await make(database, Idempotency(), "key-1")
    for key, user_id in (("key-1", uuid4()), ("KEY-1", USER)):
        made, replayed = await make(database, Idempotency(), key, OTHER, user_id)
        assert not replayed
        assert made != first


async def test_without_key_everything_is_new(database: Database) -> None:
    """Without a key nothing is looked up, kept or held."""
    keys = Idempotency()
    async with keys.claim(USER, None, FIRST):
        assert (await make(database, keys, None))[1] is False
    async with database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM idempotency_keys") == 0


async def test_running_request_is_a_conflict(database: Database) -> None:
    """While the first request runs the second is told when to come back, and another one that it differs."""
    keys = Idempotency()
    async with keys.claim(USER, "key-1", FIRST):
        with pytest.raises(Conflict) as refused:
            await make(database, keys, "key-1")
        assert refused.value.details["retry_after"] == 1
        with pytest.raises(IdempotencyMismatch):
            await make(database, keys, "key-1", OTHER)
        await make(database, keys, "key-2")
        await make(database, keys, "key-1", user_id=uuid4())
    await make(database, keys, "key-1")


async def test_refused_request_frees_its_key(database: Database) -> None:
    """After a refusal the key may be used for something else, and nothing of it is kept."""
    keys = Idempotency()
    with pytest.raises(Conflict, match="no"):
        async with keys.claim(USER, "key-1", FIRST) as claim, database.transaction() as conn:
            await claim.keep(conn, "group", uuid7())
            raise Conflict("no")
    assert (await make(database, keys, "key-1", OTHER))[1] is False


async def test_day_old_key_is_new(database: Database) -> None:
    """After 24 hours a key is used anew, for whatever request."""
    first, _ = await make(database, Idempotency(), "key-1")
    async with database.transaction() as conn:
        await conn.execute("UPDATE idempotency_keys SET created_at = now() - interval '24 hours'")
    second, replayed = await make(database, Idempotency(), "key-1", OTHER)
    assert not replayed
    assert second != first
    assert await make(database, Idempotency(), "key-1", OTHER) == (second, True)


async def test_two_processes_make_one(database: Database) -> None:
    """Of two processes with the same key one makes it; the other is told to come back, or finds it."""
    outcomes = await asyncio.gather(
        *(make(database, Idempotency(), "key-1") for _ in range(4)), return_exceptions=True
    )
    made = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert all(isinstance(outcome, Conflict) for outcome in outcomes if isinstance(outcome, BaseException))
    assert len({resource_id for resource_id, _ in made}) == 1
    assert [replayed for _, replayed in made].count(False) == 1
    assert (await make(database, Idempotency(), "key-1"))[1] is True


async def test_expired_keys_are_deleted(database: Database) -> None:
    """Retention removes old keys in steps, and no others."""
    for number in range(4):
        await make(database, Idempotency(), f"key-{number}")
    async with database.transaction() as conn:
        await conn.execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '1 day' WHERE key <> 'key-0'"
        )
        assert [await storage.delete_expired(conn, 2) for _ in range(3)] == [2, 1, 0]
    assert (await make(database, Idempotency(), "key-0"))[1] is True
