"""Presence on sockets: who hears of whom, when, and how often."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from live import Live, Ticking, hub, join, remove
from parley.errors import Unavailable
from parley.model import Caller, UserStatus
from parley.realtime import presence
from parley.realtime.bus import Notice
from parley.realtime.notices import Notices
from parley.realtime.presence import GRACE, REMEMBER_FOR, Presence
from parley.services.presence import ONLINE_FOR
from parley.services.presence import Presence as KnownPresence
from parley.storage.database import Database
from parley.storage.places import Companion

pytestmark = pytest.mark.anyio

ADA, BOB, EVE = UUID(int=1), UUID(int=2), UUID(int=3)
CHAT, GROUP, HALL = UUID(int=10), UUID(int=11), UUID(int=12)
LARGE = {HALL}


class Known(KnownPresence):
    """Who is online, without a database: the hall is the only large conversation."""

    def __init__(self, clock: Ticking) -> None:
        super().__init__(cast(Database, None), lambda: datetime.fromtimestamp(clock.now, UTC))
        self.asked: list[UUID] = []
        self.is_away = False
        # Whom another process shows, who is in the chat with everybody.
        self.elsewhere: dict[UUID, None] = {}

    async def shared_in(self, conversation_ids: Sequence[UUID]) -> set[UUID]:
        if self.is_away:
            raise Unavailable
        self.asked += conversation_ids
        return set(conversation_ids) - LARGE

    @property
    def shown_elsewhere(self) -> Collection[UUID]:
        return self.elsewhere.keys()

    def of(
        self, user_id: UUID, seen: datetime | None = None, left: datetime | None = None
    ) -> tuple[UserStatus, datetime | None]:
        return ("online", seen) if user_id in self.elsewhere else super().of(user_id, seen, left)

    async def companions_elsewhere(self, user_ids: Collection[UUID]) -> dict[UUID, list[Companion]]:
        there = await self.conversations_of(self.elsewhere)
        return {user_id: [one for one in there if one.user_id != user_id] for user_id in user_ids}

    async def conversations_of(self, user_ids: Collection[UUID]) -> list[Companion]:
        return [Companion(user_id, where, None) for user_id in user_ids for where in (CHAT, HALL)]


class House:
    """A process with its clock."""

    def __init__(self) -> None:
        self.clock = Ticking()
        self.hub = hub()
        self.notices = Notices()
        self.known = Known(self.clock)
        self.others: list[Presence] = []
        self.presence = Presence(self.hub, self.known, self.notices, self.notify, self.clock)

    def notify(self, notice: Notice) -> None:
        """Stands for the bus."""
        for process in (self.presence, *self.others):
            process.heard(notice)

    def enter(self, user_id: UUID, *streams: UUID) -> Live:
        live = join(self.hub, user_id, *streams)
        self.presence.joined(live)
        return live

    def leave(self, live: Live) -> None:
        self.hub.leave(live)
        self.presence.left(live)

    def show(self, live: Live, status: str) -> None:
        self.presence.say(live, {"status": status})

    async def after(self, seconds: float = 0.25) -> None:
        """Let time pass, tick by tick."""
        for _ in range(round(seconds / 0.25)):
            self.clock.now += 0.25
            await self.presence.tick()
            await self.notices.flush()

    def time(self) -> str:
        """Return the present time as frames have it."""
        return datetime.fromtimestamp(self.clock.now, UTC).isoformat().replace("+00:00", "Z")

    def request(self, user_id: UUID) -> None:
        self.known.seen(Caller(user_id, user_id))


@pytest.fixture
def house() -> House:
    return House()


def statuses(live: Live) -> list[tuple[UUID, str]]:
    """Return whom somebody heard of."""
    return [(UUID(user_id), status) for user_id, status, _ in live.told()]


async def test_first_and_last_socket_count(house: House) -> None:
    """Others hear when the first socket of somebody opens and when the last has closed, with the time."""
    bob = house.enter(BOB, CHAT)
    await house.after()
    came = house.time()
    desk = house.enter(ADA, CHAT)
    await house.after()
    phone = house.enter(ADA, CHAT)
    await house.after()
    assert bob.told() == [(str(ADA), "online", came)]
    house.leave(desk)
    await house.after(2 * GRACE)
    assert bob.told() == []
    went = house.time()
    house.leave(phone)
    assert house.known.of(ADA)[0] == "offline"
    await house.after(GRACE - 0.25)
    assert bob.told() == []
    await house.after(0.5)
    assert bob.told() == [(str(ADA), "offline", went)]


async def test_who_is_at_another_process(house: House) -> None:
    """They are told of once, to whoever is here and to whoever comes, and so is that they have gone."""
    bob = house.enter(BOB, CHAT)
    stranger = house.enter(EVE, HALL)
    house.known.elsewhere[ADA] = None
    house.presence.moved_elsewhere([ADA])
    await house.after()
    assert statuses(bob) == [(ADA, "online")]
    late = house.enter(BOB, CHAT)
    await house.after()
    assert statuses(late) == [(ADA, "online")]
    # A socket of hers here, and its end, change nothing.
    house.leave(house.enter(ADA, CHAT))
    await house.after(2 * GRACE)
    del house.known.elsewhere[ADA]
    house.presence.moved_elsewhere([ADA])
    await house.after(GRACE - 0.25)
    assert statuses(bob) == []
    await house.after(0.5)
    assert statuses(bob) == [(ADA, "offline")]
    assert statuses(stranger) == []
    assert len(house.presence) == 2


async def test_who_was_at_another_process_is_no_news(house: House) -> None:
    """A process that begins tells newcomers of them, and nobody that they came."""
    house.known.elsewhere[ADA] = None
    await house.presence.start()
    try:
        bob = house.enter(BOB, CHAT)
        await house.after()
        assert statuses(bob) == [(ADA, "online")]
        house.presence.moved_elsewhere([ADA])
        await house.after()
        assert statuses(bob) == []
    finally:
        await house.presence.stop()


async def test_a_blink_is_no_change(house: House) -> None:
    """Whoever is back within a moment never went."""
    bob = house.enter(BOB, CHAT)
    ada = house.enter(ADA, CHAT)
    await house.after()
    assert statuses(bob) == [(ADA, "online")]
    for _ in range(5):
        house.leave(ada)
        await house.after(GRACE - 0.5)
        ada = house.enter(ADA, CHAT)
        await house.after(1)
    assert statuses(bob) == []
    house.leave(ada)
    ada = house.enter(ADA, CHAT)
    house.leave(ada)
    await house.after(GRACE + 0.25)
    assert statuses(bob) == [(ADA, "offline")]


async def test_too_short_to_be_noticed(house: House) -> None:
    """Whoever came and went between two ticks was not there."""
    bob = house.enter(BOB, CHAT)
    await house.after()
    house.leave(house.enter(ADA, CHAT))
    await house.after(2 * GRACE)
    assert statuses(bob) == []
    assert len(house.presence) == 1


async def test_newcomers_see_who_is_there(house: House) -> None:
    """Each new socket is shown who of the others is online, and not oneself."""
    ada, eve = house.enter(ADA, CHAT, GROUP), house.enter(EVE, GROUP)
    await house.after()
    house.show(eve, "offline")
    await house.after(GRACE + 0.5)
    ada.heard()
    desk = house.enter(BOB, CHAT, GROUP)
    await house.after()
    assert statuses(desk) == [(ADA, "online")]
    phone = house.enter(BOB, CHAT, GROUP)
    await house.after()
    assert statuses(phone) == [(ADA, "online")]
    assert statuses(desk) == []
    assert statuses(ada) == [(BOB, "online")]


async def test_all_who_come_at_once_hear_once(house: House) -> None:
    """After a restart everybody comes at the same time, and hears of each of the others once."""
    people = [house.enter(UUID(int=number), GROUP, CHAT) for number in range(100, 120)]
    await house.after(1)
    for person in people:
        assert len(person.socket.writes) == 1
        heard = statuses(person)
        assert len(heard) == len(set(heard)) == 19


async def test_who_comes_while_others_are_told_hears_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes in the middle of a tick is shown who is there by the next, and is told of nobody before."""
    shared_in, comers = house.known.shared_in, [BOB]
    bobs: list[Live] = []

    async def enter_meanwhile(conversation_ids: Sequence[UUID]) -> set[UUID]:
        if comers and GROUP in conversation_ids:
            bobs.append(house.enter(comers.pop(), CHAT, GROUP))
        return await shared_in(conversation_ids)

    monkeypatch.setattr(house.known, "shared_in", enter_meanwhile)
    house.enter(EVE, CHAT, GROUP)
    house.enter(ADA, CHAT, GROUP)
    await house.after(1)
    assert sorted(statuses(bobs[0])) == [(ADA, "online"), (EVE, "online")]


