"""What is due is sent to where it belongs, until it is there or given up, and nobody waits for somebody else."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from structlog.testing import capture_logs

from chat import Chat, Person, running
from hooks import OK, Receivers, Request, attempts_of, make_webhook, put_test, queue_of
from parley.errors import Unavailable
from parley.node import Node
from parley.settings import load
from parley.storage import deliveries
from parley.storage.deliveries import Claim, Health, Holding, Known, Result, Room
from parley.webhooks import workers
from parley.webhooks.endpoints import SLOW
from parley.webhooks.options import DeliveryOptions
from parley.webhooks.payloads import Payloads
from parley.webhooks.pressure import Pressure
from parley.webhooks.results import NOTE_TRIES
from parley.webhooks.schedule import DELAYS
from parley.webhooks.sender import Outcome
from parley.webhooks.workers import LEASE, Workers

pytestmark = pytest.mark.anyio

URL = "http://receiver.example/"
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


@dataclass
class Clock:
    """The time, which a test moves."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, time: timedelta) -> None:
        self.now += time


@dataclass
class Post:
    """The workers of one process, step by step or by themselves, and whoever receives what they send."""

    chat: Chat
    clock: Clock
    receivers: Receivers
    workers: Workers

    async def dispatch(self) -> None:
        async with self.chat.database.read() as conn:
            assert await deliveries.dispatch(conn, 10_000, self.clock()) is not None

    async def deliver(self) -> int:
        """Dispatch, and deliver until nothing is due; return how many requests that were."""
        await self.dispatch()
        before = sum(map(len, self.receivers.got.values()))
        while await self.workers.claim():
            await self.workers.idle()
            await self.workers.results.note()
        return sum(map(len, self.receivers.got.values())) - before


def post_of(
    chat: Chat,
    clock: Clock,
    receivers: Receivers | None = None,
    *,
    concurrency: int = 20,
    lease: timedelta = LEASE,
    payloads: Payloads | None = None,
    rate: float = 0.0,
    ticks: Callable[[], float] = time.monotonic,
) -> Post:
    receivers = receivers or Receivers()
    workers = Workers(
        chat.database,
        chat.log,
        payloads or Payloads(chat.database, chat.users),
        receivers,
        Pressure(),
        DeliveryOptions(concurrency=concurrency, per_endpoint=10, rate=rate),
        lease=lease,
        clock=clock,
        ticks=ticks,
        dice=lambda: 0.5,
    )
    return Post(chat, clock, receivers, workers)


@pytest.fixture
def post(chat: Chat) -> Post:
    return post_of(chat, Clock())


@pytest.fixture
async def pair(chat: Chat) -> tuple[Person, Person]:
    """Two people who know each other."""
    ada, bob = await chat.people(2)
    await ada.direct(bob)
    return ada, bob


async def state(chat: Chat, webhook_id: UUID) -> list[tuple[str, int]]:
    """Return status and attempts of each delivery in order."""
    return [(row["status"], row["attempts"]) for row in await queue_of(chat, webhook_id)]


def answering(*statuses: int | None, retry_after: float | None = None) -> Any:
    """Return a receiver that answers so, one after the other, and 200 from then on."""
    rest = list(statuses)

    def answer(request: Request) -> Outcome:
        if not rest:
            return OK
        status = rest.pop(0)
        return Outcome(status, None if status else "no connection", 7, "excerpt", retry_after)

    return answer


class TestPayloads:
    async def test_what_arrives(self, post: Post, pair: tuple[Person, Person]) -> None:
        """Event, time, cursor and the data that the socket has; a message names its id once more."""
        ada, bob = pair
        hook = await make_webhook(bob)
        message = await ada.say(bob, "Hello!", metadata={"custom": {"n": 1.5}})
        assert await post.deliver() == 1
        (request,) = post.receivers.got[URL]
        (row,) = await queue_of(post.chat, hook)
        assert request.delivery_id == str(row["delivery_id"])
        payload = dict(request.payload)
        assert payload.pop("signature").startswith("sha256=")
        page = await bob.events(limit=100)
        assert payload["event"] == "message.created"
        assert payload["cursor"] == page.events[-1].cursor
        assert datetime.fromisoformat(payload["timestamp"]) == message.created_at
        data = payload["data"]
        assert data["message_id"] == data["id"] == str(message.id)
        assert (data["content"], data["metadata"]) == ("Hello!", {"custom": {"n": 1.5}})
        assert (row["status"], row["finished_at"]) == ("succeeded", post.clock.now)
        (attempt,) = await attempts_of(post.chat, hook)
        assert (attempt["number"], attempt["status"], attempt["response_excerpt"]) == (1, 200, "ok")

    async def test_deleted_meanwhile(self, post: Post, pair: tuple[Person, Person]) -> None:
        """What was deleted before it was sent leaves as a tombstone."""
        ada, bob = pair
        await make_webhook(bob, "message.created")
        message = await ada.say(bob, "secret")
        await post.dispatch()
        await ada.delete(message)
        await post.deliver()
        (request,) = post.receivers.got[URL]
        assert "secret" not in str(request.payload)
        assert (request.payload["event"], request.content) == ("message.created", None)
        assert request.payload["data"]["deleted_at"] is not None

    async def test_deleted_while_connecting(self, post: Post, pair: tuple[Person, Person]) -> None:
        """A receiver that takes its time to let somebody in gets what there is by then."""
        ada, bob = pair
        await make_webhook(bob, "message.created")
        message = await ada.say(bob, "secret")
        post.receivers.connecting[URL] = lambda: ada.delete(message)
        await post.dispatch()
        await post.deliver()
        (request,) = post.receivers.got[URL]
        assert "secret" not in str(request.payload)
        assert request.content is None

    async def test_gone_while_connecting(self, post: Post, pair: tuple[Person, Person]) -> None:
        """A webhook that is deleted or gets another address by then hears nothing there; nothing is lost."""
        ada, bob = pair
        hook = await make_webhook(bob, "message.created")
        await ada.say(bob)
        other = "http://other.example/"
        move = "UPDATE webhooks SET url = $2 WHERE webhook_id = $1"
        post.receivers.connecting[URL] = lambda: post.chat.execute(move, hook, other)
        await post.dispatch()
        await post.deliver()
        assert post.receivers.got[URL] == []
        await post.deliver()
        assert len(post.receivers.got[other]) == 1
        assert await state(post.chat, hook) == [("succeeded", 1)]

    async def test_edited_after_leaving(self, post: Post, chat: Chat) -> None:
        """Who left a group is not told what became of its messages, and who stayed is."""
        ada, bob, eve = await chat.people(3)
        group = await ada.found(bob, eve)
        await make_webhook(bob, "message.created", url="http://bob.example/")
        await make_webhook(eve, "message.created", url="http://eve.example/")
        message = await ada.say(group, "first")
        await bob.leave(group)
        await ada.edit(message, "second")
        await post.deliver()
        assert post.receivers.contents("http://bob.example/") == [None]
        assert post.receivers.contents("http://eve.example/") == ["second"]

    async def test_every_kind(self, post: Post, chat: Chat) -> None:
        """All that can happen can be told."""
        ada, bob, eve = await chat.people(3)
        await make_webhook(bob)
        group = await ada.found(bob)
        await bob.read(await ada.say(group))
        await ada.add(group, eve)
        await ada.promote(group, bob, "admin")
        await ada.change(group, name="Other")
        await eve.describe_oneself(bio="new")
        await ada.remove(group, eve)
        await ada.dissolve(group)
        await post.deliver()
        told = {request.payload["event"]: request.payload["data"] for request in post.receivers.got[URL]}
        assert set(told) == {
            "group.created", "message.created", "receipt.updated", "member.added", "member.updated",
            "group.updated", "user.updated", "member.removed", "group.deleted",
        }  # fmt: skip
        assert told["user.updated"]["profile"]["bio"] == "new"
        assert told["group.updated"]["name"] == "Other"

    async def test_a_test(self, post: Post, pair: tuple[Person, Person]) -> None:
        """A test refers to nothing but its webhook."""
        hook = await make_webhook(pair[1], "message.created")
        delivery_id = await put_test(post.chat, hook, post.clock())
        assert await post.deliver() == 1
        (request,) = post.receivers.got[URL]
        assert request.delivery_id == str(delivery_id)
        assert (request.payload["event"], request.payload["data"]) == (
            "webhook.test",
            {"webhook_id": str(hook)},
        )

    async def test_no_longer_kept(self, post: Post, pair: tuple[Person, Person]) -> None:
        """What the log no longer has cannot be told, and the attempt says so."""
        ada, bob = pair
        hook = await make_webhook(bob)
        await ada.say(bob)
        await post.dispatch()
        await post.chat.execute("UPDATE log_state SET trimmed_to = 1000")
        assert await post.deliver() == 0
        assert await state(post.chat, hook) == [("failed", 1)]
        (attempt,) = await attempts_of(post.chat, hook)
        assert attempt["error"] == "The log no longer has this event"

    async def test_one_reading_for_many(self, chat: Chat, pair: tuple[Person, Person]) -> None:
        """Several webhooks that are told the same cost one reading of it; one at fault harms no other."""
        ada, bob = pair
        readings = []

        class Counting(Payloads):
            async def read(self, claims: Any) -> Any:
                readings.append(len(claims))
                if any(claim.event == "message.updated" for claim in claims):
                    raise KeyError("a fault")
                return await super().read(claims)

        post = post_of(chat, Clock(), concurrency=100, payloads=Counting(chat.database, chat.users))
        hooks = [await make_webhook(person, url=f"http://{n}.example/") for n in range(3) for person in pair]
        message = await ada.say(bob)
        await post.deliver()
        assert readings == [6]
        await ada.say(bob)
        await ada.edit(message, "edited")
        with capture_logs() as logs:
            await post.deliver()
        assert "payloads of webhooks could not be built" in [line["event"] for line in logs]
        for hook in hooks:
            assert await state(chat, hook) == [("succeeded", 1), ("succeeded", 1), ("pending", 1)]


