"""The log: appending whole or not at all, and reading without a hole."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from parley.errors import Unavailable
from parley.events import EventKind
from parley.ids import uuid7
from parley.model import Receipt
from parley.storage import conversations, events, messages
from parley.storage.database import Connection, Database
from parley.storage.log import MAX_EVENTS_PER_COMMIT, Entry, Head, Log
from stepped import GatedDatabase
from writers import Postgres, check_log, draft, make_group, observer, remove, wait_until_blocked, writer

pytestmark = pytest.mark.anyio


class Change(Exception):
    """Somebody changed their mind in the middle of an append."""


def note(entry: Entry, stream_id: UUID) -> int:
    return entry.add(EventKind.USER_UPDATED, stream_id=stream_id, subject_id=stream_id, facts={})


async def append_one(log: Log) -> int:
    async with log.append() as entry:
        return note(entry, uuid7())


async def read(database: Database, user_id: UUID, after: int, limit: int = 100) -> events.Excerpt:
    async with database.read() as conn:
        return await events.read(conn, user_id, after, limit)


async def test_first_event_is_at_one(database_dsn: str) -> None:
    """An empty log begins at position 1, and each append goes on where the one before ended."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        assert [await append_one(alone.log) for _ in range(3)] == [1, 2, 3]
        assert alone.log.head.position == 3
        await check_log(conn)


async def test_events_and_effect_are_one(database_dsn: str) -> None:
    """Whatever happens inside of the block, events and effects are both there or neither is."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        owner = uuid7()
        group_id = await make_group(alone.log, owner)
        with pytest.raises(Change):
            async with alone.log.append() as entry:
                position = note(entry, group_id)
                await conversations.remove_member(entry.conn, group_id, owner, position)
                raise Change
        assert await conn.fetchval("SELECT count(*) FROM members") == 1
        assert len(await check_log(conn)) == 1
        assert await append_one(alone.log) == 2, "the position was not used up"


async def test_error_of_the_database_rolls_back(database_dsn: str) -> None:
    """An error in the block's own SQL reaches the caller as it is, and leaves nothing behind."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, uuid7())
        with pytest.raises(asyncpg.UniqueViolationError):
            async with alone.log.append() as entry:
                note(entry, group_id)
                await conversations.add_members(entry.conn, group_id, [(uuid7(), "owner")], 2, entry.at)
        assert len(await check_log(conn)) == 1
        assert await append_one(alone.log) == 2


async def test_too_many_events_are_refused(database_dsn: str) -> None:
    """A commit has a bounded number of events, and one more than that leaves nothing behind."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        async with alone.log.append() as entry:
            for _ in range(MAX_EVENTS_PER_COMMIT):
                note(entry, uuid7())
        with pytest.raises(ValueError, match="hold the head too long"):
            async with alone.log.append() as entry:
                for _ in range(MAX_EVENTS_PER_COMMIT + 1):
                    note(entry, uuid7())
        assert len(await check_log(conn)) == MAX_EVENTS_PER_COMMIT
        assert alone.log.head.position == MAX_EVENTS_PER_COMMIT


async def test_head_wakes_whoever_waits() -> None:
    """A reader that took the signal before it looked misses no advance."""
    head = Head()
    moved = head.moved
    head.advance(5)
    assert moved.is_set() and not head.moved.is_set()
    moved = head.moved
    head.advance(5)
    head.advance(3)
    assert head.position == 5 and not moved.is_set()
    head.wake()
    assert moved.is_set()


async def test_appends_advance_the_head(database_dsn: str) -> None:
    """Each way to append wakes those who wait for news; an append that failed does not."""
    async with writer(database_dsn) as alone:
        owner, log = uuid7(), alone.log
        moved = log.head.moved
        group_id = await make_group(log, owner)
        assert moved.is_set()

        moved = log.head.moved
        [sent] = await alone.send([draft(group_id, owner, message_id=(message_id := uuid7()))])
        assert not isinstance(sent, BaseException) and sent.position == log.head.position == 2
        assert moved.is_set()

        moved = log.head.moved
        await log.call(lambda conn, hint: messages.change(conn, hint, message_id, owner, "Hello!"))
        assert moved.is_set() and log.head.position == 3

        moved = log.head.moved
        with pytest.raises(Change):
            async with log.append() as entry:
                note(entry, owner)
                raise Change
        assert not moved.is_set() and log.head.position == 3


async def test_stale_hint_does_no_harm(database_dsn: str) -> None:
    """Neither a process that slept for long nor one whose database was set back appends at a wrong place."""
    async with writer(database_dsn) as early, writer(database_dsn) as late, observer(database_dsn) as conn:
        owner = uuid7()
        group_id = await make_group(early.log, owner)
        for _ in range(3):
            await early.send([draft(group_id, owner)])
        await late.send([draft(group_id, owner)])
        early.log.head.advance(1_000_000)
        await early.send([draft(group_id, owner)])
        assert await append_one(early.log) == 7
        await check_log(conn)


async def test_log_goes_on_after_all_was_trimmed(database_dsn: str) -> None:
    """Where every event is gone, positions go on after the last that was trimmed."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        for _ in range(3):
            await append_one(alone.log)
        await conn.execute("UPDATE log_state SET trimmed_to = 3")
        await conn.execute("TRUNCATE events")
        assert await append_one(alone.log) == 4
        assert await append_one(Log(alone.database)) == 5


