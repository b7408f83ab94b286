"""Pages of history: written by PostgreSQL to the byte as a reply is, and many of them read at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat import Chat, Person, message_of
from parley.contract.replies import encode
from parley.errors import Unavailable
from parley.ids import uuid7
from parley.storage import history, messages
from parley.storage.database import Database, Loan
from parley.storage.history import MAX_PAGES, HistoryReader, Stretch, Wanted
from parley.storage.messages import Filter

pytestmark = pytest.mark.anyio

# Every character that a text can hold, in pieces that a message can: all but U+0000 and the surrogates.
_CHARACTERS = [chr(code) for code in (*range(1, 0xD800), *range(0xE000, 0x10000), *range(0x1F600, 0x1F650))]
CONTENTS = (
    *("".join(_CHARACTERS[start : start + 4000]) for start in range(0, len(_CHARACTERS), 4000)),
    '"\\/{}[],:%s $1 \\u0041 \\n',
    "",
    "\U0010ffff and e\u0301 and 👩\u200d👩\u200d👧",
)
# Stored as text and passed on as it is, also what no double holds and what a JSON parser would write differently.
METADATAS = (
    "{}",
    '{"custom": {"big": 123456789012345678901234567890, "huge": 1e400, "one": 1.0, "zero": -0.0, "e": 1E+2}}',
    ' {\n"a" :\t[ 1 , null,true ] , "a": "\\u2028\\ud83d\\ude00\u2028\\"" }',
    '{"attachments": [{"url": "https://example.com/ä?a=1&b=2", "size": 0}], "mentions": []}',
)
TIMES = tuple(
    datetime(year, 2, 28, 23, 59, 59, microsecond, tzinfo=UTC)
    for year in (1970, 2026, 9999)
    for microsecond in (0, 1, 120_000, 999_999)
)
TYPES = ("text", "image", "video", "audio", "file")
INSERT = """
    INSERT INTO messages (
        conversation_id, position, seq, message_id, sender_id, type, content, metadata,
        created_at, edited_at, deleted_at
    )
    VALUES ($1, 1000 + $2, $2, $3, $4, $5, $6, $7::text::json, $8, $9, $10)
"""


async def fill(ada: Person, bob: Person, where: UUID) -> list[UUID]:
    """Put messages of every kind into an empty conversation, with tombstones between them; return their ids."""
    ids = [uuid7() for _ in range(40)]
    for n, message_id in enumerate(ids):
        at, edited, deleted = (TIMES[(n + step) % len(TIMES)] for step in (0, 5, 7))
        gone = n % 7 == 3
        await ada.chat.execute(
            INSERT,
            where,
            n + 1,
            message_id,
            bob.id if n in (3, 8) else ada.id,
            TYPES[n % len(TYPES)],
            None if gone else CONTENTS[n % len(CONTENTS)],
            None if gone or n % 11 == 5 else METADATAS[n % len(METADATAS)],
            at,
            edited if n % 3 == 1 else None,
            deleted if gone else None,
        )
    return ids


async def test_written_as_a_reply_is(chat: Chat, people: list[Person]) -> None:
    """A message in a list is the same bytes as one alone, whatever is in it."""
    ada, bob, eve = people
    direct, group = await ada.direct(bob), await bob.found(ada, eve)
    for where, readers in ((direct.id, [bob]), (group.id, [bob, eve])):
        ids = await fill(ada, bob, where)
        for reader in readers:
            await chat.conversations.mark(reader.caller, where, ids[15], read=True)
            await chat.conversations.mark(reader.caller, where, ids[25], read=False)
        async with chat.database.read() as conn:
            alone = [await messages.find(conn, message_id, ada.id) for message_id in reversed(ids)]
            listed = await messages.page(conn, ada.id, Filter(where), limit=100)
            (page,) = await history.pages(conn, [Wanted(ada.id, where, 100)])
        assert page is not None
        for message, one, other in zip(alone, page.messages, listed, strict=True):
            assert encode(one) == encode(message)
            assert encode(other.json) == encode(message)
        assert {message.status for message in alone if message is not None} == {"sent", "delivered", "read"}


Standing = tuple[list[UUID], UUID | None, UUID | None, int | None, int | None, int, bool]


def standing(wanted: Wanted, ids: Sequence[UUID]) -> Standing:
    """Return what is to be found in a history of these messages, oldest first; of each message its id."""
    start = wanted.before or wanted.after
    if start not in (None, *ids):
        return [], None, None, None, None, len(ids), False
    if wanted.after is not None:
        first = ids.index(wanted.after) + 1
        shown = ids[first : first + wanted.limit]
    else:
        end = len(ids) if wanted.before is None else ids.index(wanted.before)
        first = max(0, end - wanted.limit)
        shown = ids[first:end]
    if not shown:
        return [], None, None, None, None, len(ids), True
    newer = len(ids) - first - len(shown)
    return list(reversed(shown)), shown[-1], shown[0], newer, first, len(ids), True


def standing_of(found: Stretch) -> Standing:
    shown = [message_of(message).id for message in found.messages]
    return shown, found.newest_id, found.oldest_id, found.newer, found.older, found.total, found.is_known


class TestManyPages:
    @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        sizes=st.lists(st.integers(0, 7), min_size=1, max_size=3),
        picked=st.lists(st.tuples(*[st.integers(0, 20)] * 5), min_size=1, max_size=20),
    )
    async def test_each_is_its_own(
        self, chat: Chat, sizes: list[int], picked: list[tuple[int, int, int, int, int]]
    ) -> None:
        """Whoever asks together with others is told what stands there and what is beyond, or that it is not theirs."""
        ada, bob, eve = await chat.people(3)
        groups = [await ada.found(bob) for _ in sizes]
        ids = {
            group.id: [(await ada.say(group)).id for _ in range(size)]
            for group, size in zip(groups, sizes, strict=True)
        }
        wanted = []
        for who, where, limit, newer, start in picked:
            room = groups[where % len(groups)].id
            # Some begin in another conversation, and some nowhere.
            starts = [None, uuid7(), *ids[room], *ids[groups[0].id]]
            place = {"after" if newer % 2 else "before": starts[start % len(starts)]}
            wanted.append(Wanted((ada, bob, eve)[who % 3].id, room, limit % 4 + 1, **place))
        async with chat.database.read() as conn:
            found = await history.pages(conn, wanted)
        for page, stretch in zip(wanted, found, strict=True):
            if page.user_id == eve.id:
                assert stretch is None
            else:
                assert stretch is not None
                assert standing_of(stretch) == standing(page, ids[page.conversation_id])


class Lending:
    """Stands for the database: counts how often it is asked, and is away when told so."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.loans = 0
        self.fault: Exception | None = None

    def read(self) -> Loan:
        """Lend a connection."""
        self.loans += 1
        if self.fault is not None:
            raise self.fault
        return self._database.read()


