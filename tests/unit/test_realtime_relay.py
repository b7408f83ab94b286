"""The relay: whatever comes late, never, twice or from another log, the hub gets each event once and in order."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from live import Live
from logged import logged
from parley import cursors, metrics
from parley.errors import Unavailable
from parley.events import EventKind, kind_of
from parley.ids import uuid7
from parley.realtime import relay as relay_module
from parley.realtime.bus import Batch, Bus, InProcessBus
from parley.realtime.hub import Hub
from parley.realtime.relay import Relay
from parley.realtime.window import LiveEvent, Window
from parley.services.users import Users
from parley.storage import events, feed
from parley.storage.database import Database
from parley.storage.events import LogState
from parley.storage.log import Log

pytestmark = pytest.mark.anyio

STREAM, ADA = UUID(int=1), UUID(int=2)
LONG = 3600.0


class Stored:
    """A database whose log reaches `head`; it counts what is read, and may be away or broken."""

    def __init__(self) -> None:
        self.epoch = "first"
        self.head = 0
        self.asked = 0
        self.reads: list[tuple[int, int]] = []
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.news: set[int] = set()
        self.age = 0.0
        self.purges = 0

    @asynccontextmanager
    async def read(self) -> AsyncIterator[None]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        yield

    async def rows(self, _conn: None, after: int, end: int, limit: int) -> list[dict[str, Any]]:
        self.reads.append((after, end))
        await self.gate.wait()
        last = min(end, self.head, after + limit)
        return [self._row(position) for position in range(after + 1, last + 1)]

    async def asked_again(self, times: int = 2) -> None:
        """Wait until it was asked so often again: whoever asks is done with what was before."""
        until = self.asked + times
        async with asyncio.timeout(10):
            while self.asked < until:
                await asyncio.sleep(0.001)

    async def state(self, _conn: None) -> LogState:
        return LogState(self.epoch, 0, self.head, self.purges)

    async def nothing_held(self, _conn: None, _conversation_ids: list[UUID]) -> dict[UUID, int]:
        return {}

    def _row(self, position: int) -> dict[str, Any]:
        return {
            "event_position": position,
            "kind": "call.started" if position in self.news else EventKind.MEMBER_UPDATED.value,
            "event_seq": None,
            "stream_id": STREAM,
            "subject_id": ADA,
            "actor_id": ADA,
            "facts": {"role": "admin"},
            "appended_at": datetime.now(UTC) - timedelta(seconds=self.age),
        }


@dataclass(eq=False)
class Reader:
    """Somebody live."""

    user_id: UUID = ADA
    session_id: UUID = field(default_factory=uuid7)
    streams: set[UUID] = field(default_factory=set)
    resets: int = 0

    def deliver(self, framed: bytes, frames: int, position: int) -> None:
        """Nothing is to be done here: the window is looked at."""

    def log_was_reset(self) -> None:
        self.resets += 1

    def cut(self) -> None:
        """It never fails."""


@dataclass
class Post:
    """A relay between a bus and a hub."""

    stored: Stored
    log: Log
    bus: InProcessBus
    hub: Hub
    relay: Relay

    def arrives(self, first: int, last: int, *, epoch: str = "first", late: bool = False) -> None:
        """Let another writer's batch, which is in the log, come by the bus."""
        if not late:
            self.stored.head = max(self.stored.head, last)
        batch = [LiveEvent(position, STREAM, b"batch %d" % position) for position in range(first, last + 1)]
        self.bus.publish(Batch(cursors.epoch_of(epoch), first, last, batch, time.time()))

    def appends(self, number: int = 1) -> None:
        """Let this process append something that only the log knows."""
        self.stored.head += number
        self.log.head.appended(self.stored.head)

    async def handed_on(self, position: int) -> list[str]:
        """Return how each event up to a position came, once all have."""
        async with asyncio.timeout(10):
            await self.hub.reached(position)
        window = self.hub.window
        held, _ = window.page(ADA, [STREAM], window.start, 10_000)
        assert [event.position for event in held] == list(range(window.start + 1, window.end + 1))
        return ["batch" if event.frame.startswith(b"batch") else "log" for event in held]


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Stored:
    database = Stored()
    monkeypatch.setattr(feed, "read", database.rows)
    monkeypatch.setattr(feed, "purged_to", database.nothing_held)
    monkeypatch.setattr(events, "read_state", database.state)
    monkeypatch.setattr(relay_module, "RETRY_AFTER", 0.005)
    return database


