"""What happened becomes deliveries: of each webhook exactly what was its owner's to read, and each once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat import Chat, Person, running
from databases import TestDatabases
from hooks import make_webhook, queue_of, set_active
from logged import logged
from parley.errors import ParleyError, Unavailable
from parley.model import SMALL_CONVERSATION
from parley.storage import deliveries, events, feed
from parley.storage import retention as storage
from parley.storage.deliveries import Dispatched
from parley.webhooks.dispatcher import Dispatcher
from parley.webhooks.pressure import Pressure

pytestmark = pytest.mark.anyio

NAMES = {"message": "message.created", "receipt": "receipt.updated", "conversation.created": "group.created"}


@pytest.fixture
async def chat(database_dsn: str) -> AsyncIterator[Chat]:
    async with running(database_dsn, max_members=3) as one:
        yield one


async def dispatch(chat: Chat, most: int = 1000) -> Dispatched | None:
    async with chat.database.read() as conn:
        return await deliveries.dispatch(conn, most)


async def dispatch_all(chat: Chat) -> int:
    """Read the log to its end and return how many deliveries that made."""
    made = 0
    while True:
        found = await dispatch(chat)
        assert found is not None
        made += found.made
        if found.cursor == found.head:
            return made


async def theirs(chat: Chat, user_id: UUID) -> list[tuple[int, str]]:
    """Return what the socket tells somebody, as positions and the names webhooks use."""
    async with chat.database.read() as conn:
        excerpt = await events.read(conn, user_id, 0, 10_000)
    return [
        (row["event_position"], NAMES.get(row["kind"], row["kind"]))
        for row in excerpt.rows
        if not (row["kind"] == "conversation.created" and row["conversation_kind"] == "direct")
    ]


async def got(chat: Chat, webhook_id: UUID) -> list[tuple[int, str]]:
    return [(row["position"], row["event"]) for row in await queue_of(chat, webhook_id)]


class TestWhatIsDelivered:
    async def test_the_same_as_on_the_socket(self, chat: Chat) -> None:
        """Every kind of event, under the name that webhooks use."""
        ada, bob, eve = await chat.people(3)
        hook = await make_webhook(bob)
        message = await ada.say(bob)
        await bob.read(message)
        await ada.edit(message, "edited")
        await ada.delete(message)
        group = await ada.found(bob)
        await ada.add(group, eve)
        await ada.promote(group, bob, "admin")
        await ada.change(group, name="Other")
        await eve.describe_oneself(bio="new")
        await bob.describe_oneself(bio="new")
        await eve.leave(group)
        await eve.describe_oneself(bio="not bob's any more")
        await ada.dissolve(group)
        await dispatch_all(chat)
        found = await got(chat, hook)
        assert found == await theirs(chat, bob.id)
        assert [name for _, name in found] == [
            "message.created",
            "receipt.updated",
            "message.updated",
            "message.deleted",
            "group.created",
            "member.added",
            "member.updated",
            "group.updated",
            "user.updated",
            "user.updated",
            "member.removed",
            "group.deleted",
        ]

    async def test_only_what_is_asked_for(self, chat: Chat) -> None:
        """By name, and by conversation; being removed from it is about the conversation too."""
        ada, bob, _ = await chat.people(3)
        group, other = await ada.found(bob), await ada.found(bob)
        by_name = await make_webhook(bob, "message.updated", "group.deleted")
        by_conversation = await make_webhook(bob, "*", conversation_id=group.id)
        message = await ada.say(group)
        await ada.edit(message, "edited")
        await ada.say(other)
        await bob.describe_oneself(bio="new")
        await ada.remove(group, bob)
        await ada.dissolve(other)
        await dispatch_all(chat)
        assert [name for _, name in await got(chat, by_name)] == ["message.updated", "group.deleted"]
        assert [name for _, name in await got(chat, by_conversation)] == [
            "message.created",
            "message.updated",
            "member.removed",
        ]

    @pytest.mark.parametrize("strangers", [0, 9], ids=["few", "many"])
    @pytest.mark.parametrize("filtered", [False, True])
    async def test_only_while_it_was_theirs(self, chat: Chat, strangers: int, filtered: bool) -> None:
        """From when somebody was added until they were removed, in one reading, however many own webhooks."""
        for stranger in await chat.people(strangers):
            await make_webhook(stranger)
        ada, bob = await chat.people(2)
        group, other = await ada.found(), await ada.found(bob)
        hook = await make_webhook(bob, "message.created", conversation_id=group.id if filtered else None)
        expected = []
        for _ in range(2):
            await ada.say(group, "before")
            await ada.add(group, bob)
            expected.append((await ada.say(group, "theirs")).position)
            if filtered:
                await ada.say(other, "of another conversation")
            await ada.remove(group, bob)
            await ada.say(group, "after")
        await dispatch_all(chat)
        assert [position for position, _ in await got(chat, hook)] == expected

    async def test_nothing_from_before(self, chat: Chat) -> None:
        """A new webhook, and one that is active again, hear of what comes after."""
        ada, bob = await chat.people(2)
        await ada.say(bob, "before")
        hook = await make_webhook(bob)
        await ada.say(bob, "heard")
        await dispatch_all(chat)
        await set_active(chat, hook, False)
        await ada.say(bob, "while it was disabled")
        await set_active(chat, hook, True)
        await ada.say(bob, "heard again")
        await dispatch_all(chat)
        assert [position for position, _ in await got(chat, hook)] == [3, 5]

    async def test_nobody_who_is_suspended(self, chat: Chat) -> None:
        """The webhooks of somebody who is suspended collect nothing."""
        ada, bob = await chat.people(2)
        hook = await make_webhook(bob)
        await chat.execute(
            "INSERT INTO credentials (user_id, password_hash, suspended_at) VALUES ($1, '', now())", bob.id
        )
        await ada.say(bob)
        assert await dispatch_all(chat) == 0
        assert await got(chat, hook) == []

    @pytest.mark.parametrize("size", [SMALL_CONVERSATION, SMALL_CONVERSATION + 1])
    async def test_large_conversations_tell_no_profiles(self, chat: Chat, size: int) -> None:
        """A change of a profile is told where so few are together, by the bound that log and socket have."""
        ada, bob = await chat.people(2)
        group = await ada.found(bob)
        await chat.execute(
            "INSERT INTO memberships SELECT $1, gen_random_uuid(), 1, NULL FROM generate_series(3, $2)",
            group.id,
            size,
        )
        hook = await make_webhook(bob, "user.updated")
        await ada.describe_oneself(bio="new")
        await dispatch_all(chat)
        end = await chat.head()
        is_heard = size <= SMALL_CONVERSATION
        assert await got(chat, hook) == [(end, "user.updated")] * is_heard
        assert ((end, "user.updated") in await theirs(chat, bob.id)) is is_heard
        async with chat.database.read() as conn:
            (row,) = await feed.read(conn, end - 1, end, 1)
        assert (bob.id in row["companions"]) is is_heard

    async def test_ids_follow_from_events(self, chat: Chat) -> None:
        """What is dispatched again, as after a restore, is the same delivery; ids sort by time."""
        ada, bob = await chat.people(2)
        hook = await make_webhook(bob)
        for _ in range(3):
            await ada.say(bob)
        await dispatch_all(chat)
        before = [row["delivery_id"] for row in await queue_of(chat, hook)]
        assert before == sorted(before)
        assert {one.version for one in before} == {7}
        await chat.execute("UPDATE webhook_dispatcher SET position = 0")
        assert await dispatch_all(chat) == 0
        await chat.execute("DELETE FROM deliveries")
        await chat.execute("UPDATE webhook_dispatcher SET position = 0")
        assert await dispatch_all(chat) == 3
        assert [row["delivery_id"] for row in await queue_of(chat, hook)] == before


class TestCursor:
    async def test_it_reads_in_steps(self, chat: Chat) -> None:
        """So many events at once, and says what is left and since when."""
        ada, bob = await chat.people(2)
        await make_webhook(bob)
        for _ in range(5):
            await ada.say(bob)
        found = await dispatch(chat, 4)
        assert found is not None
        assert (found.cursor, found.head, found.seen, found.made) == (4, 6, 4, 3)
        assert found.behind_since is not None
        assert await dispatch_all(chat) == 2

    async def test_one_at_a_time(self, database_dsn: str, chat: Chat) -> None:
        """While somebody reads, others are told so at once."""
        async with running(database_dsn) as other:
            async with other.database.transaction() as conn:
                assert await deliveries.dispatch(conn, 10) is not None
                assert await dispatch(chat) is None
            assert await dispatch(chat) is not None

    async def test_what_fails_moves_nothing(self, chat: Chat) -> None:
        """Deliveries and cursor are one commit."""
        ada, bob = await chat.people(2)
        hook = await make_webhook(bob)
        await ada.say(bob)
        with pytest.raises(ZeroDivisionError):
            async with chat.database.transaction() as conn:
                assert await deliveries.dispatch(conn, 10) is not None
                raise ZeroDivisionError
        assert await got(chat, hook) == []
        assert await dispatch_all(chat) == 1

    async def test_without_webhooks_it_moves_seldom(self, chat: Chat) -> None:
        """Nobody pays for what nobody wants; a webhook that comes later is not given the past."""
        ada, bob = await chat.people(2)
        for _ in range(3):
            await ada.say(bob)
        assert await dispatch_all(chat) == 0
        assert await chat.fetchval("SELECT position FROM webhook_dispatcher") == 0
        hook = await make_webhook(bob)
        assert await dispatch_all(chat) == 0
        assert await got(chat, hook) == []


class TestRetention:
    async def test_trimming_waits(self, chat: Chat) -> None:
        """The log is not trimmed past what was read for webhooks, unless there are none."""
        ada, bob = await chat.people(2)
        await ada.say(bob)
        far = datetime.now(UTC) + timedelta(days=30)
        async with chat.database.read() as conn:
            trimmed = await storage.trim_log(conn, far)
            assert (trimmed.to, trimmed.wanted) == (2, 2)
        hook = await make_webhook(bob)
        await ada.say(bob)
        await dispatch_all(chat)
        await ada.say(bob)
        async with chat.database.read() as conn:
            trimmed = await storage.trim_log(conn, far)
            assert (trimmed.to, trimmed.wanted) == (3, 4)
            assert await dispatch_all(chat) == 1
            trimmed = await storage.trim_log(conn, far)
            assert (trimmed.to, trimmed.wanted) == (4, 4)
        assert len(await got(chat, hook)) == 2

    async def test_waiting_is_an_alarm(self, chat: Chat) -> None:
        """Each round of retention that has to wait says so, as an error."""
        ada, bob = await chat.people(2)
        await make_webhook(bob)
        await ada.say(bob)
        with logged() as logs:
            await chat.retain(after=timedelta(days=30))
            await dispatch_all(chat)
            await chat.retain(after=timedelta(days=30))
        (line,) = [line for line in logs if line["log_level"] == "error"]
        assert line["events"] == 2


async def _away(*_: Any) -> Dispatched:
    raise Unavailable from TimeoutError("away")


class TestDispatcher:
    async def test_it_follows_the_log(self, chat: Chat) -> None:
        """It reads when the head moves, and says that there is something to deliver."""
        ada, bob = await chat.people(2)
        hook = await make_webhook(bob)
        told = asyncio.Event()
        dispatcher = Dispatcher(chat.database, chat.log, Pressure(), told.set)
        await dispatcher.start()
        try:
            for number in range(1, 4):
                told.clear()
                await ada.say(bob)
                async with asyncio.timeout(10):
                    while len(await got(chat, hook)) < number:
                        await told.wait()
            assert dispatcher.cursor == chat.log.head.position
        finally:
            await dispatcher.stop()

    @pytest.mark.parametrize("trouble", ["held", "away"])
    async def test_it_lags_while_it_cannot_read(
        self, chat: Chat, database_dsn: str, monkeypatch: pytest.MonkeyPatch, trouble: str
    ) -> None:
        """Though nobody has read since when there is something, it is known that there is."""
        ada, bob = await chat.people(2)
        await make_webhook(bob)
        now = datetime.now(UTC)
        dispatcher = Dispatcher(chat.database, chat.log, Pressure(), lambda: None, clock=lambda: now)
        await dispatcher.step()
        now += timedelta(minutes=1)
        await dispatcher.step()
        assert dispatcher.lag_seconds == 0.0
        async with running(database_dsn) as other, other.database.transaction() as conn:
            with monkeypatch.context() as patch, logged() as logs:
                if trouble == "held":
                    await conn.execute("SELECT FROM webhook_dispatcher FOR UPDATE")
                    await ada.say(bob)
                    assert await dispatcher.step() is None
                else:
                    patch.setattr(deliveries, "dispatch", _away)
                    await ada.say(bob)
                    with pytest.raises(Unavailable):
                        await dispatcher.step()
                now += timedelta(seconds=6)
                assert dispatcher.lag_seconds == 6.0
                dispatcher.tell_lag()
                dispatcher.tell_lag()
        with logged() as later:
            await dispatcher.step()
            assert dispatcher.lag_seconds == 0.0
            dispatcher.tell_lag()
        assert [(line["event"], line["seconds"]) for line in logs] == [("webhooks lag behind", 6.0)]
        assert [line["event"] for line in later] == ["webhooks have caught up"]

    async def test_what_another_process_reads_is_no_lag(self, chat: Chat, database_dsn: str) -> None:
        """While another one is at it, how far it came is known."""
        ada, bob = await chat.people(2)
        await make_webhook(bob)
        now = datetime.now(UTC)
        dispatcher = Dispatcher(chat.database, chat.log, Pressure(), lambda: None, clock=lambda: now)
        await dispatcher.step()
        await ada.say(bob)
        assert await dispatch_all(chat) == 1
        now += timedelta(minutes=1)
        assert dispatcher.lag_seconds == 60.0
        async with running(database_dsn) as other, other.database.transaction() as conn:
            await conn.execute("SELECT FROM webhook_dispatcher FOR UPDATE")
            assert await dispatcher.step() is None
            assert dispatcher.lag_seconds == 0.0

    async def test_it_goes_on_after_failures(self, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
        """An outage is told once, a fault is told with its traceback, and neither is the end."""
        monkeypatch.setattr("parley.webhooks.dispatcher.PAUSE_AFTER_FAULT", 0)
        ada, bob = await chat.people(2)
        hook = await make_webhook(bob)
        await ada.say(bob)
        told = asyncio.Event()

        class Faltering(Dispatcher):
            steps = 0

            async def step(self) -> Dispatched | None:
                self.steps += 1
                if self.steps <= 2:
                    raise Unavailable from TimeoutError("away")
                if self.steps == 3:
                    raise RuntimeError("a fault")
                return await super().step()

        with logged() as logs:
            dispatcher = Faltering(chat.database, chat.log, Pressure(), told.set)
            await dispatcher.start()
            async with asyncio.timeout(10):
                await told.wait()
            await dispatcher.stop()
        assert [(line["log_level"], line.get("reason")) for line in logs] == [
            ("warning", "TimeoutError: away"),
            ("error", None),
        ]
        assert len(await got(chat, hook)) == 1


# What may happen, as (what, who, to whom or where); the numbers choose among what there is.
DEEDS = [
    "say", "say", "say in group", "say in group", "edit", "delete", "read", "open", "found", "add", "remove",
    "leave", "join", "dissolve", "promote", "rename", "describe", "hook", "hook", "disable", "enable",
    "suspend", "dispatch", "dispatch", "dispatch twice",
]  # fmt: skip
PLANS = st.lists(
    st.tuples(st.sampled_from(DEEDS), st.integers(0, 3), st.integers(0, 7), st.integers(1, 9)), max_size=40
)


@dataclass
class Hook:
    """A webhook, and between which positions it was heard: what was dispatched while it was active."""

    id: UUID
    owner: Person
    names: tuple[str, ...]
    spans: list[tuple[int, int | None]] = field(default_factory=list)

    def wants(self, position: int, name: str) -> bool:
        heard = any(start < position and (end is None or position <= end) for start, end in self.spans)
        return heard and ("*" in self.names or name in self.names)


class Town:
    """People in two processes, and what the plan has made so far."""

    def __init__(self, first: Chat, second: Chat) -> None:
        self.chats = (first, second)
        self.people: list[Person] = []
        self.messages: list[Any] = []
        self.groups: list[Any] = []
        self.hooks: list[Hook] = []

    async def start(self) -> None:
        self.people = await self.chats[0].people(4)
        await make_webhook(self.people[0], "nothing.of.the.kind")

    async def do(self, deed: str, who: int, what: int, many: int) -> None:
        """Do something, from either process; what is refused is part of life."""
        person = Person(self.chats[what % 2], self.people[who].id)
        other = self.people[(who + 1 + what % 3) % 4]
        group = self.groups[what % len(self.groups)] if self.groups else None
        message = self.messages[what % len(self.messages)] if self.messages else None
        hook = self.hooks[what % len(self.hooks)] if self.hooks else None
        match deed:
            case "say":
                self.messages.append(await person.say(other))
            case "open":
                await person.direct(other)
            case "found":
                self.groups.append(await person.found(other))
            case "describe":
                await person.describe_oneself(bio=f"{what} {many}")
            case "hook":
                names = ("*",) if many % 2 else ("message.created", "member.removed", "user.updated")
                made = await make_webhook(person, *names)
                start = await person.chat.fetchval(
                    "SELECT hears_after FROM webhooks WHERE webhook_id = $1", made
                )
                self.hooks.append(Hook(made, person, names, [(start, None)]))
            case "dispatch":
                await dispatch(person.chat, many)
            case "dispatch twice":
                await asyncio.gather(
                    dispatch(self.chats[0], many), dispatch(self.chats[1], many), person.say(other)
                )
        if group is not None:
            await self._in_group(deed, person, group, other)
        if message is not None:
            await self._with_message(deed, Person(person.chat, message.sender_id), message, other)
        if hook is not None:
            await self._with_hook(deed, hook)

    async def _in_group(self, deed: str, person: Person, group: Any, other: Person) -> None:
        match deed:
            case "say in group":
                self.messages.append(await person.say(group))
            case "add":
                await person.add(group, other)
            case "remove":
                await person.remove(group, other)
            case "leave":
                await person.leave(group)
            case "join":
                await person.join(group)
            case "dissolve":
                await person.dissolve(group)
            case "promote":
                await person.promote(group, other, "admin")
            case "rename":
                await person.change(group, name=f"Club {len(self.messages)}")

    async def _with_message(self, deed: str, sender: Person, message: Any, other: Person) -> None:
        match deed:
            case "edit":
                await sender.edit(message, "edited")
            case "delete":
                await sender.delete(message)
            case "read":
                await Person(sender.chat, message.receiver_id).read(message)

    async def _with_hook(self, deed: str, hook: Hook) -> None:
        chat = self.chats[0]
        active = hook.spans[-1][1] is None
        if deed == "disable" and active:
            await set_active(chat, hook.id, False)
            cursor = await chat.fetchval("SELECT position FROM webhook_dispatcher")
            hook.spans[-1] = (hook.spans[-1][0], cursor)
        elif deed == "enable" and not active:
            hook.spans.append((await set_active(chat, hook.id, True), None))


class TestAnyInterleaving:
    @settings(
        max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    )
    @given(plan=PLANS, many_owners=st.booleans())
    def test_exactly_what_was_theirs(
        self, databases: TestDatabases, plan: list[tuple[str, int, int, int]], many_owners: bool
    ) -> None:
        """Whatever happens in which order, in two processes: what the socket tells the owner, and each once."""

        async def live(dsn: str) -> None:
            async with running(dsn, max_members=3) as first, running(dsn, max_members=3) as second:
                town = Town(first, second)
                await town.start()
                if many_owners:
                    # Many owners are matched the other way round.
                    for stranger in await first.people(8):
                        await make_webhook(stranger)
                for deed in plan:
                    with contextlib.suppress(ParleyError):
                        await town.do(*deed)
                await dispatch_all(first)
                for hook in town.hooks:
                    told = await theirs(first, hook.owner.id)
                    assert await got(first, hook.id) == [one for one in told if hook.wants(*one)]

        dsn = databases.create()
        try:
            asyncio.run(live(dsn))
        finally:
            databases.drop(dsn)
