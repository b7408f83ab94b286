"""Access to the beta on a real database: granted, taken away, and known to every process at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import cast
from uuid import UUID, uuid4

import pytest

from accounts import Process, process
from parley.errors import NotFound
from parley.storage import users
from parley.storage.database import Connection
from plans import explaining

pytestmark = pytest.mark.anyio


@pytest.fixture
async def parley(database_dsn: str) -> AsyncIterator[Process]:
    async with process(database_dsn) as running:
        yield running


async def test_nobody_has_it_by_themselves(parley: Process) -> None:
    """A new user has no access, and neither has who does not exist."""
    ada = await parley.register("ada")
    assert not await parley.users.has_beta(ada.id)
    assert not await parley.users.has_beta(uuid4())


async def test_is_granted_and_taken_away(database_dsn: str) -> None:
    """What one process decides counts in another at the very next question, and people see it of themselves."""
    async with process(database_dsn) as one, process(database_dsn) as two:
        ada, bob = await one.register("ada"), await one.register("bob")
        assert await one.accounts.grant_beta("ADA@example.com")
        assert await two.users.has_beta(ada.id)
        assert (await two.users.own(ada.id)).beta_access
        assert not await two.users.has_beta(bob.id)
        assert await one.accounts.revoke_beta("ada@example.com")
        assert not await two.users.has_beta(ada.id)
        assert not (await two.users.own(ada.id)).beta_access


async def test_twice_is_once(parley: Process) -> None:
    """Who has access is told so, and keeps the day it began; who has none cannot lose it."""
    await parley.register("ada")
    assert not await parley.accounts.revoke_beta("ada@example.com")
    assert await parley.accounts.grant_beta("ada@example.com")
    (before,) = await parley.users.accounts()
    assert not await parley.accounts.grant_beta("ada@example.com")
    (after,) = await parley.users.accounts()
    assert before.beta_since is not None and after.beta_since == before.beta_since
    assert await parley.accounts.revoke_beta("ada@example.com")
    (account,) = await parley.users.accounts()
    assert account.beta_since is None


async def test_nobody_gets_nothing(parley: Process) -> None:
    """An address that is nobody's is not found."""
    for change in (parley.accounts.grant_beta, parley.accounts.revoke_beta):
        with pytest.raises(NotFound, match="There is no such user"):
            await change("nobody@example.com")


async def test_all_who_ask_at_once_share_a_statement(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many callers in one turn of the loop cost one statement, and each gets their own answer."""
    asked: list[Sequence[UUID]] = []
    which_have_beta = users.which_have_beta

    async def counted(conn: Connection, user_ids: Sequence[UUID]) -> Sequence[bool]:
        asked.append(user_ids)
        return await which_have_beta(conn, user_ids)

    monkeypatch.setattr(users, "which_have_beta", counted)
    async with process(database_dsn) as parley:
        ada, bob = await parley.register("ada"), await parley.register("bob")
        await parley.accounts.grant_beta("ada@example.com")
        callers = [ada.id, bob.id, ada.id, uuid4()] * 10
        answers = await asyncio.gather(*(parley.users.has_beta(user_id) for user_id in callers))
    assert answers == [True, False, True, False] * 10
    assert asked == [callers]


async def test_is_looked_up_by_key(parley: Process, database_dsn: str) -> None:
    """One plan, made while there was nobody, reads of many users only those who are asked about."""
    await parley.execute(
        """
        INSERT INTO users (id, email, email_key, username, username_key, display_name)
        SELECT gen_random_uuid(), n, n, n, n, n
        FROM (SELECT 'user' || n AS n FROM generate_series(1, 5000) n) numbered
        """
    )
    async with explaining(database_dsn) as conn:
        await users.which_have_beta(cast(Connection, conn), [uuid4(), uuid4()])
        assert conn.scanned == []
        assert conn.buffers <= 2 * 4
