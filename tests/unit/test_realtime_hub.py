"""The hub: each event to those whose it is at its position, in order, with as few writes as can be."""

import asyncio
import random
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from parley.ids import uuid7
from parley.realtime.hub import Hub
from parley.realtime.window import NOBODY, LiveEvent, Window

pytestmark = pytest.mark.anyio

ADA, BOB, EVE = UUID(int=1), UUID(int=2), UUID(int=3)
CHAT, OTHER = UUID(int=10), UUID(int=11)


@dataclass(eq=False)
class Reader:
    """A connection that notes each write: the frames, how many it was told that they are, and up to where."""

    user_id: UUID
    session_id: UUID = field(default_factory=uuid7)
    streams: set[UUID] = field(default_factory=set)
    writes: list[tuple[bytes, int, int]] = field(default_factory=list)
    resets: int = 0
    is_broken: bool = False
    was_cut: bool = False

    def deliver(self, framed: bytes, frames: int, position: int) -> None:
        if self.is_broken:
            raise RuntimeError("a fault of the test's")
        assert frames == framed.count(b",")
        self.writes.append((framed, frames, position))

    def log_was_reset(self) -> None:
        self.resets += 1

    def cut(self) -> None:
        self.was_cut = True

    def heard(self) -> list[int]:
        """The positions of what came since the last time."""
        framed, self.writes = b"".join(write[0] for write in self.writes), []
        return [int(position) for position in framed.split(b",")[:-1]]


class House:
    """A hub that begins after position 0, and how to let things happen there."""

    def __init__(self) -> None:
        self.hub = Hub(Window(0))
        self._next = 0

    def join(self, user_id: UUID, *streams: UUID) -> Reader:
        reader = Reader(user_id)
        self.hub.join(reader, streams)
        return reader

    def event(
        self,
        stream_id: UUID = CHAT,
        *,
        joins: frozenset[UUID] = NOBODY,
        leaves: frozenset[UUID] = NOBODY,
        audience: frozenset[UUID] | None = None,
        ends: bool = False,
    ) -> LiveEvent:
        """Return the event that follows."""
        self._next += 1
        frame = b"%d," % self._next
        return LiveEvent(self._next, stream_id, frame, audience, joins, leaves, ends)


@pytest.fixture
def house() -> House:
    return House()


def only(*user_ids: UUID) -> frozenset[UUID]:
    return frozenset(user_ids)


async def test_runs_are_joined(house: House) -> None:
    """Events of one conversation that follow each other are one write for each reader, of the same bytes."""
    ada, phone, bob = house.join(ADA, CHAT), house.join(ADA, CHAT), house.join(BOB, CHAT)
    eve = house.join(EVE, OTHER)
    house.hub.publish([house.event() for _ in range(5)])
    assert ada.writes == phone.writes == bob.writes == [(b"1,2,3,4,5,", 5, 5)]
    assert ada.writes[0][0] is bob.writes[0][0]
    assert eve.writes == []


async def test_one_reader_gets_one_write(house: House) -> None:
    """Whatever conversations a batch is about, what is one reader's is written at once and in order."""
    ada, bob = house.join(ADA, CHAT, OTHER), house.join(BOB, OTHER)
    house.hub.publish([house.event(CHAT), house.event(CHAT), house.event(OTHER), house.event(CHAT)])
    assert ada.writes == [(b"1,2,3,4,", 4, 4)]
    assert bob.writes == [(b"3,", 1, 3)]


async def test_membership_changes_in_order(house: House) -> None:
    """Whoever joins hears of it and of what follows; whoever leaves hears neither of that nor of what follows."""
    ada, bob = house.join(ADA, CHAT), house.join(BOB)
    house.hub.publish(
        [
            house.event(),
            house.event(joins=only(BOB)),
            house.event(),
            house.event(leaves=only(BOB)),
            house.event(BOB, audience=only(BOB)),
            house.event(),
            house.event(joins=only(BOB)),
            house.event(),
        ]
    )
    assert ada.heard() == [1, 2, 3, 4, 6, 7, 8]
    assert bob.heard() == [2, 3, 5, 7, 8]
    assert bob.streams == {CHAT}


async def test_all_devices_join_and_leave(house: House) -> None:
    """Membership is the user's."""
    devices = [house.join(BOB) for _ in range(3)]
    house.hub.publish([house.event(joins=only(BOB)), house.event()])
    house.hub.publish([house.event(leaves=only(BOB)), house.event()])
    assert [device.heard() for device in devices] == [[1, 2]] * 3
    assert house.hub.members_of(CHAT) == ()


async def test_a_new_conversation(house: House) -> None:
    """Those who are in it from its first event hear that one."""
    ada, bob, eve = house.join(ADA), house.join(BOB, OTHER), house.join(EVE, OTHER)
    house.hub.publish([house.event(joins=only(ADA, BOB)), house.event(OTHER), house.event()])
    assert (ada.heard(), bob.heard(), eve.heard()) == ([1, 3], [1, 2, 3], [2])


async def test_the_end_of_a_conversation(house: House) -> None:
    """All members hear of the end, and nobody hears anything after it."""
    ada, bob = house.join(ADA, CHAT, OTHER), house.join(BOB, CHAT)
    house.hub.publish([house.event(ends=True), house.event(), house.event(OTHER)])
    assert (ada.heard(), bob.heard()) == ([1, 3], [1])
    assert (ada.streams, bob.streams) == ({OTHER}, set())


