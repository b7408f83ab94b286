"""Conversations on a real database: one for each pair, listed by activity, with what each member has read."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from chat import Chat, Person, running
from parley.errors import IdempotencyMismatch, Invalid, NotFound
from parley.model import SMALL_CONVERSATION

pytestmark = pytest.mark.anyio


async def open_with(person: Person, other: Person, key: str | None = None) -> tuple[object, bool, bool]:
    conversation, is_new, replayed = await person.chat.conversations.open_direct(person.caller, other.id, key)
    return conversation.id, is_new, replayed


class TestOpening:
    async def test_makes_one_for_each_pair(self, people: list[Person]) -> None:
        """Whoever of two opens it, by hand or with a message, it is the same conversation."""
        ada, bob, eve = people
        first, is_new, _ = await open_with(ada, bob)
        assert is_new
        assert await open_with(bob, ada) == (first, False, False)
        assert (await bob.say(ada)).conversation_id == first
        assert (await open_with(ada, eve))[0] != first

    async def test_looks_different_from_each_side(self, people: list[Person]) -> None:
        """Each sees the other, and no group."""
        ada, bob, eve = people
        message = await ada.say(bob)
        seen = await bob.conversation(message.conversation_id)
        assert (seen.kind, seen.user_id, seen.group_id, seen.name) == ("direct", ada.id, None, None)
        assert (await ada.conversation(seen.id)).user_id == bob.id
        assert seen.last_message is not None
        assert replace(seen.last_message, metadata=None) == replace(await bob.see(message), metadata=None)
        assert (seen.last_seq, seen.read_seq, seen.delivered_seq, seen.unread_count) == (1, 0, 0, 1)
        assert seen.last_activity_at == message.created_at
        with pytest.raises(NotFound):
            await eve.conversation(seen.id)

    async def test_needs_somebody_else(self, people: list[Person]) -> None:
        """Not oneself, and not nobody."""
        ada, *_ = people
        with pytest.raises(Invalid) as refused:
            await open_with(ada, ada)
        assert refused.value.details["field"] == "user_id"
        with pytest.raises(NotFound):
            await ada.chat.conversations.open_direct(ada.caller, uuid4())

    async def test_at_the_same_time(self, database_dsn: str, people: list[Person]) -> None:
        """Many that open it at once, in two processes and from both sides, get one."""
        ada, bob, _ = people
        async with running(database_dsn) as other:
            both = [ada, bob, Person(other, ada.id), Person(other, bob.id)]
            opened = await asyncio.gather(
                *(open_with(who, bob if who.id == ada.id else ada) for who in both * 3)
            )
        assert len({conversation_id for conversation_id, _, _ in opened}) == 1
        assert sum(is_new for _, is_new, _ in opened) == 1

    async def test_with_a_key(self, people: list[Person]) -> None:
        """A repeat is told again that it made it; the same key for another person is refused."""
        ada, bob, eve = people
        first = await open_with(ada, bob, "k")
        assert first[1:] == (True, False)
        assert await open_with(ada, bob, "k") == (first[0], True, True)
        with pytest.raises(IdempotencyMismatch):
            await open_with(ada, eve, "k")
        assert len((await ada.conversations()).items) == 1

    async def test_of_a_group(self, people: list[Person]) -> None:
        """A group's conversation has the group's id and name."""
        ada, bob, eve = people
        group = await ada.found(bob, name="Chess club")
        seen = await bob.conversation(group.id)
        assert (seen.kind, seen.user_id, seen.group_id, seen.name) == ("group", None, group.id, "Chess club")
        assert (seen.last_message, seen.last_seq, seen.last_activity_at) == (None, 0, group.created_at)
        with pytest.raises(NotFound):
            await eve.conversation(group.id)


class TestList:
    async def test_latest_activity_first(self, people: list[Person]) -> None:
        """What was written in last, or else made last, comes first, in each one's own list."""
        ada, bob, eve = people
        with_bob = (await ada.say(bob)).conversation_id
        group = await ada.found(bob, eve)
        with_eve = (await ada.direct(eve)).id
        assert [c.id for c in (await ada.conversations()).items] == [with_eve, group.id, with_bob]
        await bob.say(ada)
        await eve.say(group)
        page = await ada.conversations()
        assert [c.id for c in page.items] == [group.id, with_bob, with_eve]
        assert [c.unread_count for c in page.items] == [1, 1, 0]
        assert (page.total, page.has_more, page.next_cursor, page.current_page) == (3, False, None, None)
        assert [c.id for c in (await bob.conversations()).items] == [group.id, with_bob]

    async def test_reading_moves_nothing(self, people: list[Person]) -> None:
        """Receipts, edits and deletions are no activity; a joined group stands where it was."""
        ada, bob, eve = people
        first = await ada.say(bob)
        await ada.say(eve)
        order = [c.id for c in (await ada.conversations()).items]
        await bob.read(first)
        await ada.edit(first, "edited")
        await ada.delete(first)
        assert [c.id for c in (await ada.conversations()).items] == order

    async def test_refuses_foreign_cursors(self, people: list[Person]) -> None:
        """Both directions at once and what is no cursor of this list are mistakes of the client."""
        ada, *_ = people
        for before, after in (("activity-1", "activity-2"), (str(ada.id), None), (None, "0")):
            with pytest.raises(Invalid):
                await ada.conversations(before=before, after=after)
        for wrong in (
            "activity-",
            "activity-0",
            "activity--1",
            "activity-1 ",
            "activity-" + "9" * 19,
            "activity-٣",
        ):
            with pytest.raises(Invalid):
                await ada.conversations(before=wrong)

    async def test_purging_is_no_activity(self, chat: Chat, people: list[Person]) -> None:
        """A group whose messages were all purged stays where it was, and so does the time of its activity."""
        ada, bob, eve = people
        group = await ada.found(bob, days=1)
        await ada.say(bob)
        message = await ada.say(group)
        await ada.say(eve)
        before = [(c.id, c.last_activity_at) for c in (await ada.conversations()).items]
        await chat.retain(after=timedelta(days=2))
        page = await ada.conversations()
        assert [(c.id, c.last_activity_at) for c in page.items] == before
        emptied = page.items[1]
        assert (emptied.id, emptied.last_message, emptied.unread_count) == (group.id, None, 0)
        assert emptied.last_seq == message.seq

    async def test_deleted_groups_leave_the_list(self, people: list[Person]) -> None:
        """A group that was deleted or left is no conversation any more."""
        ada, bob, _ = people
        group, other = await ada.found(bob), await ada.found(bob)
        await ada.dissolve(group)
        await bob.leave(other)
        assert [c.id for c in (await ada.conversations()).items] == [other.id]
        page = await bob.conversations()
        assert (page.items, page.total) == ([], 0)