class TestJustBeforeItIsSent:
    """What is sent, and where, is judged when a request begins, and not when it was claimed."""

    @staticmethod
    async def lane(post: Post, pair: tuple[Person, Person], change: Callable[[UUID, Any], Any]) -> UUID:
        """Let three messages be claimed together, and something change while the first is sent."""
        ada, bob = pair
        hook = await make_webhook(bob, "message.created", ordered=True)
        await ada.say(bob)
        await post.deliver()
        post.receivers.got.clear()
        said = [await ada.say(bob, str(number)) for number in range(3)]

        async def answer(request: Request) -> Outcome:
            if request.content == "0":
                await change(hook, said)
            return OK

        post.receivers.answers[URL] = answer
        await post.dispatch()
        assert await post.workers.claim() == 3
        await post.workers.idle()
        await post.workers.results.note()
        return hook

    async def test_deleted_content(self, post: Post, pair: tuple[Person, Person]) -> None:
        """What is deleted before its request begins leaves as a tombstone."""
        await self.lane(post, pair, lambda _, said: pair[0].delete(said[1]))
        assert post.receivers.contents(URL) == ["0", None, "2"]

    async def test_another_address(self, post: Post, pair: tuple[Person, Person]) -> None:
        """The old one hears nothing more."""
        other = "http://other.example/"
        await self.lane(
            post,
            pair,
            lambda hook, _: post.chat.execute(
                "UPDATE webhooks SET url = $2, secret = 'another' WHERE webhook_id = $1", hook, other
            ),
        )
        assert post.receivers.contents(URL) == ["0"]
        assert post.receivers.contents(other) == ["1", "2"]

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM webhooks WHERE webhook_id = $1",
            "UPDATE webhooks SET status = 'disabled' WHERE webhook_id = $1",
        ],
    )
    async def test_no_longer_wanted(self, post: Post, pair: tuple[Person, Person], statement: str) -> None:
        """A webhook that is deleted or disabled hears nothing more, and what is left waits as it did."""
        hook = await self.lane(post, pair, lambda hook, _: post.chat.execute(statement, hook))
        assert post.receivers.contents(URL) == ["0"]
        assert (await state(post.chat, hook))[1:] == [("succeeded", 1), ("pending", 0), ("pending", 0)]

    async def test_in_order_from_now_on(self, post: Post, pair: tuple[Person, Person]) -> None:
        """What is in stock is not sent side by side any more."""
        ada, bob = pair
        hook = await make_webhook(bob)
        for _ in range(10):
            await ada.say(bob)
        await post.deliver()
        for _ in range(3):
            await ada.say(bob)
        await post.dispatch()
        assert await post.workers.claim() == 3
        await post.chat.execute("UPDATE webhooks SET ordered = true")
        await post.workers.idle()
        await post.workers.results.note()
        assert (await state(post.chat, hook))[10:] == [("pending", 0)] * 3
        assert await post.deliver() == 3


