"""The border to the driver: what is an outage, and what is a fault of ours."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg
import pytest

from parley.errors import Unavailable
from parley.storage.database import Connection, Database
from parley.storage.log import Log

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_dsn, pool_size=4)
    yield opened
    await opened.close()


def connection_of(lent: Any) -> Connection:
    """Return the connection of whatever a block is given: of an append, its entry's."""
    conn: Connection = getattr(lent, "conn", lent)
    return conn


BLOCKS: dict[str, Callable[[Database], AbstractAsyncContextManager[Any]]] = {
    "read": lambda database: database.read(),
    "transaction": lambda database: database.transaction(),
    "append": lambda database: Log(database).append(),
}
IN_EVERY_BLOCK = pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS.keys())


@IN_EVERY_BLOCK
@pytest.mark.parametrize("values", [(), (1, 2), ("one",)], ids=["too few", "too many", "of another type"])
async def test_a_wrong_question_is_no_outage(
    database: Database,
    block: Callable[[Database], AbstractAsyncContextManager[Any]],
    values: tuple[object, ...],
) -> None:
    """To come again would not help, so nobody is told to."""
    with pytest.raises((asyncpg.InterfaceError, asyncpg.DataError)):
        async with block(database) as lent:
            await connection_of(lent).fetchval("SELECT $1::integer", *values)
    async with block(database) as lent:
        assert await connection_of(lent).fetchval("SELECT $1::integer", 1) == 1


async def test_a_wrong_call_of_the_log_is_no_outage(database: Database) -> None:
    """Nor in what is appended by one call."""
    with pytest.raises(asyncpg.InterfaceError):
        await Log(database).call(lambda conn, hint: conn.fetchrow("SELECT $1::integer AS head"))


@IN_EVERY_BLOCK
async def test_a_lost_connection_is_an_outage(
    database: Database, block: Callable[[Database], AbstractAsyncContextManager[Any]]
) -> None:
    """Whether it breaks in the middle of a question or was lost before it."""
    for already_lost in (False, True):
        with pytest.raises(Unavailable):
            async with block(database) as lent:
                conn = connection_of(lent)
                if already_lost:
                    conn.terminate()
                    assert conn.is_closed()
                    await conn.fetchval("SELECT 1")
                await conn.fetchval("SELECT pg_terminate_backend(pg_backend_pid())")
    async with block(database) as lent:
        assert await connection_of(lent).fetchval("SELECT 1") == 1


async def test_a_closed_pool_is_an_outage(database: Database) -> None:
    """A request that comes while the process ends is told so."""
    await database.close()
    for block in BLOCKS.values():
        with pytest.raises(Unavailable):
            async with block(database):
                pytest.fail("there is nothing to lend")