async def test_only_small_conversations_count(house: House) -> None:
    """People who share nothing but a large group, or nothing at all, hear nothing of each other."""
    ada = house.enter(ADA, HALL, GROUP)
    bob = house.enter(BOB, HALL, CHAT)
    eve = house.enter(EVE, GROUP)
    await house.after()
    assert (statuses(ada), statuses(bob), statuses(eve)) == ([(EVE, "online")], [], [(ADA, "online")])
    house.leave(ada)
    await house.after(GRACE + 0.25)
    assert (statuses(bob), statuses(eve)) == ([], [(ADA, "offline")])


async def test_whoever_was_removed_hears_no_more(house: House) -> None:
    """From the event of the removal on, also for one that is on its way."""
    house.enter(ADA, GROUP)
    eve = house.enter(EVE, GROUP)
    remove(house.hub, GROUP, EVE)
    eve.heard()
    await house.after()
    assert statuses(eve) == []


async def test_sockets_may_hide(house: House) -> None:
    """One is online as long as one socket shows it; requests do not give away who hides."""
    bob = house.enter(BOB, CHAT)
    desk, phone = house.enter(ADA, CHAT), house.enter(ADA, CHAT)
    await house.after()
    bob.heard()
    house.show(desk, "offline")
    house.show(desk, "offline")
    await house.after(2 * GRACE)
    assert statuses(bob) == []
    assert house.known.of(ADA)[0] == "online"
    hid = house.time()
    house.show(phone, "offline")
    assert house.known.of(ADA)[0] == "offline"
    house.clock.now += 1
    house.request(ADA)
    assert house.known.of(ADA)[0] == "offline"
    await house.after(GRACE)
    assert bob.told() == [(str(ADA), "offline", hid)]
    house.show(desk, "online")
    assert house.known.of(ADA)[0] == "online"
    await house.after()
    assert statuses(bob) == [(ADA, "online")]