async def test_an_audience_is_exact(house: House) -> None:
    """What has an audience of its own goes to nobody else, whoever is in whatever."""
    ada, bob, eve = (house.join(who, CHAT) for who in (ADA, BOB, EVE))
    house.hub.publish([house.event(ADA, audience=only(ADA, EVE)), house.event(ADA, audience=only())])
    assert (ada.heard(), bob.heard(), eve.heard()) == ([1], [], [1])


async def test_whoever_left_hears_nothing(house: House) -> None:
    """A connection that is gone is nowhere any more, also where others of its user stay."""
    ada, phone = house.join(ADA, CHAT, OTHER), house.join(ADA, CHAT, OTHER)
    house.hub.leave(ada)
    assert ada.streams == set()
    house.hub.publish([house.event(), house.event(OTHER), house.event(ADA, audience=only(ADA))])
    assert (ada.heard(), phone.heard()) == ([], [1, 2, 3])
    house.hub.leave(phone)
    house.hub.leave(phone)
    assert (len(house.hub), house.hub._members, house.hub._users) == (0, {}, {})


async def test_a_reader_may_go_while_it_is_written_to(house: House) -> None:
    """One that is closed for being slow, in the middle of a batch, harms nobody else."""
    ada, bob = house.join(ADA, CHAT), house.join(BOB, CHAT)

    def too_slow(framed: bytes, frames: int, position: int) -> None:
        house.hub.leave(ada)

    ada.deliver = too_slow  # type: ignore[method-assign]  # a stand-in
    house.hub.publish([house.event(), house.event()])
    house.hub.publish([house.event()])
    assert bob.heard() == [1, 2, 3]


async def test_a_reader_that_fails_harms_nobody(house: House) -> None:
    """It has to come back for what it was not told; whoever would have been written to after it is."""
    readers = [house.join(user_id, CHAT) for user_id in (ADA, BOB, EVE) for _ in range(3)]
    for reader in readers[::2]:
        reader.is_broken = True
    house.hub.publish([house.event(), house.event()])
    assert [reader.was_cut for reader in readers] == [reader.is_broken for reader in readers]
    assert {tuple(reader.heard()) for reader in readers[1::2]} == {(1, 2)}


async def test_waits_until_a_position(house: House) -> None:
    """Whoever needs the hub to have come so far is woken then, not before."""
    waiting = asyncio.create_task(house.hub.reached(2))
    house.hub.publish([house.event()])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    house.hub.publish([house.event()])
    await waiting
    await house.hub.reached(1)


async def test_a_restart_wakes_those_who_wait(house: House) -> None:
    """It tells who was connected, and goes on from elsewhere."""
    ada = house.join(ADA, CHAT)
    house.hub.publish([house.event()])
    waiting = asyncio.create_task(house.hub.reached(90))
    await asyncio.sleep(0)
    assert house.hub.restart(100) == [ada]
    await waiting
    assert (house.hub.position, house.hub.resets) == (100, 1)


async def test_each_gets_exactly_what_is_theirs(house: House) -> None:
    """Against the plainest model there is: sets of members, event by event."""
    chance = random.Random(4)
    users = [UUID(int=number) for number in range(1, 9)]
    streams = [UUID(int=number) for number in range(100, 106)]
    members: dict[UUID, set[UUID]] = {stream: set() for stream in streams}
    readers: dict[Reader, list[int]] = {}

    def model(event: LiveEvent) -> None:
        members.setdefault(event.stream_id, set()).update(event.joins)
        members[event.stream_id] -= event.leaves
        told = members[event.stream_id] if event.audience is None else event.audience
        for reader, expected in readers.items():
            if reader.user_id in told:
                expected.append(event.position)
        if event.ends:
            members[event.stream_id].clear()

    def happens() -> LiveEvent:
        stream, user, kind = chance.choice(streams), chance.choice(users), chance.random()
        if kind < 0.6:
            return house.event(stream)
        if kind < 0.75:
            return house.event(stream, joins=only(*chance.sample(users, 2)))
        if kind < 0.88:
            return house.event(stream, leaves=only(user))
        if kind < 0.97:
            return house.event(user, audience=only(*chance.sample(users, 2)))
        return house.event(stream, ends=True)

    for _ in range(600):
        if chance.random() < 0.3:
            user = chance.choice(users)
            joined = house.join(user, *(stream for stream in streams if user in members[stream]))
            readers[joined] = []
        if readers and chance.random() < 0.2:
            gone = chance.choice(list(readers))
            house.hub.leave(gone)
            assert gone.heard() == readers.pop(gone)
        batch = [happens() for _ in range(chance.randint(1, 12))]
        for event in batch:
            model(event)
        house.hub.publish(batch)
        for reader in readers:
            assert len(reader.writes) <= 1 or reader.writes[-1][2] > reader.writes[-2][2]
            assert reader.streams == {stream for stream in members if reader.user_id in members[stream]}
    assert len(readers) > 5
    for reader, expected in readers.items():
        assert reader.heard() == expected