class TestSchedule:
    async def test_it_is_tried_eight_times(self, post: Post, pair: tuple[Person, Person]) -> None:
        """At the declared times, and then it is given up with a line in the log."""
        ada, bob = pair
        hook = await make_webhook(bob)
        post.receivers.answers[URL] = answering(*[500] * 100)
        await ada.say(bob)
        with capture_logs() as logs:
            assert await post.deliver() == 1
            for number, delay in enumerate(DELAYS, start=1):
                assert await state(post.chat, hook) == [("pending", number)]
                post.clock.pass_by(delay - SECOND)
                assert await post.deliver() == 0
                post.clock.pass_by(SECOND)
                assert await post.deliver() == 1
        assert await state(post.chat, hook) == [("failed", 8)]
        assert [line["event"] for line in logs] == ["a delivery is given up"]
        assert len({request.delivery_id for request in post.receivers.got[URL]}) == 1
        attempts = await attempts_of(post.chat, hook)
        assert [attempt["number"] for attempt in attempts] == list(range(1, 9))
        assert {(one["status"], one["latency_ms"], one["response_excerpt"]) for one in attempts} == {
            (500, 7, "excerpt")
        }

    async def test_what_is_lost_with_its_server_is_no_attempt(
        self, post: Post, pair: tuple[Person, Person]
    ) -> None:
        """However often a server ends while it has a claim: the schedule begins with the first answer."""
        ada, bob = pair
        hook = await make_webhook(bob)
        post.receivers.answers[URL] = answering(*[500] * 100)
        await ada.say(bob)
        await post.dispatch()
        for number in range(1, 10):
            (lost,) = await claim(post.chat, post.clock)
            assert (lost.number, lost.spent) == (number, number - 1)
            async with post.chat.database.read() as conn:
                await deliveries.end_leases(conn)
            # The leases end by the real clock.
            post.clock.pass_by(datetime.now(UTC) - post.clock() + SECOND)
        assert await post.deliver() == 1
        for number, delay in enumerate(DELAYS, start=10):
            assert await state(post.chat, hook) == [("pending", number)]
            post.clock.pass_by(delay)
            assert await post.deliver() == 1
        assert await state(post.chat, hook) == [("failed", 17)]
        made = (await queue_of(post.chat, hook))[0]["created_at"]
        assert all(attempt["at"] >= made for attempt in await attempts_of(post.chat, hook))

    @pytest.mark.parametrize("off", [timedelta(hours=-3), timedelta(hours=3)], ids=["behind", "ahead"])
    async def test_a_clock_that_is_off(self, chat: Chat, pair: tuple[Person, Person], off: timedelta) -> None:
        """When it is tried again, and how fast, does not depend on the clock of the process that failed."""
        ada, bob = pair
        hook = await make_webhook(bob)
        await ada.say(bob)
        before = datetime.now(UTC)
        async with chat.database.read() as conn:
            await deliveries.dispatch(conn, 100)
            (one,) = await deliveries.claim(conn, LEASE, Room(0, 1, {}, silent=1, each=1))
            here = datetime.now(UTC) + off
            failed = Result(one, "pending", here, here + DELAYS[0])
            health = Health(hook, False, here, 1.0, here + SECOND)
            await deliveries.finish(conn, [failed], {}, here=here)
            await deliveries.note_health(conn, [health], here=here)
            after = datetime.now(UTC)
            ((at, due, failing, resume),) = await conn.fetch(
                """
                SELECT a.at, d.next_attempt_at, w.failing_since, w.resume_at
                FROM deliveries d
                JOIN delivery_attempts a USING (webhook_id, delivery_id)
                JOIN webhooks w USING (webhook_id)
                """
            )
        for time_of, later in ((at, 0), (failing, 0), (resume, 1), (due, 5)):
            assert before <= time_of - later * SECOND <= after

    async def test_asked_for_again(self, post: Post, pair: tuple[Person, Person]) -> None:
        """Whoever asks for a delivery again gets the whole schedule again, under the same id."""
        ada, bob = pair
        hook = await make_webhook(bob)
        await ada.say(bob)
        await post.deliver()
        await post.chat.execute(
            "UPDATE deliveries SET status = 'pending', finished_at = NULL, spent = attempts, next_attempt_at = $1",
            post.clock(),
        )
        post.receivers.answers[URL] = answering(500)
        assert await post.deliver() == 1
        post.clock.pass_by(DELAYS[0])
        assert await post.deliver() == 1
        assert await state(post.chat, hook) == [("succeeded", 3)]
        assert len({request.delivery_id for request in post.receivers.got[URL]}) == 1

    @pytest.mark.parametrize("status", [429, 503])
    async def test_retry_after(self, post: Post, pair: tuple[Person, Person], status: int) -> None:
        """The endpoint gets nothing at all before it wants to."""
        ada, bob = pair
        hook = await make_webhook(bob)
        post.receivers.answers[URL] = answering(status, retry_after=120)
        await ada.say(bob)
        assert await post.deliver() == 1
        await ada.say(bob)
        post.clock.pass_by(119 * SECOND)
        assert await post.deliver() == 0
        post.clock.pass_by(SECOND)
        assert await post.deliver() == 1
        post.clock.pass_by(SECOND)
        assert await post.deliver() == 1
        assert await state(post.chat, hook) == [("succeeded", 2), ("succeeded", 1)]

    async def test_an_overloaded_endpoint(self, post: Post, pair: tuple[Person, Person]) -> None:
        """It is asked once a second, then every two, and faster again when it takes something."""
        ada, bob = pair
        hook = await make_webhook(bob)
        await ada.say(bob)
        await post.deliver()
        for _ in range(6):
            await ada.say(bob)
        post.receivers.answers[URL] = answering(503, 503)
        sent = []
        for _ in range(12):
            sent.append(await post.deliver())
            post.clock.pass_by(SECOND)
        # Refused at 0 and 1, asked again at 3, 4 and 5, and then freely; what was refused is back by then.
        assert sent[:5] == [1, 1, 0, 1, 1]
        assert sum(sent) == 8
        assert [status for status, _ in await state(post.chat, hook)] == ["succeeded"] * 7
        assert await post.chat.fetchval("SELECT pace FROM webhooks") == 0


class TestDisabling:
    async def test_gone(self, post: Post, pair: tuple[Person, Person]) -> None:
        """410 disables: the owner is told by an event, and nothing more is sent or collected."""
        ada, bob = pair
        hook = await make_webhook(bob)
        post.receivers.answers[URL] = answering(410)
        await ada.say(bob)
        await ada.say(bob)
        assert await post.deliver() == 1
        assert (await bob.news())[-1] == ("webhook.disabled", {"webhook_id": hook, "reason": "endpoint_gone"})
        assert "webhook.disabled" not in [kind for kind, _ in await ada.news()]
        await ada.say(bob)
        assert await post.deliver() == 0
        assert await state(post.chat, hook) == [("failed", 1), ("pending", 0)]
        await post.chat.retain()
        assert await state(post.chat, hook) == [("failed", 1), ("failed", 0)]

    @pytest.mark.parametrize("ordered", [True, False])
    async def test_gone_with_stock(self, post: Post, pair: tuple[Person, Person], ordered: bool) -> None:
        """Nothing more is sent of what was claimed together, and what had not begun is given back."""
        ada, bob = pair
        hook = await make_webhook(bob, ordered=ordered)
        for _ in range(2):
            await ada.say(bob)
            await post.deliver()
        post.receivers.answers[URL] = answering(*[410] * 30)
        for _ in range(30):
            await ada.say(bob)
        await post.dispatch()
        claimed = await post.workers.claim()
        await post.workers.idle()
        await post.workers.results.note()
        sent = len(post.receivers.got[URL]) - 2
        # Of those side by side all had begun that were under way.
        assert (claimed > sent == 1) if ordered else (claimed > sent <= 10)
        assert [status for status, _ in await state(post.chat, hook)].count("pending") == 30 - sent
        assert await post.deliver() == 0

    async def test_five_days_of_failures(self, post: Post, pair: tuple[Person, Person]) -> None:
        """Nothing but failures for five days disables; anything that arrives begins them anew."""
        ada, bob = pair
        hook = await make_webhook(bob)
        post.receivers.answers[URL] = answering(500, 500, 500, 200, 500, 500, 500, 500)

        async def say_after(time: timedelta) -> str:
            post.clock.pass_by(time)
            await ada.say(bob)
            await post.dispatch()
            await post.chat.execute(
                "UPDATE deliveries SET next_attempt_at = 'infinity' WHERE status = 'pending' AND attempts > 0"
            )
            assert await post.deliver() == 1
            return str(await post.chat.fetchval("SELECT status FROM webhooks"))

        assert [await say_after(2 * DAY) for _ in range(7)] == ["active"] * 7
        assert await say_after(DAY) == "disabled"
        assert (await bob.news())[-1] == ("webhook.disabled", {"webhook_id": hook, "reason": "failures"})

    async def test_suspended_owners(self, post: Post, pair: tuple[Person, Person]) -> None:
        """While somebody is suspended nothing is sent for them."""
        ada, bob = pair
        await make_webhook(bob)
        await ada.say(bob)
        await post.dispatch()
        await post.chat.execute(
            "INSERT INTO credentials (user_id, password_hash, suspended_at) VALUES ($1, '', now())", bob.id
        )
        assert await post.deliver() == 0
        await post.chat.execute("UPDATE credentials SET suspended_at = NULL")
        assert await post.deliver() == 1


