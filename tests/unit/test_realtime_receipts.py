"""Receipts on sockets: collected, written together, refused one by one, and kept through an outage."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from live import Live
from parley.errors import Unavailable
from parley.realtime import receipts
from parley.realtime.receipts import MARKS_PER_FLUSH, USERS_PER_FLUSH, Receipts
from parley.services.receipts import Mark
from parley.services.receipts import Receipts as ReceiptsService

pytestmark = pytest.mark.anyio

ADA, BOB = UUID(int=1), UUID(int=2)
CHAT = UUID(int=10)
UNKNOWN = UUID(int=99)


class Written:
    """Stands for the service: what it was asked to write, and whether it can."""

    def __init__(self) -> None:
        self.marks: list[Sequence[Mark]] = []
        self.positions: list[Mapping[UUID, int]] = []
        self.unfinished: set[UUID] = set()
        self.fault: Exception | None = None
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def mark(self, marks: Sequence[Mark]) -> list[Mark]:
        await self._answer()
        self.marks.append(marks)
        return [mark for mark in marks if mark.message_id == UNKNOWN]

    async def received(self, positions: Mapping[UUID, int]) -> Collection[UUID]:
        await self._answer()
        self.positions.append(dict(positions))
        unfinished, self.unfinished = self.unfinished, set()
        return unfinished

    async def _answer(self) -> None:
        self.asked.set()
        await self.may_answer.wait()
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def collected(written: Written) -> Receipts:
    return Receipts(cast(ReceiptsService, written))


def frame(message_id: UUID, kind: str = "read") -> dict[str, Any]:
    return {"conversation_id": str(CHAT), "message_id": str(message_id), "kind": kind}


async def test_one_flush_writes_many(collected: Receipts, written: Written) -> None:
    """What was said in a moment goes out at once, and what was repeated goes out once."""
    ada, phone, bob = Live(ADA), Live(ADA), Live(BOB)
    message = uuid4()
    for who in (ada, phone, ada, bob):
        collected.mark(who, frame(message))
    collected.mark(bob, frame(message, "delivered"))
    assert len(collected) == 3
    await collected.flush()
    assert written.marks == [
        [
            Mark(ADA, CHAT, message, read=True),
            Mark(BOB, CHAT, message, read=True),
            Mark(BOB, CHAT, message, read=False),
        ]
    ]
    await collected.flush()
    assert len(written.marks) == 1
    assert ada.heard() == bob.heard() == []


async def test_refusals_reach_those_who_asked(collected: Receipts, written: Written) -> None:
    """Each socket that named an unknown message is told so, and no other."""
    ada, phone, bob = Live(ADA), Live(ADA), Live(BOB)
    for who in (ada, ada, phone):
        collected.mark(who, frame(UNKNOWN))
    collected.mark(bob, frame(uuid4()))
    await collected.flush()
    for who in (ada, phone):
        [told] = who.heard()
        assert told["type"] == "error"
        assert (told["data"]["code"], told["data"]["frame"]) == ("not_found", "receipt")
    assert bob.heard() == []


async def test_a_full_queue_refuses(collected: Receipts, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than can wait is refused at once; what waits already may be repeated."""
    monkeypatch.setattr(receipts, "MAX_WAITING", 2)
    first = uuid4()
    collected.mark(Live(ADA), frame(first))
    collected.mark(Live(ADA), frame(uuid4()))
    with pytest.raises(Unavailable):
        collected.mark(Live(ADA), frame(uuid4()))
    collected.mark(Live(ADA), frame(first))
    await collected.flush()
    collected.mark(Live(ADA), frame(uuid4()))


async def test_much_is_written_in_parts(collected: Receipts, written: Written) -> None:
    """One flush takes so much, the next the rest, in the order in which it came."""
    ada = Live(ADA)
    messages = [uuid4() for _ in range(MARKS_PER_FLUSH + 1)]
    for message in messages:
        collected.mark(ada, frame(message))
    people = [Live(uuid4()) for _ in range(USERS_PER_FLUSH + 1)]
    for person in people:
        collected.received(person, 7)
    await collected.flush()
    await collected.flush()
    assert [len(part) for part in written.marks] == [MARKS_PER_FLUSH, 1]
    assert [mark.message_id for part in written.marks for mark in part] == messages
    assert [len(part) for part in written.positions] == [USERS_PER_FLUSH, 1]


