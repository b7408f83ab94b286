"""What follows from each kind of answer: real receivers, the real queue, and a clock that only the test moves."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest
import trustme
from structlog.testing import capture_logs

import receivers
from chat import Chat, Person
from hooks import attempts_of, make_webhook, put_test, queue_of
from parley.services.egress import Egress
from parley.services.retention import PATIENCE_FOR_WEBHOOKS
from parley.settings import PortRange
from parley.storage import deliveries
from parley.storage.database import Row
from parley.webhooks.options import DeliveryOptions
from parley.webhooks.payloads import Payloads
from parley.webhooks.pressure import Pressure
from parley.webhooks.schedule import DELAYS, JITTER, LONGEST_PAUSE
from parley.webhooks.sender import MAX_EXCERPT_BYTES, Sender
from parley.webhooks.workers import Workers
from receivers import Behaviour, answering, receiving

pytestmark = pytest.mark.anyio

SCHEDULE = [5, 300, 1800, 7200, 18_000, 36_000, 36_000]
TIMEOUT = 0.3
DAY = timedelta(days=1)


@dataclass
class Clock:
    """What time it is for deliveries."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Hook:
    """A webhook of somebody's, and those who deliver to it."""

    chat: Chat
    owner: Person
    id: UUID
    clock: Clock
    workers: Workers

    async def send(self) -> UUID:
        """Ask for a test."""
        delivery_id = await put_test(self.chat, self.id, self.clock.now)
        self.workers.wake()
        return delivery_id

    async def attempts(self, number: int) -> list[Row]:
        """Wait until so many attempts are noted, and return them."""
        async with asyncio.timeout(60):
            while len(found := await attempts_of(self.chat, self.id)) < number:
                await asyncio.sleep(0.005)
        return found

    async def first(self) -> tuple[Row, Row]:
        """Send something, and return the attempt and what became of the delivery."""
        await self.send()
        (attempt,) = await self.attempts(1)
        (delivery,) = await queue_of(self.chat, self.id)
        return attempt, delivery

    async def until(self, name: str, wanted: Callable[[Any], bool]) -> Any:
        """Wait until something of the webhook is as wanted, since it is noted after the attempt, and return it."""
        async with asyncio.timeout(60):
            while not wanted(value := await self.column(name)):
                await asyncio.sleep(0.005)
        return value

    async def column(self, name: str) -> Any:
        return await self.chat.fetchval(f"SELECT {name} FROM webhooks WHERE webhook_id = $1", self.id)


@asynccontextmanager
async def hooked(chat: Chat, url: str, timeout: float = 30) -> AsyncIterator[Hook]:
    """Make a webhook for an address on this machine, and deliver to it."""
    clock = Clock(datetime.now(UTC))
    sender = Sender(
        Egress([ip_network("127.0.0.1")], ports=[PortRange(1, 65_535)]),
        timeout=timeout,
        tls=ssl.create_default_context(),
    )
    workers = Workers(
        chat.database,
        chat.log,
        Payloads(chat.database, chat.users),
        sender,
        Pressure(),
        DeliveryOptions(concurrency=8, per_endpoint=4),
        clock=clock,
        # In the middle of what chance may do to a delay.
        dice=lambda: 0.5,
    )
    await sender.start()
    await workers.start()
    try:
        owner = await chat.person()
        yield Hook(chat, owner, await make_webhook(owner, url=url), clock, workers)
    finally:
        await workers.stop()
        await sender.stop()


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_a_success_is_the_end(chat: Chat, status: int) -> None:
    """One attempt, and nothing is due any more."""
    with receiving(answering(status)) as receiver:
        async with hooked(chat, receiver.url) as hook:
            attempt, delivery = await hook.first()
            assert (attempt["status"], attempt["error"]) == (status, None)
            assert (delivery["status"], delivery["attempts"]) == ("succeeded", 1)
            assert await hook.column("failing_since") is None


