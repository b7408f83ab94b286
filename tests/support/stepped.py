"""Writers of the log that take one step at a time, so that a test decides how they interleave.

Each statement that a writer sends to the log waits at a gate until it is let through. Whether one then waits for
a lock is asked of PostgreSQL, so nothing depends on how long anything takes: after `settle()` every writer is idle,
at its gate, or blocked by another.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

import asyncpg

from parley.storage.database import Connection, Database

Gate = Callable[[Connection, str], AbstractAsyncContextManager[None]]

# A test that nobody lets go on ends here.
PATIENCE = 60.0


class GatedConnection:
    """A connection whose statements each pass a gate."""

    def __init__(self, conn: Connection, gate: Gate) -> None:
        self._conn = conn
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._conn, name)
        if name not in ("execute", "executemany", "fetch", "fetchrow", "fetchval"):
            return method

        async def gated(query: str, *values: Any) -> Any:
            async with self._gate(self._conn, query):
                return await cast(Awaitable[Any], method(query, *values))

        return gated


class GatedDatabase(Database):
    """A database whose connections for the log are gated."""

    gate: Gate

    @asynccontextmanager
    async def appending(self) -> AsyncIterator[Connection]:
        async with super().appending() as conn:
            yield cast(Connection, GatedConnection(conn, self.gate))


class Writer:
    """One writer: what it is doing at the moment, and where it waits to be let through."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.task: asyncio.Task[Any] | None = None
        self.pid = 0
        self.statement: str | None = None
        self.leaving = False
        self._stepped = True
        self._permission: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return self.name

    @property
    def idle(self) -> bool:
        return self.task is None

    @property
    def at_gate(self) -> bool:
        return self._permission is not None

    @property
    def moving(self) -> bool:
        """Whether it is at work: PostgreSQL's turn, or its own."""
        return self.task is not None and not self.task.done() and not self.at_gate

    def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        assert self.idle
        self.leaving = False
        self.task = asyncio.create_task(work, name=self.name)

    def take_result(self) -> asyncio.Task[Any] | None:
        """Return the finished work, if it is finished, and be idle again."""
        task = self.task
        if task is None or not task.done():
            return None
        self.task = None
        return task

    def let(self) -> None:
        """Let the statement at the gate through."""
        assert self._permission is not None
        self._permission.set_result(None)

    def fail(self, error: Exception) -> None:
        """Let the statement at the gate fail instead of reaching the database."""
        assert self._permission is not None
        self._permission.set_exception(error)

    def cancel(self) -> None:
        """Cancel the work, wherever it is; PostgreSQL hears of it a little later."""
        assert self.task is not None
        self.leaving = True
        self.task.cancel()

    async def finish(self) -> None:
        """Let everything through until the work is over, whatever comes of it."""
        self._stepped = False
        if self.at_gate:
            self.let()
        if self.task is not None:
            await asyncio.wait([self.task])
            self.task.cancelled() or self.task.exception()
            self.task = None
        self._stepped = True

    @asynccontextmanager
    async def gate(self, conn: Connection, statement: str) -> AsyncIterator[None]:
        # Giving up needs nobody's leave, because it is what a failed append does whatever happens.
        if self._stepped and statement != "ROLLBACK":
            self.pid = conn.get_server_pid()
            self.statement = " ".join(statement.split())[:60]
            self._permission = asyncio.get_running_loop().create_future()
            try:
                await self._permission
            finally:
                self._permission = None
        yield


class Stage:
    """The writers of one test, and a connection on which PostgreSQL tells who waits for whom."""

    def __init__(self, conn: "asyncpg.Connection[asyncpg.Record]", writers: Sequence[Writer]) -> None:
        self._conn = conn
        self.writers = writers

    async def settle(self) -> list[Writer]:
        """Return the writers that are blocked, once nobody can move without help."""
        async with asyncio.timeout(PATIENCE):
            while True:
                moving = [writer for writer in self.writers if writer.moving]
                blocked = await self._blocked([writer.pid for writer in moving])
                if all(_rests(writer, blocked) for writer in moving):
                    return moving
                await asyncio.sleep(0)

    async def cut(self, writer: Writer) -> None:
        """Cut a writer's connection from the server's side, and return when its backend is gone."""
        there = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1"
        if await self._conn.fetchval(there, writer.pid):
            assert await self._conn.fetchval("SELECT pg_terminate_backend($1, 30000)", writer.pid)

    async def _blocked(self, pids: Sequence[int]) -> set[int]:
        if not pids:
            return set()
        rows = await self._conn.fetch(
            "SELECT pid FROM unnest($1::integer[]) pid WHERE cardinality(pg_blocking_pids(pid)) > 0", pids
        )
        return {row["pid"] for row in rows}


def _rests(writer: Writer, blocked: set[int]) -> bool:
    return writer.moving and not writer.leaving and writer.pid in blocked