def everything(number: int = 100) -> Room:
    return Room(well=number, others=number, known={}, silent=number, each=number)


def room_for(well: int, others: int, known: dict[UUID, Known]) -> Room:
    """Return room where only the numbers of webhooks that are well and of others matter."""
    return Room(well, others, known, silent=others, each=others)


async def claim(chat: Chat, clock: Clock, room: Room | None = None) -> list[Claim]:
    async with chat.database.read() as conn:
        return await deliveries.claim(conn, LEASE, room or everything(), clock())


async def finish(chat: Chat, clock: Clock, claims: list[Claim], state: Any = "succeeded") -> int:
    results = [Result(one, state, clock(), status=200) for one in claims]
    lanes = {one.webhook_id: one.lane_until for one in claims if one.lane_until is not None}
    async with chat.database.read() as conn:
        return await deliveries.finish(conn, results, lanes, clock())


class TestClaims:
    async def test_rooms(self, post: Post, pair: tuple[Person, Person]) -> None:
        """Whom the caller does not know gets one; whom it knows, what it says; all together, no more than that."""
        ada, bob = pair
        first, second, third = sorted([await make_webhook(bob) for _ in range(3)])
        for _ in range(5):
            await ada.say(bob)
        await post.dispatch()
        room = room_for(3, 1, {first: Known(2, True), second: Known(2, True)})
        found = [(one.webhook_id, one.position) for one in await claim(post.chat, post.clock, room)]
        assert found == [(first, 2), (first, 3), (second, 2), (third, 2)]
        room = room_for(9, 0, {first: Known(0, True), second: Known(9, True)})
        found = [(one.webhook_id, one.position) for one in await claim(post.chat, post.clock, room)]
        assert found == [(second, position) for position in (3, 4, 5, 6)]

    async def test_turns(self, chat: Chat) -> None:
        """Who holds least comes first, then what is due for longest; what is silent comes last and gets a part."""
        clock = Clock()
        sender, greedy, modest, failing = await chat.people(4)
        for owner in (greedy, modest, failing):
            for _ in range(3):
                await make_webhook(owner)
            await sender.say(owner)
        await chat.execute("UPDATE webhooks SET failing_since = $1 WHERE user_id = $2", clock(), failing.id)
        post = post_of(chat, clock)
        await post.dispatch()
        owners = {greedy.id: Holding(2, silent=False)}

        async def turn(room: Room) -> list[UUID]:
            return sorted(one.user_id for one in await claim(chat, clock, room))

        assert await turn(Room(9, 2, {}, silent=2, each=3, owners=owners)) == [modest.id] * 2
        assert await turn(Room(9, 9, {}, silent=2, each=3, owners=owners)) == sorted(
            [greedy.id, modest.id, failing.id, failing.id]
        )
        assert await turn(Room(9, 9, {}, silent=9, each=0)) == []
        last = {greedy.id: Holding(0, silent=True)}
        assert await turn(Room(9, 9, {}, silent=1, each=9, owners=last)) in ([greedy.id], [failing.id])
        assert len(await turn(Room(9, 9, {}, silent=9, each=9))) == 2

    async def test_two_at_once(self, database_dsn: str, post: Post, pair: tuple[Person, Person]) -> None:
        """Nothing is claimed twice, and nobody waits for the other."""
        ada, bob = pair
        hook = await make_webhook(bob)
        for _ in range(40):
            await ada.say(bob)
        await post.dispatch()
        room = room_for(7, 7, {hook: Known(7, True)})
        async with running(database_dsn) as other:
            claims = [
                one
                for _ in range(4)
                for found in await asyncio.gather(
                    claim(post.chat, post.clock, room), claim(other, post.clock, room)
                )
                for one in found
            ]
        assert len(claims) == len({one.delivery_id for one in claims})
        assert len(claims) >= 4 * 7

    async def test_a_lease_that_was_taken(self, post: Post, pair: tuple[Person, Person]) -> None:
        """After the lease another one has it; whoever had it notes nothing, and the attempt is told as unknown."""
        ada, bob = pair
        hook = await make_webhook(bob)
        await ada.say(bob)
        await post.dispatch()
        (late,) = await claim(post.chat, post.clock)
        post.clock.pass_by(LEASE - SECOND)
        assert await claim(post.chat, post.clock) == []
        post.clock.pass_by(SECOND)
        (taken,) = await claim(post.chat, post.clock)
        assert (late.number, taken.number) == (1, 2)
        assert await finish(post.chat, post.clock, [late], "failed") == 0
        assert await finish(post.chat, post.clock, [late], "unsent") == 0
        assert await state(post.chat, hook) == [("pending", 2)]
        assert await finish(post.chat, post.clock, [taken]) == 1
        assert await finish(post.chat, post.clock, [taken], "failed") == 0
        assert await state(post.chat, hook) == [("succeeded", 2)]
        attempts = await attempts_of(post.chat, hook)
        assert [(one["number"], one["error"]) for one in attempts] == [
            (1, "The server ended before it knew what came of this"),
            (2, None),
        ]

    async def test_given_back(self, post: Post, pair: tuple[Person, Person]) -> None:
        """What was not sent counts as no attempt, and is there for the next at once."""
        ada, bob = pair
        hook = await make_webhook(bob)
        await ada.say(bob)
        await post.dispatch()
        assert await finish(post.chat, post.clock, await claim(post.chat, post.clock), "unsent") == 1
        assert await state(post.chat, hook) == [("pending", 0)]
        assert await attempts_of(post.chat, hook) == []
        assert [one.number for one in await claim(post.chat, post.clock)] == [1]

    async def test_no_time_left(self, chat: Chat, pair: tuple[Person, Person]) -> None:
        """Whoever was frozen until a request could outlast the lease sends nothing."""
        ada, bob = pair
        post = post_of(chat, Clock(), lease=17 * SECOND)
        hook = await make_webhook(bob)
        await ada.say(bob)
        await post.dispatch()
        assert await post.workers.claim() == 1
        await post.workers.idle()
        await post.workers.results.note()
        assert post.receivers.got == {}
        assert await state(chat, hook) == [("pending", 0)]

    async def test_the_database_goes_away(self, post: Post, pair: tuple[Person, Person]) -> None:
        """Results that could not be noted are kept, and noted later."""
        ada, bob = pair
        hook = await make_webhook(bob)
        await ada.say(bob)
        await post.dispatch()
        await post.workers.claim()
        await post.workers.idle()
        await post.chat.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'parley' AND pid <> pg_backend_pid()"
        )
        for _ in range(20):
            try:
                await post.workers.results.note()
            except Unavailable:
                # The pool finds out one by one which of its connections are dead.
                continue
        assert await state(post.chat, hook) == [("succeeded", 1)]