@pytest.mark.parametrize(
    ("behave", "status", "error"),
    [
        (answering(301, location="/"), 301, "redirects are not followed"),
        (answering(400), 400, None),
        (answering(404), 404, None),
        (answering(500), 500, None),
        (receivers.hanging, None, "no answer within 0.3 s"),
        (receivers.dripping(b"HTTP/1.1 200 OK\r\nX: "), None, "no answer within 0.3 s"),
        (receivers.closing, None, "the connection was closed before an answer"),
        (receivers.saying(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), None, "the answer is not HTTP"),
    ],
)
async def test_a_failure_is_tried_again(
    chat: Chat, behave: Behaviour, status: int | None, error: str | None
) -> None:
    """After five seconds for the first time; the reason is kept."""
    with receiving(behave) as receiver:
        async with hooked(chat, receiver.url, TIMEOUT if error and "within" in error else 30) as hook:
            attempt, delivery = await hook.first()
            assert (attempt["status"], attempt["error"]) == (status, error)
            assert delivery["status"] == "pending"
            assert delivery["next_attempt_at"] - hook.clock.now == timedelta(seconds=5)


async def test_bad_tls_is_a_failure(chat: Chat) -> None:
    """Of a certificate that nobody trusts."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with receiving(tls=tls) as receiver:
        async with hooked(chat, receiver.url) as hook:
            attempt, delivery = await hook.first()
            assert attempt["error"].startswith("the certificate is not valid: ")
            assert delivery["status"] == "pending"
    assert receiver.arrivals == []


async def test_an_address_that_is_refused_is_a_failure(chat: Chat) -> None:
    """With its reason, and tried again: a name may lead elsewhere tomorrow."""
    async with hooked(chat, "http://127.0.0.2:9/") as hook:
        attempt, delivery = await hook.first()
        assert attempt["error"] == "the URL leads to an address that is refused: it is this machine itself"
        assert delivery["status"] == "pending"


async def test_a_huge_answer_is_a_success(chat: Chat) -> None:
    """Of which the beginning is kept."""
    with receiving(receivers.flooding) as receiver:
        async with hooked(chat, receiver.url) as hook:
            attempt, delivery = await hook.first()
            assert attempt["response_excerpt"] == "x" * MAX_EXCERPT_BYTES
            assert delivery["status"] == "succeeded"


async def test_410_disables(chat: Chat) -> None:
    """At once, and the owner is told."""
    with receiving(answering(410, b"no more")) as receiver:
        async with hooked(chat, receiver.url) as hook:
            attempt, delivery = await hook.first()
            assert (attempt["status"], attempt["response_excerpt"]) == (410, "no more")
            assert delivery["status"] == "failed"
            await hook.until("status", lambda status: status == "disabled")
            assert await hook.column("disabled_reason") == "endpoint_gone"
            assert [kind for kind, _ in await hook.owner.news()] == ["webhook.disabled"]


@pytest.mark.parametrize(
    ("behave", "next_in", "pause"),
    [
        (answering(429), 5, 1),
        (answering(502), 5, 1),
        (answering(504), 5, 1),
        (answering(429, retry_after="2"), 5, 2),
        (answering(429, retry_after="3600"), 3600, 3600),
        (answering(503, retry_after="60"), 60, 60),
        (answering(503, retry_after="999999999"), 36_000, 36_000),
        (answering(503, retry_after="soon"), 5, 1),
    ],
)
async def test_overload_slows_down(chat: Chat, behave: Behaviour, next_in: int, pause: int) -> None:
    """The delivery waits as long as was asked for, and everything else for this webhook too."""
    with receiving(behave) as receiver:
        async with hooked(chat, receiver.url) as hook:
            _, delivery = await hook.first()
            assert delivery["status"] == "pending"
            assert delivery["next_attempt_at"] - hook.clock.now == timedelta(seconds=next_in)
            resume_at = await hook.until("resume_at", lambda at: at is not None)
            assert resume_at - hook.clock.now == timedelta(seconds=pause)


async def test_retry_after_is_for_overload_or_not(chat: Chat) -> None:
    """A plain error that names a time is tried again then, and slows nothing else down."""
    with receiving(answering(500, retry_after="60")) as receiver:
        async with hooked(chat, receiver.url) as hook:
            _, delivery = await hook.first()
            assert delivery["next_attempt_at"] - hook.clock.now == timedelta(seconds=60)
            assert await hook.column("resume_at") is None


async def test_the_schedule_has_an_end(chat: Chat) -> None:
    """Eight attempts under one id, at its times and not before; then the delivery has failed."""
    with receiving(answering(500)) as receiver:
        async with hooked(chat, receiver.url) as hook:
            delivery_id = await hook.send()
            for number, seconds in enumerate(SCHEDULE, start=1):
                await hook.attempts(number)
                (delivery,) = await queue_of(chat, hook.id)
                assert delivery["next_attempt_at"] - hook.clock.now == timedelta(seconds=seconds)
                hook.clock.now += timedelta(seconds=seconds, milliseconds=-1)
                assert await hook.workers.claim() == 0
                hook.clock.now += timedelta(milliseconds=1)
                hook.workers.wake()
            await hook.attempts(8)
            (delivery,) = await queue_of(chat, hook.id)
            assert (delivery["status"], delivery["attempts"]) == ("failed", 8)
    assert [arrival.id for arrival in receiver.arrivals] == [str(delivery_id)] * 8


async def test_the_log_waits_for_the_schedule(chat: Chat) -> None:
    """Where it keeps events for one day, all attempts are made all the same, and the last one has the message."""
    behave = receivers.in_turn(*[answering(503)] * 7, answering(204))
    with receiving(behave) as receiver:
        async with hooked(chat, receiver.url) as hook:
            began = hook.clock.now
            ada = await chat.person()
            message = await ada.say(hook.owner, "Hello!")
            async with chat.database.read() as conn:
                await deliveries.dispatch(conn, 100, hook.clock())
            hook.workers.wake()
            for number in range(1, 8):
                await hook.attempts(number)
                await hook.until("resume_at", lambda at: at is not None and at > hook.clock.now)
                hook.clock.now += DELAYS[number - 1]
                await chat.retain(after=hook.clock.now - began, keep_events=DAY)
                hook.workers.wake()
            assert hook.clock.now - began > DAY
            *_, last = await hook.attempts(8)
            assert (last["status"], last["error"]) == (204, None)
            assert receiver.arrivals[-1].payload["data"]["content"] == "Hello!"
            assert message.position is not None
            (delivery,) = await queue_of(chat, hook.id)
            assert delivery["status"] == "succeeded"
            await chat.retain(after=hook.clock.now - began, keep_events=DAY)
            assert await chat.fetchval("SELECT trimmed_to FROM log_state") >= message.position
            assert await queue_of(chat, hook.id) == []


async def test_the_log_does_not_wait_for_ever(chat: Chat) -> None:
    """Three days longer than for others: then what nobody took is given up, and the server's log says so."""
    async with hooked(chat, "http://127.0.0.2:9/") as hook:
        ada = await chat.person()
        message = await ada.say(hook.owner)
        async with chat.database.read() as conn:
            await deliveries.dispatch(conn, 100, hook.clock())
        # Nobody sends it: its webhook is in a pause that does not end.
        await chat.execute("UPDATE webhooks SET resume_at = 'infinity'")
        await chat.retain(after=4 * DAY - timedelta(minutes=1), keep_events=DAY)
        assert await chat.fetchval("SELECT trimmed_to FROM log_state") < message.position
        with capture_logs() as logs:
            await chat.retain(after=4 * DAY + timedelta(minutes=1), keep_events=DAY)
        assert await chat.fetchval("SELECT trimmed_to FROM log_state") >= message.position
        assert await queue_of(chat, hook.id) == []
        assert [(line["event"], line["number"]) for line in logs] == [
            ("webhooks were not told in time of events that the log no longer has", 1)
        ]


def test_the_log_has_patience_for_the_whole_schedule() -> None:
    """With all that chance adds to it, and with all that a receiver may ask for."""
    assert sum(DELAYS, timedelta()) * (1 + JITTER) < PATIENCE_FOR_WEBHOOKS
    assert len(DELAYS) * LONGEST_PAUSE < PATIENCE_FOR_WEBHOOKS


async def test_a_receiver_may_recover(chat: Chat) -> None:
    """What failed arrives with the next attempt, and the webhook is well again."""
    behave = receivers.in_turn(receivers.closing, answering(503), answering(204))
    with receiving(behave) as receiver:
        async with hooked(chat, receiver.url) as hook:
            await hook.send()
            for number in (1, 2):
                await hook.attempts(number)
                await hook.until("failing_since", lambda since: since is not None)
                hook.clock.now += timedelta(hours=1)
                hook.workers.wake()
            await hook.attempts(3)
            (delivery,) = await queue_of(chat, hook.id)
            assert (delivery["status"], delivery["attempts"]) == ("succeeded", 3)
            await hook.until("failing_since", lambda since: since is None)
