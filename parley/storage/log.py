"""The log: every durable thing that happens is one row in `events`, appended in its effect's transaction.

Invariants, each held by a property test:

- positions are gapless and in commit order: whoever appends holds the head (an advisory lock) until commit, and
  reads the last position in the statement after the one that took it;
- rules are judged by statements that began after the head was taken;
- the head is taken before any row is locked, so there is one order and no deadlock;
- nobody holds it for long: the server ends a transaction two seconds after it got the head.

What is frequent is one call of a function in autocommit (`SendQueue`, `change_message`, `move_watermarks`). What
is rare uses `async with log.append() as entry`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from parley import logs
from parley.errors import Unavailable
from parley.events import EventKind
from parley.metrics import log_room_missing
from parley.storage.database import (
    ACQUIRE_TIMEOUT,
    OUTAGES,
    Connection,
    Database,
    fetch_one,
    lacks_partition,
    outages_translated,
)
from parley.storage.retention import extend_log

# One commit holds at most so many events, so that nobody waits long for the head.
MAX_EVENTS_PER_COMMIT = 256

# The alarm of a log that has no partition for what is to be appended.
NO_ROOM = "the log had no partition ahead: is retention running?"

_log = logs.logger("storage")


class Head:
    """How far this process knows the log to reach, and a signal for those who wait for more."""

    def __init__(self) -> None:
        self.position = 0
        # Up to where this process appended what only the log knows: nobody else will tell of it.
        self.untold = 0
        self.moved = asyncio.Event()

    def advance(self, position: int) -> None:
        """Note that the log reaches `position`. Whoever took `moved` before and waits for it is woken."""
        if position > self.position:
            self.position = position
            self.wake()

    def appended(self, position: int) -> None:
        """Note that this process appended up to a position, and that whoever follows has to read it."""
        self.untold = max(self.untold, position)
        self.advance(position)

    def set_back(self, position: int) -> None:
        """Note that the log is another one, which reaches `position`."""
        self.position, self.untold = position, 0
        self.wake()

    def wake(self) -> None:
        """Wake whoever waits, whether or not anything has moved."""
        moved, self.moved = self.moved, asyncio.Event()
        moved.set()


@dataclass(slots=True)
class Entry:
    """An append under way: the head is held, `conn` judges and writes, `add` says what happened."""

    conn: Connection
    head: int
    at: datetime
    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def add(
        self,
        kind: EventKind,
        *,
        stream_id: UUID,
        subject_id: UUID,
        actor_id: UUID | None = None,
        facts: dict[str, Any] | None = None,
    ) -> int:
        """Append one event to a stream and return its position."""
        position = self.next_position
        self.rows.append((position, stream_id, kind, subject_id, actor_id, facts, self.at))
        return position

    @property
    def next_position(self) -> int:
        """The position that the next event will get."""
        return self.head + len(self.rows) + 1


class Log:
    """Appends to the log and knows its head."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._alone = asyncio.Lock()
        self.head = Head()

    @asynccontextmanager
    async def append(self) -> AsyncIterator[Entry]:
        """Take the head, run the block, write its events and commit; any exception rolls all of it back.

        The block should be a few short statements: everybody else who writes is waiting. Raises Unavailable
        when the database is away; the outcome is then unknown.
        """
        try:
            with outages_translated():
                async with self._turn(), self._database.appending() as conn:
                    try:
                        # In here, because whoever is cancelled while waiting for the head may be given it all the same.
                        await conn.execute("BEGIN; SELECT take_head()")
                        read = "SELECT head, at FROM read_head($1)"
                        head, at = await fetch_one(conn, read, self.head.position)
                        entry = Entry(conn, head, at)
                        yield entry
                        await self._write(entry)
                    except BaseException:
                        await _roll_back(conn)
                        raise
        except asyncpg.CheckViolationError as error:
            await self.make_room(error)
            raise Unavailable("The log had no room, and has some now") from error
        self.head.appended(entry.head + len(entry.rows))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Let one append of this process ask for the head at a time.

        Each that asked would be given it, also in a process that is frozen by then, and keep it until its time is
        up: one process must not stop the others for longer than one turn.
        """
        async with asyncio.timeout(ACQUIRE_TIMEOUT):
            await self._alone.acquire()
        try:
            yield
        finally:
            self._alone.release()

    async def call(self, run: Callable[[Connection, int], Any]) -> Any:
        """Run one appending function on a connection of the log, telling it the last known position."""
        try:
            row = await self._call(run)
        except asyncpg.CheckViolationError as error:
            await self.make_room(error)
            row = await self._call(run)
        if row["head"] is not None:
            self.head.appended(row["head"])
        return row

    async def _call(self, run: Callable[[Connection, int], Any]) -> Any:
        with outages_translated():
            async with self._database.appending() as conn:
                return await run(conn, self.head.position)

    async def make_room(self, error: asyncpg.CheckViolationError) -> None:
        """Make the partition for which an append has failed, as retention should have done long before.

        Any other error of that kind is raised again.
        """
        if not lacks_partition(error):
            raise error
        log_room_missing.inc()
        _log.error(NO_ROOM, head=self.head.position)
        async with self._database.read() as conn:
            await extend_log(conn)

    async def _write(self, entry: Entry) -> None:
        if len(entry.rows) > MAX_EVENTS_PER_COMMIT:
            raise ValueError(f"{len(entry.rows)} events in one commit would hold the head too long")
        if entry.rows:
            await entry.conn.executemany(
                """
                INSERT INTO events (position, stream_id, kind, subject_id, actor_id, facts, created_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
                """,
                entry.rows,
            )
        await entry.conn.execute("COMMIT")


async def _roll_back(conn: Connection) -> None:
    # Where even that fails the connection is dead, and the server rolls back by itself.
    with suppress(*OUTAGES, asyncpg.InterfaceError):
        await conn.execute("ROLLBACK")