class TestReceipts:
    async def test_others_hear_of_them(self, people: list[Person]) -> None:
        """In a small conversation each mark that moves is told once, to all who are in it."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        message = await ada.say(group)
        await bob.receive(message)
        await bob.read(message)
        await bob.read(message)
        for person in people:
            receipts = [data for kind, data in await person.news() if kind == "receipt"]
            assert [(r.user_id, r.delivered_seq, r.read_seq) for r in receipts] == [
                (bob.id, 1, 0),
                (bob.id, 1, 1),
            ]
            assert {r.conversation_id for r in receipts} == {group.id}

    @pytest.mark.parametrize("size", [SMALL_CONVERSATION, SMALL_CONVERSATION + 1])
    async def test_in_large_groups_only_numbers_move(
        self, chat: Chat, people: list[Person], size: int
    ) -> None:
        """Up to a hundred members hear of a receipt; in a larger group it is only counted."""
        ada, bob, _ = people
        group = await ada.found(bob, *await chat.people(size - 2))
        message = await ada.say(group)
        receipt = await bob.read(message)
        assert (receipt.delivered_seq, receipt.read_seq) == (1, 1)
        assert (await bob.conversation(group.id)).unread_count == 0
        told = [kind for kind, _ in await ada.news()].count("receipt")
        assert told == (1 if size <= SMALL_CONVERSATION else 0)