async def test_positions_only_grow(collected: Receipts, written: Written) -> None:
    """Of all of a user's sockets the furthest counts, and what was noted before costs nothing."""
    ada, phone = Live(ADA), Live(ADA)
    collected.received(ada, 5)
    collected.received(phone, 9)
    collected.received(ada, 7)
    await collected.flush()
    for position in (9, 3):
        collected.received(phone, position)
    assert len(collected) == 0
    collected.received(ada, 10)
    await collected.flush()
    assert written.positions == [{ADA: 9}, {ADA: 10}]


async def test_unfinished_users_go_on(collected: Receipts, written: Written) -> None:
    """Whose conversations were too many for once is done again, up to the latest position."""
    collected.received(Live(ADA), 5)
    collected.received(Live(BOB), 6)
    written.unfinished = {ADA}
    await collected.flush()
    assert len(collected) == 1
    await collected.flush()
    assert written.positions == [{ADA: 5, BOB: 6}, {ADA: 5}]
    assert len(collected) == 0


async def test_memory_of_positions_is_bounded(
    collected: Receipts, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was forgotten is asked about again, which changes nothing."""
    monkeypatch.setattr(receipts, "MAX_REMEMBERED", 1)
    for user_id in (ADA, BOB, BOB, ADA):
        collected.received(Live(user_id), 5)
        await collected.flush()
    assert written.positions == [{ADA: 5}, {BOB: 5}, {ADA: 5}]


async def test_outage_keeps_all(collected: Receipts, written: Written) -> None:
    """What could not be written is written later, together with what came meanwhile, and refused then too."""
    ada, phone = Live(ADA), Live(ADA)
    collected.mark(ada, frame(UNKNOWN))
    collected.received(ada, 5)
    written.fault = Unavailable()
    written.may_answer.clear()
    flush = asyncio.create_task(collected.flush())
    await written.asked.wait()
    collected.mark(phone, frame(UNKNOWN))
    collected.received(phone, 6)
    written.may_answer.set()
    with pytest.raises(Unavailable):
        await flush
    assert ada.heard() == []
    written.fault = None
    await collected.flush()
    assert written.positions == [{ADA: 6}]
    assert [len(who.heard()) for who in (ada, phone)] == [1, 1]


async def test_runs_by_itself(collected: Receipts, written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task writes what comes, waits out an outage and a fault, and stopping writes the rest."""
    monkeypatch.setattr(receipts, "FLUSH_EVERY", 0.001)
    monkeypatch.setattr(receipts, "RETRY_AFTER", 0.001)
    with capture_logs() as lines:
        await collected.start()
        for fault in (Unavailable(), Unavailable(), RuntimeError("planted"), None):
            written.fault = fault
            written.asked.clear()
            collected.mark(Live(ADA), frame(uuid4()))
            async with asyncio.timeout(10):
                await written.asked.wait()
        while len(collected):
            await asyncio.sleep(0)
    # An outage is told once; what met the fault is lost, and that was told, too.
    assert [line["event"] for line in lines] == [
        "receipts have to wait for the database",
        "receipts were lost",
    ]
    monkeypatch.setattr(receipts, "FLUSH_EVERY", 3600)
    written.marks.clear()
    collected.mark(Live(ADA), frame(uuid4()))
    await collected.stop()
    assert [len(part) for part in written.marks] == [1]


async def test_stopping_in_the_middle(
    collected: Receipts, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was being written when it was stopped is written once more, since nobody knows what came of it."""
    monkeypatch.setattr(receipts, "FLUSH_EVERY", 0)
    await collected.start()
    written.may_answer.clear()
    collected.mark(Live(ADA), frame(uuid4()))
    collected.received(Live(BOB), 4)
    await written.asked.wait()
    stop = asyncio.create_task(collected.stop())
    await asyncio.sleep(0)
    written.may_answer.set()
    await stop
    assert ([len(part) for part in written.marks], written.positions) == ([1], [{BOB: 4}])


async def test_stopping_without_a_database(collected: Receipts, written: Written) -> None:
    """What cannot be written in the end is lost: clients say it again when they come back."""
    written.fault = Unavailable()
    await collected.start()
    collected.mark(Live(ADA), frame(uuid4()))
    await collected.stop()
    assert written.marks == []
