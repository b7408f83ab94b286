"""What owners do with their webhooks, on a real database: what is kept of it, what is repeated, what is left."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from chat import Chat, Person, running
from hooks import queue_of
from parley import cursors
from parley.errors import Conflict, IdempotencyMismatch, Invalid, NotFound, Unavailable
from parley.model import CreatedWebhook
from parley.services import webhooks as service
from parley.services.egress import Egress
from parley.services.idempotency import Idempotency
from parley.services.messages import NewMessage
from parley.services.webhooks import NewWebhook, Webhooks
from parley.settings import PortRange
from parley.storage import deliveries, webhooks
from parley.storage.database import Connection
from plans import explaining

pytestmark = pytest.mark.anyio

URL = "https://receiver.example/"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Desk:
    """The webhooks of a process, and how often its workers were woken."""

    chat: Chat
    woken: int = 0
    webhooks: Webhooks = field(init=False)

    def __post_init__(self) -> None:
        self.webhooks = self.another()

    def another(self) -> Webhooks:
        """Return those of another process on the same database."""
        return Webhooks(
            self.chat.database,
            self.chat.log,
            Idempotency(),
            Egress(ports=[PortRange(443, 443)]),
            max_per_user=10,
            wake=self._wake,
        )

    def _wake(self) -> None:
        self.woken += 1

    async def make(self, owner: Person, *events: str, key: str | None = None, **more: Any) -> CreatedWebhook:
        made, _ = await self.webhooks.create(
            owner.caller, NewWebhook(URL, list(events) or ["*"], **more), key
        )
        return made

    async def set_status(self, owner: Person, webhook_id: UUID, status: str) -> None:
        await self.webhooks.update(owner.caller, webhook_id, {"status": status})

    async def dispatch(self) -> None:
        async with self.chat.database.read() as conn:
            assert await deliveries.dispatch(conn, 100_000) is not None

    async def heard(self, webhook_id: UUID) -> list[tuple[int, str]]:
        return [(row["position"], row["event"]) for row in await queue_of(self.chat, webhook_id)]

    async def finish(self, webhook_id: UUID, status: str) -> None:
        """Let all that waits have come to an end, after one attempt."""
        await self.chat.execute(
            """
            WITH finished AS (
                UPDATE deliveries
                SET status = $2, attempts = attempts + 1, finished_at = clock_timestamp()
                WHERE webhook_id = $1 AND status = 'pending'
                RETURNING *
            )
            INSERT INTO delivery_attempts (webhook_id, delivery_id, number, at, status, latency_ms)
            SELECT webhook_id, delivery_id, attempts, clock_timestamp(), 200, 1 FROM finished
            """,
            webhook_id,
            status,
        )

    async def claim(self) -> list[deliveries.Claim]:
        """Claim all that is due."""
        room = deliveries.Room(well=100, others=100, known={}, silent=100, each=100)
        claims: list[deliveries.Claim] = []
        async with self.chat.database.read() as conn:
            while more := await deliveries.claim(conn, timedelta(minutes=1), room):
                claims += more
        return sorted(claims, key=lambda claim: claim.position or 0)

    async def fail_for_now(self) -> None:
        """Let all that is due have failed once; it is tried again in an hour."""
        at = datetime.now(UTC)
        results = [
            deliveries.Result(claim, "pending", at, at + timedelta(hours=1), 500)
            for claim in await self.claim()
        ]
        async with self.chat.database.read() as conn:
            assert await deliveries.finish(conn, results, {}) == len(results)


@asynccontextmanager
async def open_desk(dsn: str) -> AsyncIterator[Desk]:
    async with running(dsn) as chat:
        yield Desk(chat)


@pytest.fixture
async def desk(database_dsn: str) -> AsyncIterator[Desk]:
    async with open_desk(database_dsn) as desk:
        yield desk


async def everything_happens(ada: Person, bob: Person, eve: Person) -> None:
    """Let there be some of each event for Bob, and some that is not his to read."""
    message = await ada.say(bob)
    await bob.read(message)
    await ada.edit(message, "edited")
    await ada.delete(message)
    await ada.say(eve, "none of his business")
    group = await ada.found(bob)
    await ada.say(group)
    await ada.add(group, eve)
    await ada.promote(group, bob, "admin")
    await ada.change(group, name="Other")
    await eve.describe_oneself(bio="new")
    await bob.describe_oneself(bio="new")
    await ada.remove(group, bob)
    await ada.say(group, "not his any more")
    await ada.dissolve(group)


# ---- secrets


@dataclass
class Rotating:
    """A webhook whose secrets are as old as a test wants them to be."""

    desk: Desk
    bob: Person
    id: UUID

    async def rotate(self, secret: str) -> None:
        await self.desk.webhooks.rotate_secret(self.bob.caller, self.id, secret)

    async def valid(self) -> list[str]:
        async with self.desk.chat.database.read() as conn:
            found = await deliveries.destinations(conn, [self.id])
        return list(found[self.id].secrets)

    async def hours_pass(self, hours: int) -> None:
        await self.desk.chat.execute(
            """
            UPDATE webhooks
            SET previous_secret_until = previous_secret_until - $1::interval,
                older_secrets_until = ARRAY(SELECT u - $1 FROM unnest(older_secrets_until) AS u)
            """,
            timedelta(hours=hours),
        )


@pytest.fixture
async def rotating(desk: Desk) -> Rotating:
    bob = await desk.chat.person()
    return Rotating(desk, bob, (await desk.make(bob, secret="secret 0")).id)


async def test_each_secret_has_its_own_day(rotating: Rotating) -> None:
    """It begins when the secret is replaced; the newest comes first, and what has ended is not kept."""
    await rotating.rotate("secret 1")
    await rotating.hours_pass(10)
    await rotating.rotate("secret 2")
    await rotating.hours_pass(10)
    await rotating.rotate("secret 3")
    assert await rotating.valid() == ["secret 3", "secret 2", "secret 1", "secret 0"]
    await rotating.hours_pass(4)
    assert await rotating.valid() == ["secret 3", "secret 2", "secret 1"]
    await rotating.hours_pass(10)
    assert await rotating.valid() == ["secret 3", "secret 2"]
    await rotating.rotate("secret 4")
    assert await rotating.valid() == ["secret 4", "secret 3", "secret 2"]
    assert await rotating.desk.chat.fetchval("SELECT older_secrets FROM webhooks") == ["secret 2"]
    await rotating.hours_pass(24)
    assert await rotating.valid() == ["secret 4"]


async def test_ten_secrets_at_a_time(rotating: Rotating) -> None:
    """One more is refused until the oldest has ended; the refusal says when that is."""
    for number in range(1, 10):
        await rotating.rotate(f"secret {number}")
    await rotating.hours_pass(23)
    with pytest.raises(Conflict) as refused:
        await rotating.rotate("secret 10")
    assert 3500 < refused.value.details["retry_after"] <= 3600
    assert len(await rotating.valid()) == 10
    await rotating.hours_pass(1)
    await rotating.rotate("secret 10")
    assert await rotating.valid() == ["secret 10", "secret 9"]


async def test_server_before_this_one_rotates(rotating: Rotating) -> None:
    """While servers are replaced one by one, one that knows a single previous secret may rotate, too."""
    await rotating.rotate("secret 1")
    await rotating.rotate("secret 2")
    await rotating.desk.chat.execute(
        """
        UPDATE webhooks
        SET previous_secret = secret, previous_secret_until = now() + interval '24 h', secret = 'secret 3'
        """
    )
    assert await rotating.valid() == ["secret 3", "secret 2", "secret 0"]


# ---- making


async def test_ten_in_all_processes_together(desk: Desk) -> None:
    """However many ask at the same time."""
    bob = await desk.chat.person()
    processes = [desk.another() for _ in range(3)]

    async def make(number: int) -> bool:
        try:
            await processes[number % 3].create(bob.caller, NewWebhook(URL, ["*"]))
        except Conflict:
            return False
        return True

    assert sum(await asyncio.gather(*(make(number) for number in range(14)))) == 10


async def test_new_webhook_hears_of_what_comes(desk: Desk) -> None:
    """And one that is enabled again too; of what was in between it hears nothing by itself."""
    ada, bob = await desk.chat.people(2)
    await ada.say(bob, "before")
    hook = (await desk.make(bob, "message.created")).id
    first = await ada.say(bob, "heard")
    await desk.dispatch()
    await desk.set_status(bob, hook, "disabled")
    await ada.say(bob, "missed")
    await desk.set_status(bob, hook, "active")
    last = await ada.say(bob, "heard")
    await desk.dispatch()
    assert await desk.heard(hook) == [
        (first.position, "message.created"),
        (last.position, "message.created"),
    ]


async def test_key_is_kept_without_a_secret(desk: Desk) -> None:
    """Not even as a hash: what is kept is the same for any secret, and a repeat is compared with the webhook."""
    bob = await desk.chat.person()
    await desk.make(bob, key="one", secret="a secret of the tests")
    await desk.make(bob, key="two", secret="another secret of the tests")
    kinds = await desk.chat.fetchval("SELECT count(DISTINCT request_hash) FROM idempotency_keys")
    assert kinds == 1
    with pytest.raises(IdempotencyMismatch):
        await desk.make(bob, key="one", secret="another secret of the tests")
    with pytest.raises(IdempotencyMismatch):
        await desk.make(bob, key="one")


async def test_repeat_in_another_process(desk: Desk) -> None:
    """The second one waits for the first and shows what that made."""
    bob = await desk.chat.person()
    new = NewWebhook(URL, ["*"])
    answers = await asyncio.gather(*(desk.another().create(bob.caller, new, "the same") for _ in range(5)))
    assert len({made.id for made, _ in answers}) == 1
    assert len({made.secret for made, _ in answers}) == 1
    assert sorted(replayed for _, replayed in answers) == [False, True, True, True, True]


async def test_refusals_change_nothing(desk: Desk) -> None:
    """A bad address among good changes, and a conversation that is not the owner's."""
    ada, bob, eve = await desk.chat.people(3)
    foreign = await ada.direct(eve)
    hook = await desk.make(bob)
    with pytest.raises(Invalid):
        await desk.webhooks.update(
            bob.caller, hook.id, {"events": ["user.updated"], "url": "https://10.0.0.1/"}
        )
    for status in ({}, {"status": "disabled"}):
        changes = {"events": ["user.updated"], "conversation_id": foreign.id, **status}
        with pytest.raises(NotFound):
            await desk.webhooks.update(bob.caller, hook.id, changes)
    shown = await desk.webhooks.get(bob.caller, hook.id)
    assert (shown.url, shown.events, shown.status) == (URL, ["*"], "active")
    assert "webhook.disabled" not in [kind for kind, _ in await bob.news()]


