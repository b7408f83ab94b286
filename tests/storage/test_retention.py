"""Retention on a real database: what goes in time, how it goes, and that it is gone everywhere."""

import asyncio
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from chat import Chat, Person, running
from parley.errors import IdempotencyMismatch, Invalid, NotFound, Unavailable
from parley.ids import uuid7
from parley.model import Group
from parley.services import retention as service
from parley.services.retention import Retention
from parley.storage import retention as storage
from parley.storage.embedded import cluster
from parley.storage.log import NO_ROOM

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


async def say_daily(chat: Chat, who: Person, group: Group, days: int) -> None:
    """Say "0", "1" and so on, a day apart, the last one now."""
    for number in range(days):
        message = await who.say(group, str(number))
        await chat.execute(
            "UPDATE messages SET created_at = created_at - $2 * interval '1 day' WHERE message_id = $1",
            message.id,
            days - 1 - number,
        )


async def shown(who: Person, group: Group) -> str:
    """Return the contents of a group's history, and check that its totals say the same."""
    page = await who.history(group)
    everything = await who.history()
    assert page.total == everything.total == len(page.items)
    assert [m.id for m in everything.items] == [m.id for m in page.items]
    filtered = await who.history(group, type="text")
    assert (filtered.total, filtered.items[:1]) == (page.total, filtered.items[:1])
    return "".join(message.content or "-" for message in reversed(page.items))


