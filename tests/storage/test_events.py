"""The log as its readers see it, on a real database: what is whose, from which cursor on, and for how long."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from chat import Chat, Person, running
from parley import cursors
from parley.cursors import Cursor
from parley.errors import Gone, Invalid
from parley.model import GroupSettings, Message, Receipt, User
from parley.services import events as events_service
from parley.services import receipts as receipts_service
from parley.storage import epoch, events

pytestmark = pytest.mark.anyio

WEEK = timedelta(days=7)


async def kinds(person: Person, after: str | None = "0") -> list[str]:
    return [kind for kind, _ in await person.news(after)]


async def heard(person: Person, kind: str, after: str | None = "0") -> list[Any]:
    return [data for found, data in await person.news(after) if found == kind]


async def head(person: Person) -> str:
    """Return the cursor of the log's end."""
    return (await person.events(None)).next_cursor


async def until_blocked(conn: "asyncpg.Connection[asyncpg.Record]", pid: int) -> None:
    """Return when a backend waits for a lock."""
    while not await conn.fetchval("SELECT pg_blocking_pids($1)", pid):
        await asyncio.sleep(0)


class TestKinds:
    async def test_of_a_direct_conversation(self, people: list[Person]) -> None:
        """Both hear of it and of all that happens in it, in order, and nobody else does."""
        ada, bob, eve = people
        message = await ada.say(bob, "helo")
        await bob.read(message)
        await ada.edit(message, "hello")
        await ada.delete(message)
        expected = ["conversation.created", "message", "receipt", "message.updated", "message.deleted"]
        assert await kinds(ada) == await kinds(bob) == expected
        assert await kinds(eve) == []
        created, _, receipt, _, deleted = [data for _, data in await bob.news()]
        where = message.conversation_id
        assert created == {
            "conversation_id": where,
            "kind": "direct",
            "name": None,
            "created_by": ada.id,
            "user_ids": sorted([ada.id, bob.id]),
        }
        assert receipt == Receipt(where, bob.id, 1, 1)
        assert isinstance(deleted, Message)
        assert (deleted.id, deleted.seq, deleted.content) == (message.id, 1, None)
        assert deleted.deleted_at is not None

    async def test_of_a_group(self, people: list[Person]) -> None:
        """Members hear who comes, goes and changes, what the group becomes, and that it is gone."""
        ada, bob, eve = people
        group = await ada.found(bob, name="Club")
        await eve.join(group)
        await ada.promote(group, bob, "owner")
        await bob.change(group, name="Other club", is_private=True)
        await eve.leave(group)
        await bob.dissolve(group)
        told = await ada.news()
        assert [kind for kind, _ in told] == [
            "conversation.created",
            "member.added",
            "member.updated",
            "member.updated",
            "group.updated",
            "member.removed",
            "group.deleted",
        ]
        created, added, former, owner, updated, removed, deleted = [data for _, data in told]
        assert (created["kind"], created["name"], created["created_by"]) == ("group", "Club", ada.id)
        assert set(created["user_ids"]) == {ada.id, bob.id}
        about = {"conversation_id": group.id}
        assert added == about | {"user_id": eve.id, "role": "member", "actor_id": eve.id}
        assert former == about | {"user_id": ada.id, "role": "admin", "actor_id": ada.id}
        assert owner == about | {"user_id": bob.id, "role": "owner", "actor_id": ada.id}
        assert updated == {
            "group_id": group.id,
            "name": "Other club",
            "description": None,
            "settings": {"is_private": True, "allow_invites": True, "message_retention_days": None},
            "owner_id": str(bob.id),
        }
        assert removed == about | {"user_id": eve.id, "role": "member", "actor_id": eve.id}
        assert deleted == {"group_id": group.id, "actor_id": bob.id}

    async def test_messages_carry_their_seq(self, people: list[Person]) -> None:
        """What a conversation orders has its seq; the cursor orders everything."""
        ada, bob, _ = people
        for _ in range(3):
            await ada.say(bob)
        page = await bob.events()
        assert [event.seq for event in page.events] == [None, 1, 2, 3]
        positions = [cursors.decode(event.cursor).position for event in page.events]
        assert positions == sorted(set(positions))


