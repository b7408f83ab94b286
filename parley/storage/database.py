"""The connections to PostgreSQL: two pools, and one border where the driver's errors become Parley's.

`read()` is for questions, `transaction()` for writes that the log does not record (sessions, presence), and
`appending()` for the log alone: its connections give up soon, because whoever holds the head holds up everyone.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Self, TypeAlias

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from parley.errors import Unavailable

Row: TypeAlias = "asyncpg.Record"
Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

# Seconds to wait for a free connection, and for one statement.
ACQUIRE_TIMEOUT = 5.0
# Seconds that a statement which was broken off may take to end, before its connection is dropped.
RELEASE_TIMEOUT = 1.0
COMMAND_TIMEOUT = 10.0

# What means "the database is away, starting, stopping or full": SQLSTATE classes 08, 53, 57 and lock timeouts.
OUTAGES = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

# Every question Parley asks has an index. A plan that was made while a table was empty must not scan it for ever.
READING = {
    "application_name": "parley",
    # A process that is frozen in a transaction must not keep its rows for ever.
    "idle_in_transaction_session_timeout": "10s",
    "default_transaction_isolation": "read committed",
    "jit": "off",
    "timezone": "UTC",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    # One plan per question: planning a page of history anew took longer than reading it.
    "plan_cache_mode": "force_generic_plan",
}
# The head's clock itself starts in take_head(); these bound the waiting for it and what a dead peer can cost.
# Stricter isolation, if that is the database's default, would judge by a snapshot older than the head.
APPENDING = {
    "application_name": "parley-log",
    "default_transaction_isolation": "read committed",
    "jit": "off",
    "timezone": "UTC",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "lock_timeout": "6s",
    "idle_in_transaction_session_timeout": "2s",
    "tcp_user_timeout": "5s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
}


@contextmanager
def outages_translated() -> Iterator[None]:
    """Turn the driver's errors of connection and resources into `Unavailable`; others pass."""
    try:
        yield
    except OUTAGES as error:
        raise _unavailable() from error


def is_loss(error: BaseException | None, conn: "Connection | asyncpg.Connection[asyncpg.Record]") -> bool:
    """Whether the driver complains because the connection was lost before. Else we have used it wrongly."""
    if not isinstance(error, asyncpg.InterfaceError):
        return False
    try:
        return conn.is_closed()
    except asyncpg.InterfaceError:
        # It was lost, and the pool has taken it back already.
        return True


def lacks_partition(error: asyncpg.CheckViolationError) -> bool:
    """Whether the log has no partition for a position: a constraint without a name, which nobody's data break."""
    return error.constraint_name is None and error.table_name == "events"


def _lost() -> asyncpg.PostgresConnectionError:
    return asyncpg.ConnectionDoesNotExistError("the connection was lost")


def _unavailable() -> Unavailable:
    return Unavailable("The database is not available at the moment")


def direction(after: object) -> str:
    """The order in which a list is walked: towards newer items from a cursor in `after`, else towards older."""
    return "DESC" if after is None else "ASC"


async def fetch_one(conn: Connection, query: str, *values: Any) -> Row:
    """Run a query that always has exactly one row, such as the call of a function, and return it."""
    row = await conn.fetchrow(query, *values)
    assert row is not None, "a query without FROM has one row"
    return row


class Loan:
    """A connection for the length of an `async with` block; the driver's outages leave it as Unavailable.

    It is what a context manager around `pool.acquire()` would be, without what three nested ones cost per request.
    """

    __slots__ = ("_conn", "_pool", "_turns")

    def __init__(self, pool: Pool, turns: asyncio.Semaphore) -> None:
        self._pool = pool
        self._turns = turns
        self._conn: Connection

    async def __aenter__(self) -> Connection:
        # A clock is needed only by whoever has to wait. Those come in turn: the pool itself would give a connection
        # to a newcomer before the one who was woken for it, and send that one to the end of the line.
        try:
            if self._turns.locked():
                async with asyncio.timeout(ACQUIRE_TIMEOUT):
                    await self._turns.acquire()
            else:
                await self._turns.acquire()
        except TimeoutError as error:
            raise _unavailable() from error
        try:
            timeout = None if self._pool.get_idle_size() else ACQUIRE_TIMEOUT
            self._conn = await self._pool.acquire(timeout=timeout)
        except BaseException as error:
            self._turns.release()
            is_closing = isinstance(error, asyncpg.InterfaceError) and self._pool.is_closing()
            if is_closing or isinstance(error, OUTAGES):
                raise _unavailable() from error
            raise
        return self._conn

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Asked now, because whoever gave a connection back cannot ask it anything.
        is_outage = error is not None and (isinstance(error, OUTAGES) or is_loss(error, self._conn))
        try:
            await self._pool.release(self._conn, timeout=RELEASE_TIMEOUT)
        except OUTAGES as outage:
            # The pool has dropped the connection. Whatever happened in the block matters more.
            if error is None:
                raise _unavailable() from outage
        finally:
            self._turns.release()
        if is_outage:
            raise _unavailable() from error


