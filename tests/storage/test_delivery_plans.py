"""What a claim costs does not depend on how much was delivered before, nor on how much waits for later.

And what nobody wants to hear of is passed over where the log is read.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from chat import Chat, running
from hooks import make_webhook
from parley.storage import database, deliveries
from parley.storage.deliveries import Claim, Known, Result, Room
from parley.webhooks.endpoints import OVERLAP
from parley.webhooks.workers import LEASE

pytestmark = pytest.mark.anyio

AT_ONCE = 8
# How much more a claim and its result may read with thousands of others around than with none.
MORE = 1.5


class Queue:
    """The queue of one webhook, which is claimed from again and again; what it costs is counted in pages."""

    def __init__(self, chat: Chat, conn: "asyncpg.Connection[asyncpg.Record]", webhook_id: UUID) -> None:
        self.chat = chat
        self.conn = conn
        self.webhook_id = webhook_id
        self.now = datetime.now(UTC)
        self.due_from: datetime | None = None
        self._last = 0

    async def put(self, number: int, *, later: timedelta = timedelta()) -> None:
        """Let so many more wait."""
        await self.chat.execute(
            """
            INSERT INTO deliveries (webhook_id, delivery_id, position, event, stream_id, next_attempt_at, created_at)
            SELECT $1, delivery_id($1, p, $2), p, 'message.created', $1, $3, $2
            FROM generate_series($4::bigint, $5) p
            """,
            self.webhook_id,
            self.now,
            self.now + later,
            self._last + 1,
            self._last + number,
        )
        self._last += number

    def room(self, number: int, everything: bool) -> Room:
        known = {self.webhook_id: Known(number, True, due_from=self.due_from)}
        return Room(number, 0, known, silent=0, each=1, everything=everything)

    async def deliver(self, number: int) -> None:
        """Claim so many and note that they have arrived; time passes."""
        async with self.chat.database.read() as conn:
            claims = await deliveries.claim(conn, LEASE, self.room(number, True), self.now)
            await deliveries.finish(
                conn, [Result(one, "succeeded", self.now) for one in claims], {}, self.now
            )
        assert len(claims) == number
        self.now += OVERLAP
        self.due_from = self.now

    async def pages(self, *, everything: bool) -> int:
        """Return how many pages one claim and its results read."""
        await self.put(AT_ONCE)
        room = self.room(AT_ONCE, everything)
        known = room.known[self.webhook_id]
        claimed = await _pages(
            self.conn,
            "SELECT * FROM claim_deliveries($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            self.now, LEASE, [self.webhook_id], [AT_ONCE], [True], [False], [known.due_from], [0], everything,
            AT_ONCE, 0, 0, 1, [], [], [],
        )  # fmt: skip
        rows = await self.conn.fetch(
            "SELECT webhook_id, delivery_id, attempts FROM deliveries WHERE leased_until > $1", self.now
        )
        assert len(rows) == AT_ONCE
        ids = [row["delivery_id"] for row in rows]
        empty = [None] * AT_ONCE
        finished = await _pages(
            self.conn,
            "SELECT finish_deliveries($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            self.now, [self.webhook_id] * AT_ONCE, ids, [1] * AT_ONCE, ["succeeded"] * AT_ONCE, empty,
            [self.now] * AT_ONCE, empty, empty, [1] * AT_ONCE, empty, [], [],
        )  # fmt: skip
        self.now += OVERLAP
        self.due_from = self.now
        return claimed + finished


async def _pages(conn: "asyncpg.Connection[asyncpg.Record]", statement: str, *values: object) -> int:
    text = await conn.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", *values)
    plan = json.loads(text)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.fixture
async def queue(database_dsn: str) -> AsyncIterator[Queue]:
    async with running(database_dsn) as chat:
        owner = await chat.person()
        conn = await asyncpg.connect(database_dsn, server_settings=database.READING)
        try:
            one = Queue(chat, conn, await make_webhook(owner))
            # The first time a session reads what it does not know yet of tables and functions.
            await one.pages(everything=True)
            yield one
        finally:
            await conn.close()


async def test_under_a_snapshot(database_dsn: str, queue: Queue) -> None:
    """While somebody holds an old snapshot, what was delivered since lies before what is due, and is passed over."""
    before = await queue.pages(everything=False)
    old = await asyncpg.connect(database_dsn)
    try:
        await old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await old.fetchval("SELECT count(*) FROM users")
        for _ in range(8):
            await queue.put(500)
            await queue.deliver(500)
        assert await queue.pages(everything=False) <= before * MORE
        # Looking for everything meets all of it, which is why it is done seldom then.
        assert await queue.pages(everything=True) > before * MORE
    finally:
        await old.close()


async def test_with_much_that_waits(queue: Queue) -> None:
    """What is to be tried again later lies behind what is due, and results are found by their key."""
    before = await queue.pages(everything=True)
    await queue.put(4000, later=timedelta(days=1))
    assert await queue.pages(everything=True) <= before * MORE


async def test_claims_are_read_as_they_are(queue: Queue) -> None:
    """The row of a claim has the fields of a Claim in their order."""
    await queue.put(1)
    async with queue.chat.database.read() as conn:
        (claim,) = await deliveries.claim(conn, LEASE, queue.room(1, True), queue.now)
    assert isinstance(claim, Claim)
    assert (claim.webhook_id, claim.number, claim.event) == (queue.webhook_id, 1, "message.created")
    assert (claim.due_at, claim.lane_until, claim.pace) == (queue.now, None, 0.0)


async def pages_read(conn: "asyncpg.Connection[asyncpg.Record]", heard: Sequence[UUID], after: int) -> int:
    """Return how many pages it takes to read the log on from a position for these webhooks; all of it is undone."""
    transaction = conn.transaction()
    await transaction.start()
    try:
        await conn.execute(
            "UPDATE webhooks SET status = CASE WHEN webhook_id = ANY ($1) THEN 'active' ELSE 'disabled' END",
            heard,
        )
        await conn.execute("UPDATE webhook_dispatcher SET position = $1", after)
        return await _pages(conn, "SELECT * FROM dispatch_events(20000, NULL)")
    finally:
        await transaction.rollback()


@pytest.mark.parametrize("owners", [8, 9], ids=["few", "many"])
async def test_what_filters_leave_out_is_not_read(database_dsn: str, owners: int) -> None:
    """Members who asked for another conversation cost about as little as strangers, however many they are."""
    async with running(database_dsn) as chat:
        members, strangers = await chat.people(owners), await chat.people(owners)
        busy, silent = [await members[0].found(*members[1:]) for _ in range(2)]
        elsewhere = await strangers[0].found(*strangers[1:])
        filtered = [await make_webhook(one, conversation_id=silent.id) for one in members]
        foreign = [await make_webhook(one, conversation_id=elsewhere.id) for one in strangers]
        whole = await make_webhook(members[0])
        after = chat.log.head.position
        await asyncio.gather(*(members[0].send(busy) for _ in range(1000)))
        conn = await asyncpg.connect(database_dsn, server_settings=database.READING)
        try:
            # The first time a session reads what it does not know yet of tables and functions.
            await pages_read(conn, [whole], after)
            least = await pages_read(conn, foreign, after)
            assert await pages_read(conn, filtered, after) <= least * MORE
            assert await pages_read(conn, [*filtered, whole], after) > least * MORE
        finally:
            await conn.close()