async def test_isolation_is_read_committed_whatever_the_default(database_dsn: str) -> None:
    """A database whose default is stricter would judge by a snapshot older than the lock."""
    async with observer(database_dsn) as conn:
        name = await conn.fetchval("SELECT current_database()")
        await conn.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
        async with writer(database_dsn) as one, writer(database_dsn) as other:
            owner = uuid7()
            group_id = await make_group(one.log, owner)
            async with one.log.append() as entry:
                note(entry, group_id)
                sending = asyncio.create_task(other.send([draft(group_id, owner)]))
                await wait_until_blocked(conn)
            [sent] = await sending
            assert not isinstance(sent, BaseException) and sent.position == 3
        await check_log(conn)


async def test_rules_are_judged_under_the_head(database_dsn: str) -> None:
    """A message that waits while its sender is removed is refused."""
    async with writer(database_dsn) as one, writer(database_dsn) as other, observer(database_dsn) as conn:
        owner, leaver = uuid7(), uuid7()
        group_id = await make_group(one.log, owner, leaver)
        async with one.log.append() as entry:
            position = note(entry, leaver)
            await conversations.remove_member(entry.conn, group_id, leaver, position)
            sending = asyncio.create_task(other.send([draft(group_id, leaver), draft(group_id, owner)]))
            await wait_until_blocked(conn)
        refused, sent = await sending
        assert not isinstance(refused, BaseException) and refused.verdict == "not_member"
        assert not isinstance(sent, BaseException) and (sent.position, sent.seq) == (3, 1)
        await check_log(conn)


async def test_page_never_runs_ahead_of_its_events(database_dsn: str) -> None:
    """The head that a page of events shows is of the same snapshot as the events: going on there misses none."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        owner = uuid7()
        group_id = await make_group(alone.log, owner)
        await conn.execute(
            """
            ALTER FUNCTION log_epoch RENAME TO real_log_epoch;
            CREATE FUNCTION log_epoch() RETURNS text LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN real_log_epoch(); END $$;
            SELECT pg_advisory_lock(1);
            """
        )
        reading = asyncio.create_task(read(alone.database, owner, after=1))
        # The page's snapshot is taken, and its statement waits while something is sent.
        await wait_until_blocked(conn)
        await alone.send([draft(group_id, owner)])
        await conn.execute("SELECT pg_advisory_unlock(1)")
        page = await reading
        assert page.state.head == 1 + len(page.rows)
        assert [
            row["event_position"] for row in (await read(alone.database, owner, page.state.head)).rows
        ] == [2]


async def test_uncommitted_events_are_not_read(database_dsn: str) -> None:
    """A reader sees nothing of an append before its commit, and then all of it."""
    async with writer(database_dsn) as alone:
        owner = uuid7()
        async with alone.log.append() as entry:
            note(entry, owner)
            note(entry, owner)
            page = await read(alone.database, owner, 0)
            assert (page.state.head, page.rows) == (0, [])
        assert [row["event_position"] for row in (await read(alone.database, owner, 0)).rows] == [1, 2]


async def test_removed_member_reads_up_to_the_removal(database_dsn: str) -> None:
    """Whoever was removed between a cursor and now gets what was theirs at its position, and no more."""
    async with writer(database_dsn) as alone:
        owner, leaver = uuid7(), uuid7()
        group_id = await make_group(alone.log, owner, leaver)
        await alone.send([draft(group_id, owner, "before")])
        await remove(alone.log, group_id, leaver)
        await alone.send([draft(group_id, owner, "after")])
        page = await read(alone.database, leaver, 0)
        assert [(row["kind"], row["content"]) for row in page.rows] == [
            ("conversation.created", None),
            ("message", "before"),
        ]


async def test_receipt_of_an_outsider_moves_nothing(database_dsn: str) -> None:
    """Watermarks of somebody who is no member are null, and no event tells of them."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, uuid7())
        receipt = Receipt(group_id, uuid7(), 1, 1)
        row = await alone.log.call(lambda c, hint: conversations.move_watermarks(c, hint, receipt, 100))
        assert (row["read_seq"], row["delivered_seq"]) == (None, None)
        assert len(await check_log(conn)) == 1