async def test_enabling_forgives(desk: Desk) -> None:
    """Whatever slowed it down or disabled it is forgotten."""
    bob = await desk.chat.person()
    hook = (await desk.make(bob)).id
    await desk.chat.execute(
        """
        UPDATE webhooks
        SET status = 'disabled', disabled_reason = 'failures', disabled_at = now(), failing_since = now(),
            pace = 60, resume_at = now() + interval '1 hour'
        """
    )
    await desk.set_status(bob, hook, "active")
    left = await desk.chat.fetchval(
        """
        SELECT (disabled_reason IS NULL AND disabled_at IS NULL AND failing_since IS NULL AND pace = 0
                AND resume_at IS NULL)
        FROM webhooks
        """
    )
    assert left is True
    assert desk.woken == 1


# ---- what is left


async def test_deleted_webhook_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many deliveries the rest goes in the background; nobody sees them meanwhile."""
    ada, bob = await desk.chat.people(2)
    monkeypatch.setattr(webhooks, "DELETED_AT_ONCE", 2)
    hook, other = (await desk.make(bob)).id, (await desk.make(bob)).id
    for _ in range(5):
        await ada.say(bob)
    await desk.dispatch()
    await desk.finish(hook, "succeeded")
    await desk.webhooks.delete(bob.caller, hook)
    with pytest.raises(NotFound):
        await desk.webhooks.list_deliveries(bob.caller, hook, limit=10)
    assert len(await queue_of(desk.chat, hook)) == 3
    await desk.chat.retain()
    for table in ("deliveries", "delivery_attempts"):
        assert await desk.chat.fetchval(f"SELECT count(*) FROM {table} WHERE webhook_id = $1", hook) == 0
    assert len(await queue_of(desk.chat, other)) == 5


async def test_deleted_user_leaves_nothing(desk: Desk) -> None:
    """Neither webhooks nor secrets nor deliveries."""
    ada, bob = await desk.chat.people(2)
    await desk.make(bob)
    await ada.say(bob)
    await desk.dispatch()
    await desk.chat.execute("DELETE FROM users WHERE id = $1", bob.id)
    await desk.chat.retain()
    for table in ("webhooks", "deliveries", "delivery_attempts"):
        assert await desk.chat.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_what_is_trimmed_cannot_be_repeated(desk: Desk) -> None:
    """A delivery whose event the log no longer keeps is not shown any more, though retention has not been there."""
    ada, bob = await desk.chat.people(2)
    hook = (await desk.make(bob, "message.created")).id
    first, second = await ada.say(bob), await ada.say(bob)
    await desk.dispatch()
    await desk.finish(hook, "failed")
    await desk.chat.execute("UPDATE log_state SET trimmed_to = $1", first.position)
    page = await desk.webhooks.list_deliveries(bob.caller, hook, limit=10)
    (shown,) = page.items
    assert shown.cursor is not None
    assert cursors.decode(shown.cursor).position == second.position
    assert page.total == 1
    old, _ = await queue_of(desk.chat, hook)
    with pytest.raises(NotFound):
        await desk.webhooks.redeliver(bob.caller, hook, old["delivery_id"])
    assert (await desk.webhooks.recover(bob.caller, hook, LONG_AGO)).deliveries == 1


# ---- again


async def test_redelivery_begins_the_schedule_anew(desk: Desk) -> None:
    """All attempts until now are spent; the number of the next one goes on."""
    ada, bob = await desk.chat.people(2)
    hook = (await desk.make(bob, "message.created")).id
    await ada.say(bob)
    await desk.dispatch()
    await desk.finish(hook, "failed")
    (row,) = await queue_of(desk.chat, hook)
    again = await desk.webhooks.redeliver(bob.caller, hook, row["delivery_id"])
    assert (again.status, again.attempt_count, len(again.attempts)) == ("pending", 1, 1)
    (row,) = await queue_of(desk.chat, hook)
    assert (row["spent"], row["attempts"], row["finished_at"], row["leased_until"]) == (1, 1, None, None)
    with pytest.raises(Conflict):
        await desk.webhooks.redeliver(bob.caller, hook, row["delivery_id"])
    assert desk.woken == 1


async def test_what_failed_and_waits_is_sent_at_once(desk: Desk) -> None:
    """Once somebody asks for it: under its id and with the attempts until now; what is being sent is left alone."""
    ada, bob = await desk.chat.people(2)
    hook = (await desk.make(bob, "message.created")).id
    for _ in range(2):
        await ada.say(bob)
    await desk.dispatch()
    await desk.fail_for_now()
    first, second = await queue_of(desk.chat, hook)
    again = await desk.webhooks.redeliver(bob.caller, hook, first["delivery_id"])
    assert (again.id, again.status, again.attempt_count) == (first["delivery_id"], "pending", 1)
    assert again.next_attempt_at is not None
    assert again.next_attempt_at <= datetime.now(UTC)
    with pytest.raises(Conflict):
        await desk.webhooks.redeliver(bob.caller, hook, first["delivery_id"])
    late = datetime.now(UTC) + timedelta(minutes=1)
    assert (await desk.webhooks.recover(bob.caller, hook, late)).deliveries == 0
    assert (await desk.webhooks.recover(bob.caller, hook, LONG_AGO)).deliveries == 1
    assert (await desk.webhooks.recover(bob.caller, hook, LONG_AGO)).deliveries == 0
    claims = await desk.claim()
    assert [(one.delivery_id, one.number, one.spent) for one in claims] == [
        (row["delivery_id"], 2, 1) for row in (first, second)
    ]
    with pytest.raises(Conflict):
        await desk.webhooks.redeliver(bob.caller, hook, second["delivery_id"])
    assert (await desk.webhooks.recover(bob.caller, hook, LONG_AGO)).deliveries == 0


async def test_last_attempts_are_shown(desk: Desk) -> None:
    """Of very many the last twenty, in order."""
    bob = await desk.chat.person()
    hook = (await desk.make(bob)).id
    delivery, _ = await desk.webhooks.test(bob.caller, hook)
    await desk.chat.execute(
        """
        INSERT INTO delivery_attempts (webhook_id, delivery_id, number, at, error, latency_ms)
        SELECT $1, $2, n, now(), 'nobody is there', n FROM generate_series(1, 25) AS n
        """,
        hook,
        delivery.id,
    )
    shown = await desk.webhooks.get_delivery(bob.caller, hook, delivery.id)
    assert [attempt.number for attempt in shown.attempts] == list(range(6, 26))
    assert shown.attempts[0].latency_ms == 6


@pytest.mark.parametrize(
    "events",
    [["*"], ["message.created"], ["member.removed", "user.updated"], ["receipt.updated", "group.created"]],
)
@pytest.mark.parametrize("in_group", [False, True])
async def test_recovered_is_what_an_active_one_heard(desk: Desk, events: list[str], in_group: bool) -> None:
    """What a disabled webhook missed is just what its twin got meanwhile."""
    ada, bob, eve = await desk.chat.people(3)
    conversation_id = (await ada.found(bob, eve)).id if in_group else None
    active, missing = [(await desk.make(bob, *events, conversation_id=conversation_id)).id for _ in range(2)]
    await desk.set_status(bob, missing, "disabled")
    # What its twin hears of that is no event of its own.
    start = await desk.chat.head()
    await everything_happens(ada, bob, eve)
    if conversation_id is not None:
        await desk.chat.messages.send(ada.caller, NewMessage("Hello", conversation_id=conversation_id))
        await ada.chat.groups.remove_member(ada.caller, conversation_id, bob.id)
    await desk.dispatch()
    assert await desk.heard(missing) == []
    await desk.set_status(bob, missing, "active")
    recovery = await desk.webhooks.recover(bob.caller, missing, LONG_AGO)
    expected = [each for each in await desk.heard(active) if each[0] > start]
    assert await desk.heard(missing) == expected
    assert (recovery.deliveries, recovery.has_more) == (len(expected), False)
    # The same ids as if it had been active, so the dispatcher cannot make them again.
    assert (await desk.webhooks.recover(bob.caller, missing, LONG_AGO)).deliveries == 0


@pytest.mark.parametrize(
    "changes",
    [{"events": ["group.created"]}, {"conversation_id": True}, {"status": "disabled"}],
    ids=["events", "conversation", "status"],
)
async def test_a_change_is_for_what_comes(desk: Desk, changes: dict[str, Any]) -> None:
    """What was before it is told as it was to be told then, however late the log is read."""
    ada, bob = await desk.chat.people(2)
    elsewhere = await bob.found()
    narrow = changes | ({"conversation_id": elsewhere.id} if "conversation_id" in changes else {})
    wide = {"events": ["*"], "conversation_id": None, "status": "active"}
    hook = (await desk.make(bob)).id
    told = []
    for n in range(3):
        told.append((await ada.say(bob, f"told {n}")).position)
        await desk.webhooks.update(bob.caller, hook, narrow)
        await ada.say(bob, f"not told {n}")
        await desk.webhooks.update(bob.caller, hook, {name: wide[name] for name in narrow})
    await desk.dispatch()
    heard = [position for position, event in await desk.heard(hook) if event == "message.created"]
    assert heard == told


async def test_changes_while_the_log_is_read(desk: Desk) -> None:
    """Whoever of both is first: each event is told once, as it was to be told when it happened."""
    ada, bob = await desk.chat.people(2)
    await ada.direct(bob)
    hook = (await desk.make(bob)).id
    told = []
    for _ in range(10):
        told += [(await ada.say(bob)).position for _ in range(20)]
        async with desk.chat.database.read() as conn:
            await asyncio.gather(
                deliveries.dispatch(conn, 1000),
                desk.webhooks.update(bob.caller, hook, {"events": ["group.created"]}),
            )
        await ada.say(bob)
        await desk.webhooks.update(bob.caller, hook, {"events": ["*"]})
    await desk.dispatch()
    assert [position for position, _ in await desk.heard(hook)] == told


async def test_too_much_is_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more is to be told than can be while somebody waits, nothing is changed."""
    monkeypatch.setattr(service, "RECOVERED_AT_ONCE", 4)
    monkeypatch.setattr(service, "RECOVERY_PAGE", 2)
    ada, bob = await desk.chat.people(2)
    hook = (await desk.make(bob)).id
    for _ in range(5):
        await ada.say(bob)
    with pytest.raises(Unavailable):
        await desk.webhooks.update(bob.caller, hook, {"events": ["group.created"]})
    assert (await desk.webhooks.get(bob.caller, hook)).events == ["*"]
    await desk.dispatch()
    assert len(await desk.heard(hook)) == 5
    assert (await desk.webhooks.update(bob.caller, hook, {"events": ["group.created"]})).events == [
        "group.created"
    ]