class TestCursors:
    async def test_pages(self, people: list[Person]) -> None:
        """Whatever the size of the pages, each event comes once and in order; after the last comes nothing."""
        ada, bob, eve = people
        group = await ada.found(bob)
        for number in range(5):
            # What Bob sends himself he need not receive, so his reading adds no receipts.
            await bob.say(ada if number % 2 else group, str(number))
            await eve.say(ada)
        everything = (await bob.events()).events
        assert len(everything) == 7
        for limit in (1, 2, 3, 7):
            page = await bob.events("0", limit=limit)
            found = [event.cursor for event in page.events]
            while page.has_more:
                assert len(page.events) == limit
                page = await bob.events(page.next_cursor, limit=limit)
                found += [event.cursor for event in page.events]
            assert found == [event.cursor for event in everything]
            # Past Eve's messages, which are none of Bob's business.
            assert cursors.decode(page.next_cursor).position == await bob.chat.head()

    async def test_each_event_is_a_place(self, people: list[Person]) -> None:
        """Going on from any event's cursor gives exactly what follows it."""
        ada, bob, _ = people
        for number in range(4):
            await bob.say(ada, str(number))
        everything = (await bob.events()).events
        for number, event in enumerate(everything):
            page = await bob.events(event.cursor)
            assert [e.cursor for e in page.events] == [e.cursor for e in everything[number + 1 :]]

    async def test_without_one(self, people: list[Person]) -> None:
        """Without a cursor there are no events but a cursor, from which everything later comes."""
        ada, bob, _ = people
        await ada.say(bob, "before")
        page = await bob.events(None)
        assert (page.events, page.has_more) == ([], False)
        await ada.say(bob, "after")
        assert [message.content for message in await heard(bob, "message", page.next_cursor)] == ["after"]

    async def test_forged(self, people: list[Person]) -> None:
        """What is no cursor of Parley is the client's mistake."""
        ada, *_ = people
        cursor = await head(ada)
        for forged in ("", "1", "00", cursor[:-1], cursor + "A", cursor[:-1] + "!", "ü", "A" * 23):
            with pytest.raises(Invalid) as refused:
                await ada.events(forged)
            assert refused.value.details["field"] == "after"

    async def test_of_another_history(self, chat: Chat, people: list[Person]) -> None:
        """A cursor of another epoch, or beyond the end of this one, has to start afresh."""
        ada, bob, _ = people
        await ada.say(bob)
        cursor = await head(bob)
        known = cursors.decode(cursor)
        beyond = Cursor(known.epoch, known.position + 1).encode()
        async with chat.database.transaction() as conn:
            await epoch.bump(conn)
        for foreign in (cursor, beyond):
            with pytest.raises(Gone) as gone:
                await bob.events(foreign)
            assert gone.value.details == {"reason": "log_reset"}
        with pytest.raises(Gone):
            await bob.events(Cursor(cursors.decode(await head(bob)).epoch, known.position + 1).encode())
        assert await kinds(bob) == ["conversation.created", "message"]

    async def test_too_old(self, chat: Chat, people: list[Person]) -> None:
        """Where events were trimmed a cursor from before is too old; one from the very edge is not."""
        ada, bob, _ = people
        await ada.say(bob, "old")
        edge = await head(bob)
        first = (await bob.events()).events[0].cursor
        await chat.execute("UPDATE events SET created_at = created_at - interval '8 days'")
        await ada.say(bob, "new")
        await chat.retain()
        with pytest.raises(Gone) as gone:
            await bob.events(first)
        assert gone.value.details == {"reason": "cursor_too_old"}
        assert [message.content for message in await heard(bob, "message", edge)] == ["new"]

    async def test_start_is_where_the_log_begins(self, chat: Chat, people: list[Person]) -> None:
        """`0` begins with what is kept, and can be followed page by page though older rows are still there."""
        ada, bob, _ = people
        for number in range(5):
            await ada.say(bob, f"old {number}")
        await chat.execute("UPDATE events SET created_at = created_at - interval '8 days'")
        for number in range(3):
            await ada.say(bob, f"new {number}")
        await chat.retain()
        assert await chat.fetchval("SELECT count(*) FROM events") == 9
        page = await bob.events("0", limit=1)
        assert page.has_more
        contents = [page.events[0].data.content]
        contents += [message.content for message in await heard(bob, "message", page.next_cursor)]
        assert contents == ["new 0", "new 1", "new 2"]

    async def test_everything_trimmed(self, chat: Chat, people: list[Person]) -> None:
        """A log that holds nothing any more goes on where it was."""
        ada, bob, _ = people
        await bob.say(ada, "old")
        edge = await head(bob)
        await chat.retain(after=2 * WEEK)
        assert (await bob.events()).events == []
        assert (await bob.events(edge)).events == []
        await ada.say(bob, "new")
        assert [message.content for message in await heard(bob, "message", edge)] == ["new"]
        assert [message.content for message in await heard(bob, "message")] == ["new"]

    async def test_page_ends_where_it_looked(
        self, database_dsn: str, chat: Chat, people: list[Person]
    ) -> None:
        """What is committed while a page is being read is on it, or after its cursor: never skipped."""
        ada, bob, _ = people
        conversation = await ada.direct(bob)
        start = cursors.decode(await head(bob)).position
        # The page is held up after its snapshot was taken: asking for the epoch waits for a lock of this test.
        await chat.execute("ALTER FUNCTION log_epoch() RENAME TO real_log_epoch")
        await chat.execute(
            """
            CREATE FUNCTION log_epoch() RETURNS text LANGUAGE sql STABLE AS $$
                SELECT real_log_epoch() FROM pg_advisory_xact_lock_shared(4711)
            $$
            """
        )
        gate = await asyncpg.connect(database_dsn)
        try:
            await gate.execute("SELECT pg_advisory_lock(4711)")
            async with chat.database.read() as conn:
                pid = conn.get_server_pid()
                reading = asyncio.create_task(events.read(conn, bob.id, start, 10))
                await until_blocked(gate, pid)
                sent = await ada.say(conversation, "meanwhile")
                await gate.execute("SELECT pg_advisory_unlock(4711)")
                excerpt = await reading
        finally:
            await gate.close()
        assert (sent.position in [row["event_position"] for row in excerpt.rows]) == (
            sent.position <= excerpt.end
        )