@asynccontextmanager
async def running(stored: Stored, patience: float | None = LONG) -> AsyncIterator[Post]:
    database = cast(Database, stored)
    log, bus, hub = Log(database), InProcessBus(), Hub(Window(0))
    relay = Relay(database, log, cast(Users, None), hub, bus, patience=patience)
    await bus.start()
    await relay.start()
    try:
        yield Post(stored, log, bus, hub, relay)
    finally:
        await relay.stop()


@pytest.fixture
async def post(stored: Stored) -> AsyncIterator[Post]:
    """One whose patience never ends within a test: whatever is read is read at once."""
    async with running(stored) as there:
        yield there


def sources(*parts: tuple[str, int]) -> list[str]:
    return [source for source, number in parts for _ in range(number)]


async def test_begins_at_the_end(stored: Stored) -> None:
    """What was before nobody here has asked for."""
    stored.head = 41
    async with running(stored) as post:
        assert (post.hub.position, post.log.head.position) == (41, 41)
        post.arrives(42, 43)
        assert await post.handed_on(43) == sources(("batch", 2))


async def test_batches_need_no_reading(post: Post) -> None:
    """What comes by the bus in order is handed on as it came, and its time is measured."""
    before = sum(metrics.sockets._buckets)
    post.arrives(1, 3)
    post.arrives(4, 4)
    assert await post.handed_on(4) == sources(("batch", 4))
    assert post.stored.reads == []
    assert sum(metrics.sockets._buckets) == before + 2


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (2, 0, 1), (0, 2, 1)])
async def test_the_wrong_way_round(post: Post, order: Iterable[int]) -> None:
    """Batches of several writers may overtake each other: nothing is read, and they are handed on in order."""
    batches = [(1, 3), (4, 4), (5, 9)]
    for number in order:
        post.arrives(*batches[number])
        for _ in range(3):
            await asyncio.sleep(0)
    assert await post.handed_on(9) == sources(("batch", 9))
    assert post.stored.reads == []


async def test_a_batch_that_never_comes(stored: Stored) -> None:
    """After a moment its events are read, and of those that came only what is missing."""
    async with running(stored, patience=0.01) as post:
        post.arrives(1, 2)
        post.arrives(6, 8)
        assert await post.handed_on(8) == sources(("batch", 2), ("log", 6))
        assert stored.reads[0] == (2, 8)


