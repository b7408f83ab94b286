"""What every bus promises, tried on each there is: another one is another line in `LINES`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, NoReturn, cast
from uuid import UUID

import pytest

from live import Ticking, join
from parley.realtime.actions import Actions
from parley.realtime.bus import Batch, Bus, InProcessBus, Notice
from parley.realtime.hub import Hub
from parley.realtime.window import LiveEvent, Window
from parley.services import Services
from parley.services.presence import Presence as KnownPresence
from parley.storage.database import Database

pytestmark = pytest.mark.anyio

STREAM, ADA, BOB = UUID(int=1), UUID(int=2), UUID(int=3)

# Returns the bus of one more process that serves the same database.
Line = Callable[[], Bus]


@asynccontextmanager
async def in_process() -> AsyncIterator[Line]:
    """There is one process, so whoever connects is on the same bus."""
    bus = InProcessBus()
    yield lambda: bus


LINES = [in_process]


@pytest.fixture(params=LINES, ids=lambda line: line.__name__)
async def line(request: pytest.FixtureRequest) -> AsyncIterator[Line]:
    """Connect as many buses as a test wants; all are stopped in the end."""
    async with request.param() as connect, AsyncExitStack() as stack:

        def connected() -> Bus:
            bus: Bus = connect()
            stack.push_async_callback(bus.stop)
            return bus

        yield connected


@dataclass
class Ear:
    """A subscriber that notes everything."""

    batches: list[Batch] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def on(self, bus: Bus) -> "Ear":
        bus.subscribe(self.batches.append, self.notices.append)
        return self

    async def heard(self, batches: int, notices: int = 0) -> None:
        """Return when so much has come: in other processes that takes a moment."""
        async with asyncio.timeout(10):
            while len(self.batches) < batches or len(self.notices) < notices:
                await asyncio.sleep(0.001)


def batch(first: int, *events: LiveEvent) -> Batch:
    """Return a batch of these events, or of one message."""
    events = events or (LiveEvent(first, STREAM, b"\x81\x02{}"),)
    return Batch(b"once", first, events[-1].position, events, 1_763_000_000.25)


async def test_everybody_hears(line: Line) -> None:
    """Whoever subscribed hears of a batch and of a notice, whichever process it comes from."""
    here, there = line(), line()
    ears = [Ear().on(here), Ear().on(there)]
    await here.start()
    await there.start()
    here.publish(batch(1))
    there.publish(batch(2))
    there.notify(Notice("typing", b'{"is_typing":true}'))
    for ear in ears:
        await ear.heard(2, 1)
        assert sorted(heard.first for heard in ear.batches) == [1, 2]
        assert ear.notices == [Notice("typing", b'{"is_typing":true}')]


async def test_those_here_hear_at_once(line: Line) -> None:
    """When publishing returns the subscribers of this process know, without a turn of the loop."""
    bus = line()
    ear = Ear().on(bus)
    await bus.start()
    bus.publish(batch(1))
    bus.notify(Notice("presence", b"{}"))
    assert (len(ear.batches), len(ear.notices)) == (1, 1)


async def test_comes_whole(line: Line) -> None:
    """All that an event says of its readers arrives as it was."""
    here, there = line(), line()
    ear = Ear().on(there)
    await here.start()
    await there.start()
    sent = batch(
        2**53 + 7,
        LiveEvent(2**53 + 7, STREAM, bytes(range(256))),
        LiveEvent(2**53 + 8, STREAM, b"joins", joins=frozenset([ADA, BOB])),
        LiveEvent(2**53 + 9, STREAM, b"leaves", leaves=frozenset([ADA])),
        LiveEvent(2**53 + 10, ADA, b"own", audience=frozenset([ADA])),
        LiveEvent(2**53 + 11, ADA, b"nobody's", audience=frozenset()),
        LiveEvent(2**53 + 12, STREAM, b"ends", ends=True),
        LiveEvent(2**53 + 13, STREAM, b"written", author=BOB),
    )
    here.publish(sent)
    await ear.heard(1)
    [heard] = ear.batches
    assert (heard.epoch, heard.first, heard.last, heard.committed_at) == (
        sent.epoch,
        sent.first,
        sent.last,
        sent.committed_at,
    )
    assert list(heard.events) == list(sent.events)


async def test_keeps_a_writers_order(line: Line) -> None:
    """What one process published comes in its order, each once."""
    here, there = line(), line()
    ears = [Ear().on(here), Ear().on(there)]
    await here.start()
    await there.start()
    for position in range(1, 501):
        here.publish(batch(position))
    here.notify(Notice("typing", b"{}"))
    for ear in ears:
        await ear.heard(500, 1)
        assert [heard.first for heard in ear.batches] == list(range(1, 501))


async def test_a_failing_subscriber_harms_nobody(line: Line) -> None:
    """Neither whoever publishes nor those who hear of it after."""
    bus = line()

    def fail(_what: object) -> NoReturn:
        raise RuntimeError("a fault of the test's")

    bus.subscribe(fail, fail)
    ear = Ear().on(bus)
    await bus.start()
    bus.publish(batch(1))
    bus.notify(Notice("typing", b"{}"))
    assert (len(ear.batches), len(ear.notices)) == (1, 1)


async def test_one_may_stop_listening(line: Line) -> None:
    """Also in the middle of hearing something."""
    bus = line()
    ends: list[Callable[[], None]] = []
    ends.append(bus.subscribe(lambda _: ends[0](), lambda _: None))
    ear = Ear().on(bus)
    await bus.start()
    bus.publish(batch(1))
    gone = Ear()
    bus.subscribe(gone.batches.append, gone.notices.append)()
    bus.publish(batch(2))
    assert [heard.first for heard in ear.batches] == [1, 2]
    assert gone.batches == []


async def test_carries_between_start_and_stop(line: Line) -> None:
    """Publishing is no mistake at any time; stopping twice is none either."""
    bus = line()
    ear = Ear().on(bus)
    bus.publish(batch(1))
    bus.notify(Notice("typing", b"{}"))
    await bus.start()
    bus.publish(batch(2))
    await bus.stop()
    await bus.stop()
    bus.publish(batch(3))
    bus.notify(Notice("typing", b"{}"))
    assert [heard.first for heard in ear.batches] == [2]
    assert ear.notices == []


class Process:
    """One of those that a line joins, with somebody connected to it."""

    def __init__(self, bus: Bus, user_id: UUID) -> None:
        nobody = cast(Database, None)
        self.hub = Hub(Window(0))
        self.clock = Ticking()
        known = Everything(nobody, lambda: datetime.fromtimestamp(self.clock.now, UTC))
        services = cast(Services, SimpleNamespace(receipts=None))
        self.actions = Actions(self.hub, services, known, bus, self.clock)
        bus.subscribe(lambda _batch: None, self.actions.heard)
        self.live = join(self.hub, user_id, STREAM)
        self.actions.joined(self.live)

    async def tick(self) -> None:
        self.clock.now += 0.3
        await self.actions.people.tick()
        await self.actions.tick()


class Everything(KnownPresence):
    """Who is online, where all conversations are small."""

    async def shared_in(self, conversation_ids: Sequence[UUID]) -> set[UUID]:
        return set(conversation_ids)


async def test_whoever_is_elsewhere_hears_who_types_and_comes(line: Line) -> None:
    """Ada is connected to one process and Bob to another one; a message of hers ends her typing, whoever took it."""
    here, there = line(), line()
    await here.start()
    await there.start()
    ada, bob = Process(here, ADA), Process(there, BOB)

    async def told(frame_type: str) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                for process in (ada, bob):
                    await process.tick()
                for frame in bob.live.heard():
                    if frame["type"] == frame_type:
                        data: dict[str, Any] = frame["data"]
                        return data
                await asyncio.sleep(0.001)

    assert (await told("presence"))["user_id"] == str(ADA)
    typing = {"conversation_id": str(STREAM), "is_typing": True}
    ada.actions.typing(ada.live, typing)
    assert await told("typing") == {"user_id": str(ADA), **typing}
    message = LiveEvent(1, STREAM, b"", author=ADA)
    for process in (ada, bob):
        process.actions.told([message])
    assert (await told("typing"))["is_typing"] is False