class TestResultsThatFail:
    """A fault of the database that is no outage takes no results along that are not at fault."""

    @staticmethod
    async def delivered(post: Post, pair: tuple[Person, Person]) -> list[UUID]:
        """Let two webhooks be told something, without noting it."""
        ada, bob = pair
        hooks = [await make_webhook(bob, url=f"http://{number}.example/") for number in range(2)]
        await ada.say(bob)
        await post.dispatch()
        assert await post.workers.claim() == 2
        await post.workers.idle()
        return hooks

    async def test_it_passes(self, post: Post, pair: tuple[Person, Person], monkeypatch: Any) -> None:
        """They are kept and noted later."""
        hooks = await self.delivered(post, pair)
        with monkeypatch.context() as patch:
            patch.setattr(deliveries, "finish", failing)
            with pytest.raises(asyncpg.DeadlockDetectedError):
                await post.workers.results.note()
        await post.workers.results.note()
        for hook in hooks:
            assert await state(post.chat, hook) == [("succeeded", 1)]

    async def test_one_is_at_fault(self, post: Post, pair: tuple[Person, Person], monkeypatch: Any) -> None:
        """After some tries each is noted alone, and the one that cannot be is told of and let go."""
        hooks = await self.delivered(post, pair)
        finish = deliveries.finish

        async def fail_for_one(conn: Any, results: Any, *rest: Any, **more: Any) -> int:
            if any(result.claim.webhook_id == hooks[0] for result in results):
                return await failing()
            return await finish(conn, results, *rest, **more)

        monkeypatch.setattr(deliveries, "finish", fail_for_one)
        for _ in range(NOTE_TRIES - 1):
            with pytest.raises(asyncpg.DeadlockDetectedError):
                await post.workers.results.note()
        with capture_logs() as logs:
            await post.workers.results.note()
        assert [line["event"] for line in logs] == ["a result of a webhook cannot be noted"]
        assert await state(post.chat, hooks[0]) == [("pending", 1)]
        assert await state(post.chat, hooks[1]) == [("succeeded", 1)]
        assert await post.deliver() == 0


async def failing(*_: Any, **__: Any) -> int:
    raise asyncpg.DeadlockDetectedError("a fault")


class TestLanes:
    async def test_in_order(self, post: Post, pair: tuple[Person, Person]) -> None:
        """What fails holds up what comes after it, and then all of it goes in order."""
        ada, bob = pair
        hook = await make_webhook(bob, ordered=True)
        for number in range(5):
            await ada.say(bob, str(number))
        post.receivers.answers[URL] = lambda request: (
            Outcome(500, None, 1) if request.content == "2" and post.clock() < later else OK
        )
        later = post.clock() + DELAYS[0]
        await post.deliver()
        assert post.receivers.contents(URL) == ["0", "1", "2"]
        assert (
            await state(post.chat, hook) == [("succeeded", 1)] * 2 + [("pending", 1)] + [("pending", 0)] * 2
        )
        post.clock.pass_by(DELAYS[0])
        await post.deliver()
        assert post.receivers.contents(URL) == ["0", "1", "2", "2", "3", "4"]
        assert await post.chat.fetchval("SELECT lane_until FROM webhooks") is None

    async def test_it_goes_on_when_one_is_given_up(self, post: Post, pair: tuple[Person, Person]) -> None:
        """What is given up no longer holds up the others, and the log says so."""
        ada, bob = pair
        hook = await make_webhook(bob, ordered=True)
        await ada.say(bob, "bad")
        await ada.say(bob, "good")
        post.receivers.answers[URL] = lambda request: (
            Outcome(500, None, 1) if request.content == "bad" else OK
        )
        with capture_logs() as logs:
            for delay in (timedelta(), *DELAYS):
                assert await state(post.chat, hook) in ([], [("pending", 0)] * 2) or post.receivers.contents(
                    URL
                ) == ["bad"] * len(post.receivers.got[URL])
                post.clock.pass_by(delay)
                await post.deliver()
        assert post.receivers.contents(URL) == ["bad"] * 8 + ["good"]
        assert await state(post.chat, hook) == [("failed", 8), ("succeeded", 1)]
        (line,) = logs
        assert (line["event"], line["ordered"]) == ("a delivery is given up", True)

    async def test_claimed_as_a_whole(self, post: Post, pair: tuple[Person, Person]) -> None:
        """While somebody has the lane nobody else gets any of it, what is due before it neither."""
        ada, bob = pair
        hook = await make_webhook(bob, ordered=True)
        for _ in range(4):
            await ada.say(bob)
        await post.dispatch()
        room = room_for(9, 9, {hook: Known(2, True)})
        first = await claim(post.chat, post.clock, room)
        assert [one.position for one in first] == [2, 3]
        assert await claim(post.chat, post.clock, room) == []
        post.clock.pass_by(LEASE)
        second = await claim(post.chat, post.clock, room)
        assert [(one.position, one.number) for one in second] == [(2, 2), (3, 2)]
        # The first comes back too late: it notes nothing and does not let go of the lane.
        assert await finish(post.chat, post.clock, first) == 0
        assert await claim(post.chat, post.clock, room) == []
        assert await finish(post.chat, post.clock, second) == 2
        assert [one.position for one in await claim(post.chat, post.clock, room)] == [4, 5]

    async def test_what_is_under_way_comes_first(self, post: Post, pair: tuple[Person, Person]) -> None:
        """A webhook that is to be told in order from now on is told nothing twice: what is being sent is waited for."""
        ada, bob = pair
        hook = await make_webhook(bob)
        for _ in range(4):
            await ada.say(bob)
        await post.dispatch()
        room = room_for(9, 9, {hook: Known(2, True)})
        under_way = await claim(post.chat, post.clock, room)
        assert [one.position for one in under_way] == [2, 3]
        await post.chat.execute("UPDATE webhooks SET ordered = true")
        assert await claim(post.chat, post.clock, room) == []
        assert await finish(post.chat, post.clock, under_way[1:]) == 1
        assert await claim(post.chat, post.clock, room) == []
        test = await put_test(post.chat, hook, post.clock())
        (only,) = await claim(post.chat, post.clock, room)
        assert only.delivery_id == test
        assert await finish(post.chat, post.clock, [only]) == 1
        post.clock.pass_by(LEASE)
        assert [(one.position, one.number) for one in await claim(post.chat, post.clock, room)] == [
            (2, 2),
            (4, 1),
        ]

    async def test_nothing_overtakes(self, post: Post, pair: tuple[Person, Person]) -> None:
        """What is due again does not take along what comes after one that is not."""
        ada, bob = pair
        hook = await make_webhook(bob, ordered=True)
        for _ in range(3):
            await ada.say(bob)
        await post.dispatch()
        await post.chat.execute(
            "UPDATE deliveries SET next_attempt_at = $1 WHERE position = 3", post.clock() + MINUTE
        )
        room = room_for(9, 9, {hook: Known(9, True)})
        assert [one.position for one in await claim(post.chat, post.clock, room)] == [2]

    async def test_tests_overtake(self, post: Post, pair: tuple[Person, Person]) -> None:
        """A test is sent while the lane waits, and one that fails holds up nobody."""
        ada, bob = pair
        hook = await make_webhook(bob, ordered=True)
        await ada.say(bob, "0")
        post.receivers.answers[URL] = answering(500, 500)
        await post.deliver()
        await put_test(post.chat, hook, post.clock())
        assert await post.deliver() == 1
        post.clock.pass_by(DELAYS[0])
        assert await post.deliver() == 2
        events = [request.payload["event"] for request in post.receivers.got[URL]]
        assert sorted(events[2:]) == ["message.created", "webhook.test"]