class Cancelled:
    """Cancels the task that runs a statement, before it is sent or when it has run."""

    def __init__(self, statement: str, *, when: str) -> None:
        self._statement = statement
        self._when = when
        self.struck = False

    @asynccontextmanager
    async def gate(self, conn: Connection, statement: str) -> AsyncIterator[None]:
        del conn
        strikes = not self.struck and statement.lstrip().startswith(self._statement)
        if strikes and self._when == "before":
            await self._strike()
        yield
        if strikes:
            # As when a client goes away at the very moment at which the answer arrives.
            await self._strike()

    async def _strike(self) -> None:
        self.struck = True
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)


STATEMENTS = ("BEGIN", "SELECT head, at", "SELECT 1", "INSERT INTO events", "COMMIT")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("statement", STATEMENTS)
async def test_cancelled_append_leaves_nothing(
    database_dsn: str, complaints: list[Any], statement: str, when: str
) -> None:
    """Whoever is cancelled in an append, at whichever statement, leaves the head free and the connection clean."""
    gated = await GatedDatabase.open(database_dsn, pool_size=1)
    gated.gate = (cancelled := Cancelled(statement, when=when)).gate
    log = Log(gated)

    async def append() -> None:
        async with log.append() as entry:
            await entry.conn.execute("SELECT 1")
            note(entry, uuid7())

    try:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(append())
        assert cancelled.struck
        async with observer(database_dsn) as conn:
            assert await held(conn) == []
            # Cancelled after COMMIT it is done, though nobody is told.
            there = len(await check_log(conn))
            assert there == ((statement, when) == ("COMMIT", "after"))
        for _ in range(5):
            await append()
        assert log.head.position == there + 5
    finally:
        await gated.close()
    assert not complaints


async def test_append_cancelled_while_it_waits(database_dsn: str, complaints: list[Any]) -> None:
    """Whoever is cancelled while waiting for the head gets it neither then nor later."""
    async with writer(database_dsn) as one, writer(database_dsn) as other, observer(database_dsn) as conn:
        async with one.log.append() as entry:
            waiting = [asyncio.create_task(append_one(other.log))]
            waiting.append(asyncio.create_task(other.log.call(lambda c, hint: change_nothing(c, hint))))
            await wait_until_blocked(conn, 2)
            for task in waiting:
                task.cancel()
            assert all(
                isinstance(outcome, asyncio.CancelledError)
                for outcome in await asyncio.gather(*waiting, return_exceptions=True)
            )
            note(entry, uuid7())
        assert await held(conn) == []
        assert await append_one(other.log) == 2
    assert not complaints


async def change_nothing(conn: Connection, hint: int) -> Any:
    return await messages.change(conn, hint, uuid7(), uuid7(), None)


async def test_connection_lost_in_an_append(database_dsn: str) -> None:
    """When the connection dies inside of the block, nothing is left and the caller is told so."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        with pytest.raises(Unavailable):
            async with alone.log.append() as entry:
                note(entry, uuid7())
                await conn.fetchval("SELECT pg_terminate_backend($1, 10000)", entry.conn.get_server_pid())
        assert await check_log(conn) == []
        assert await append_one(alone.log) == 1


async def test_one_append_of_a_process_waits_at_a_time(database_dsn: str) -> None:
    """Of one process at most one append asks for the head, so that a frozen one costs others one turn only."""
    async with (
        writer(database_dsn) as one,
        writer(database_dsn, pool_size=30) as other,
        observer(database_dsn) as conn,
    ):
        async with one.log.append() as entry:
            waiting = [asyncio.create_task(append_one(other.log)) for _ in range(5)]
            await wait_until_blocked(conn)
            # Sending needs a connection of its own and comes after them, so by then they would all be waiting.
            sending = asyncio.create_task(other.send([draft(uuid7(), uuid7())]))
            assert len(await wait_until_blocked(conn, 2)) == 2
            note(entry, uuid7())
        assert sorted(await asyncio.gather(*waiting)) == [2, 3, 4, 5, 6]
        await sending


async def held(conn: Postgres) -> list[Any]:
    """Return the locks of the log that are held, and the transactions that are left open."""
    return await conn.fetch(
        """
        SELECT a.pid, a.state, l.locktype
        FROM pg_stat_activity a
        LEFT JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'advisory'
        WHERE a.datname = current_database() AND a.application_name = 'parley-log'
          AND (l.pid IS NOT NULL OR a.state <> 'idle')
        """
    )


@pytest.fixture
async def complaints() -> AsyncIterator[list[Any]]:
    """What asyncio reports because nobody else would: connections returned in the middle of a transaction."""
    said: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: said.append(context))
    yield said
    loop.set_exception_handler(None)
