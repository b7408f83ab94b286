"""What clients do on a socket: when they may, and that nothing of it stays behind."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from live import Live, Ticking, hub, join
from parley.realtime import actions
from parley.realtime.actions import Actions
from parley.realtime.bus import InProcessBus, Notice
from parley.services import Services
from parley.services.presence import Presence as KnownPresence
from parley.services.receipts import Mark
from parley.storage.database import Database

pytestmark = pytest.mark.anyio

ADA, BOB = UUID(int=1), UUID(int=2)
CHAT = UUID(int=10)
RECEIPT = {"conversation_id": str(CHAT), "message_id": str(uuid4()), "kind": "read"}
TYPING = {"conversation_id": str(CHAT), "is_typing": True}
HIDE = {"status": "offline"}


class Everything(KnownPresence):
    """Who is online, where all conversations are small."""

    async def shared_in(self, conversation_ids: Sequence[UUID]) -> set[UUID]:
        return set(conversation_ids)


class Written:
    """Stands for the service of receipts."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self.positions: dict[UUID, int] = {}

    async def mark(self, marks: Sequence[Mark]) -> list[Mark]:
        self.marks += marks
        return []

    async def received(self, positions: Mapping[UUID, int]) -> Collection[UUID]:
        self.positions.update(positions)
        return ()


class Process:
    """The hub and the actions of a process."""

    def __init__(self) -> None:
        clock = Ticking()
        self.hub = hub()
        self.written = Written()
        known = Everything(cast(Database, None), lambda: datetime.fromtimestamp(clock.now, UTC))
        services = cast(Services, SimpleNamespace(receipts=self.written))
        self.bus = InProcessBus()
        self.actions = Actions(self.hub, services, known, self.bus, clock)

    def enter(self, user_id: UUID) -> Live:
        live = join(self.hub, user_id, CHAT)
        self.actions.joined(live)
        return live


@pytest.fixture
async def process() -> Process:
    process = Process()
    await process.bus.start()
    return process


async def test_catching_up_only_receives(process: Process) -> None:
    """Whoever is not live yet reads, and may say so; the connection keeps what else they say."""
    early = Live(ADA)
    process.actions.receipt(early, RECEIPT)
    process.actions.received(early, 7)
    await process.actions.receipts.flush()
    assert [mark.user_id for mark in process.written.marks] == [ADA]
    assert process.written.positions == {ADA: 7}


async def test_each_frame_has_its_place(process: Process) -> None:
    """Live people see each other come, type and go."""
    process.bus.subscribe(lambda _: None, process.actions.heard)
    ada, bob = process.enter(ADA), process.enter(BOB)
    process.actions.typing(ada, TYPING)
    await process.actions.people.tick()
    await process.actions.tick()
    assert [frame["type"] for frame in bob.heard()] == ["presence", "typing"]
    process.actions.presence(bob, HIDE)
    process.hub.leave(ada)
    process.actions.left(ada)
    await process.actions.tick()
    assert [frame["data"]["is_typing"] for frame in bob.heard()] == [False]
    assert len(process.actions.typists) == 0


async def test_starts_and_stops(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notices are written while it runs, through a fault too; what was said last is stored when it stops."""
    monkeypatch.setattr(actions, "TICK", 0.001)
    faults = [RuntimeError("planted")]
    tick = process.actions.tick

    async def stumbling() -> None:
        if faults:
            raise faults.pop()
        await tick()

    monkeypatch.setattr(process.actions, "tick", stumbling)
    await process.actions.start()
    ada, bob = process.enter(ADA), process.enter(BOB)
    process.actions.typing(ada, TYPING)
    await bob.socket.written.wait()
    process.actions.receipt(ada, RECEIPT)
    await process.actions.stop()
    assert [mark.user_id for mark in process.written.marks] == [ADA]


async def test_notices_of_a_newer_version(process: Process) -> None:
    """What nobody here understands is no trouble."""
    process.enter(ADA)
    process.actions.heard(Notice(cast(Any, "call"), b"?"))
    await process.actions.tick()