@asynccontextmanager
async def at_work(post: Post) -> AsyncIterator[None]:
    await post.workers.start()
    try:
        yield
    finally:
        await post.workers.stop()


class TestOthersDoNotWait:
    async def test_for_dead_endpoints(self, chat: Chat, pair: tuple[Person, Person]) -> None:
        """Thirty endpoints that never answer, and eight places: whoever answers gets all of theirs meanwhile."""
        ada, bob = pair
        post = post_of(chat, Clock(), concurrency=8)
        dead = asyncio.Event()

        async def never(request: Request) -> Outcome:
            await dead.wait()
            return Outcome(None, "no answer within 15 s", 15_000)

        for number in range(30):
            url = f"http://dead{number}.example/"
            post.receivers.answers[url] = never
            await make_webhook(bob, url=url)
        for _ in range(10):
            await ada.say(bob)
        # It is new like all others, and has to wait for its turn among them only until it has answered once.
        async with at_work(post):
            hook = await make_webhook(bob, url="http://alive.example/")
            await put_test(chat, hook, post.clock() - DAY)
            await post.workers.claim()
            await post.receivers.wait_for(1, "http://alive.example/")
            await post.dispatch()
            for number in range(100):
                await ada.say(bob, str(number))
            await post.dispatch()
            post.workers.wake()
            await post.receivers.wait_for(101, "http://alive.example/")
            hanging = sum(len(got) for url, got in post.receivers.got.items() if "dead" in url)
            assert 1 <= hanging <= 4
            dead.set()

    @staticmethod
    def dead(post: Post) -> asyncio.Event:
        """Let http://dead.example/ hang until the event is set."""
        released = asyncio.Event()

        async def hang(request: Request) -> Outcome:
            await released.wait()
            return Outcome(None, "no answer within 15 s", 15_000)

        post.receivers.answers["http://dead.example/"] = hang
        return released

    async def test_for_those_who_came_before(self, chat: Chat) -> None:
        """Twenty people with ten endpoints that hang, and somebody comes later: the first request begins at once."""
        post = post_of(chat, Clock(), concurrency=100)
        (sender, late), many = await chat.people(2), await chat.people(20)
        hanging = self.dead(post)
        for owner in many:
            for _ in range(10):
                await make_webhook(owner, url="http://dead.example/")
            await sender.say(owner)
            await post.dispatch()
            await post.workers.claim()
        while await post.workers.claim():
            pass
        await make_webhook(late)
        await sender.say(late)
        await post.dispatch()
        assert await post.workers.claim() == 1
        await post.receivers.wait_for(1, URL)
        hanging.set()
        await post.workers.idle()

    async def test_for_those_who_hang_by_now(self, chat: Chat) -> None:
        """Where so many people's endpoints hang that all is taken, there are places again once that is known."""
        now = 1000.0
        post = post_of(chat, Clock(), concurrency=40, ticks=lambda: now)
        (sender, late), many = await chat.people(2), await chat.people(20)
        hanging = self.dead(post)
        for owner in many:
            for _ in range(2):
                await make_webhook(owner, url="http://dead.example/")
            await sender.say(owner)
        await post.dispatch()
        begun = 0
        while number := await post.workers.claim():
            begun += number
            await post.receivers.wait_for(begun, "http://dead.example/")
        assert begun == 20
        await make_webhook(late)
        await sender.say(late)
        await post.dispatch()
        assert await post.workers.claim() == 0
        now += SLOW
        post.workers.judge()
        assert await post.workers.claim() == 1
        await post.receivers.wait_for(1, URL)
        hanging.set()
        await post.workers.idle()

    async def test_for_those_who_were_silent(self, chat: Chat) -> None:
        """Many people's endpoints that gave no answer are tried again in a part of the places, by a new process too."""
        clock = Clock()
        post = post_of(chat, clock, concurrency=40)
        (sender, late), many = await chat.people(2), await chat.people(30)
        for owner in many:
            await make_webhook(owner, url="http://dead.example/")
            await sender.say(owner)
        await post.chat.execute("UPDATE webhooks SET failing_since = $1", clock())
        hanging = self.dead(post)
        await post.dispatch()
        begun = 0
        while number := await post.workers.claim():
            begun += number
        assert begun == 10
        await make_webhook(late)
        await sender.say(late)
        await post.dispatch()
        assert await post.workers.claim() == 1
        await post.receivers.wait_for(1, URL)
        hanging.set()
        await post.workers.idle()

    async def test_they_share_a_part(self, chat: Chat, pair: tuple[Person, Person]) -> None:
        """An endpoint that is slow has its own few requests under way, and half of the places at the most."""
        ada, bob = pair
        post = post_of(chat, Clock(), concurrency=40)
        released = asyncio.Event()
        under_way = 0
        most = 0

        async def slow(request: Request) -> Outcome:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await released.wait()
            under_way -= 1
            return OK

        post.receivers.answers[URL] = slow
        hook = await make_webhook(bob)
        for _ in range(50):
            await ada.say(bob)
        await post.dispatch()
        async with at_work(post):
            await post.receivers.wait_for(1, URL)
            assert most == 1
            released.set()
            await post.receivers.wait_for(50, URL)
        assert most <= 10
        assert await state(chat, hook) == [("succeeded", 1)] * 50

    async def test_for_ten_that_were_well(self, chat: Chat) -> None:
        """Ten endpoints of one owner that were quick, and then hang: they have a fifth of the places together."""
        ada, eve, bob = await chat.people(3)
        for other in (eve, bob):
            await ada.direct(other)
        post = post_of(chat, Clock(), concurrency=40)
        hanging = asyncio.Event()
        released = asyncio.Event()
        urls = [f"http://{number}.example/" for number in range(10)]
        under_way = 0

        async def hang(request: Request) -> Outcome:
            nonlocal under_way
            if hanging.is_set():
                under_way += 1
                await released.wait()
            return OK

        for url in urls:
            post.receivers.answers[url] = hang
            await make_webhook(eve, url=url)
        await make_webhook(bob)
        for person in (eve, bob):
            for _ in range(10):
                await ada.say(person)
        await post.deliver()
        hanging.set()
        for _ in range(30):
            await ada.say(eve)
        await post.dispatch()
        try:
            await post.workers.claim()
            async with at_work(post):
                for _ in range(100):
                    await ada.say(bob)
                await post.dispatch()
                post.workers.wake()
                await post.receivers.wait_for(110, URL)
                assert under_way == 8
                released.set()
        finally:
            released.set()

    async def test_for_many_owners_whose_endpoints_hang(self, chat: Chat) -> None:
        """Eight owners whose endpoints were quick, and hang all at once: others get theirs while no time passes at all.

        One of these was quick before, and another one is new.
        """
        ada, bob, *others = await chat.people(10)
        for other in (bob, *others):
            await ada.direct(other)
        now = 1000.0
        post = post_of(chat, Clock(), concurrency=40, ticks=lambda: now)
        hanging, released = asyncio.Event(), asyncio.Event()
        under_way = 0

        async def hang(request: Request) -> Outcome:
            nonlocal under_way
            if hanging.is_set():
                under_way += 1
                await released.wait()
            return OK

        for owner in others:
            for number in range(3):
                url = f"http://{number}.{owner.id}.example/"
                post.receivers.answers[url] = hang
                await make_webhook(owner, url=url)
        await make_webhook(bob)
        for _ in range(5):
            for person in (bob, *others):
                await ada.say(person)
        await post.deliver()
        hanging.set()
        for _ in range(20):
            for person in others:
                await ada.say(person)
        await post.dispatch()
        try:
            async with at_work(post):
                while under_way < 20:
                    await asyncio.sleep(0)
                new = "http://new.example/"
                await make_webhook(bob, url=new)
                for _ in range(50):
                    await ada.say(bob)
                await post.dispatch()
                post.workers.wake()
                await post.receivers.wait_for(55, URL)
                await post.receivers.wait_for(50, new)
                # Nor does it become worse when they are found out to be slow, and while they are.
                now += SLOW
                post.workers.judge()
                last = "http://last.example/"
                await make_webhook(bob, url=last)
                await ada.say(bob)
                await post.dispatch()
                post.workers.wake()
                await post.receivers.wait_for(56, URL)
                await post.receivers.wait_for(1, last)
                assert under_way < 40
                released.set()
        finally:
            released.set()

    async def test_for_one_that_has_just_become_slow(self, chat: Chat, pair: tuple[Person, Person]) -> None:
        """Who has not answered for two seconds is not well at once, and another one of the owner's has its places."""
        ada, bob = pair
        passed = 0.0
        post = post_of(chat, Clock(), concurrency=80, ticks=lambda: time.monotonic() + passed)
        hanging, released = asyncio.Event(), asyncio.Event()
        under_way = 0

        async def hang(request: Request) -> Outcome:
            nonlocal under_way
            if hanging.is_set():
                under_way += 1
                await released.wait()
            return OK

        slow = await make_webhook(bob, url="http://slow.example/")
        post.receivers.answers["http://slow.example/"] = hang
        await make_webhook(bob)
        for _ in range(10):
            await ada.say(bob)
        await post.deliver()
        hanging.set()
        for _ in range(100):
            await ada.say(bob)
        await post.dispatch()
        try:
            await post.workers.claim()
            while under_way < 9:
                await asyncio.sleep(0)
            passed = SLOW
            post.workers.judge()
            # What was in stock for it is anybody's again, and no more of it is begun.
            await post.workers.results.note()
            assert [attempts for _, attempts in (await state(chat, slow))[10:]].count(1) == under_way
            async with at_work(post):
                await post.receivers.wait_for(110, URL)
                assert under_way <= 10
                released.set()
                await post.receivers.wait_for(110, "http://slow.example/")
        finally:
            released.set()