class TestMessages:
    async def test_older_ones_go(self, chat: Chat, people: list[Person]) -> None:
        """A group that keeps messages for some days has none that are older, and everybody sees it so."""
        ada, bob, _ = people
        group, other, forever = (
            await ada.found(bob, days=3),
            await ada.found(bob, days=5),
            await ada.found(bob),
        )
        for where in (group, other, forever):
            await say_daily(chat, ada, where, 7)
        await chat.retain()
        histories = [
            [m.content for m in (await bob.history(where)).items] for where in (group, other, forever)
        ]
        assert ["".join(map(str, reversed(history))) for history in histories] == ["456", "23456", "0123456"]
        conversation = await bob.conversation(group.id)
        assert (conversation.last_seq, conversation.unread_count) == (7, 3)

    async def test_direct_conversations_keep_everything(self, chat: Chat, people: list[Person]) -> None:
        """Only groups have a retention."""
        ada, bob, _ = people
        message = await ada.say(bob, "for ever")
        await chat.retain(after=1000 * DAY)
        assert (await bob.see(message)).content == "for ever"

    async def test_setting_counts_when_it_is_changed(self, chat: Chat, people: list[Person]) -> None:
        """A shorter time takes effect with the next round; none keeps what is there."""
        ada, *_ = people
        group = await ada.found(days=5)
        await say_daily(chat, ada, group, 7)
        await chat.retain()
        assert await shown(ada, group) == "23456"
        await ada.change(group, message_retention_days=1)
        await chat.retain()
        assert await shown(ada, group) == "6"
        await ada.change(group, message_retention_days=None)
        await chat.retain(after=1000 * DAY)
        assert await shown(ada, group) == "6"

    async def test_a_prefix_goes_step_by_step(self, chat: Chat, people: list[Person]) -> None:
        """Whenever one looks between two steps, what is missing is a prefix, and totals and pages agree."""
        ada, bob, _ = people
        group = await ada.found(bob, days=1)
        await say_daily(chat, ada, group, 9)
        now = datetime.now(UTC)
        histories = []
        async with chat.database.read() as conn:
            for _ in range(5):
                purged = await storage.purge_messages(conn, group.id, now - DAY, now, 3)
                histories.append((purged, await shown(bob, group)))
        assert histories == [(3, "345678"), (3, "678"), (2, "8"), (0, "8"), (0, "8")]

    async def test_rounds_are_made_of_steps(
        self, chat: Chat, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A round goes on until nothing is left, a bounded number at a time."""
        monkeypatch.setattr(service, "STEP", 2)
        ada, *_ = people
        group = await ada.found(days=1)
        await say_daily(chat, ada, group, 8)
        await chat.retain()
        assert await shown(ada, group) == "7"
        assert await chat.fetchval("SELECT count(*) FROM purged_messages") == 7

    async def test_readers_and_writers_go_on(
        self, chat: Chat, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """While messages are purged others send, read, edit and delete, and what is missing stays a prefix."""
        monkeypatch.setattr(service, "STEP", 3)
        ada, bob, _ = people
        group = await ada.found(bob, days=1)
        for number in range(60):
            await ada.say(group, str(number))
        await chat.execute("UPDATE messages SET created_at = created_at - interval '2 days'")
        everything = list(reversed((await bob.history(group)).items))

        async def read() -> None:
            for _ in range(20):
                page = await bob.history(group)
                seqs = [message.seq for message in page.items]
                # For a moment everything may be purged, and nothing new be there.
                assert seqs == [seqs[0] - place for place in range(len(seqs))]

        async def write() -> None:
            for number, message in enumerate(everything):
                try:
                    await (ada.edit(message, "edited") if number % 2 else ada.delete(message))
                except NotFound:
                    break
            for _ in range(10):
                await bob.say(group, "new")

        await asyncio.gather(chat.retain(), read(), write())
        await chat.retain()
        assert await shown(ada, group) == "new" * 10
        assert (await ada.conversation(group.id)).last_seq == 70

    async def test_everything_gone(self, chat: Chat, people: list[Person]) -> None:
        """An emptied group counts on where it was."""
        ada, bob, _ = people
        group = await ada.found(bob, days=1)
        await say_daily(chat, ada, group, 3)
        await chat.retain(after=2 * DAY)
        assert await shown(ada, group) == ""
        message = await bob.say(group, "next")
        assert message.seq == 4
        assert await shown(ada, group) == "next"
        assert (await ada.conversation(group.id)).unread_count == 1

    async def test_a_purged_message_is_nowhere(self, chat: Chat, people: list[Person]) -> None:
        """It is not found, cannot be edited, deleted or replied to, and does not come back with its key."""
        ada, bob, _ = people
        group = await ada.found(bob, days=1)
        message, _ = await ada.send(group, "once", key="k")
        await chat.retain(after=2 * DAY)
        for attempt in (bob.see(message), ada.edit(message, "again"), ada.delete(message)):
            with pytest.raises(NotFound):
                await attempt
        with pytest.raises(Invalid):
            await bob.say(group, metadata={"reply_to": message.id})
        with pytest.raises(Exception, match="no longer there"):
            await ada.send(group, "once", key="k")
        assert await shown(bob, group) == ""

    async def test_its_place_is_kept(self, chat: Chat, people: list[Person]) -> None:
        """A cursor that names a purged message goes on where it stood."""
        ada, bob, _ = people
        group = await ada.found(bob, days=2)
        await say_daily(chat, ada, group, 5)
        oldest, second, *_ = reversed((await bob.history(group)).items)
        await chat.retain()
        page = await bob.history(group, after=second.id, limit=2)
        assert [message.content for message in page.items] == ["4", "3"]
        page = await bob.history(group, before=second.id)
        assert (page.items, page.has_more, page.next_cursor, page.total) == ([], False, None, 2)
        page = await bob.history(after=oldest.id, limit=1)
        assert [message.content for message in page.items] == ["3"]
        stranger = await chat.person()
        with pytest.raises(Invalid):
            await stranger.history(after=second.id)

    async def test_its_place_is_told_by_its_id(self, chat: Chat, people: list[Person]) -> None:
        """Also when all else of a purged message is forgotten its cursor goes on; no other one does."""
        ada, bob, _ = people
        group, other = await ada.found(bob, days=2), await ada.found(bob)
        await ada.say(other, "before")
        oldest, second = [await ada.say(group, "purged") for _ in range(2)]
        await chat.retain(after=3 * DAY)
        for content in ("3", "4"):
            await ada.say(group, content)
        chat.ahead = timedelta()
        await chat.execute("UPDATE purged_messages SET purged_at = purged_at - interval '11 days'")
        await chat.retain()
        assert await chat.fetchval("SELECT count(*) FROM purged_messages") == 0
        everything: dict[str, Any] = {}
        for only in (everything, {"sender_id": ada.id}):
            page = await bob.history(group, after=oldest.id, limit=2, **only)
            assert [message.content for message in page.items] == ["4", "3"]
            page = await bob.history(group, before=second.id, **only)
            assert (page.items, page.has_more, page.next_cursor, page.total) == ([], False, None, 2)
        assert [message.content for message in (await bob.history(after=oldest.id)).items] == ["4", "3"]
        assert [message.content for message in (await bob.history(before=oldest.id)).items] == ["before"]
        later = UUID(int=uuid7().int + (3_600_000 << 80))
        for where, cursor in (
            (group, later),
            (None, later),
            (group, uuid4()),
            (None, uuid4()),
            (other, second.id),
        ):
            with pytest.raises(Invalid):
                await bob.history(where, before=cursor)
        stranger = await chat.person()
        with pytest.raises(Invalid):
            await stranger.history(after=second.id)


class TestGroups:
    async def test_deleted_groups_are_forgotten(self, chat: Chat, people: list[Person]) -> None:
        """A deleted group's messages go at once, and the rest when nobody can hear of it any more."""
        ada, bob, _ = people
        group, kept = await ada.found(bob), await ada.found(bob)
        for _ in range(3):
            await ada.say(group)
        await bob.say(kept, "kept")
        await ada.dissolve(group)
        await chat.retain()
        assert await rows_about(chat, group) == {
            "conversations": 1,
            "groups": 1,
            "memberships": 2,
            "purged_messages": 3,
        }
        assert [kind for kind, _ in await bob.news()].count("group.deleted") == 1
        await chat.retain(after=WEEK + DAY)
        assert await rows_about(chat, group) == {}
        assert await shown(bob, kept) == "kept"

    async def test_large_ones_step_by_step(
        self, chat: Chat, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A group is not forgotten before its last message is purged."""
        ada, *_ = people
        group = await ada.found()
        await ada.say(group)
        await ada.dissolve(group)
        async with chat.database.read() as conn:
            assert await storage.forget_deleted_groups(conn, datetime.now(UTC) + WEEK) == 0
            now = datetime.now(UTC)
            assert await storage.groups_to_purge(conn, now) == [(group.id, None)]
            assert await storage.purge_messages(conn, group.id, None, now, 10) == 1
            assert await storage.groups_to_purge(conn, now) == []
            assert await storage.forget_deleted_groups(conn, datetime.now(UTC) + WEEK) == 1


async def rows_about(chat: Chat, group: Group) -> dict[str, int]:
    """Return how many rows each table of conversations has about a group, where there are any."""
    tables = ("conversations", "groups", "members", "memberships", "messages", "purged_messages")
    counts = {
        table: await chat.fetchval(f"SELECT count(*) FROM {table} WHERE conversation_id = $1", group.id)
        for table in tables
    }
    return {table: number for table, number in counts.items() if number}


SIZE = storage.PARTITION_SIZE


async def partitions(chat: Chat) -> list[str]:
    """Return the numbers of the log's partitions, attached or not."""
    found = await chat.fetchval(
        "SELECT array_agg(relname::text ORDER BY relname) FROM pg_class "
        "WHERE relname ~ '^events_[0-9]+$' AND relkind = 'r'"
    )
    return [name.removeprefix("events_") for name in found]


async def let_the_log_grow(chat: Chat, position: int) -> None:
    """Let the last event stand at a position, as if as much had happened."""
    await chat.execute(
        """
        INSERT INTO events (position, stream_id, kind, subject_id, created_at)
        VALUES ($1, gen_random_uuid(), 'user.updated', gen_random_uuid(), clock_timestamp())
        """,
        position,
    )


class TestLog:
    async def test_partitions_come_and_go(self, chat: Chat, people: list[Person]) -> None:
        """There are always some ahead of the head; what is trimmed wholly is dropped, and the log goes on."""
        ada, bob, _ = people
        assert await partitions(chat) == ["0", "1", "2"]
        await ada.say(bob, "old")
        await let_the_log_grow(chat, 2 * SIZE - 1)
        await chat.retain()
        assert await partitions(chat) == ["0", "1", "2", "3", "4"]
        await chat.execute("UPDATE events SET created_at = created_at - interval '8 days'")
        sent = await ada.say(bob, "new")
        assert sent.position == 2 * SIZE
        await chat.retain()
        assert await partitions(chat) == ["2", "3", "4"]
        assert [data.content for kind, data in await bob.news() if kind == "message"] == ["new"]

    async def test_partitions_are_made_by_all(self, chat: Chat, people: list[Person]) -> None:
        """Also by a process whose turn it is not to tidy up: whose it is may be frozen."""
        await let_the_log_grow(chat, 2 * SIZE - 1)
        async with chat.database.read() as conn:
            assert await storage.take_turn(conn)
            await chat.retain()
            await storage.end_turn(conn)
        assert await partitions(chat) == ["0", "1", "2", "3", "4"]

    async def test_a_missing_partition_loses_nothing(self, chat: Chat, people: list[Person]) -> None:
        """Messages wait until it is made, no matter how many come at once, and somebody is told why."""
        ada, bob, _ = people
        await ada.say(bob)
        await let_the_log_grow(chat, 3 * SIZE - 1)
        with capture_logs() as lines:
            sent = await asyncio.gather(*(ada.say(bob, str(number)) for number in range(20)))
        assert [message.position for message in sent] == [3 * SIZE + number for number in range(20)]
        assert {line["event"] for line in lines if line["log_level"] == "error"} == {NO_ROOM}
        assert await partitions(chat) == ["0", "1", "2", "3", "4", "5"]

    async def test_a_missing_partition_is_an_outage(self, chat: Chat, people: list[Person]) -> None:
        """Who does something rarer is told to come again, and then it works; receipts just work."""
        ada, bob, _ = people
        message = await ada.say(bob)
        await let_the_log_grow(chat, 3 * SIZE - 1)
        with pytest.raises(Unavailable):
            await ada.found(name="Too early")
        assert (await ada.found(name="In time")).name == "In time"
        await let_the_log_grow(chat, 6 * SIZE - 1)
        await bob.read(message)
        assert await chat.fetchval("SELECT max(position) FROM events") == 6 * SIZE

    async def test_the_turn_of_a_frozen_process_ends(
        self, chat: Chat, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The database takes it back from a process that says nothing more; others do the work."""
        monkeypatch.setattr(storage, "TURN_ENDS_AFTER", "100ms")
        with pytest.raises(Unavailable):
            async with chat.database.read() as frozen:
                assert await storage.take_turn(frozen)
                async with chat.database.read() as conn:
                    while not await storage.take_turn(conn):
                        await asyncio.sleep(0.01)
                    await storage.end_turn(conn)
                    assert await conn.fetchval("SHOW idle_session_timeout") == "0"
                await storage.end_turn(frozen)

    async def test_an_empty_log_keeps_its_place(
        self, database_dsn: str, chat: Chat, people: list[Person]
    ) -> None:
        """Where every event was trimmed and dropped, positions go on, in a new process too."""
        ada, bob, _ = people
        await ada.say(bob)
        await let_the_log_grow(chat, SIZE - 1)
        await chat.retain(after=2 * WEEK)
        assert await chat.fetchval("SELECT count(*) FROM events") == 0
        assert "0" not in await partitions(chat)
        async with running(database_dsn) as other:
            assert await other.head() == SIZE - 1
            sent = await Person(other, ada.id).say(bob, "new")
            assert sent.position == SIZE
            assert len((await Person(other, bob.id).events()).events) == 1

    async def test_an_interrupted_drop_is_finished(
        self, database_dsn: str, chat: Chat, people: list[Person]
    ) -> None:
        """A partition that was half detached when a server died, or detached and not dropped, goes next time."""
        ada, bob, _ = people
        await ada.say(bob)
        await let_the_log_grow(chat, 2 * SIZE + 1)
        await chat.execute("UPDATE log_state SET trimmed_to = $1", 2 * SIZE)
        reader, owner = await asyncpg.connect(database_dsn), await asyncpg.connect(database_dsn)
        try:
            await owner.execute("ALTER TABLE events DETACH PARTITION events_1")
            # Somebody reads the log for long, so detaching without locks waits in its middle, and is cut there.
            await reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            await reader.fetchval("SELECT count(*) FROM events")
            detaching = asyncio.create_task(storage.drop_partition(cast(Any, owner), "events_0", "attached"))
            while not await reader.fetchval("SELECT pg_blocking_pids($1)", owner.get_server_pid()):
                await asyncio.sleep(0)
            await reader.execute("SELECT pg_cancel_backend($1)", owner.get_server_pid())
            with pytest.raises(asyncpg.QueryCanceledError):
                await detaching
            await reader.execute("COMMIT")
            async with chat.database.read() as conn:
                assert dict(await storage.trimmed_partitions(conn)) == {
                    "events_0": "pending",
                    "events_1": "detached",
                }
            await chat.retain()
        finally:
            await reader.close()
            await owner.close()
        assert await partitions(chat) == ["2", "3", "4"]
        assert (await ada.say(bob)).position == 2 * SIZE + 2

    async def test_time_moves_the_beginning_once(self, chat: Chat, people: list[Person]) -> None:
        """Trimming goes up to the first young event, and never back."""
        ada, bob, _ = people
        for _ in range(4):
            await ada.say(bob)
        await chat.execute("UPDATE events SET created_at = created_at - (5 - position) * interval '3 days'")
        now = datetime.now(UTC)
        async with chat.database.read() as conn:
            beginnings = [(await storage.trim_log(conn, now - days * DAY)).to for days in (100, 10, 5, 7, 0)]
        assert beginnings == [0, 1, 3, 3, 5]


class TestRounds:
    async def test_one_at_a_time(self, database_dsn: str, chat: Chat, people: list[Person]) -> None:
        """Of many processes one tidies up; the others leave it to that one."""
        ada, *_ = people
        group = await ada.found(days=1)
        await ada.say(group, "old")
        async with running(database_dsn) as other, other.database.read() as conn:
            assert await storage.take_turn(conn)
            await chat.retain(after=2 * DAY)
            assert await shown(ada, group) == "old"
            await storage.end_turn(conn)
        await chat.retain()
        assert await shown(ada, group) == ""

    async def test_it_goes_on_by_itself(
        self, chat: Chat, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Rounds follow one another though one fails, until it is stopped."""
        monkeypatch.setattr(service, "ROUND_EVERY", 0)
        ada, *_ = people
        group = await ada.found(days=1)
        await ada.say(group, "old")

        class Faltering(Retention):
            rounds = 0
            third = asyncio.Event()

            async def round(self) -> None:
                self.rounds += 1
                if self.rounds == 1:
                    raise Unavailable from TimeoutError("away")
                if self.rounds == 2:
                    raise RuntimeError("a fault")
                await super().round()
                self.third.set()

        retention = Faltering(chat.database, keep_events=WEEK, now=lambda: datetime.now(UTC) + 2 * DAY)
        with capture_logs() as logs:
            await retention.start()
            await retention.third.wait()
            await retention.stop()
        assert [line["log_level"] for line in logs] == ["warning", "error"]
        assert await shown(ada, group) == ""

    async def test_stopping_leaves_no_turn_behind(self, chat: Chat) -> None:
        """A round that is cut lets the next process have its turn."""

        def cut() -> datetime:
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await Retention(chat.database, keep_events=WEEK, now=cut).round()
        assert await chat.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0

    async def test_old_keys_go(self, chat: Chat, people: list[Person]) -> None:
        """Idempotency keys are kept for a day."""
        ada, bob, _ = people
        await ada.send(bob, "once", key="k")
        await chat.retain()
        with pytest.raises(IdempotencyMismatch):
            await ada.send(bob, "twice", key="k")
        await chat.execute("UPDATE idempotency_keys SET created_at = created_at - interval '24 hours'")
        await chat.retain()
        assert await chat.fetchval("SELECT count(*) FROM idempotency_keys") == 0


def dump(dsn: str) -> str:
    """Return everything that is in a database, as text."""
    command = [str(cluster.program("pg_dump")), f"--dbname={dsn}"]
    ran = subprocess.run(command, env=cluster.environment(), check=True, capture_output=True, text=True)
    return ran.stdout


def server_log(dsn: str) -> str:
    """Return what the embedded PostgreSQL behind an address has logged."""
    (socket,) = parse_qs(urlsplit(dsn).query)["host"]
    return (Path(socket).parent / cluster.LOG).read_text()


SECRET = "xyzzy"


class TestNothingIsLeft:
    """What was deleted or purged is found nowhere: not in any table, not in any log."""

    async def tell_secrets(self, chat: Chat, ada: Person, bob: Person, group: Group) -> None:
        """Let a message leave as many traces as a message can."""
        metadata = {
            "custom": {"note": f"{SECRET} custom"},
            "attachments": [{"url": f"https://e.org/{SECRET}"}],
        }
        message, _ = await ada.send(group, f"{SECRET} first", type="image", metadata=metadata, key="k")
        await ada.edit(message, f"{SECRET} edited")
        await bob.say(group, "What do you mean?", metadata={"reply_to": message.id})
        await bob.read(message)
        await bob.events((await bob.events(limit=1)).next_cursor)
        # What fails is told to the client, and to no log.
        with pytest.raises(Invalid):
            await ada.say(group, f"{SECRET} refused", metadata={"mentions": [uuid4()]})
        with pytest.raises(IdempotencyMismatch):
            await ada.send(group, f"{SECRET} mismatched", key="k")
        with pytest.raises(asyncpg.DataError):
            await ada.say(group, f"{SECRET} \0 not storable")
        with pytest.raises(asyncpg.PostgresError):
            await chat.execute(f"SELECT '{SECRET} broken'::integer")

    @pytest.mark.parametrize("how", ["deleted", "deleted by the owner", "purged", "group deleted"])
    async def test_content(self, database_dsn: str, chat: Chat, people: list[Person], how: str) -> None:
        ada, bob, eve = people
        group = await eve.found(ada, bob, days=1)
        with capture_logs() as logs:
            await self.tell_secrets(chat, ada, bob, group)
            await bob.say(ada, "This is kept.")
            before = dump(database_dsn)
            assert before.count(SECRET) == 3
            (message,) = [m for m in (await ada.history(group)).items if m.sender_id == ada.id]
            match how:
                case "deleted":
                    await ada.delete(message)
                case "deleted by the owner":
                    await eve.delete(message)
                case "purged":
                    await chat.retain(after=2 * DAY)
                case "group deleted":
                    await eve.dissolve(group)
                    await chat.retain()
            after = dump(database_dsn)
        assert SECRET not in after
        assert "This is kept." in after
        # Its place is kept, so it is not that there is nothing left to find.
        assert str(message.id) in after
        assert SECRET not in server_log(database_dsn)
        assert SECRET not in str([line for line in logs if line.get("exc_info") is not True])

    async def test_stored_positions_need_no_events(self, chat: Chat, people: list[Person]) -> None:
        """When the events are gone too, nothing of a purged message is left but the count."""
        ada, bob, _ = people
        group = await ada.found(bob, days=1)
        message = await ada.say(group, "fleeting")
        await chat.retain(after=2 * DAY)
        await chat.retain(after=WEEK + 2 * DAY)
        assert await rows_about(chat, group) == {
            "conversations": 1,
            "groups": 1,
            "members": 2,
            "memberships": 2,
        }
        assert (await bob.conversation(group.id)).last_seq == message.seq
        # To whoever knows of no position yet.
        assert await chat.fetchval("SELECT head FROM read_head(0)") >= message.position