async def test_hiding_ends_with_the_socket(house: House) -> None:
    """A new socket begins as online, and requests count again once none is open."""
    bob = house.enter(BOB, CHAT)
    ada = house.enter(ADA, CHAT)
    house.show(ada, "offline")
    await house.after(2 * GRACE)
    assert statuses(bob) == []
    house.leave(ada)
    house.clock.now += 1
    house.request(ADA)
    assert house.known.of(ADA)[0] == "online"
    house.enter(ADA, CHAT)
    await house.after()
    assert statuses(bob) == [(ADA, "online")]


async def test_closing_the_one_that_shows(house: House) -> None:
    """When only hidden sockets are left, one is gone for others."""
    bob = house.enter(BOB, CHAT)
    desk, phone = house.enter(ADA, CHAT), house.enter(ADA, CHAT)
    house.show(phone, "offline")
    await house.after()
    house.leave(desk)
    await house.after(GRACE + 0.25)
    assert statuses(bob) == [(ADA, "online"), (ADA, "offline")]


async def test_requests_keep_online(house: House) -> None:
    """Frames and REST say the same: whoever goes on with requests after the last socket is there until they end."""
    bob = house.enter(BOB, CHAT)
    ada = house.enter(ADA, CHAT)
    await house.after()
    bob.heard()
    house.leave(ada)
    await house.after(1)
    house.request(ADA)
    last = house.time()
    await house.after(ONLINE_FOR.total_seconds() - 5)
    assert statuses(bob) == []
    assert house.known.of(ADA)[0] == "online"
    await house.after(10)
    assert bob.told() == [(str(ADA), "offline", last)]
    assert len(house.presence) == 1


async def test_a_lasting_socket_stays_online(house: House) -> None:
    """Nothing has to be heard of a socket that is open, for hours."""
    house.enter(ADA, CHAT)
    house.clock.now += 10_000
    assert house.known.of(ADA)[0] == "online"


async def test_sizes_are_asked_once_in_a_while(house: House) -> None:
    """Only of conversations in which anybody could hear it, and not again for a minute."""
    house.enter(ADA, CHAT, GROUP)
    await house.after()
    assert house.known.asked == []
    bob = house.enter(BOB, CHAT)
    await house.after()
    house.leave(bob)
    await house.after(GRACE + 0.25)
    bob = house.enter(BOB, CHAT)
    await house.after()
    assert house.known.asked == [CHAT]
    house.clock.now += REMEMBER_FOR
    house.leave(bob)
    await house.after(GRACE + 0.25)
    assert house.known.asked == [CHAT, CHAT]


async def test_outage_delays(house: House) -> None:
    """While the database cannot say who shares what, nobody is told, and later everybody is."""
    ada, bob = house.enter(ADA, CHAT), house.enter(BOB, CHAT)
    house.known.is_away = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            await house.after()
    house.known.is_away = False
    await house.after()
    assert (statuses(ada), statuses(bob)) == ([(BOB, "online")], [(ADA, "online")])