class TestPeriods:
    async def test_from_joining_on(self, people: list[Person]) -> None:
        """Whoever joins hears of it, and of what comes after; what came before they read as history."""
        ada, bob, _ = people
        group = await ada.found()
        await ada.say(group, "before")
        await bob.join(group)
        await ada.say(group, "after")
        assert await kinds(bob) == ["member.added", "message"]
        assert [message.content for message in await heard(bob, "message")] == ["after"]
        assert [message.content for message in (await bob.history(group)).items] == ["after", "before"]

    async def test_until_being_removed(self, people: list[Person]) -> None:
        """Whoever is removed hears exactly what was theirs until then, at the end their own removal, once."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        await ada.say(group, "before")
        cursor = await head(bob)
        await ada.say(group, "still theirs")
        await ada.remove(group, bob)
        await ada.say(group, "not theirs")
        await ada.change(group, name="Secret club")
        await ada.dissolve(group)
        expected = ["message", "member.removed"]
        assert await kinds(bob, cursor) == expected
        assert await kinds(bob) == ["conversation.created", "message", *expected]
        assert (await heard(bob, "member.removed")) == [
            {"conversation_id": str(group.id), "user_id": bob.id, "role": "member", "actor_id": ada.id}
        ]
        assert (await kinds(eve))[-4:] == ["member.removed", "message", "group.updated", "group.deleted"]

    async def test_not_in_between(self, people: list[Person]) -> None:
        """Whoever was away for a while hears nothing of what happened meanwhile."""
        ada, bob, _ = people
        group = await ada.found(bob)
        for content in ("one", "two", "three"):
            await ada.say(group, content)
            if content == "one":
                await bob.leave(group)
            if content == "two":
                await bob.join(group)
        assert await kinds(bob) == [
            "conversation.created",
            "message",
            "member.removed",
            "member.added",
            "message",
        ]
        assert [message.content for message in await heard(bob, "message")] == ["one", "three"]

    async def test_edited_after_leaving(self, people: list[Person]) -> None:
        """What became of a message after somebody left is not theirs to read, nor that it was edited."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        kept, early, late = [await ada.say(group, name) for name in ("kept", "early", "late")]
        await ada.edit(early, "early, edited")
        await bob.leave(group)
        await ada.edit(late, "late, edited")
        told = {message.id: message for message in await heard(bob, "message")}
        assert (told[kept.id].content, told[early.id].content) == ("kept", "early, edited")
        hidden = told[late.id]
        assert (hidden.content, hidden.metadata, hidden.edited_at) == (None, None, None)
        assert hidden.deleted_at is not None
        assert [message.content for message in await heard(bob, "message.updated")] == ["early, edited"]
        assert [message.content for message in await heard(eve, "message")][2] == "late, edited"

    async def test_edited_again_after_leaving(self, people: list[Person]) -> None:
        """Not by way of an edit that they did hear of either."""
        ada, bob, _ = people
        group = await ada.found(bob)
        message = await ada.say(group, "first")
        await ada.edit(message, "second")
        await bob.leave(group)
        await ada.edit(message, "third")
        assert [m.content for m in await heard(bob, "message")] == [None]
        assert [m.content for m in await heard(bob, "message.updated")] == [None]

    async def test_edited_while_away(self, people: list[Person]) -> None:
        """Whoever came back may read all that is kept, so nothing is hidden any more."""
        ada, bob, _ = people
        group = await ada.found(bob)
        message = await ada.say(group, "first")
        await bob.leave(group)
        await ada.edit(message, "second")
        await bob.join(group)
        assert [m.content for m in await heard(bob, "message")] == ["second"]
        assert (await bob.see(message)).content == "second"

    async def test_read_after_leaving(self, people: list[Person]) -> None:
        """Whether others have read it since is not theirs to know; whoever is still there sees it."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        message = await ada.say(group)
        await bob.leave(group)
        await eve.read(message)
        assert [m.status for m in await heard(bob, "message")] == ["sent"]
        assert [m.status for m in await heard(ada, "message")] == ["read"]
        await bob.join(group)
        assert [m.status for m in await heard(bob, "message")] == ["read"]

    async def test_deleted_later(self, people: list[Person]) -> None:
        """A message that was deleted since is told as a tombstone, to those who left too."""
        ada, bob, eve = people
        group = await ada.found(bob, eve)
        message = await ada.say(group, "regretted", metadata={"custom": {"a": 1}})
        await bob.leave(group)
        await ada.delete(message)
        for person in (bob, eve):
            (told,) = await heard(person, "message")
            assert (told.id, told.seq, told.content, told.metadata) == (message.id, 1, None, None)
            assert told.deleted_at is not None
        assert await heard(bob, "message.deleted") == []

    async def test_renamed_after_leaving(self, people: list[Person]) -> None:
        """What a group became after somebody left is not theirs to read, not by older events either."""
        ada, bob, _ = people
        group = await ada.found(bob, name="First", is_private=True)
        await ada.change(group, name="Second", description="Plans")
        await bob.leave(group)
        await ada.change(group, name="Third", description="Secret plans", message_retention_days=1)
        (created,), (updated,) = await heard(bob, "conversation.created"), await heard(bob, "group.updated")
        assert created["name"] == "First"
        assert (updated["name"], updated["description"]) == ("Second", "Plans")
        assert GroupSettings(**updated["settings"]) == GroupSettings(True, True, None)

    async def test_purged_later(self, chat: Chat, people: list[Person]) -> None:
        """A message that retention purged is told as a tombstone for as long as its event is kept."""
        ada, bob, _ = people
        group = await ada.found(bob, days=1)
        message = await ada.say(group, "fleeting")
        await bob.leave(group)
        await chat.retain(after=timedelta(days=2))
        for person in (ada, bob):
            (told,) = await heard(person, "message")
            assert (told.id, told.seq, told.content, told.created_at) == (
                message.id,
                1,
                None,
                message.created_at,
            )
            assert told.deleted_at is not None


class TestProfiles:
    async def test_who_hears_of_them(self, people: list[Person]) -> None:
        """Oneself and those who share a conversation, once each however many they share; not strangers."""
        ada, bob, eve = people
        await ada.say(bob)
        await ada.found(bob)
        await ada.describe_oneself(bio="Analyst")
        for person in (ada, bob):
            (told,) = await heard(person, "user.updated")
            assert isinstance(told, User)
            assert (told.id, told.profile.bio) == (ada.id, "Analyst")
            assert not hasattr(told, "email")
        assert await kinds(eve) == []

    async def test_only_while_together(self, people: list[Person]) -> None:
        """Who joined later or left before had no part in it, whatever they share now."""
        ada, bob, eve = people
        group = await ada.found(bob)
        await ada.describe_oneself(bio="one")
        await eve.join(group)
        await ada.describe_oneself(bio="two")
        await bob.leave(group)
        await ada.describe_oneself(bio="three")
        assert len(await heard(bob, "user.updated")) == 2
        assert len(await heard(eve, "user.updated")) == 2
        assert len(await heard(ada, "user.updated")) == 3

    async def test_size_of_that_moment(self, chat: Chat, people: list[Person]) -> None:
        """A hundred members hear of it and a hundred and one do not, whatever the group became later."""
        ada, bob, eve = people
        group = await ada.found(bob, *await chat.people(97))
        await ada.describe_oneself(bio="to 99")
        last = await chat.person()
        await last.join(group)
        await ada.describe_oneself(bio="to 100")
        await eve.join(group)
        await ada.describe_oneself(bio="to 101")
        assert len(await heard(bob, "user.updated")) == 2
        await eve.leave(group)
        await last.leave(group)
        await ada.describe_oneself(bio="to 99 again")
        assert len(await heard(bob, "user.updated")) == 3
        assert len(await heard(last, "user.updated")) == 1
        assert len(await heard(eve, "user.updated")) == 0

    async def test_many_of_strangers(
        self, chat: Chat, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One reading looks at so many changed profiles only, and skips nothing for that."""
        monkeypatch.setattr(events, "PROFILES_AT_ONCE", 3)
        ada, bob, eve = people
        stranger = await chat.person()
        await bob.say(ada, "0")
        for number in range(1, 8):
            await stranger.describe_oneself(bio=f"nobody cares {number}")
            await eve.describe_oneself(bio=str(number))
            if number % 3 == 0:
                await bob.say(ada, str(number))
                await ada.describe_oneself(bio=str(number))
        expected = ["conversation.created", "message", *["message", "user.updated"] * 2]
        assert await kinds(bob) == expected
        assert await kinds(stranger) == ["user.updated"] * 7
        cursor, found = "0", []
        while True:
            page = await bob.events(cursor, limit=1)
            found += [event.type for event in page.events]
            if not page.has_more:
                break
            cursor = page.next_cursor
        assert found == expected
        # Whoever waits is not sent away by an empty stretch.
        page = await bob.events((await bob.events(limit=4)).next_cursor, wait=30)
        assert [event.type for event in page.events] == ["message", "user.updated"]


