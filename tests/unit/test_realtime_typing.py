"""Typing: who is told, when it ends, and what it costs."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from generated.frames import LIMITS
from live import Live, Ticking, hub, join, remove
from parley.errors import Invalid, NotFound
from parley.realtime import typing
from parley.realtime.bus import Notice
from parley.realtime.notices import CROWDED, MAX_WAITING, Notices
from parley.realtime.typing import TELL_AGAIN_AFTER, Typing
from parley.realtime.window import LiveEvent

pytestmark = pytest.mark.anyio

ADA, BOB, EVE = UUID(int=1), UUID(int=2), UUID(int=3)
CHAT, OTHER = UUID(int=10), UUID(int=11)


class Room:
    """Ada, on two devices, and Bob in a conversation; Eve in another one with Ada."""

    def __init__(self) -> None:
        self.clock = Ticking()
        self.hub = hub()
        self.notices = Notices()
        self.typing = Typing(self.hub, self.notices, self.notify, self.clock)
        self.ada = join(self.hub, ADA, CHAT, OTHER)
        self.phone = join(self.hub, ADA, CHAT, OTHER)
        self.bob = join(self.hub, BOB, CHAT)
        self.eve = join(self.hub, EVE, OTHER)

    def notify(self, notice: Notice) -> None:
        """Stands for a bus that nobody else is on."""
        self.typing.heard(notice)

    def say(self, who: Live, is_typing: bool = True, where: UUID = CHAT, **more: Any) -> None:
        self.typing.say(who, {"conversation_id": str(where), "is_typing": is_typing, **more})

    def leave(self, who: Live) -> None:
        self.hub.leave(who)
        self.typing.left(who)

    async def after(self, seconds: float) -> list[tuple[Any, ...]]:
        """Let time pass, tick by tick, and return what Bob was told."""
        for _ in range(round(seconds / 0.2)):
            self.clock.now += 0.2
            self.typing.tick()
            await self.notices.flush()
        return self.bob.told()


@pytest.fixture
def room() -> Room:
    return Room()


def notice(is_typing: bool, who: UUID = ADA, where: UUID = CHAT) -> tuple[Any, ...]:
    return (str(who), str(where), is_typing)


async def test_others_are_told(room: Room) -> None:
    """Those of the conversation hear of it, and neither other people nor one's own devices."""
    room.say(room.ada)
    assert await room.after(0.2) == [notice(True)]
    room.say(room.phone, False)
    assert await room.after(0.2) == [notice(False)]
    assert room.ada.told() == room.phone.told() == room.eve.told() == []


async def test_ends_by_itself(room: Room) -> None:
    """Six seconds after it was last said."""
    room.say(room.ada)
    assert await room.after(LIMITS.typing_seconds - 0.4) == [notice(True)]
    assert await room.after(0.6) == [notice(False)]
    assert await room.after(20) == []
    assert len(room.typing) == 0


async def test_ends_with_the_message(room: Room) -> None:
    """Whoever has sent what they typed types no more in that conversation, and goes on in others."""
    room.say(room.ada)
    room.say(room.ada, where=OTHER)
    room.say(room.bob)
    assert await room.after(0.2) == [notice(True)]
    assert len(room.eve.told()) == 1
    room.typing.told(
        [
            LiveEvent(1, CHAT, b"", author=EVE),
            LiveEvent(2, OTHER, b"", author=BOB),
            LiveEvent(3, CHAT, b""),
            LiveEvent(4, CHAT, b"", author=ADA),
        ]
    )
    assert await room.after(0.2) == [notice(False)]
    assert (room.eve.told(), len(room.typing)) == ([], 2)


async def test_going_on_is_told_now_and_then(room: Room) -> None:
    """Whoever repeats it all the time is told of every few seconds, so that others do not take it for over."""
    told = []
    for _ in range(60):
        room.say(room.ada)
        room.say(room.phone)
        told += await room.after(0.2)
    assert set(told) == {notice(True)}
    assert len(told) == pytest.approx(12 / TELL_AGAIN_AFTER, abs=1)


async def test_one_repetition_reaches_others(room: Room) -> None:
    """A repetition that came too early to be told at once is told later, before others take it for over."""
    room.say(room.ada)
    await room.after(1)
    room.say(room.ada)
    assert await room.after(TELL_AGAIN_AFTER) == [notice(True)]
    assert await room.after(2.4) == []
    assert await room.after(1) == [notice(False)]