async def test_waits_for_room(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too much waits to be written, changes wait too, and of what was undone meanwhile nobody hears."""
    bob = house.enter(BOB, CHAT)
    await house.after()
    with monkeypatch.context() as crowded:
        crowded.setattr("parley.realtime.notices.MAX_WAITING", 0)
        house.enter(ADA, CHAT)
        eve = house.enter(EVE, CHAT)
        await house.after(1)
        house.leave(eve)
        await house.after(2 * GRACE)
        assert statuses(bob) == []
    await house.after(0.5)
    assert statuses(bob) == [(ADA, "online")]


async def test_many_are_told_in_parts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """One tick looks at so many changes, the next at the following."""
    monkeypatch.setattr(presence, "PEOPLE_PER_TICK", 2)
    bob = house.enter(BOB, CHAT)
    await house.after()
    for number in range(100, 105):
        house.enter(UUID(int=number), CHAT)
    await house.after()
    assert len(statuses(bob)) == 2
    await house.after(1)
    assert len(statuses(bob)) == 3


async def test_changes_while_sizes_are_asked(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever leaves while the database is asked leaves nothing behind."""
    bob, ada = house.enter(BOB, CHAT), house.enter(ADA, CHAT)
    shared_in = house.known.shared_in

    async def meanwhile(conversation_ids: Sequence[UUID]) -> set[UUID]:
        house.leave(ada)
        return await shared_in(conversation_ids)

    monkeypatch.setattr(house.known, "shared_in", meanwhile)
    await house.after()
    monkeypatch.undo()
    await house.after(2 * GRACE)
    assert statuses(bob) == []
    assert ada.heard() == []
    house.leave(bob)
    await house.after(2 * GRACE)
    assert len(house.presence) == 0


async def test_ticks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs until it is stopped, and a fault does not end it; an outage is told once."""
    monkeypatch.setattr(presence, "TICK", 0.001)
    monkeypatch.setattr(presence, "RETRY_AFTER", 0.001)
    house, ticked = House(), asyncio.Event()
    faults: list[Any] = [RuntimeError("planted"), Unavailable(), Unavailable()]
    tick = house.presence.tick

    async def stumbling() -> None:
        if faults:
            raise faults.pop()
        await tick()
        ticked.set()

    monkeypatch.setattr(house.presence, "tick", stumbling)
    with capture_logs() as lines:
        await house.presence.start()
        ada = house.enter(ADA, CHAT)
        house.enter(BOB, CHAT)
        async with asyncio.timeout(10):
            await ticked.wait()
        await house.presence.stop()
    assert [line["event"] for line in lines] == [
        "telling presence has to wait for the database",
        "presence was not told",
    ]
    await house.notices.flush()
    assert statuses(ada) == [(BOB, "online")]


@pytest.fixture
def there(house: House) -> House:
    """Another process, on the same bus and with the same clock."""
    other = House()
    other.clock = house.clock
    other.presence._now = house.clock
    house.others.append(other.presence)
    other.others.append(house.presence)
    return other


async def both(house: House, there: House, seconds: float) -> None:
    for _ in range(round(seconds / 0.25)):
        await house.after()
        await there.presence.tick()
        await there.notices.flush()


async def test_other_processes_hear(house: House, there: House) -> None:
    """Whoever comes or goes in one is told of in all, to those who share a small conversation."""
    bob, eve = there.enter(BOB, CHAT), there.enter(EVE, HALL)
    await both(house, there, 1)
    ada = house.enter(ADA, CHAT, HALL)
    await both(house, there, 1)
    assert statuses(bob) == [(ADA, "online")]
    house.leave(ada)
    await both(house, there, 2 * GRACE)
    assert statuses(bob) == [(ADA, "offline")]
    assert eve.told() == []


async def test_sockets_in_two_processes(house: House, there: House) -> None:
    """Somebody is online as long as one of their sockets is, wherever that is."""
    bob, eve = there.enter(BOB, CHAT), house.enter(EVE, CHAT)
    desk, phone = house.enter(ADA, CHAT), there.enter(ADA, CHAT)
    await both(house, there, 1)
    assert {(ADA, "online")} <= set(statuses(bob)) & set(statuses(eve))
    house.leave(desk)
    await both(house, there, 2 * GRACE)
    assert {status for _, status in [*statuses(bob), *statuses(eve)]} <= {"online"}
    there.leave(phone)
    await both(house, there, 2 * GRACE)
    assert statuses(bob)[-1] == statuses(eve)[-1] == (ADA, "offline")