class TestReader:
    @pytest.fixture
    async def wanted(self, people: list[Person]) -> Wanted:
        """A page with one message on it."""
        ada, bob, _ = people
        return Wanted(bob.id, (await ada.say(bob)).conversation_id, 10)

    @pytest.fixture
    def lending(self, chat: Chat) -> Lending:
        return Lending(chat.database)

    @pytest.fixture
    async def reader(self, lending: Lending) -> AsyncIterator[HistoryReader]:
        """A reader that has not begun yet."""
        reader = HistoryReader(cast(Database, lending), size=3 * MAX_PAGES)
        yield reader
        await reader.stop()

    def ask(self, reader: HistoryReader, wanted: Wanted, times: int) -> "list[asyncio.Task[Stretch | None]]":
        return [asyncio.create_task(reader.read(wanted)) for _ in range(times)]

    async def test_reads_together(self, reader: HistoryReader, lending: Lending, wanted: Wanted) -> None:
        """What is asked for in one turn of the loop is read with as few statements as can be."""
        await reader.start()
        pages = await asyncio.gather(*self.ask(reader, wanted, 2 * MAX_PAGES + 1))
        assert [page and len(page.messages) for page in pages] == [1] * (2 * MAX_PAGES + 1)
        assert lending.loans == 3
        # Alone nobody waits for others.
        assert await reader.read(wanted) is not None
        assert lending.loans == 4

    async def test_refusals_are_ones_own(
        self, reader: HistoryReader, wanted: Wanted, people: list[Person]
    ) -> None:
        """An outsider among those who ask is told nothing, and the others what they asked for."""
        await reader.start()
        outsider = replace(wanted, user_id=people[2].id)
        tasks = [*self.ask(reader, wanted, 2), *self.ask(reader, outsider, 2), *self.ask(reader, wanted, 2)]
        pages = await asyncio.gather(*tasks)
        assert [page is not None for page in pages] == [True, True, False, False, True, True]

    async def test_full(self, reader: HistoryReader, wanted: Wanted) -> None:
        """One more than may wait is refused at once; the others are answered, also by a reader that ends."""
        tasks = self.ask(reader, wanted, 3 * MAX_PAGES)
        await asyncio.sleep(0)  # lets each of them get in line
        assert len(reader) == 3 * MAX_PAGES
        with pytest.raises(Unavailable):
            await reader.read(wanted)
        await reader.start()
        await reader.stop()
        assert None not in await asyncio.gather(*tasks)
        with pytest.raises(Unavailable):
            await reader.read(wanted)

    async def test_whoever_is_gone_is_not_asked_for(
        self, reader: HistoryReader, lending: Lending, wanted: Wanted
    ) -> None:
        """Whoever gives up before the batch begins leaves their place to others."""
        tasks = self.ask(reader, wanted, MAX_PAGES + 5)
        await asyncio.sleep(0)  # lets each of them get in line
        for task in tasks[:5]:
            task.cancel()
        await reader.start()
        assert None not in await asyncio.gather(*tasks[5:])
        assert lending.loans == 1

    async def test_outage(self, reader: HistoryReader, lending: Lending, wanted: Wanted) -> None:
        """Without a database everybody who waits is told so at once, and afterwards it goes on."""
        lending.fault = Unavailable("The database is not available at the moment")
        tasks = self.ask(reader, wanted, 3 * MAX_PAGES)
        await reader.start()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unavailable}
        assert (lending.loans, len(reader)) == (1, 0)
        lending.fault = None
        assert await reader.read(wanted) is not None

    async def test_other_faults_end_no_lane(
        self, reader: HistoryReader, lending: Lending, wanted: Wanted
    ) -> None:
        """A fault of ours is told to those whom it concerns, and every lane goes on."""
        lending.fault = RuntimeError("planted")
        await reader.start()
        outcomes = await asyncio.gather(*self.ask(reader, wanted, 3 * MAX_PAGES), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {RuntimeError}
        assert lending.loans == 3
        lending.fault = None
        assert None not in await asyncio.gather(*self.ask(reader, wanted, 3 * MAX_PAGES))

    async def test_missing_pages_end_no_lane(
        self, reader: HistoryReader, wanted: Wanted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever gets no page hears of it, and whoever asks next is answered."""

        async def none(_conn: object, _wanted: object) -> list[Stretch]:
            return []

        await reader.start()
        with monkeypatch.context() as patched:
            patched.setattr(history, "pages", none)
            asked = self.ask(reader, wanted, 3 * MAX_PAGES)
            async with asyncio.timeout(10):
                outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {ValueError}
        async with asyncio.timeout(10):
            assert await reader.read(wanted) is not None