async def test_is_of_the_user_not_the_socket(room: Room) -> None:
    """It goes on while one device is left, and ends with the last."""
    room.say(room.ada)
    await room.after(0.2)
    room.leave(room.ada)
    assert await room.after(1) == []
    room.leave(room.phone)
    assert await room.after(0.2) == [notice(False)]


async def test_a_message_ends_it(room: Room) -> None:
    """Whoever has sent what they typed types no more there, but still elsewhere."""
    room.say(room.ada)
    room.say(room.ada, where=OTHER)
    assert await room.after(0.2) == [notice(True)]
    room.typing.end(ADA, CHAT)
    assert await room.after(0.2) == [notice(False)]
    assert room.eve.told() == [notice(True, where=OTHER)]
    room.typing.end(BOB, CHAT)
    assert await room.after(0.2) == []


async def test_second_thoughts_cost_nothing(room: Room) -> None:
    """Between two ticks one may change one's mind as often as one likes."""
    for _ in range(100):
        room.say(room.ada)
        room.say(room.ada, False)
    assert await room.after(0.2) == []
    room.say(room.ada, False)
    assert await room.after(0.2) == []


async def test_refuses_what_is_not_ones_own(room: Room) -> None:
    """One's own id may stand in the frame, another's may not; nor may a conversation one is not in."""
    room.say(room.ada, user_id=str(ADA))
    assert await room.after(0.2) == [notice(True)]
    with pytest.raises(Invalid) as refused:
        room.say(room.ada, user_id=str(BOB))
    assert refused.value.details["field"] == "data.user_id"
    for where in (OTHER, uuid4()):
        with pytest.raises(NotFound):
            room.say(room.bob, where=where)
    remove(room.hub, CHAT, BOB)
    with pytest.raises(NotFound):
        room.say(room.bob)


async def test_whoever_was_removed_is_not_told(room: Room) -> None:
    """From the event of their removal on."""
    room.say(room.ada)
    await room.after(0.2)
    remove(room.hub, CHAT, BOB)
    room.bob.socket.writes.clear()
    assert await room.after(7) == []


async def test_slow_readers_are_passed_over(room: Room) -> None:
    """Whoever has a lot to read already gets no notices, and the others do."""
    slow = join(room.hub, EVE, CHAT)
    slow.socket.buffered = CROWDED
    room.say(room.ada)
    assert await room.after(0.2) == [notice(True)]
    assert slow.told() == []


async def test_memory_is_bounded(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many typists more are not shown; those who are can still end."""
    monkeypatch.setattr(typing, "MAX_TYPISTS", 1)
    room.say(room.ada)
    room.say(room.bob)
    room.say(room.ada, where=OTHER)
    assert len(room.typing) == 1
    assert await room.after(0.2) == [notice(True)]
    room.say(room.ada, False)
    assert await room.after(0.2) == [notice(False)]
    room.say(room.bob)
    await room.after(0.2)
    assert room.ada.told() == [notice(True, BOB)]


async def test_many_notices_are_one_write(room: Room) -> None:
    """What one reader is told at a time comes joined."""
    people = [join(room.hub, UUID(int=number), CHAT) for number in range(100, 150)]
    for person in people:
        room.say(person)
    room.typing.tick()
    await room.notices.flush()
    assert len(room.bob.socket.writes) == 1
    assert len(room.bob.told()) == 50


async def test_waits_for_room(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too much waits to be written, it is told later, and what was over by then never."""
    with monkeypatch.context() as crowded:
        crowded.setattr("parley.realtime.notices.MAX_WAITING", 0)
        room.say(room.ada)
        assert await room.after(5) == []
    assert await room.after(0.2) == [notice(True)]
    with monkeypatch.context() as crowded:
        crowded.setattr("parley.realtime.notices.MAX_WAITING", 0)
        room.say(room.bob)
        assert await room.after(7) == []
    assert await room.after(0.2) == [notice(False)]
    assert room.ada.told() == []


async def test_notices_without_room_are_dropped() -> None:
    """Nothing grows without bound, whoever puts it there."""
    notices, live = Notices(), Live(ADA)
    for _ in range(MAX_WAITING + 5):
        notices.put([live], b"\x81\x02{}")
    await notices.flush()
    assert len(live.socket.writes[0]) == 4 * MAX_WAITING
    assert not notices.is_full
