"""What one process owns, and the order in which it begins and ends.

Start: the database (embedded, or the one of PARLEY_DATABASE_URL) → its schema → the pools → the services and
their background tasks → ready. Stop is the same backwards. `drain` comes before: the node says that it is not
ready, so that nobody sends it more, and lets go of those who only wait.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit

import asyncpg

from parley import logs
from parley.errors import Unavailable
from parley.settings import Settings
from parley.storage import schema
from parley.storage.database import Database
from parley.storage.embedded import EmbeddedPostgres

_log = logs.logger("node")

# Seconds that /readyz waits for the database; whoever asks has a timeout of their own, seldom below this.
_READY_TIMEOUT = 2.0


class NodeError(Exception):
    """This process cannot have what it needs to run. `str(error)` is one whole sentence."""


class Startable(Protocol):
    """A background task with a beginning and an end."""

    def start(self) -> Awaitable[None]: ...

    def stop(self) -> Awaitable[None]: ...


class Storage:
    """The database of one process, ready to be asked: started here, visited, or at a given address.

    A process that is `visiting` uses the embedded database of a server that runs in the same data directory,
    and starts it for a moment only where none runs. With `must_exist` no new one is made.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        temporary: bool = False,
        visiting: bool = True,
        must_exist: bool = False,
        migrate: bool = True,
    ) -> None:
        if temporary and settings.database_url is not None:
            raise NodeError(
                "A temporary server makes its own database, and PARLEY_DATABASE_URL names another."
            )
        self._settings = settings
        self._temporary = temporary
        self._visiting = visiting
        self._must_exist = must_exist
        self._migrate_at_start = migrate
        self._visited = False
        self._stack = AsyncExitStack()
        self._embedded: EmbeddedPostgres | None = None
        self.data_dir = settings.data_dir
        self.dsn = ""
        self.database: Database

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self.dsn = await self._address(stack)
            if self._migrate_at_start:
                await self._prepare_schema()
            self.database = await Database.open(self.dsn, pool_size=self._settings.database_pool_size)
            stack.push_async_callback(self.database.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def migrate(self) -> list[str]:
        """Bring the schema up to date and return the names of what that took."""
        return await self._reached(schema.apply(self.dsn))

    async def obstacle(self) -> str | None:
        """Return why the database cannot be asked at the moment, or None. It is really asked."""
        if self._embedded is not None and self._embedded.problem is not None:
            return self._embedded.problem
        try:
            async with asyncio.timeout(_READY_TIMEOUT), self.database.read() as conn:
                await conn.execute("SELECT 1")
        except (Unavailable, TimeoutError):
            return "The database does not answer."
        return None

    async def _address(self, stack: AsyncExitStack) -> str:
        if self._settings.database_url is not None:
            return self._settings.database_url.get_secret_value()
        if self._visiting and (dsn := EmbeddedPostgres.running_dsn(self.data_dir)) is not None:
            self._visited = True
            return dsn
        return await self._start_embedded(stack)

    async def _start_embedded(self, stack: AsyncExitStack) -> str:
        if self._must_exist and not (self.data_dir / "postgres").exists():
            raise NodeError(f"There is no database in {self.data_dir}; `parley serve` makes one.")
        if self._temporary:
            self._embedded = EmbeddedPostgres.temporary()
            self.data_dir = self._embedded.data_dir
        else:
            self._embedded = EmbeddedPostgres(self.data_dir)
        stack.push_async_callback(self._embedded.stop)
        return await self._embedded.start()

    async def _prepare_schema(self) -> None:
        if not self._visited:
            await self.migrate()
        elif await schema.pending(self.dsn):
            # Migrating under a server that runs would change the tables it knows.
            raise NodeError(
                f"The server that runs in {self.data_dir} is of an older Parley; restart it first."
            )

    async def _reached(self, work: Awaitable[list[str]]) -> list[str]:
        """Say which database could not be reached, and why, but not with what password."""
        try:
            return await work
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            url = urlsplit(self.dsn)
            where = f"{url.hostname or 'a socket'}{url.path}"
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise NodeError(f"The database {where} cannot be used: {reason}.") from error


class Node:
    """Everything that serves: storage and services. `async with Node(settings) as node` starts and stops it."""

    def __init__(
        self,
        settings: Settings,
        *,
        temporary: bool = False,
        visiting: bool = False,
        must_exist: bool = False,
    ) -> None:
        self._settings = settings
        self._storage = Storage(settings, temporary=temporary, visiting=visiting, must_exist=must_exist)
        self._stack = AsyncExitStack()
        self._draining = False

    @property
    def data_dir(self) -> Path:
        """Where the database and the keys of this node lie."""
        return self._storage.data_dir

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._storage)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def drain(self) -> None:
        """Say from now on that this node is not ready."""
        self._draining = True

    async def obstacle(self) -> str | None:
        """Return why requests cannot be served at the moment, as a sentence, or None when they can."""
        if self._draining:
            return "The server is shutting down."
        return await self._storage.obstacle()
