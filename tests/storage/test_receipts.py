"""Receipts of many people at once, on a real database: the same as one by one, with fewer commits."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chat import Chat, Person
from parley.model import SMALL_CONVERSATION, Message
from parley.services import receipts as service
from parley.services.receipts import Mark, Receipts
from parley.storage import presence as storage

pytestmark = pytest.mark.anyio


@pytest.fixture
def receipts(chat: Chat) -> Receipts:
    return Receipts(chat.database, chat.log)


def read(who: Person, message: Message) -> Mark:
    return Mark(who.id, message.conversation_id, message.id, read=True)


def delivered(who: Person, message: Message) -> Mark:
    return Mark(who.id, message.conversation_id, message.id, read=False)


async def told(who: Person) -> list[tuple[UUID, int, int]]:
    """Return the receipts that somebody hears of."""
    news = [data for kind, data in await who.news() if kind == "receipt"]
    return [(data.user_id, data.delivered_seq, data.read_seq) for data in news]


class TestMarks:
    async def test_moves_to_the_furthest(self, chat: Chat, receipts: Receipts, people: list[Person]) -> None:
        """All that somebody says of a conversation is one move, and one event for the others."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        first, second, third = [await ada.say(group) for _ in range(3)]
        marks = [read(bob, first), delivered(bob, third), read(bob, second), delivered(eve, second)]
        assert await receipts.mark(marks) == []
        assert await told(ada) == [(bob.id, 3, 2), (eve.id, 2, 0)]
        assert [await ada.status(message) for message in (first, second, third)] == [
            "delivered",
            "delivered",
            "sent",
        ]
        assert (await bob.conversation(group.id)).unread_count == 1

    async def test_never_moves_back(self, chat: Chat, receipts: Receipts, people: list[Person]) -> None:
        """What is known already appends nothing, whoever said it, and neither does what one sent oneself."""
        ada, bob, _ = people
        first, second = await ada.say(bob), await ada.say(bob)
        await bob.read(second)
        before = await chat.head()
        marks = [read(bob, first), delivered(bob, second), read(bob, second), read(ada, second)]
        assert await receipts.mark(marks) == []
        assert await receipts.mark([]) == []
        assert await chat.head() == before

    async def test_refuses_one_by_one(self, chat: Chat, receipts: Receipts, people: list[Person]) -> None:
        """What somebody may not know of is refused, and their neighbours are not."""
        ada, bob, eve = people
        mine, theirs = await ada.say(bob), await ada.say(eve)
        group = await ada.found(bob)
        of_group = await ada.say(group)
        await bob.leave(group)
        wrong = [
            read(bob, theirs),
            read(bob, of_group),
            Mark(bob.id, mine.conversation_id, uuid4(), read=True),
            Mark(bob.id, uuid4(), mine.id, read=True),
            Mark(ada.id, mine.conversation_id, theirs.id, read=True),
        ]
        assert await receipts.mark([*wrong[:2], read(bob, mine), *wrong[2:]]) == wrong
        assert await ada.status(mine) == "read"
        assert await ada.status(theirs) == "sent"

    async def test_purged_messages_count(self, chat: Chat, receipts: Receipts, people: list[Person]) -> None:
        """A message that retention removed meanwhile is still a place in its conversation."""
        ada, bob, _ = people
        group = await ada.found(bob, days=1)
        purged = await ada.say(group)
        await chat.retain(after=timedelta(days=2))
        assert await receipts.mark([read(bob, purged)]) == []

    async def test_large_groups_only_count(
        self, chat: Chat, receipts: Receipts, people: list[Person]
    ) -> None:
        """Beyond a hundred members nobody is told, and everybody's numbers move, in several commits."""
        ada, *_ = people
        others = await chat.people(SMALL_CONVERSATION + 50)
        assert len(others) > 2 * service.MOVES_PER_COMMIT
        group = await ada.found(*others)
        message = await ada.say(group)
        before = await chat.head()
        assert await receipts.mark([read(person, message) for person in others]) == []
        assert await chat.head() == before
        assert await ada.status(message) == "read"

    async def test_positions_stay_gapless(self, chat: Chat, receipts: Receipts, people: list[Person]) -> None:
        """Many at once, beside messages and other processes, leave no hole in the log and lose nothing."""
        ada, *_ = people
        others = await chat.people(SMALL_CONVERSATION - 1)
        group = await ada.found(*others)
        messages = [await ada.say(group) for _ in range(3)]
        parts = [[read(person, message) for person in others] for message in messages]
        await asyncio.gather(*(receipts.mark(part) for part in parts), *(ada.say(group) for _ in range(5)))
        assert await ada.status(messages[-1]) == "read"
        assert await chat.fetchval("SELECT count(*) = max(position) FROM events")
        assert {(user_id, seq) for user_id, _, seq in await told(ada)} >= {(p.id, 3) for p in others}

    async def test_passes_over_who_left(self, chat: Chat, receipts: Receipts, people: list[Person]) -> None:
        """Whoever is removed between the question and the commit changes nothing, and their neighbours do."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        message = await ada.say(group)
        call = chat.log.call

        async def removed_before(run: Any) -> Any:
            await ada.remove(group, bob)
            return await call(run)

        chat.log.call = removed_before  # type: ignore[method-assign]  # a stand-in
        assert await receipts.mark([read(bob, message), read(eve, message)]) == []
        assert await told(ada) == [(eve.id, 1, 1)]


class TestReceived:
    async def test_everything_up_to_a_position(
        self, chat: Chat, receipts: Receipts, people: list[Person]
    ) -> None:
        """In all of one's conversations, as far as the position reaches, and not what one sent oneself."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        early = [await ada.say(bob), await eve.say(bob), await eve.say(group)]
        later = await ada.say(group)
        latest = await eve.say(group)
        assert await receipts.received({bob.id: later.position, ada.id: later.position}) == set()
        sent = [
            await message_of.see(message) for message_of, message in zip((ada, eve, eve), early, strict=True)
        ]
        assert [message.status for message in sent] == ["delivered"] * 3
        assert await ada.status(later) == "delivered"
        assert await eve.status(latest) == "sent"
        assert {entry for entry in await told(eve) if entry[0] != bob.id} == set()
        before = await chat.head()
        await receipts.received({bob.id: later.position, ada.id: 0, uuid4(): later.position})
        assert await chat.head() == before

    async def test_is_the_same_as_coming_back(
        self, chat: Chat, receipts: Receipts, people: list[Person]
    ) -> None:
        """A long poll with a cursor and a heartbeat on a socket note the same."""
        ada, bob, eve = people
        messages = [await ada.say(bob), await ada.say(eve)]
        await bob.events((await bob.events("0")).next_cursor)
        await receipts.received({eve.id: await chat.head()})
        assert [await ada.status(message) for message in messages] == ["delivered", "delivered"]

    async def test_many_conversations_are_done_in_parts(
        self, chat: Chat, receipts: Receipts, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each time some of them, until all are done."""
        monkeypatch.setattr(service, "MAX_RECEIVED_AT_ONCE", 2)
        ada, bob, _ = people
        messages = [await ada.say(await ada.found(bob)) for _ in range(3)]
        position = {bob.id: await chat.head()}
        assert await receipts.received(position) == {bob.id}
        assert await receipts.received(position) == set()
        assert {await ada.status(message) for message in messages} == {"delivered"}


async def test_small_conversations(chat: Chat, people: list[Person]) -> None:
    """Presence is shared in direct conversations and in groups of at most so many."""
    ada, bob, _ = people
    others = await chat.people(4)
    direct, small, large = await ada.direct(bob), await ada.found(*others[:3]), await ada.found(*others)
    async with chat.database.read() as conn:
        found = await storage.small_conversations(conn, [direct.id, small.id, large.id], 4)
    assert found == {direct.id, small.id}