async def test_long_recovery_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks again with the time that the answer gives gets everything, once each."""
    monkeypatch.setattr(service, "RECOVERED_AT_ONCE", 4)
    monkeypatch.setattr(service, "RECOVERY_PAGE", 2)
    ada, bob, eve = await desk.chat.people(3)
    hook = (await desk.make(bob, "message.created")).id
    for number in range(6):
        await ada.say(bob, f"failed {number}")
    await desk.dispatch()
    await desk.finish(hook, "failed")
    await desk.set_status(bob, hook, "disabled")
    for number in range(9):
        await ada.say(bob, f"missed {number}")
        await ada.say(eve, "elsewhere")
    await desk.set_status(bob, hook, "active")
    since, made, rounds = LONG_AGO, 0, 0
    while True:
        recovery = await desk.webhooks.recover(bob.caller, hook, since)
        made, rounds = made + recovery.deliveries, rounds + 1
        if not recovery.has_more:
            break
        assert rounds < 20
        since = recovery.since
    assert made == 15
    assert [row["status"] for row in await queue_of(desk.chat, hook)] == ["pending"] * 15


async def test_position_of_a_time(desk: Desk) -> None:
    """The last one that is older, wherever the log begins, also where several have the same time."""
    ada, bob = await desk.chat.people(2)
    for number in range(40):
        await asyncio.gather(*(ada.say(bob, f"{number}") for _ in range(number % 4)))
    trimmed = random.randrange(10)
    await desk.chat.execute("UPDATE log_state SET trimmed_to = $1", trimmed)
    async with desk.chat.database.read() as conn:
        times = {
            row["position"]: row["created_at"]
            for row in await conn.fetch(
                "SELECT position, created_at FROM events WHERE position > $1", trimmed
            )
        }
        some = [LONG_AGO, datetime.now(UTC) + timedelta(days=1), *times.values()]
        some += [time + timedelta(microseconds=1) for time in times.values()]
        for time in some:
            expected = max((position for position, at in times.items() if at < time), default=trimmed)
            assert await webhooks.position_before(conn, time) == expected


REFUSED_WHILE_DISABLED: dict[str, Callable[[Desk, Person, UUID], Any]] = {
    "test": lambda desk, bob, hook: desk.webhooks.test(bob.caller, hook),
    "recover": lambda desk, bob, hook: desk.webhooks.recover(bob.caller, hook, LONG_AGO),
}


@pytest.mark.parametrize("what", REFUSED_WHILE_DISABLED)
async def test_disabled_webhook_takes_nothing(desk: Desk, what: str) -> None:
    """Nothing is put into its queue, and no worker is woken for it."""
    bob = await desk.chat.person()
    hook = (await desk.make(bob)).id
    await desk.set_status(bob, hook, "disabled")
    with pytest.raises(Conflict):
        await REFUSED_WHILE_DISABLED[what](desk, bob, hook)
    assert await queue_of(desk.chat, hook) == []
    assert desk.woken == 0


# ---- what reading costs, in pages of the database that a query looks at

MANY, FEW = 50_000, 20


async def fill(desk: Desk, hook: UUID) -> None:
    """Let a webhook have very many deliveries, of which a few wait and a few failed."""
    await desk.chat.execute(
        """
        INSERT INTO deliveries (
            webhook_id, delivery_id, position, event, status, attempts, next_attempt_at, created_at, finished_at
        )
        SELECT $1, delivery_id($1, n, now() + n * interval '1 second'), n, 'message.created', s.status, 1, now(),
               now(), CASE WHEN s.status <> 'pending' THEN now() END
        FROM generate_series(1, $2) AS n
        CROSS JOIN LATERAL (
            SELECT CASE n % ($2 / $3) WHEN 7 THEN 'failed' WHEN 8 THEN 'pending' ELSE 'succeeded' END AS status
        ) s
        """,
        hook,
        MANY,
        FEW,
    )
    await desk.chat.execute(
        """
        INSERT INTO delivery_attempts (webhook_id, delivery_id, number, at, status, latency_ms)
        SELECT webhook_id, delivery_id, 1, now(), 200, 1 FROM deliveries
        """
    )


async def test_few_are_found_among_many(
    desk: Desk, database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page costs what it shows, whichever deliveries it shows; counting ends at its limit."""
    monkeypatch.setattr(webhooks, "_delivery_of", lambda row: row["delivery_id"])
    bob = await desk.chat.person()
    hook = (await desk.make(bob)).id
    await fill(desk, hook)
    async with explaining(database_dsn) as conn:

        async def cost(question: Callable[..., Any], *values: Any, **options: Any) -> int:
            conn.buffers = 0
            await question(conn, *values, **options)
            return conn.buffers

        middle = (await webhooks.delivery_page(cast(Connection, conn), hook, None, limit=1))[0]
        # Each shows its attempts, which are looked up.
        a_page = 51 * 8
        for status in (None, "succeeded", "failed", "pending"):
            few = status in ("failed", "pending")
            assert await cost(webhooks.delivery_page, hook, status, limit=51, few=few) < a_page
            assert await cost(webhooks.delivery_page, hook, status, limit=51, few=few, before=middle) < a_page
        assert await cost(webhooks.count_deliveries, hook, "failed") < a_page
        assert await cost(webhooks.count_deliveries, hook, "pending") < a_page
        assert await cost(webhooks.count_deliveries, hook, None) < 2 * webhooks.COUNT_LIMIT
        assert await cost(webhooks.position_before, LONG_AGO) < a_page
