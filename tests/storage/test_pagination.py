"""Walks through lists that change meanwhile, on a real database: whatever stays is seen exactly once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat import Chat, Person
from parley.errors import Invalid
from parley.model import Group, Page
from parley.services.accounts import Registration
from parley.storage import retention, users

pytestmark = pytest.mark.anyio

# Each example makes conversations of its own in the one database.
walking = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

Read = Callable[..., Awaitable[Page[Any]]]
Change = Callable[[], Awaitable[None]]
LIMITS = st.integers(1, 4)
SIZES = st.integers(0, 9)


async def walk(read: Read, limit: int, changes: Sequence[Change], **start: Any) -> list[Any]:
    """Follow a list to its end in the direction of `start`, with a change after each page; return the items in order.

    Checks on the way what holds for each page: its size, its order, its cursor.
    """
    (direction, cursor), *_ = start.items()
    waiting = list(changes)
    seen: list[Any] = []
    while True:
        page = await read(limit=limit, **{direction: cursor})
        assert len(page.items) <= limit
        assert page.has_more is False or len(page.items) == limit
        if direction == "before":
            seen += page.items
            assert (page.next_cursor is not None) == page.has_more
        else:
            seen += reversed(page.items)
            assert page.next_cursor is not None or cursor is None
        cursor = page.next_cursor if page.next_cursor is not None else cursor
        if waiting:
            await waiting.pop(0)()
        if not page.has_more and (direction == "before" or not waiting):
            return seen


class History:
    """A group's history that changes: what was said, and what became of it."""

    def __init__(self, ada: Person, bob: Person, group: Group) -> None:
        self.ada, self.bob, self.group = ada, bob, group
        self.ids: list[UUID] = []
        self.purged = 0
        self.bob_is_in = True

    async def leave(self) -> None:
        """Let Bob, who reads, leave."""
        if self.bob_is_in:
            self.bob_is_in = False
            await self.bob.leave(self.group)

    async def say(self) -> None:
        self.ids.append((await self.ada.say(self.group, str(len(self.ids)))).id)

    async def delete(self) -> None:
        """Delete the one in the middle of what is left, if it is not a tombstone yet."""
        if len(self.ids) > self.purged:
            message_id = self.ids[(self.purged + len(self.ids)) // 2]
            await self.ada.chat.log.call(
                lambda conn, hint: conn.fetchrow(
                    "SELECT * FROM change_message($1, $2, $3, NULL)", hint, message_id, self.ada.id
                )
            )

    async def purge(self) -> None:
        """Purge the two oldest that are left."""
        self.purged = min(self.purged + 2, len(self.ids))
        await self.ada.chat.execute(
            "UPDATE messages SET created_at = '2026-01-01Z' WHERE conversation_id = $1 AND seq <= $2",
            self.group.id,
            self.purged,
        )
        now = datetime.now(UTC)
        async with self.ada.chat.database.read() as conn:
            await retention.purge_messages(conn, self.group.id, now - timedelta(days=1), now, 100)

    @property
    def left(self) -> list[UUID]:
        return self.ids[self.purged :] if self.bob_is_in else []


async def begin(chat: Chat, size: int) -> History:
    """Return a new history of so many messages."""
    ada, bob = await chat.people(2)
    history = History(ada, bob, await ada.found(bob))
    for _ in range(size):
        await history.say()
    return history


CHANGES = st.lists(st.sampled_from(["say", "delete", "purge"]), max_size=8)


class TestHistory:
    @walking
    @given(size=SIZES, limit=LIMITS, changes=CHANGES)
    async def test_towards_older(self, chat: Chat, size: int, limit: int, changes: list[str]) -> None:
        """Going back shows each message of the beginning that is left exactly once, and none that came later."""
        history = await begin(chat, size)
        beginning = history.ids[:]

        async def read(**options: Any) -> Page[Any]:
            return await history.bob.history(history.group, **options)

        seen = await walk(read, limit, [getattr(history, change) for change in changes], before=None)
        ids = [message.id for message in seen]
        assert len(set(ids)) == len(ids)
        assert [i for i in ids if i in history.left] == [i for i in reversed(beginning) if i in history.left]
        # The first page is read before anything changes.
        assert set(ids) <= set(beginning)

    @walking
    @given(size=st.integers(1, 9), place=st.integers(0, 8), limit=LIMITS, changes=CHANGES)
    async def test_towards_newer(
        self, chat: Chat, size: int, place: int, limit: int, changes: list[str]
    ) -> None:
        """Going on from a message shows each newer one that is left exactly once, also those said meanwhile."""
        history = await begin(chat, size)
        start = history.ids[place % size]

        async def read(**options: Any) -> Page[Any]:
            return await history.bob.history(history.group, **options)

        seen = await walk(read, limit, [getattr(history, change) for change in changes], after=start)
        # What was said after the last page was read comes with the next one.
        seen += await walk(read, limit, [], after=seen[-1].id if seen else start)
        ids = [message.id for message in seen]
        assert len(set(ids)) == len(ids)
        newer = history.ids[history.ids.index(start) + 1 :]
        assert [i for i in ids if i in history.left] == [i for i in newer if i in history.left]
        assert set(ids) <= set(newer)

    @walking
    @given(
        sizes=st.lists(SIZES, min_size=1, max_size=4),
        limit=LIMITS,
        changes=st.lists(st.sampled_from(["say", "delete", "purge", "leave"]), max_size=8),
        kind=st.sampled_from([None, "text"]),
    )
    async def test_over_all_conversations(
        self, chat: Chat, sizes: list[int], limit: int, changes: list[str], kind: str | None
    ) -> None:
        """The same holds over all of somebody's conversations at once, in both directions."""
        bob = await chat.person()
        ada = await chat.person()
        histories = [History(ada, bob, await ada.found(bob)) for _ in sizes]
        for number in range(max(sizes)):
            for history, size in zip(histories, sizes, strict=True):
                if number < size:
                    await history.say()
        beginning = [message.id for message in (await bob.history()).items]

        async def read(**options: Any) -> Page[Any]:
            return await bob.history(None, type=kind, **options)

        steps = [getattr(histories[n % len(histories)], change) for n, change in enumerate(changes)]
        older = [message.id for message in await walk(read, limit, steps, before=None)]
        left = {message_id for history in histories for message_id in history.left}
        assert [i for i in older if i in left] == [i for i in beginning if i in left]
        assert len(set(older)) == len(older)
        if beginning:
            newer = [message.id for message in await walk(read, limit, steps, after=beginning[-1])]
            left = {message_id for history in histories for message_id in history.left}
            assert len(set(newer)) == len(newer)
            assert left & set(beginning[:-1]) <= set(newer)

    async def test_totals_and_current_page(self, people: list[Person]) -> None:
        """Every page says how many there are and which page it is, wherever it begins."""
        ada, bob, _ = people
        ids = [(await ada.say(bob, str(number))).id for number in range(11)]
        where = (await ada.direct(bob)).id
        for place in (where, None):
            page = await bob.history(place, limit=3)
            assert (page.total, page.total_exact, page.per_page, page.current_page) == (11, True, 3, 1)
            numbers = []
            while page.next_cursor:
                page = await bob.history(place, limit=3, before=UUID(page.next_cursor))
                numbers.append((page.current_page, len(page.items), page.total))
            assert numbers == [(2, 3, 11), (3, 3, 11), (4, 2, 11)]
            # Eight are newer than the newest of these three.
            assert (await bob.history(place, limit=3, before=ids[3])).current_page == 8 // 3 + 1
            assert (await bob.history(place, limit=3, after=ids[3])).current_page == 4 // 3 + 1
            assert (await bob.history(place, limit=3, before=ids[0])).current_page == 11 // 3 + 1
            assert (await bob.history(place, limit=3, after=ids[-1])).current_page == 1
            page = await bob.history(place, limit=3, before=ids[6], sender_id=ada.id)
            assert (page.current_page, page.total) == (5 // 3 + 1, 11)

    async def test_cursors_are_refused(self, people: list[Person]) -> None:
        """Both directions at once, an unknown message, one of another conversation and one of strangers."""
        ada, bob, eve = people
        first, other, foreign = await ada.say(bob), await ada.say(eve), await bob.say(eve)
        where = first.conversation_id
        with pytest.raises(Invalid):
            await ada.history(where, before=first.id, after=first.id)
        for wrong in (uuid4(), other.id, foreign.id):
            for field in ("before", "after"):
                with pytest.raises(Invalid) as refused:
                    await ada.history(where, **{field: wrong})  # type: ignore[arg-type]  # a chosen name
                assert refused.value.details["field"] == field
        with pytest.raises(Invalid):
            await ada.history(before=foreign.id)
        assert [m.id for m in (await ada.history(before=other.id)).items] == [first.id]

    async def test_ends(self, people: list[Person]) -> None:
        """At the old end there is no cursor; after the newest there always is one, which is the same."""
        ada, bob, _ = people
        first, last = await ada.say(bob), await ada.say(bob)
        page = await ada.history(first.conversation_id, limit=2)
        assert (page.has_more, page.next_cursor) == (False, None)
        page = await ada.history(first.conversation_id, before=first.id)
        assert (page.items, page.has_more, page.next_cursor) == ([], False, None)
        page = await ada.history(first.conversation_id, after=last.id)
        assert (page.items, page.has_more, page.next_cursor) == ([], False, str(last.id))
        page = await ada.history(first.conversation_id, after=first.id, limit=1)
        assert ([m.id for m in page.items], page.has_more, page.next_cursor) == (
            [last.id],
            False,
            str(last.id),
        )


class TestConversations:
    @walking
    @given(
        size=st.integers(1, 8),
        limit=LIMITS,
        changes=st.lists(st.tuples(st.booleans(), st.integers(0, 7)), max_size=8),
    )
    async def test_none_twice(
        self, chat: Chat, size: int, limit: int, changes: list[tuple[bool, int]]
    ) -> None:
        """Going back shows none twice, and each in which nothing happened meanwhile once."""
        bob, *others = await chat.people(size + 1)
        histories = [History(other, bob, await other.found(bob)) for other in others]
        for history in histories[::2]:
            await history.say()
        order = [c.id for c in (await bob.conversations()).items]
        moved = set()

        def change(speaks: bool, number: int) -> Change:
            history = histories[number % size]

            async def happen() -> None:
                if speaks:
                    moved.add(history.group.id)
                    await history.say()
                else:
                    # Purging everything moves nothing: neither up nor down.
                    await history.purge()

            return happen

        seen = await walk(bob.conversations, limit, [change(*one) for one in changes], before=None)
        ids = [conversation.id for conversation in seen]
        assert len(set(ids)) == len(ids)
        assert [i for i in ids if i not in moved] == [i for i in order if i not in moved]

    @walking
    @given(size=st.integers(1, 8), limit=LIMITS, speaks=st.lists(st.integers(0, 7), max_size=6))
    async def test_what_moved_since(self, chat: Chat, size: int, limit: int, speaks: list[int]) -> None:
        """Going on after a cursor shows whatever was active since, and whatever was not active then just once."""
        bob, *others = await chat.people(size + 1)
        for _ in range(2):
            await bob.found()
        start = (await bob.conversations(limit=1)).next_cursor
        groups = [await other.found(bob) for other in others]
        moved = set()

        def change(number: int) -> Change:
            async def happen() -> None:
                moved.add(groups[number % size].id)
                await others[number % size].say(groups[number % size])

            return happen

        seen = await walk(bob.conversations, limit, [change(number) for number in speaks], after=start)
        ids = [conversation.id for conversation in seen]
        still = [group.id for group in groups if group.id not in moved]
        assert [i for i in ids if i in still] == still
        page = await bob.conversations(after=start)
        assert {c.id for c in page.items} == {group.id for group in groups}


class TestGroups:
    @walking
    @given(
        size=SIZES,
        limit=LIMITS,
        public=st.booleans(),
        newer=st.booleans(),
        changes=st.lists(st.sampled_from(["make", "delete", "hide"]), max_size=6),
    )
    async def test_each_once(
        self, chat: Chat, size: int, limit: int, public: bool, newer: bool, changes: list[str]
    ) -> None:
        """Groups that stay are seen once, whatever is made, deleted or hidden meanwhile, the cursor's own too."""
        ada, bob = await chat.people(2)
        made = [await ada.found(bob) for _ in range(size + 1)]
        groups = made[1:]
        gone: set[UUID] = set()

        async def make() -> None:
            await ada.found(bob)

        async def delete() -> None:
            if left := [group for group in groups if group.id not in gone]:
                gone.add(left[len(left) // 2].id)
                await ada.dissolve(left[len(left) // 2])

        async def hide() -> None:
            if left := [group for group in groups if group.id not in gone]:
                gone.add(left[0].id)
                await bob.leave(left[0])
                await ada.change(left[0], is_private=True)

        async def read(**options: Any) -> Page[Any]:
            return await bob.chat.groups.list_page(bob.caller, public=public, **options)

        steps = [{"make": make, "delete": delete, "hide": hide}[change] for change in changes]
        start = {"after": made[0].id} if newer else {"before": None}
        ids = [group.id for group in await walk(read, limit, steps, **start)]
        assert len(set(ids)) == len(ids)
        stayed = [group.id for group in (groups if newer else reversed(made)) if group.id not in gone]
        assert [i for i in ids if i in stayed] == stayed

    async def test_totals_and_current_page(self, people: list[Person]) -> None:
        """Every page of groups says how many there are and which page it is."""
        ada, *_ = people
        ids = [(await ada.found()).id for _ in range(5)]
        for public in (True, False):

            async def read(public: bool = public, **options: Any) -> Page[Any]:
                return await ada.chat.groups.list_page(ada.caller, public=public, limit=2, **options)

            assert ((await read()).total, (await read()).current_page) == (5, 1)
            assert (await read(before=ids[3])).current_page == 2
            assert (await read(before=ids[0])).current_page == 5 // 2 + 1
            assert (await read(after=ids[1])).current_page == 1


class TestMembers:
    @walking
    @given(
        size=SIZES,
        limit=LIMITS,
        newer=st.booleans(),
        changes=st.lists(st.sampled_from(["join", "leave", "return"]), max_size=6),
    )
    async def test_each_once(
        self, chat: Chat, size: int, limit: int, newer: bool, changes: list[str]
    ) -> None:
        """Members who stay are seen once, whoever joins, leaves or comes back meanwhile."""
        owner, first, *others = await chat.people(size + 2)
        group = await owner.found(first, *others[: size // 2])
        for other in others[size // 2 :]:
            await other.join(group)
        restless: list[Person] = []

        async def join() -> None:
            await (await chat.person()).join(group)

        async def leave() -> None:
            if left := [other for other in others if other not in restless]:
                restless.append(left[len(left) // 2])
                await restless[-1].leave(group)

        async def come_back() -> None:
            if restless:
                await restless[-1].join(group)

        async def read(**options: Any) -> Page[Any]:
            return await owner.chat.groups.list_members(owner.caller, group.id, **options)

        steps = [{"join": join, "leave": leave, "return": come_back}[change] for change in changes]
        # Those who were there from the beginning are listed by their ids.
        earliest = min(person.id for person in (owner, first, *others[: size // 2]))
        start = {"after": earliest} if newer else {"before": None}
        ids = [member.user_id for member in await walk(read, limit, steps, **start)]
        unmoved = {person.id for person in (owner, first, *others) if person not in restless}
        if newer:
            unmoved.discard(earliest)
        assert [ids.count(i) for i in unmoved] == [1] * len(unmoved)
        if not newer:
            assert len(set(ids)) == len(ids)


class TestUsers:
    @walking
    @given(size=SIZES, limit=LIMITS, newer=st.booleans(), registrations=st.integers(0, 3))
    async def test_each_once(
        self, chat: Chat, size: int, limit: int, newer: bool, registrations: int
    ) -> None:
        """People found by a prefix are seen once, whoever registers meanwhile."""
        prefix = f"walk{uuid4().hex[:12]}"

        async def register(number: int) -> UUID:
            person = Registration(f"{prefix}{number}@example.com", f"{prefix}{number}", "secure_password", "")
            async with chat.database.read() as conn:
                await users.insert(
                    conn, user_id := uuid_for(number), person.email, person.username, "Somebody"
                )
            return user_id

        known = [await register(number) for number in range(size + 1)]
        later = iter(range(1000, 2000))

        async def change() -> None:
            await register(next(later))

        async def read(**options: Any) -> Page[Any]:
            return await chat.users.list_page(username=prefix, **options)

        start = {"after": known[0]} if newer else {"before": None}
        ids = [user.id for user in await walk(read, limit, [change] * registrations, **start)]
        assert len(set(ids)) == len(ids)
        expected = known[1:] if newer else known[::-1]
        assert [i for i in ids if i in known] == expected


def uuid_for(number: int) -> UUID:
    """Return an id that is newer than those made before: users made in one millisecond have no order."""
    return UUID(int=(0x019A << 112) | (number << 80) | (uuid4().int & (2**80 - 1)))


async def test_many_walk_at_once(chat: Chat) -> None:
    """While some write, others walk: nobody sees a message twice or misses one that was there."""
    history = await begin(chat, 40)
    beginning = history.ids[:]

    async def read(**options: Any) -> Page[Any]:
        return await history.bob.history(history.group, **options)

    async def write() -> None:
        for _ in range(30):
            await history.say()

    walks = [walk(read, limit, [], before=None) for limit in (1, 3, 7)]
    walks += [walk(read, limit, [], after=beginning[0]) for limit in (2, 5)]
    writing = asyncio.create_task(write())
    seen = await asyncio.gather(*walks)
    await writing
    for older in seen[:3]:
        ids = [message.id for message in older]
        assert ids[-40:] == beginning[::-1]
        assert len(set(ids)) == len(ids)
    for newer in seen[3:]:
        ids = [message.id for message in newer]
        assert ids == history.ids[1 : len(ids) + 1]
        assert len(ids) >= 39