class Sleeper(asyncio.Event):
    """The signal of the log's head, which tells when somebody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.somebody_waits = asyncio.Event()

    async def wait(self) -> Any:
        self.somebody_waits.set()
        return await super().wait()


class TestWaiting:
    async def test_wakes_when_something_happens(
        self, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever waits gets what happens, without having to look again."""
        monkeypatch.setattr(events_service, "LOOK_EVERY", 1000)
        ada, bob, _ = people
        conversation = await ada.direct(bob)
        cursor = await head(bob)
        bob.chat.log.head.moved = sleeper = Sleeper()
        waiting = asyncio.create_task(bob.events(cursor, wait=1000))
        await sleeper.somebody_waits.wait()
        await ada.say(conversation, "wake up")
        page = await waiting
        assert [event.data.content for event in page.events] == ["wake up"]

    async def test_sleeps_on_when_it_is_not_theirs(
        self, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What concerns others wakes nobody for good, and is not looked at twice."""
        monkeypatch.setattr(events_service, "LOOK_EVERY", 1000)
        ada, bob, eve = people
        await ada.direct(bob)
        bob.chat.log.head.moved = first = Sleeper()
        waiting = asyncio.create_task(bob.events(await head(bob), wait=1000))
        await first.somebody_waits.wait()
        second = Sleeper()
        monkeypatch.setattr(asyncio, "Event", lambda: second)
        await ada.direct(eve)
        monkeypatch.undo()
        monkeypatch.setattr(events_service, "LOOK_EVERY", 1000)
        await second.somebody_waits.wait()
        await ada.say(bob, "for Bob")
        page = await waiting
        assert [event.type for event in page.events] == ["message"]

    async def test_hears_of_other_processes(
        self, database_dsn: str, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What another process appends is seen by looking again."""
        monkeypatch.setattr(events_service, "LOOK_EVERY", 0.05)
        ada, bob, _ = people
        conversation = await ada.direct(bob)
        bob.chat.log.head.moved = sleeper = Sleeper()
        waiting = asyncio.create_task(bob.events(await head(bob), wait=1000))
        await sleeper.somebody_waits.wait()
        async with running(database_dsn) as other:
            await Person(other, ada.id).say(conversation, "from afar")
            page = await waiting
        assert [event.data.content for event in page.events] == ["from afar"]

    async def test_gives_up_in_time(self, people: list[Person]) -> None:
        """When nothing happens the answer is empty, with a cursor that can be used again."""
        ada, bob, _ = people
        cursor = await head(bob)
        page = await bob.events(cursor, wait=0.05)
        assert (page.events, page.has_more, page.next_cursor) == ([], False, cursor)
        await ada.say(bob)
        assert await kinds(bob, page.next_cursor) == ["conversation.created", "message"]

    async def test_ends_with_the_process(self, people: list[Person], monkeypatch: pytest.MonkeyPatch) -> None:
        """When the process ends, who waits is answered at once, and nobody waits any more."""
        monkeypatch.setattr(events_service, "LOOK_EVERY", 1000)
        ada, *_ = people
        ada.chat.log.head.moved = sleeper = Sleeper()
        waiting = asyncio.create_task(ada.events(await head(ada), wait=1000))
        await sleeper.somebody_waits.wait()
        ada.chat.events.end_waiting()
        assert (await waiting).events == []
        assert (await ada.events(await head(ada), wait=1000)).events == []

    async def test_trimming_overtakes_nobody_who_waits(self, chat: Chat, people: list[Person]) -> None:
        """Who waits at the end has seen all there was, so trimming that meanwhile is no loss."""
        ada, bob, eve = people
        await bob.say(ada)
        cursor = await head(bob)
        await eve.describe_oneself(bio="none of Bob's business")
        chat.log.head.moved = sleeper = Sleeper()
        waiting = asyncio.create_task(bob.events(cursor, wait=1000))
        await sleeper.somebody_waits.wait()
        await chat.retain(after=2 * WEEK)
        await ada.say(bob, "new")
        assert [event.data.content for event in (await waiting).events] == ["new"]


class TestReceiving:
    async def test_coming_back_is_receiving(self, people: list[Person]) -> None:
        """Whoever comes back with a cursor has received what lies before it, and nothing else."""
        ada, bob, _ = people
        first, second = await ada.say(bob), await ada.say(bob)
        page = await bob.events(limit=2)
        assert await ada.status(first) == "sent"
        await bob.events(page.next_cursor)
        assert [await ada.status(m) for m in (first, second)] == ["delivered", "sent"]
        await bob.events(await head(bob))
        assert [await ada.status(m) for m in (first, second)] == ["delivered", "delivered"]

    async def test_beginning_is_not(self, people: list[Person]) -> None:
        """Reading from the start, or from now on, says nothing of what was received."""
        ada, bob, _ = people
        message = await ada.say(bob)
        await bob.events("0")
        await bob.events(None)
        assert await ada.status(message) == "sent"

    async def test_in_many_conversations(
        self, chat: Chat, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In each of them, and where there are too many for once, the next time."""
        monkeypatch.setattr(receipts_service, "MAX_RECEIVED_AT_ONCE", 2)
        bob, *others = await chat.people(6)
        messages = [await other.say(bob) for other in others]
        cursor = await head(bob)
        done = []
        for _ in range(3):
            await bob.events(cursor)
            done.append(
                [await other.status(m) for other, m in zip(others, messages, strict=True)].count("delivered")
            )
        assert done == [2, 4, 5]
        del people

    async def test_once(self, people: list[Person]) -> None:
        """The same cursor again moves nothing and tells nothing; an older one moves nothing back."""
        ada, bob, _ = people
        for _ in range(2):
            await ada.say(bob)
        old, new = (await bob.events(limit=2)).next_cursor, await head(bob)
        for cursor in (new, new, old):
            await bob.events(cursor)
        receipts = await heard(ada, "receipt")
        assert [(r.delivered_seq, r.read_seq) for r in receipts] == [(2, 0)]

    async def test_answering_is_enough(self, people: list[Person]) -> None:
        """Who has answered has received what came before: no receipt is needed, and none is told."""
        ada, bob, _ = people
        await ada.say(bob)
        await bob.say(ada)
        await bob.events(await head(bob))
        assert await heard(ada, "receipt") == []
