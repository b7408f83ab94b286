"""What reading costs with 200,000 messages in one conversation and 5,000 conversations of one person.

Counted in pages of the database that a query looks at, which no slow machine changes. An index of this size has
three levels, so looking one row up costs about four pages.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import pytest

import volume
from databases import TestDatabases
from parley.storage import conversations, events, messages, receipts, retention
from parley.storage.database import Connection
from parley.storage.history import Wanted
from parley.storage.history import pages as pages_of_history
from parley.storage.messages import Filter
from plans import Explaining, explaining
from volume import ADA, BOB, CONVERSATIONS, EVERY, LONG, LONG_HISTORY, MESSAGES, START, Place

pytestmark = pytest.mark.anyio

LIMIT = 51
LOOK_UP = 4
END = Place(LONG_HISTORY).position


@pytest.fixture(scope="module")
def filled_dsn(databases: TestDatabases) -> Iterator[str]:
    """The address of a database with much in it."""
    dsn = databases.create()
    asyncio.run(volume.fill(dsn))
    yield dsn
    databases.drop(dsn)


@pytest.fixture(scope="module", params=["before the first analysis", "analyzed"])
def dsn(filled_dsn: str, request: pytest.FixtureRequest) -> str:
    """The same, as the planner finds it when it knows nothing of it yet, and when it knows all."""
    if request.param == "analyzed":
        asyncio.run(volume.analyze(filled_dsn))
    return filled_dsn


Question = Callable[[Connection], Awaitable[Any]]


@pytest.fixture
async def cost(dsn: str) -> AsyncIterator[Callable[[Question], Awaitable[int]]]:
    """Return a function that tells how many pages a question takes, and that no table was read as a whole."""
    async with explaining(dsn) as conn:

        async def asked(question: Question) -> int:
            return await pages(conn, question)

        yield asked


async def pages(conn: Explaining, question: Question) -> int:
    conn.buffers, conn.plans = 0, []
    await question(cast(Connection, conn))
    # The table with one row has no index that could be of use.
    assert set(conn.scanned) <= {"log_state"}
    return conn.buffers


Cost = Callable[[Question], Awaitable[int]]


def asking(function: Callable[..., Awaitable[Any]], *values: Any, **options: Any) -> Question:
    """Return the question that a function of storage asks with these values."""
    return lambda conn: function(conn, *values, **options)


def history(**cursor: UUID) -> Question:
    return asking(pages_of_history, [Wanted(ADA, LONG, LIMIT, **cursor)])


def listed(before: int | None = None, after: int | None = None, **only: Any) -> Question:
    return asking(messages.page, ADA, Filter(**only), limit=LIMIT, before=before, after=after)


def counted(after: int = 0, **only: Any) -> Question:
    return asking(messages.count, ADA, Filter(**only), after=after)


class TestOneConversation:
    async def test_a_page_costs_the_same_everywhere(self, cost: Cost) -> None:
        """The newest page, the oldest and any between, in both directions, with what is on it and little more."""
        places = (100, 1000, LONG_HISTORY // 2, LONG_HISTORY - 100)
        costs = [await cost(history())]
        costs += [await cost(history(before=Place(seq).message_id)) for seq in places]
        costs += [await cost(history(after=Place(seq).message_id)) for seq in places]
        assert max(costs) <= LIMIT + 10 * LOOK_UP

    async def test_many_pages_cost_what_each_does(self, cost: Cost) -> None:
        """Pages that are read together look at what each of them would, and at a conversation's marks once."""
        seqs = range(100, LONG_HISTORY, LONG_HISTORY // 16)
        wanted = [Wanted(ADA, LONG, LIMIT, before=Place(seq).message_id) for seq in seqs]
        assert await cost(asking(pages_of_history, wanted)) <= len(wanted) * (LIMIT + 4 * LOOK_UP)

    async def test_times_are_found_by_halving(self, cost: Cost) -> None:
        """`from` and `to` cost two searches more, wherever they lie; also counting what lies between."""
        halvings = math.log2(MESSAGES)
        for seq in (1000, LONG_HISTORY // 2, LONG_HISTORY - 1000):
            only: dict[str, Any] = {"since": Place(seq).time, "until": Place(seq + 100).time}
            only["conversation_id"] = LONG
            assert await cost(listed(**only)) <= 2 * (halvings + 4) * LOOK_UP + 2 * LIMIT
            assert await cost(counted(**only)) <= 2 * (halvings + 4) * LOOK_UP + 2 * LIMIT
        for since, until in ((START + 2 * MESSAGES * EVERY, None), (None, START - EVERY), (START, None)):
            question = listed(conversation_id=LONG, since=since, until=until)
            assert await cost(question) <= (halvings + 4) * LOOK_UP + 2 * LIMIT

    @pytest.mark.parametrize("status", ["sent", "delivered", "read"])
    async def test_statuses_are_found_by_marks(self, cost: Cost, status: str) -> None:
        """The few messages of a status are found without reading the many of another."""
        assert (
            await cost(listed(conversation_id=LONG, status=status))
            <= 4 * math.log2(MESSAGES) * LOOK_UP + 2 * LIMIT
        )

    async def test_types_and_senders_are_indexed(self, cost: Cost) -> None:
        """What is rare, or not there at all, is found without reading the rest."""
        assert await cost(listed(conversation_id=LONG, type="image")) <= LIMIT * 2 + 10 * LOOK_UP
        for only in ({"type": "file"}, {"sender_id": UUID(int=1)}):
            assert await cost(listed(conversation_id=LONG, **only)) <= 10 * LOOK_UP
            assert await cost(counted(conversation_id=LONG, **only)) <= 5 * LOOK_UP

    async def test_totals(self, cost: Cost) -> None:
        """A whole history is counted by its ends; a filtered one no further than 10,000."""
        assert await cost(counted(conversation_id=LONG)) <= 10 * LOOK_UP
        assert await cost(counted(Place(LONG_HISTORY // 2).position, conversation_id=LONG)) <= 10 * LOOK_UP
        for only in ({"sender_id": BOB}, {"type": "text"}, {"status": "read"}, {"since": START}):
            # About thirty messages stand on a page; without the visibility map each is looked at.
            assert await cost(counted(conversation_id=LONG, **only)) <= messages.COUNT_LIMIT / 8

    async def test_single_things(self, cost: Cost) -> None:
        """One message, one cursor, one conversation are a few rows."""
        for message_id in (Place(LONG_HISTORY // 2).message_id, UUID(int=1)):
            assert await cost(asking(messages.locate, message_id, ADA)) <= 5 * LOOK_UP
            assert await cost(asking(messages.find, message_id, ADA)) <= 10 * LOOK_UP
            assert await cost(asking(conversations.seq_of, LONG, message_id, ADA)) <= 5 * LOOK_UP
            assert await cost(asking(receipts.locate, [(ADA, LONG, message_id)])) <= 5 * LOOK_UP
        assert await cost(asking(conversations.page, BOB, limit=1, conversation_id=LONG)) <= 15 * LOOK_UP


class TestManyConversations:
    async def test_messages_of_all(self, cost: Cost) -> None:
        """One look into each conversation, and then only into those that are on the page."""
        middle = Place(LONG_HISTORY // 2).position
        for question in (
            listed(),
            listed(before=middle),
            listed(after=middle),
            listed(before=CONVERSATIONS + 5),
        ):
            assert await cost(question) <= (CONVERSATIONS + 2 * LIMIT) * (LOOK_UP + 1)
        assert await cost(counted()) <= 2 * CONVERSATIONS * LOOK_UP
        assert await cost(counted(middle)) <= 3 * CONVERSATIONS * LOOK_UP

    async def test_times_of_all(self, cost: Cost) -> None:
        """Where times lie is searched once and not in each conversation: about two looks more for each of them."""
        for seq in (1000, LONG_HISTORY // 2, LONG_HISTORY - 1000):
            question = listed(since=Place(seq).time, until=Place(seq + 100).time)
            assert await cost(question) <= 5 * CONVERSATIONS * LOOK_UP

    async def test_conversations(self, cost: Cost) -> None:
        """The list by activity looks once into each conversation."""
        for where in ({}, {"before": END - 1000}, {"after": END - 1000}):
            question = asking(conversations.page, ADA, limit=LIMIT, **where)
            assert await cost(question) <= (CONVERSATIONS + 5 * LIMIT) * (LOOK_UP + 1)

    async def test_receiving(self, cost: Cost) -> None:
        """Whoever comes back with a cursor costs one look into each conversation, also if nothing is new."""
        for position in (3, END):
            question = asking(receipts.undelivered, {BOB: position, ADA: position}, 200)
            assert await cost(question) <= CONVERSATIONS * (LOOK_UP + 1)

    async def test_events(self, cost: Cost) -> None:
        """One look into each period and partition, wherever the cursor is; little for whoever has one conversation."""
        for position in (0, CONVERSATIONS + 1000, END // 2, END - 10, END):
            every = asking(events.read, ADA, position, LIMIT)
            # Two partitions are ahead of the head, and an empty index is a page or two.
            assert await cost(every) <= CONVERSATIONS * (LOOK_UP + 5)
            one = asking(events.read, BOB, position, LIMIT)
            assert await cost(one) <= LIMIT * 3 * LOOK_UP


class TestPositionSince:
    async def search(
        self, conn: Explaining, conversation_ids: list[UUID], since: datetime
    ) -> tuple[int, int]:
        """Return what is found, and what it took."""
        found: list[int] = []

        async def ask(asking: Connection) -> None:
            found.append(await asking.fetchval("SELECT position_since($1, $2)", conversation_ids, since))

        cost = await pages(conn, ask)
        return found[0], cost

    async def test_is_logarithmic(self, dsn: str) -> None:
        """It finds the very place, with as many looks as halvings."""
        async with explaining(dsn) as conn:
            for seq in (1, 2, 1000, LONG_HISTORY // 2, LONG_HISTORY):
                found, cost = await self.search(conn, [LONG], Place(seq).time)
                before = Place(seq - 1).position if seq > 1 else 0
                assert before < found <= Place(seq).position
                assert cost <= (math.log2(MESSAGES) + 3) * (LOOK_UP + 1)

    async def test_many_narrow_one_search(self, dsn: str) -> None:
        """Over many conversations it is one search, with a look or two into each."""
        async with explaining(dsn) as conn:
            rows = await conn.fetch("SELECT conversation_id FROM members WHERE user_id = $1", ADA)
            everywhere = [row["conversation_id"] for row in rows]
            for position in (CONVERSATIONS + 2, END // 2, END):
                since = START + (position - CONVERSATIONS - 2) * EVERY
                found, cost = await self.search(conn, everywhere, since)
                # There is a message at each position.
                assert found == (position if position > CONVERSATIONS + 2 else 1)
                assert cost <= 3 * CONVERSATIONS * LOOK_UP
                found, _ = await self.search(conn, everywhere, since + EVERY / 2)
                assert found == position + 1


class TestRetention:
    async def test_a_step_costs_what_it_removes(self, cost: Cost) -> None:
        """Purging the oldest few reads nothing of what stays."""
        since = Place(20).time
        question = asking(retention.purge_messages, LONG, since, since, 500)
        assert await cost(question) <= 20 * 10 * LOOK_UP + (math.log2(MESSAGES) + 3) * LOOK_UP
        assert await cost(asking(retention.groups_to_purge, since)) <= 2 * LOOK_UP
