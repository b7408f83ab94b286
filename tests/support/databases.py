"""A real PostgreSQL for tests: one for each pytest process, and a fresh migrated database for each test.

Load it with `pytest_plugins = ["databases"]`. A test that takes `database_dsn` gets the address of a database
of its own, copied from a migrated template; `empty_database_dsn` is one without a schema. Both work in any
event loop, because the server is watched from a thread with a loop of its own.
"""

import asyncio
import itertools
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from parley.storage import schema
from parley.storage.embedded import EmbeddedPostgres

T = TypeVar("T")

TEMPLATE = "parley_template"


class LoopThread:
    """An event loop in a thread, so that a session's fixture outlives the loops of its tests."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="databases", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=120)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()


class TestDatabases:
    """Makes and drops databases on one server, whose address is `dsn`."""

    __test__ = False

    def __init__(self, loop: LoopThread, dsn: str) -> None:
        self.dsn = dsn
        self._loop = loop
        self._numbers = itertools.count(1)
        self._execute(f"CREATE DATABASE {TEMPLATE}")
        self._loop.run(schema.apply(self.address(TEMPLATE)))

    def address(self, database: str) -> str:
        return urlunsplit(urlsplit(self.dsn)._replace(path=f"/{database}"))

    def create(self, template: str = TEMPLATE) -> str:
        """Make a database like `template` and return its address."""
        name = f"test_{next(self._numbers)}"
        # Copying files is the quicker way here, because the server does not wait for the disk.
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.address(name)

    def drop(self, dsn: str) -> None:
        self._execute(f"DROP DATABASE {urlsplit(dsn).path[1:]} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        self._loop.run(_execute(self.dsn, statement))


async def _execute(dsn: str, statement: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()


@pytest.fixture(scope="session")
def embedded_dsn() -> Iterator[str]:
    """The address of the session's PostgreSQL; with xdist each worker has its own."""
    loop = LoopThread()
    server = EmbeddedPostgres.temporary()
    try:
        yield loop.run(server.start())
    finally:
        loop.run(server.stop())
        loop.close()


@pytest.fixture(scope="session")
def databases(embedded_dsn: str) -> Iterator[TestDatabases]:
    loop = LoopThread()
    yield TestDatabases(loop, embedded_dsn)
    loop.close()


@pytest.fixture
def database_dsn(databases: TestDatabases) -> Iterator[str]:
    """The address of a fresh database with the whole schema."""
    yield from _lent(databases, databases.create)


@pytest.fixture
def empty_database_dsn(databases: TestDatabases) -> Iterator[str]:
    """The address of a fresh database without a schema."""
    yield from _lent(databases, lambda: databases.create("template0"))


def _lent(databases: TestDatabases, create: Callable[[], str]) -> Iterator[str]:
    dsn = create()
    yield dsn
    databases.drop(dsn)