class TestRates:
    @pytest.mark.parametrize("ordered", [False, True])
    async def test_no_more_than_its_rate(
        self, chat: Chat, pair: tuple[Person, Person], ordered: bool
    ) -> None:
        """Twenty a second, of which a quarter may come at once; what waits for that is left where it is."""
        ada, bob = pair
        now = 1000.0
        post = post_of(chat, Clock(), rate=20, ticks=lambda: now)
        hook = await make_webhook(bob, ordered=ordered)
        await ada.say(bob)
        assert await post.deliver() == 1
        for _ in range(99):
            await ada.say(bob)
        await post.dispatch()
        sent = []
        for _ in range(20):
            sent.append(await post.deliver())
            now += 0.25
        assert sent == [5] * 19 + [4]
        assert await state(chat, hook) == [("succeeded", 1)] * 100

    async def test_less_than_one_at_a_time(self, chat: Chat, pair: tuple[Person, Person]) -> None:
        """What is left of a moment counts in the next, also what was left of the first."""
        ada, bob = pair
        now = 1000.0
        post = post_of(chat, Clock(), rate=1, ticks=lambda: now)
        await make_webhook(bob)
        for _ in range(3):
            await ada.say(bob)
        sent = []
        for _ in range(10):
            sent.append(await post.deliver())
            now += 0.25
        assert sent == [1, 0, 0, 1, 0, 0, 0, 1, 0, 0]

    async def test_it_goes_on_by_itself(
        self, chat: Chat, pair: tuple[Person, Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody has to wake it for that, and it does not wait until it would have looked anyway."""
        monkeypatch.setattr(workers, "LOOK_EVERY", 3600)
        ada, bob = pair
        post = post_of(chat, Clock(), rate=50)
        await make_webhook(bob)
        for _ in range(50):
            await ada.say(bob)
        async with at_work(post):
            await post.dispatch()
            post.workers.wake()
            await post.receivers.wait_for(50, URL)

    async def test_others_have_their_own(self, chat: Chat, pair: tuple[Person, Person]) -> None:
        """A webhook that has had what its rate allows is in nobody's way."""
        ada, bob = pair
        post = post_of(chat, Clock(), rate=3, concurrency=1, ticks=lambda: 1000.0)
        urls = [f"http://{number}.example/" for number in range(5)]
        for url in urls:
            await make_webhook(bob, url=url)
        for _ in range(3):
            await ada.say(bob)
        await post.deliver()
        assert [len(post.receivers.got[url]) for url in urls] == [1] * 5


class TestManyProcesses:
    async def test_all_deliver(self, database_dsn: str, post: Post, pair: tuple[Person, Person]) -> None:
        """Two processes on one database share the work, and do none of it twice."""
        ada, bob = pair
        hooks = [await make_webhook(bob, url=f"http://{number}.example/") for number in range(4)]
        for _ in range(12):
            await ada.say(bob)
        await post.dispatch()
        async with running(database_dsn) as other:
            second = post_of(other, post.clock)
            for _ in range(12):
                claimed = await asyncio.gather(post.workers.claim(), second.workers.claim())
                for one in (post, second):
                    await one.workers.idle()
                    await one.workers.results.note()
                if not any(claimed):
                    break
        got = [[r.delivery_id for all_ in one.receivers.got.values() for r in all_] for one in (post, second)]
        assert all(got)
        assert len(got[0]) + len(got[1]) == len({*got[0], *got[1]}) == 48
        for hook in hooks:
            assert await state(post.chat, hook) == [("succeeded", 1)] * 12


class TestNodes:
    @pytest.mark.parametrize(
        ("concurrency", "visiting", "delivers"), [(200, False, True), (0, False, False), (200, True, False)]
    )
    async def test_who_delivers(
        self, database_dsn: str, tmp_path: Path, concurrency: int, visiting: bool, delivers: bool
    ) -> None:
        """A server does, unless it leaves it to others; a command that visits a server's database does not."""
        chosen = load(database_url=database_dsn, data_dir=tmp_path, webhook_concurrency=concurrency)
        async with Node(chosen, visiting=visiting):
            names = {task.get_name() for task in asyncio.all_tasks()}
        parts = {"webhook dispatcher", "webhook claims", "webhook results", "webhook queue"}
        assert names & parts == (parts if delivers else set())
        assert not parts & {task.get_name() for task in asyncio.all_tasks()}


class TestStopping:
    async def test_what_is_under_way(self, chat: Chat, pair: tuple[Person, Person], monkeypatch: Any) -> None:
        """It gets a moment; then it is as if it had not been claimed."""
        monkeypatch.setattr("parley.webhooks.workers.STOP_SECONDS", 0.05)
        ada, bob = pair
        post = post_of(chat, Clock())

        async def never(request: Request) -> Outcome:
            await asyncio.Event().wait()
            return OK

        post.receivers.answers[URL] = never
        hook = await make_webhook(bob)
        lane = await make_webhook(bob, url="http://lane.example/", ordered=True)
        post.receivers.answers["http://lane.example/"] = never
        await ada.say(bob)
        await ada.say(bob)
        await post.dispatch()
        async with at_work(post):
            await post.receivers.wait_for(1, URL)
            await post.receivers.wait_for(1, "http://lane.example/")
        assert await state(chat, hook) == [("pending", 0)] * 2
        assert await state(chat, lane) == [("pending", 0)] * 2
        assert len(await claim(chat, post.clock)) == 2


class TestExcerpts:
    """What a receiver says may repeat what it was told, and goes with the message."""

    @staticmethod
    async def echoed(post: Post, pair: tuple[Person, Person]) -> tuple[UUID, Any]:
        """Let a message, its edited form and a test arrive at somebody who repeats everything."""
        ada, bob = pair
        hook = await make_webhook(bob)
        post.receivers.answers[URL] = lambda request: Outcome(200, None, 1, f"{request.content}")
        message = await ada.say(bob, "first")
        await post.deliver()
        await ada.edit(message, "second")
        await put_test(post.chat, hook, post.clock())
        await post.deliver()
        assert await TestExcerpts.kept(post, hook) == ["first", "second", "None"]
        return hook, message

    @staticmethod
    async def kept(post: Post, hook: UUID) -> list[str | None]:
        return [one["response_excerpt"] for one in await attempts_of(post.chat, hook)]

    async def test_of_deleted_messages(self, post: Post, pair: tuple[Person, Person]) -> None:
        """They are gone together with the content; those of other messages stay."""
        hook, message = await self.echoed(post, pair)
        await pair[0].say(pair[1], "other")
        await post.deliver()
        await pair[0].delete(message)
        assert await self.kept(post, hook) == [None, None, "other", "None"]

    async def test_of_purged_messages(self, post: Post, pair: tuple[Person, Person]) -> None:
        """Retention takes them along."""
        hook, _ = await self.echoed(post, pair)
        async with post.chat.database.read() as conn:
            await conn.execute("UPDATE conversations SET deleted_at = now()")
        await post.chat.retain()
        assert await self.kept(post, hook) == [None, None, "None"]

    async def test_that_come_too_late(self, post: Post, pair: tuple[Person, Person]) -> None:
        """An answer that comes when the message is deleted is not kept; the attempt is."""
        ada, bob = pair
        hook = await make_webhook(bob, "message.created")
        message = await ada.say(bob, "secret")

        async def delete_and_repeat(request: Request) -> Outcome:
            await ada.delete(message)
            return Outcome(200, None, 1, f"{request.content}")

        post.receivers.answers[URL] = delete_and_repeat
        await post.deliver()
        (attempt,) = await attempts_of(post.chat, hook)
        assert post.receivers.contents(URL) == ["secret"]
        assert (attempt["status"], attempt["response_excerpt"]) == (200, None)

    async def test_that_come_at_that_moment(self, post: Post, pair: tuple[Person, Person]) -> None:
        """Whoever notes an answer does not wait for a deletion under way, and keeps nothing of it."""
        ada, bob = pair
        hook = await make_webhook(bob, "message.created")
        message = await ada.say(bob, "secret")
        await post.dispatch()
        (one,) = await claim(post.chat, post.clock)
        async with post.chat.database.read() as conn, conn.transaction():
            await conn.execute("UPDATE messages SET metadata = NULL WHERE message_id = $1", message.id)
            result = Result(one, "succeeded", post.clock(), status=200, excerpt="secret")
            async with post.chat.database.read() as other:
                assert await deliveries.finish(other, [result], {}, post.clock()) == 1
        assert await self.kept(post, hook) == [None]


class TestWhatIsLeft:
    async def test_old_deliveries_go(self, post: Post, pair: tuple[Person, Person]) -> None:
        """Deliveries are kept as long as events, with their attempts; those of deleted webhooks go at once."""
        ada, bob = pair
        kept, deleted = await make_webhook(bob), await make_webhook(bob)
        await ada.say(bob)
        await post.deliver()
        await post.chat.retain()
        assert len(await attempts_of(post.chat, kept)) == 1
        await post.chat.execute("DELETE FROM webhooks WHERE webhook_id = $1", deleted)
        await post.chat.retain()
        assert await queue_of(post.chat, deleted) == []
        assert len(await queue_of(post.chat, kept)) == 1
        await post.chat.retain(after=8 * DAY)
        assert await queue_of(post.chat, kept) == []
        assert await post.chat.fetchval("SELECT count(*) FROM delivery_attempts") == 0

    async def test_how_much_waits(self, post: Post, pair: tuple[Person, Person]) -> None:
        """The length of the queue, and since when its oldest delivery waits."""
        ada, bob = pair
        first, _ = await make_webhook(bob), await make_webhook(bob)
        await ada.say(bob)
        await post.dispatch()
        began = post.clock()
        post.clock.pass_by(MINUTE)
        await ada.say(bob)
        await post.dispatch()
        async with post.chat.database.read() as conn:
            assert await deliveries.waiting(conn) == deliveries.Waiting(4, began)
            await conn.execute("DELETE FROM deliveries WHERE webhook_id = $1", first)
            await conn.execute("DELETE FROM deliveries WHERE created_at = $1", began)
            assert await deliveries.waiting(conn) == deliveries.Waiting(1, post.clock())
            await conn.execute("DELETE FROM deliveries")
            assert await deliveries.waiting(conn) == deliveries.Waiting(0, None)