class Database:
    """The pools of one process. `open()` makes it, `close()` ends it."""

    def __init__(self, dsn: str, reading: Pool, appending: Pool) -> None:
        self._dsn = dsn
        self._reading = reading
        self._appending = appending
        self._turns = asyncio.Semaphore(reading.get_max_size())

    @classmethod
    async def open(cls, dsn: str, *, pool_size: int = 10) -> Self:
        """Connect to `dsn`, with at most `pool_size` connections for reading and a few for the log."""
        reading = await _pool(dsn, pool_size, READING)
        try:
            return cls(dsn, reading, await _pool(dsn, max(2, pool_size // 3), APPENDING))
        except BaseException:
            reading.terminate()
            raise

    async def close(self) -> None:
        """Close all connections; what is still running on them after five seconds is cut."""
        for pool in (self._appending, self._reading):
            try:
                async with asyncio.timeout(5):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    def read(self) -> "Loan":
        """Lend a connection for questions, each statement its own snapshot. Raises Unavailable."""
        return Loan(self._reading, self._turns)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction that is committed at the end of the block. Raises Unavailable: the outcome is unknown."""
        async with self.read() as conn, conn.transaction():
            yield conn

    @asynccontextmanager
    async def appending(self) -> AsyncIterator[Connection]:
        """A connection for the log. Its errors are the driver's own, since the log must tell outcomes apart."""
        if self._appending.is_closing():
            raise _lost()
        async with self._appending.acquire(timeout=ACQUIRE_TIMEOUT) as conn:
            try:
                yield conn
            except asyncpg.InterfaceError as error:
                if is_loss(error, conn):
                    raise _lost() from error
                raise

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """Open a connection outside of the pools, for whoever listens. Its errors are the driver's own."""
        return await asyncpg.connect(
            self._dsn, timeout=ACQUIRE_TIMEOUT, server_settings={"application_name": "parley-listener"}
        )

    async def is_full(self) -> bool:
        """Ask the database whether its disk is full. Raises Unavailable where it does not answer.

        Only writing tells. Rows that spill from memory are written to the disk without WAL, and nothing is left.
        """
        async with self.read() as conn, conn.transaction(readonly=True):
            await conn.execute("SET LOCAL work_mem = '64kB'; SET LOCAL temp_tablespaces = ''")
            try:
                await conn.fetchval("SELECT count(*) FROM generate_series(1, 20000)")
            except asyncpg.DiskFullError:
                return True
        return False

    @property
    def pool_in_use(self) -> tuple[int, int]:
        """Connections for reading that are lent out, and how many there may be."""
        return self._reading.get_size() - self._reading.get_idle_size(), self._reading.get_max_size()


async def _pool(dsn: str, size: int, session: dict[str, str]) -> Pool:
    with outages_translated():
        pool: Pool = await asyncpg.create_pool(
            dsn,
            # None is kept at all costs, or the driver would say at length what an outage is.
            min_size=0,
            max_size=size,
            command_timeout=COMMAND_TIMEOUT,
            max_inactive_connection_lifetime=300,
            server_settings=session,
            init=_read_json_as_values,
            reset=_keep_session,
        )
    return pool


async def _read_json_as_values(conn: "asyncpg.Connection[asyncpg.Record]") -> None:
    # Facts (jsonb) are looked into; metadata (json) is the client's own and goes through as it came.
    try:
        await conn.set_type_codec("jsonb", encoder=_dumps, decoder=orjson.loads, schema="pg_catalog")
        await conn.set_type_codec("json", encoder=_dumps, decoder=orjson.Fragment, schema="pg_catalog")
    except asyncpg.InterfaceError as error:
        if is_loss(error, conn):
            raise _lost() from error
        raise


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


async def _keep_session(_conn: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Spare the RESET ALL after each loan: nobody changes a session, and the pool itself ends transactions."""
