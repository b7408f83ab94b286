"""Writing under an old snapshot: whoever dumps the database, or forgets a transaction, must not slow the log down.

For as long as a snapshot is held PostgreSQL can remove no version of a row that was current since. A row that is
updated again and again then has thousands, and whoever looks for the newest meets them all. So two databases do the
same work in turns, one of them under a snapshot: what the machine does meanwhile concerns both.
"""

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from databases import TestDatabases
from parley.events import EventKind
from parley.ids import uuid7
from parley.model import Profile, Receipt
from parley.storage import conversations, messages, send_queue, users
from parley.storage.send_queue import Sent
from writers import Postgres, Writer, check_log, draft, make_group, observer, writer

pytestmark = pytest.mark.anyio

# What is promised: the rate under a snapshot, as a part of the rate without.
PROMISED = 0.8
# The same for pages, which are counted and do not vary.
PAGES = 1.1
# How many turns of each database are compared in the end: the last ones, in which most versions lie about.
COMPARED = 30

# The numbers outside of the key, as anybody would have them: then all versions of a row stand at one place.
HOT_ROWS = "ALTER TABLE receipts DROP CONSTRAINT receipts_pkey, ADD PRIMARY KEY (conversation_id, user_id)"


@dataclass
class Chat:
    """A few people who write, read, edit and change their profiles without a pause."""

    process: Writer
    groups: dict[UUID, list[UUID]] = field(default_factory=dict)
    people: list[UUID] = field(default_factory=list)
    turns: int = 0

    async def begin(self) -> None:
        for _ in range(4):
            pair = [uuid7(), uuid7()]
            self.groups[await make_group(self.process.log, *pair)] = pair
            self.people += pair
        async with self.process.database.transaction() as conn:
            for user_id in self.people:
                await users.insert(conn, user_id, f"{user_id}@example.com", str(user_id), "Ada")

    async def go_on(self, rounds: int) -> None:
        for n in range(rounds):
            # They answer each other: whoever wrote last reads now.
            drafts = [draft(group_id, pair[n % 2]) for group_id, pair in self.groups.items()]
            for one, sent in zip(drafts, await self.process.send(drafts), strict=True):
                assert isinstance(sent, Sent) and sent.verdict == "sent"
                await self._receive(
                    Receipt(one.conversation_id, self.groups[one.conversation_id][1], sent.seq, sent.seq)
                )
            await self._edit(drafts[n % 4].message_id, drafts[n % 4].sender_id)
        self.turns += 1
        await self._introduce(self.people[self.turns % len(self.people)], f"Turn {self.turns}")

    async def _receive(self, receipt: Receipt) -> None:
        row = await self.process.log.call(
            lambda conn, hint: conversations.move_watermarks(conn, hint, receipt, 100)
        )
        assert row["read_seq"] == receipt.read_seq

    async def _edit(self, message_id: UUID, user_id: UUID) -> None:
        row = await self.process.log.call(
            lambda conn, hint: messages.change(conn, hint, message_id, user_id, "edited")
        )
        assert row["verdict"] == "done"

    async def _introduce(self, user_id: UUID, bio: str) -> None:
        async with self.process.log.append() as entry:
            await users.write_profile(entry.conn, user_id, "Ada", Profile(bio, None, None))
            entry.add(EventKind.USER_UPDATED, stream_id=user_id, subject_id=user_id, facts={})


@dataclass
class Comparison:
    """What writing costs under a snapshot, as a multiple of what it costs without: in time, and in pages read."""

    time: float
    pages: float


async def compare(
    databases: TestDatabases, goes_on: Callable[[int], bool], *, with_hot_rows: bool = False
) -> Comparison:
    """Let two databases do the same for as many turns as `goes_on` says, one of them under a snapshot."""
    dsns = [databases.create(), databases.create()]
    try:
        async with (
            writer(dsns[0]) as one,
            writer(dsns[1]) as other,
            observer(dsns[0]) as conn,
            observer(dsns[1]) as other_conn,
            observer(dsns[0]) as holder,
        ):
            if with_hot_rows:
                await conn.execute(HOT_ROWS)
                await other_conn.execute(HOT_ROWS)
            held, free = Chat(one), Chat(other)
            await held.begin()
            await free.begin()
            await holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM events")
            seconds = await take_turns(held, free, goes_on)
            pages = await pages_read(conn, held) / await pages_read(other_conn, free)
            assert await holder.fetchval("SELECT count(*) FROM messages") == 0, (
                "the snapshot was held all the time"
            )
            assert len(await check_log(conn)) == len(await check_log(other_conn))
        return Comparison(seconds, pages)
    finally:
        for dsn in dsns:
            databases.drop(dsn)


async def take_turns(held: Chat, free: Chat, goes_on: Callable[[int], bool]) -> float:
    ratios: list[float] = []
    while goes_on(len(ratios)):
        seconds = {}
        # Whoever comes second finds the caches warm, so they take turns at that too.
        for chat in (held, free) if len(ratios) % 2 else (free, held):
            started = time.perf_counter()
            await chat.go_on(8)
            seconds[chat is held] = time.perf_counter() - started
        ratios.append(seconds[True] / seconds[False])
    return statistics.median(ratios[-COMPARED:])


async def pages_read(conn: Postgres, chat: Chat) -> int:
    """Return how many pages one message, its receipt and an edit make the server look at."""
    group_id, (writes, reads) = next(iter(chat.groups.items()))
    pages = 0
    await conn.execute("ANALYZE")  # as autovacuum does, which changes plans
    for _ in range(2):  # the first time plans are made
        one = draft(group_id, writes)
        sent = await explain(conn, send_queue.APPEND, 0, False, *send_queue._arguments([one]))
        seq = await conn.fetchval("SELECT last_seq($1)", group_id)
        received = await explain(conn, "SELECT move_watermarks(0, $1, $2, $3, $3, 100)", group_id, reads, seq)
        edited = await explain(conn, "SELECT change_message(0, $1, $2, 'edited')", one.message_id, writes)
        pages = sent + received + edited
    return pages


async def explain(conn: Postgres, statement: str, *values: object) -> int:
    plan = json.loads(await conn.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT json) {statement}", *values))
    return int(plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"])


async def test_writing_under_a_snapshot(databases: TestDatabases) -> None:
    """After hundreds of updates of each row that is updated at all, writing is as quick as without the snapshot."""
    comparison = await compare(databases, lambda turns: turns < 75)
    assert comparison.time <= 1 / PROMISED
    assert comparison.pages <= PAGES


async def test_hot_rows_would_be_noticed(databases: TestDatabases) -> None:
    """With the usual key for receipts, the same work makes the server look at far more."""
    assert (await compare(databases, lambda turns: turns < 75, with_hot_rows=True)).pages > PAGES


@pytest.mark.soak
async def test_writing_after_ten_minutes_under_a_snapshot(databases: TestDatabases) -> None:
    """The same, with a snapshot that is held for ten minutes."""
    end = time.monotonic() + 600
    comparison = await compare(databases, lambda turns: turns < COMPARED or time.monotonic() < end)
    assert comparison.time <= 1 / PROMISED
    assert comparison.pages <= PAGES