async def test_nothing_is_on_its_way_from_other_processes(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the bus reaches none of them, what they appended is read at once."""
    monkeypatch.setattr(Bus, "patience", LONG)
    async with running(stored, patience=None) as post:
        post.arrives(1, 2)
        post.arrives(6, 8)
        assert await post.handed_on(8) == sources(("batch", 2), ("log", 6))


async def test_ones_own_is_read_at_once(post: Post) -> None:
    """What this process appended without telling anybody it does not wait for."""
    post.appends(2)
    assert await post.handed_on(2) == sources(("log", 2))
    post.arrives(3, 3)
    post.appends()
    post.arrives(5, 6)
    await post.handed_on(6)
    assert post.stored.reads[0] == (0, 2)


async def test_what_is_read_is_measured_too(post: Post) -> None:
    """It is counted by page, from when the first of it was appended."""
    before, seconds = sum(metrics.sockets._buckets), metrics.sockets._seconds
    post.stored.age = 20.0
    post.appends(3)
    await post.handed_on(3)
    assert sum(metrics.sockets._buckets) == before + 1
    assert 20 <= metrics.sockets._seconds - seconds < 40


async def test_others_are_found_by_looking(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes from a process that is on no bus is noticed all the same."""
    monkeypatch.setattr(relay_module, "LOOK_EVERY", 0.02)
    async with running(stored, patience=0.001) as post:
        stored.head = 7
        assert await post.handed_on(7) == sources(("log", 7))


async def test_a_batch_comes_while_its_beginning_is_read(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read is not handed on again; the rest of the batch is not read."""
    monkeypatch.setattr(relay_module, "PAGE", 4)
    async with running(stored, patience=0.001) as post:
        stored.gate.clear()
        stored.head = 8
        post.log.head.advance(8)
        async with asyncio.timeout(10):
            while not stored.reads:
                await asyncio.sleep(0)
        post.arrives(1, 2)
        post.arrives(3, 8)
        stored.gate.set()
        assert await post.handed_on(8) == sources(("log", 4), ("batch", 4))
        assert stored.reads == [(0, 8)]


async def test_what_is_not_of_this_log_is_dropped(stored: Stored) -> None:
    """A batch of another epoch, or of what was handed on already, changes nothing."""
    async with running(stored, patience=0.001) as post:
        post.arrives(1, 3)
        await post.handed_on(3)
        post.arrives(2, 3, late=True)
        post.arrives(4, 9, epoch="second", late=True)
        post.arrives(4, 4)
        await post.handed_on(4)
        assert (post.hub.position, post.log.head.position, post.relay._batches) == (4, 4, {})


@pytest.mark.parametrize("late", [False, True])
async def test_a_batch_of_before_a_purge_is_read(
    stored: Stored, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    """What a writer said before something was purged may be gone: the log tells, whether the batch waits or comes."""
    monkeypatch.setattr(relay_module, "LOOK_EVERY", 0.01)
    async with running(stored, patience=0.2) as post:
        if not late:
            # It waits for the one before it.
            post.arrives(2, 3)
            await asyncio.sleep(0)
        stored.head, stored.purges = 3, 1
        await post.handed_on(0 if late else 3)
        async with asyncio.timeout(10):
            while post.relay._purges == 0:
                await asyncio.sleep(0.001)
        if late:
            post.arrives(1, 3, late=True)
        post.arrives(4, 5)
        assert await post.handed_on(5) == sources(("log", 3), ("batch", 2))


async def test_memory_is_bounded(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the database is away what can't be handed on is not kept without end; it is read in the end."""
    monkeypatch.setattr(relay_module, "MAX_BATCHES", 10)
    async with running(stored, patience=0.001) as post:
        await asyncio.sleep(0)
        stored.error = Unavailable()
        for position in range(2, 100):
            post.arrives(position, position)
        await stored.asked_again()
        assert len(post.relay._batches) == 10
        stored.error = None
        post.appends()
        assert len(await post.handed_on(100)) == 100


@pytest.mark.parametrize("error", [Unavailable(), RuntimeError("a fault of the test's")])
async def test_goes_on_after_a_failure(stored: Stored, error: Exception) -> None:
    """The database may be away, and a mistake may be made: what it hindered is done when it is over.

    Both are told, the outage once.
    """
    with capture_logs() as lines:
        async with running(stored, patience=0.001) as post:
            post.arrives(1, 2)
            await post.handed_on(2)
            stored.error = error
            post.appends(3)
            post.arrives(6, 6)
            await stored.asked_again(3)
            assert post.hub.position == 2
            stored.error = None
            assert await post.handed_on(6) == sources(("batch", 2), ("log", 4))
    told = [line["event"] for line in lines]
    if isinstance(error, Unavailable):
        assert told == ["the relay has to wait for the database"]
    else:
        assert set(told) == {"the relay stumbled"}


@pytest.mark.parametrize("head", [3, 5, 50], ids=["back", "same", "ahead"])
async def test_another_epoch(stored: Stored, monkeypatch: pytest.MonkeyPatch, head: int) -> None:
    """Everybody comes back, and what follows is of the new log, wherever that has got to."""
    monkeypatch.setattr(relay_module, "LOOK_EVERY", 0.02)
    async with running(stored, patience=0.001) as post:
        reader = Reader()
        post.hub.join(reader, [STREAM])
        post.arrives(1, 5)
        await post.handed_on(5)
        old = post.relay.cursor(5)
        stored.epoch, stored.head = "second", head
        async with asyncio.timeout(10):
            while not reader.resets:
                await asyncio.sleep(0.001)
        assert (post.hub.window.start, post.hub.position, post.log.head.position) == (head, head, head)
        assert post.relay.cursor(5) != old
        # Readers of the old one are not told again, and those of the new one hear at once.
        post.arrives(head + 1, head + 2, epoch="second")
        assert await post.handed_on(head + 2) == sources(("batch", 2))
        await stored.asked_again()
        assert reader.resets == 1


async def test_set_back_without_another_epoch(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that has become shorter is another one too."""
    monkeypatch.setattr(relay_module, "LOOK_EVERY", 0.02)
    async with running(stored, patience=0.001) as post:
        reader = Reader()
        post.hub.join(reader, [STREAM])
        post.arrives(1, 9)
        await post.handed_on(9)
        stored.head = 4
        # What still waits for what is before it is of the log that was.
        post.arrives(12, 13, late=True)
        async with asyncio.timeout(10):
            while not reader.resets:
                await asyncio.sleep(0.001)
        post.appends()
        assert await post.handed_on(5) == sources(("log", 1))
        post.appends(6)
        await post.handed_on(11)
        await stored.asked_again()
        assert post.hub.position == 11


async def test_looks_also_when_there_is_much_to_do(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is never idle must notice too that its log is another one."""
    monkeypatch.setattr(relay_module, "LOOK_EVERY", 0.05)
    async with running(stored) as post:
        reader = Reader()
        post.hub.join(reader, [STREAM])
        stored.epoch = "second"
        async with asyncio.timeout(10):
            while not reader.resets:
                post.appends()
                await asyncio.sleep(0.001)


@pytest.mark.parametrize("news", [{1}, {2, 3}, {4}, {1, 2, 3, 4}], ids=str)
async def test_kinds_of_a_newer_version(post: Post, news: set[int]) -> None:
    """What this one does not know is told nobody, and the log goes on behind it; that is said once."""
    kind_of.cache_clear()
    reader = Live(ADA)
    post.hub.join(reader, [STREAM])
    post.stored.news = news
    with logged() as lines:
        post.appends(4)
        await post.handed_on(4)
        post.appends()
        await post.handed_on(5)
    known = [cursors.decode(frame["cursor"]).position for frame in reader.heard()]
    assert known == sorted({1, 2, 3, 4, 5} - news)
    assert [line["kind"] for line in lines if "kind" in line] == ["call.started"]


async def test_memory_does_not_outlive_messages(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """What retention purges it tells nobody: nothing stays in the window for nearly as long as it is kept at least."""
    monkeypatch.setattr(relay_module, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(relay_module, "MARK_EVERY", 0.02)
    monkeypatch.setattr(relay_module, "REMEMBER_FOR", 0.1)
    async with running(stored) as post:
        post.arrives(1, 3)
        await post.handed_on(3)
        assert post.hub.window.start == 0
        async with asyncio.timeout(10):
            while post.hub.window.start < 3:
                await asyncio.sleep(0.001)
        post.arrives(4, 4)
        assert await post.handed_on(4) == sources(("batch", 1))


async def test_what_is_old_is_not_read_back(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of before this process began only what is young."""
    stored.head, stored.age = 10, relay_module.REMEMBER_FOR + 60
    async with running(stored) as post:
        async with asyncio.timeout(10):
            while not stored.reads:
                await asyncio.sleep(0.001)
        await post.relay._remembering
        assert (post.hub.window.start, post.hub.window.end) == (10, 10)


async def test_stops_in_the_middle(stored: Stored) -> None:
    """Whatever it waits for, it ends when it is told to, and hears the bus no more."""
    async with running(stored) as post:
        post.arrives(5, 6)
        await asyncio.sleep(0)
        await post.relay.stop()
        post.arrives(1, 4)
        assert (post.hub.position, list(post.relay._batches)) == (0, [5])
