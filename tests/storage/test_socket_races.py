"""Sockets come and go while people join, leave and write: each gets exactly what was theirs at its position.

What a socket got is compared with what `GET /v1/events` says of the same span, and both with a plain reading of the
tables. What matters most is forced: what happens between two steps of catching up.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from chat import Chat, Person, running
from generated.frames import CloseCode
from house import Client, House, Seen, open_house, told
from parley import cursors
from parley.errors import ParleyError
from parley.events import EventKind
from parley.model import Group, Message
from parley.realtime import catching_up, relay
from parley.realtime.bus import Batch, Bus, Notice
from parley.services.events import Missed
from parley.storage import epoch, feed
from parley.storage.database import Connection
from parley.storage.events import LogState
from parley.storage.feed import Period

pytestmark = pytest.mark.anyio

Act = Callable[[], Awaitable[object]]


@pytest.fixture
async def house(chat: Chat) -> AsyncIterator[House]:
    async with open_house(chat) as opened:
        yield opened


def after_reading(monkeypatch: pytest.MonkeyPatch, *acts: Act) -> None:
    """Let something happen each time that a connection has read the head and its memberships, one by one."""
    left = list(acts)
    read_periods = feed.read_periods

    async def read_and_then(
        conn: Connection, wanted: Sequence[tuple[UUID, int | None]]
    ) -> Sequence[tuple[LogState, Sequence[Period]]]:
        found = await read_periods(conn, wanted)
        if left:
            await left.pop(0)()
        return found

    monkeypatch.setattr(feed, "read_periods", read_and_then)


@dataclass
class Club:
    """A group of Ada's and Bob's; Eve is not in it."""

    house: House
    ada: Person
    bob: Person
    eve: Person
    group: Group

    async def forget(self) -> None:
        """Let the window hold nothing."""
        await self.house.settle()
        self.house.hub.window.restart(self.house.hub.position)

    async def check(self, person: Person, client: Client, after: str) -> list[str]:
        """Assert that somebody was told what is theirs, also of what happens from now on; return the kinds."""
        await self.ada.say(self.group)
        await self.ada.say(self.bob)
        await self.eve.say(self.bob)
        await self.house.settle()
        await client.until_live()
        assert client.events == await told(person, after)
        return [kind for kind, _, _ in client.events]


@pytest.fixture
async def club(house: House) -> Club:
    ada, bob, eve = [await house.chat.person(name) for name in ("ada", "bob", "eve")]
    group = await ada.found(bob)
    await ada.say(group)
    await house.settle()
    return Club(house, ada, bob, eve, group)


def interleavings(club: Club) -> dict[str, list[Act]]:
    """What may happen to Bob between two steps of his catching up."""
    ada, bob, eve, group = club.ada, club.bob, club.eve, club.group
    return {
        "message": [lambda: ada.say(group)],
        "removed": [lambda: ada.say(group), lambda: ada.remove(group, bob), lambda: ada.say(group)],
        "removed and back": [
            lambda: ada.remove(group, bob),
            lambda: ada.say(group),
            lambda: ada.add(group, bob),
            lambda: ada.say(group),
        ],
        "direct": [lambda: eve.say(bob), lambda: bob.say(eve)],
        "founded": [lambda: eve.found(bob), lambda: bob.found(eve, name="Film club")],
        "dissolved": [lambda: ada.dissolve(group)],
        "profiles": [lambda: ada.describe_oneself(bio="!"), lambda: eve.describe_oneself(bio="?")],
        "others": [lambda: ada.add(group, eve), lambda: eve.say(group), lambda: eve.leave(group)],
    }


KINDS = ["message", "removed", "removed and back", "direct", "founded", "dissolved", "profiles", "others"]


class TestBetweenHeadAndHub:
    """Commits between the reading of the head and joining the hub."""

    @pytest.mark.parametrize("begin", ["0", None, "last"])
    @pytest.mark.parametrize("source", ["window", "log"])
    @pytest.mark.parametrize("kind", KINDS)
    async def test_nothing_is_lost(
        self, club: Club, monkeypatch: pytest.MonkeyPatch, kind: str, source: str, begin: str | None
    ) -> None:
        """Whatever is committed then comes once, and to those only whose it is."""
        bob, house = club.bob, club.house

        async def happens() -> None:
            for act in interleavings(club)[kind]:
                await act()
            await house.settle()
            if source == "log":
                # What was committed has left the window already, so that all of it must be read.
                house.hub.window.restart(house.hub.position)

        cursor = house.relay.cursor(house.hub.position)
        after_reading(monkeypatch, happens)
        client = house.client(bob, cursor if begin == "last" else begin)
        await client.until_live()
        assert kind != "dissolved" or "group.deleted" in [seen[0] for seen in client.events]
        if kind == "dissolved":
            assert client.events == await told(bob, "0" if begin == "0" else cursor)
            return
        kinds = await club.check(bob, client, "0" if begin == "0" else cursor)
        assert ("member.removed" in kinds) == (kind in ("removed", "removed and back", "others"))

    @pytest.mark.parametrize("kind", KINDS)
    async def test_the_hub_is_behind(self, club: Club, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
        """What is in the log and not yet handed on belongs to the replay, and does not come a second time."""
        bob, house = club.bob, club.house
        cursor = house.relay.cursor(house.hub.position)
        house.chat.queue.publish = None
        gate = asyncio.Event()
        read = feed.read

        async def read_late(*arguments: Any) -> list[Any]:
            await gate.wait()
            return await read(*arguments)

        monkeypatch.setattr(feed, "read", read_late)
        for act in interleavings(club)[kind]:
            await act()
        client = house.client(bob, cursor)
        await client.until("ready")
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not client.is_live
        gate.set()
        await client.until_live()
        await house.settle()
        assert client.events == await told(bob, cursor)
        await club.eve.say(bob)
        await house.settle()
        assert client.events == await told(bob, cursor)

    async def test_again_and_again(self, club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
        """A window that never reaches back far enough is caught up with in the end."""
        bob, house = club.bob, club.house

        async def overtake() -> None:
            await club.ada.say(club.group)
            await club.eve.say(bob)
            await club.forget()

        after_reading(monkeypatch, *[overtake] * 5)
        client = await house.live(bob, "0")
        await club.check(bob, client, "0")


class TestWhileItReads:
    """What happens between two pages of a long replay."""

    @pytest.fixture(autouse=True)
    def _short_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(catching_up, "PAGE", 2)
        monkeypatch.setattr(catching_up, "WINDOW_SPAN", 3)
        monkeypatch.setattr(catching_up, "CHUNK", 600)

    def between_pages(self, club: Club, monkeypatch: pytest.MonkeyPatch, page: int, act: Act) -> None:
        """Let something happen after so many pages were read from the log."""
        missed = club.house.shared.events.missed
        read = 0

        async def read_and_then(user_id: UUID, position: int, limit: int) -> Missed:
            nonlocal read
            read += 1
            if read == page:
                await act()
            return await missed(user_id, position, limit)

        monkeypatch.setattr(club.house.shared.events, "missed", read_and_then)

    @pytest.mark.parametrize("page", [1, 2, 4])
    async def test_trimming(self, club: Club, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
        """Either all comes, or a resync says from where on: never a silent hole."""
        bob, house = club.bob, club.house
        for number in range(12):
            await club.ada.say(club.group if number % 2 else bob)
        await club.forget()
        before = await told(bob)

        async def trim() -> None:
            await club.eve.say(bob)
            await house.chat.retain(after=timedelta(days=8))
            await club.eve.say(bob)

        self.between_pages(club, monkeypatch, page, trim)
        cursor = house.relay.cursor(0)
        client = await house.live(bob, cursor)
        resync = await client.until("resync")
        assert resync["data"]["reason"] == "cursor_too_old"
        cut = client.frames.index(resync)
        earlier = [seen for seen in client.events if cursors.decode(seen[1]).position < house.hub.position]
        got = sum("cursor" in frame for frame in client.frames[:cut])
        assert earlier[:got] == before[:got]
        assert got == 2 * (page - 1)
        await club.ada.say(bob)
        await club.ada.say(club.group)
        await house.settle()
        assert client.events[got:] == await told(bob, resync["data"]["cursor"])
        assert len(client.events) >= got + 2

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("page", [1, 3])
    async def test_commits(self, club: Club, monkeypatch: pytest.MonkeyPatch, page: int, kind: str) -> None:
        """What is committed between two pages is on a later one, or comes live."""
        bob, house = club.bob, club.house
        for _ in range(8):
            await club.ada.say(club.group)
        await club.forget()

        async def happens() -> None:
            for act in interleavings(club)[kind]:
                await act()

        self.between_pages(club, monkeypatch, page, happens)
        client = await house.live(bob, "0")
        await club.eve.say(bob)
        await house.settle()
        assert client.events == await told(bob)

    async def test_the_window_moves_on(self, club: Club) -> None:
        """A reader who takes long over a chunk of the window finds the rest in the log."""
        bob, house = club.bob, club.house
        for _ in range(12):
            await club.ada.say(club.group)
        await house.settle()
        client = house.client(bob, "0")
        client.get_stuck()
        await client.until("message")
        await club.ada.remove(club.group, bob)
        await club.ada.say(club.group)
        await club.eve.say(bob)
        await club.forget()
        client.go_on()
        await client.until_live()
        assert client.events == await told(bob)

    @pytest.mark.parametrize("how", ["window", "log"])
    @pytest.mark.parametrize("relayed", [True, False], ids=["known", "unknown"])
    async def test_another_log(
        self, club: Club, monkeypatch: pytest.MonkeyPatch, how: str, relayed: bool
    ) -> None:
        """Who is in the middle when positions come to mean something else is sent away, as those who are live."""
        bob, house = club.bob, club.house
        monkeypatch.setattr(relay, "LOOK_EVERY", 0.02 if relayed else 3600)
        for _ in range(12):
            await club.ada.say(club.group)
        await house.settle()
        if not relayed:
            # It has looked for the last time.
            house.relay._look_at += 3600
        if how == "log":
            await club.forget()
        client = house.client(bob, "0")
        client.get_stuck()
        await client.until("message")
        async with house.chat.database.read() as conn:
            await epoch.bump(conn)
        if relayed:
            async with asyncio.timeout(10):
                while not house.hub.resets:
                    await asyncio.sleep(0.001)
        client.go_on()
        if relayed or how == "log":
            code = await client.until_closed()
            assert code is (CloseCode.GOING_AWAY if relayed else CloseCode.UNAVAILABLE)
        else:
            # Nobody in this process knows yet; what it was told is of the log before, and so is its cursor.
            await client.until_live()
        assert len(house.hub) == (0 if relayed or how == "log" else 1)
        house.relay._look_at = 0.0
        house.chat.log.head.wake()
        async with asyncio.timeout(10):
            while not house.hub.resets:
                await asyncio.sleep(0.001)
        back = await house.live(bob, client.cursor)
        assert back.types[:2] == ["ready", "resync"]

    async def test_a_shorter_log(self, club: Club) -> None:
        """Who has read further than a log reaches that was set back is sent away, and does not join its middle."""
        bob, house = club.bob, club.house
        for _ in range(12):
            await club.ada.say(club.group)
        await house.settle()
        client = house.client(bob, "0")
        client.get_stuck()
        await client.until("message")
        # As the relay does, when it finds the log shorter than it was.
        assert house.hub.restart(1) == []
        client.go_on()
        assert await client.until_closed() is CloseCode.GOING_AWAY
        assert len(house.hub) == 0

    @pytest.mark.parametrize("cursor", ["0", "last", None])
    async def test_another_log_before_ready(
        self, club: Club, monkeypatch: pytest.MonkeyPatch, cursor: str | None
    ) -> None:
        """A position is said of the log that it was read from: who keeps it is told of the change."""
        bob, house = club.bob, club.house
        own = house.shared.users.own
        before = house.relay.epoch
        given = house.relay.cursor(2) if cursor == "last" else cursor

        async def bump_and_read(user_id: UUID) -> Any:
            async with house.chat.database.read() as conn:
                await epoch.bump(conn)
            house.relay._look_at = 0.0
            house.chat.log.head.wake()
            async with asyncio.timeout(10):
                while not house.hub.resets:
                    await asyncio.sleep(0.001)
            return await own(user_id)

        monkeypatch.setattr(house.shared.users, "own", bump_and_read)
        client = house.client(bob, given)
        assert await client.until_closed() is CloseCode.GOING_AWAY
        assert [cursors.decode(client.cursor).epoch for frame in client.frames] == [before]
        monkeypatch.setattr(house.shared.users, "own", own)
        back = await house.live(bob, client.cursor)
        assert back.types[:2] == ["ready", "resync"]


@pytest.mark.parametrize("how", ["window", "read back", "log"])
async def test_what_was_deleted_is_told_nobody(club: Club, how: str) -> None:
    """Whoever missed it is told its tombstone, from memory too: neither what it said at first nor what later."""
    ada, bob, house = club.ada, club.bob, club.house
    cursor = house.relay.cursor(house.hub.position)
    message = await ada.say(club.group, "a secret")
    kept = await ada.say(club.group, "no matter")
    await ada.edit(message, "another secret")
    await ada.edit(kept, "no matter at all")
    await ada.edit(message, "the last secret")
    await house.settle()
    if how == "read back":
        await club.forget()
        while await house.relay._remember_page(0):
            continue
    await ada.delete(message)
    await house.settle()
    if how == "log":
        await club.forget()
    client = await house.live(bob, cursor)
    assert client.events == await told(bob, cursor)
    theirs = [frame for frame in client.frames[1:] if frame["data"]["id"] == str(message.id)]
    assert [frame["type"] for frame in theirs] == ["message", *["message.updated"] * 2, "message.deleted"]
    assert [frame["data"]["content"] for frame in theirs] == [None] * 4
    assert "secret" not in str(client.frames)


async def test_what_is_deleted_while_it_is_read_back(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the database said before the deletion is not what is kept."""
    ada, bob, house = club.ada, club.bob, club.house
    message = await ada.say(club.group, "a secret")
    await club.forget()
    read = feed.read
    pages = 0

    async def read_and_delete(*arguments: Any) -> list[Any]:
        nonlocal pages
        rows = await read(*arguments)
        pages += 1
        if pages == 1:
            await ada.delete(message)
            await house.settle()
        return rows

    monkeypatch.setattr(feed, "read", read_and_delete)
    while await house.relay._remember_page(0):
        continue
    client = await house.live(bob, "0")
    assert client.events == await told(bob)
    assert [frame["data"]["content"] for frame in client.frames if frame["type"] == "message"] == [
        "Hello, world!",
        None,
    ]


async def contents(person: Person, cursor: str) -> list[tuple[str, str | None, bool]]:
    """Return what `GET /v1/events` says of messages: the type, the content, and whether it is a tombstone."""
    return [
        (event.type, event.data.content, event.data.deleted_at is not None)
        for event in (await person.events(cursor)).events
        if isinstance(event.data, Message)
    ]


@pytest.mark.parametrize("why", ["group deleted", "too old"])
@pytest.mark.parametrize("begin", ["0", "last"])
async def test_what_was_purged_this_moment_is_told_nobody(club: Club, why: str, begin: str) -> None:
    """Whoever comes right after a purge is told by memory what the log tells, long before the next look at it."""
    ada, bob, house = club.ada, club.bob, club.house
    group = await ada.found(bob, days=1)
    await house.settle()
    cursor = "0" if begin == "0" else house.relay.cursor(house.hub.position)
    await ada.edit(await ada.say(group, "a secret"), "the last secret")
    await house.settle()
    house.relay._look_at = asyncio.get_running_loop().time() + 3600
    if why == "group deleted":
        await ada.dissolve(group)
    await house.chat.retain(after=timedelta(days=2) if why == "too old" else timedelta())
    client = house.client(bob, cursor)
    await client.until_live()
    heard = [
        (frame["type"], frame["data"]["content"], frame["data"]["deleted_at"] is not None)
        for frame in client.frames
        if frame["type"].startswith("message")
    ]
    assert heard == await contents(bob, cursor)
    assert heard[-2:] == [("message", None, True), ("message.updated", None, True)]


@pytest.mark.parametrize("why", ["group deleted", "too old"])
@pytest.mark.parametrize("how", ["relayed", "read back", "while it is read back"])
async def test_what_was_purged_is_told_nobody(
    club: Club, monkeypatch: pytest.MonkeyPatch, why: str, how: str
) -> None:
    """Once retention has purged a message, no socket is told its content, as nobody is who reads the log."""
    ada, bob, house = club.ada, club.bob, club.house
    monkeypatch.setattr(relay, "LOOK_EVERY", 0.01)
    group = await ada.found(bob, days=1)
    await ada.say(bob, "no matter")
    old = await ada.say(group, "a secret")
    await house.settle()
    cursor = house.relay.cursor(house.hub.position)
    if why == "group deleted":
        await ada.say(group, "another secret")
    await ada.edit(old, "the last secret")
    await ada.say(bob, "no matter")

    async def purge() -> None:
        purges = house.relay._purges
        if why == "group deleted":
            await ada.dissolve(group)
        await house.chat.retain(after=timedelta(days=2) if why == "too old" else timedelta())
        async with asyncio.timeout(10):
            while house.relay._purges == purges:
                await asyncio.sleep(0.001)

    if how == "relayed":
        await house.settle()
        await purge()
    else:
        await club.forget()
        read, pages = feed.read, 0

        async def read_and_purge(conn: Connection, after: int, end: int, limit: int) -> list[Any]:
            nonlocal pages
            rows = await read(conn, after, end, limit)
            pages += limit == relay.REMEMBERED_PAGE
            if (limit, pages) == (relay.REMEMBERED_PAGE, 1):
                await purge()
            return rows

        if how == "while it is read back":
            monkeypatch.setattr(feed, "read", read_and_purge)
        while await house.relay._remember_page(0):
            continue
        if how == "read back":
            await purge()
    await house.settle()
    assert house.hub.window.start <= cursors.decode(cursor).position
    client = await house.live(bob, cursor)
    got = [
        (frame["type"], frame["data"]["content"], frame["data"]["deleted_at"] is not None)
        for frame in client.frames
        if frame["type"].startswith("message")
    ]
    assert got == await contents(bob, cursor)
    assert ("message.updated", None, True) in got
    assert "secret" not in str(client.frames)


@pytest.mark.parametrize("how", ["live", "window", "log"])
async def test_kinds_of_a_newer_version(club: Club, how: str) -> None:
    """While nodes are replaced one by one, an old one passes over what it does not know, however it reads it."""
    bob, house = club.bob, club.house
    cursor = house.relay.cursor(house.hub.position)
    client = await house.live(bob, cursor) if how == "live" else None
    async with house.chat.log.append() as entry:
        newer = cast(EventKind, "call.started")
        entry.add(newer, stream_id=club.group.id, subject_id=club.ada.id)
    if how == "log":
        await club.forget()
    client = client or house.client(bob, cursor)
    kinds = await club.check(bob, client, cursor)
    assert "message" in kinds
    assert "call.started" not in kinds


class Line:
    """What joins the buses of two processes: it loses some of what it carries, and takes its time over the rest."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.ends: list[LossyBus] = []

    def carry(self, what: Batch | Notice, sender: "LossyBus") -> None:
        for end in self.ends:
            if end is not sender and self.chance.random() < 0.7:
                asyncio.get_running_loop().call_later(self.chance.random() / 20, end.hear, what)


class LossyBus(Bus):
    """One end of such a line."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    async def start(self) -> None:
        self._line.ends.append(self)

    async def stop(self) -> None:
        if self in self._line.ends:
            self._line.ends.remove(self)

    def publish(self, batch: Batch) -> None:
        self._hand_over(batch)
        self._line.carry(batch, self)

    def notify(self, notice: Notice) -> None:
        self._hand_over(notice)
        self._line.carry(notice, self)

    def hear(self, what: Batch | Notice) -> None:
        if self in self._line.ends:
            self._hand_over(what)


@dataclass
class Device:
    """A client that comes and goes, and keeps what it was told."""

    person: Person
    begins: str | None
    client: Client | None = None
    got: list[Seen] = field(default_factory=list)
    removals: list[str] = field(default_factory=list)
    connections: int = 0
    # Each frame of a message, with how far the log was handed on when that connection began.
    heard: list[tuple[dict[str, Any], int]] = field(default_factory=list)
    _began: int = 0

    async def come(self, house: House) -> None:
        self.connections += 1
        cursor = self.begins if self.client is None else self.client.cursor
        self._began = house.hub.position
        client = house.client(self.person, cursor)
        await client.until("ready")
        if self.begins is None:
            # Not the client's own cursor: events may have come with the `ready` already.
            self.begins = next(frame["data"]["cursor"] for frame in client.frames if frame["type"] == "ready")
        self.client = client

    def go(self) -> None:
        assert self.client is not None
        self.client.hang_up()
        assert "resync" not in self.client.types
        self.got += self.client.events
        self.heard += [
            (frame, self._began) for frame in self.client.frames if frame["type"].startswith("message")
        ]
        self.removals += [
            frame["data"]["conversation_id"]
            for frame in self.client.frames
            if frame["type"] == "member.removed" and frame["data"]["user_id"] == str(self.person.id)
        ]


class Crowd:
    """People who do whatever they like, in two processes; what is refused is refused."""

    def __init__(self, chats: Sequence[Chat], people: Sequence[Person], chance: random.Random) -> None:
        self.chats = chats
        self.people = people
        self.chance = chance
        self.groups: list[Group] = []
        self.messages: list[Message] = []
        self.removed: list[tuple[UUID, UUID]] = []
        self.edits: list[Message] = []
        self.done = 0

    def somebody(self) -> Person:
        """Anybody, served by any of the processes."""
        return Person(self.chance.choice(self.chats), self.chance.choice(self.people).id)

    async def act(self) -> None:
        try:
            await self._act()
            self.done += 1
        except ParleyError:
            # Whoever is not in a group any more may not write there, and so on: that is as it should be.
            pass

    async def _act(self) -> None:
        one, other, what = self.somebody(), self.somebody(), self.chance.random()
        if what < 0.08 or len(self.groups) < 3:
            self.groups.append(await one.found(*{other.id: other}.values() if other.id != one.id else ()))
        elif what < 0.2 or not self.messages:
            self.messages.append(await one.say(other))
        else:
            await self._act_in(self.chance.choice(self.groups), one, other, what)

    async def _act_in(self, group: Group, one: Person, other: Person, what: float) -> None:
        owner = Person(one.chat, group.owner_id)
        if what < 0.45:
            self.messages.append(await one.say(group))
        elif what < 0.5:
            # What is said to somebody who is shown out at once, and what one says then, is not the same.
            message = await owner.say(group)
            self.messages.append(message)
            await owner.remove(group, other)
            self.removed.append((group.id, other.id))
            await self._edit(owner, message, what)
        elif what < 0.6:
            await owner.add(group, other)
        elif what < 0.7:
            await owner.remove(group, other)
            self.removed.append((group.id, other.id))
        elif what < 0.76:
            await one.join(group)
        elif what < 0.8:
            await one.leave(group)
            self.removed.append((group.id, one.id))
        elif what < 0.83:
            await one.describe_oneself(bio=f"{what}")
        elif what < 0.86:
            await owner.change(group, name=f"{what}")
        elif what < 0.88:
            await owner.promote(group, other, "admin")
        elif what < 0.89:
            self.groups.remove(group)
            await owner.dissolve(group)
        else:
            message = self.chance.choice(self.messages)
            sender = Person(one.chat, message.sender_id)
            if what < 0.93:
                await self._edit(sender, message, what)
            else:
                await (sender.delete(message) if what < 0.95 else one.read(message))

    async def _edit(self, sender: Person, message: Message, what: float) -> None:
        self.edits.append(await sender.edit(message, f"edited {what}"))


async def seen_in_tables(chat: Chat, user_id: UUID) -> list[tuple[str, int]]:
    """Read plainly whose an event was: one's own, or of a conversation that one was in at its position.

    Other people's profiles are left out: whom they are told is counted, which is a matter of its own.
    """
    async with chat.database.read() as conn:
        log = await conn.fetch("SELECT position, stream_id, kind FROM events ORDER BY position")
        periods = await conn.fetch("SELECT * FROM memberships WHERE user_id = $1", user_id)
    return [
        (row["kind"], row["position"])
        for row in log
        if row["stream_id"] == user_id
        or any(
            period["conversation_id"] == row["stream_id"]
            and period["from_position"] <= row["position"]
            and (period["to_position"] is None or row["position"] < period["to_position"])
            for period in periods
        )
    ]


@pytest.mark.parametrize("window_bytes", [1500, 20_000, 1 << 20], ids=["tiny", "small", "large"])
async def test_under_load(
    database_dsn: str, seed: int, monkeypatch: pytest.MonkeyPatch, window_bytes: int
) -> None:
    """Two processes with a bus that loses and delays, everybody acting, and sockets that blink all the time."""
    chance = random.Random(f"{seed} {window_bytes}")
    monkeypatch.setattr(relay, "LOOK_EVERY", 0.1)
    for name, value in (("PAGE", 5), ("WINDOW_SPAN", 20), ("CHUNK", 3000)):
        monkeypatch.setattr(catching_up, name, value)
    line = Line(chance)
    async with AsyncExitStack() as stack:
        chats = [await stack.enter_async_context(running(database_dsn)) for _ in range(2)]
        houses = [
            await stack.enter_async_context(open_house(chat, bus=LossyBus(line), window_bytes=window_bytes))
            for chat in chats
        ]
        people = await chats[0].people(6)
        crowd = Crowd(chats, people, chance)
        devices = [Device(person, begins) for person in people for begins in ("0", None)]
        over = asyncio.Event()

        async def live() -> None:
            for _ in range(60):
                await crowd.act()

        async def blink(device: Device) -> None:
            while not over.is_set():
                await device.come(chance.choice(houses))
                await asyncio.sleep(chance.random() / 10)
                device.go()

        async with asyncio.TaskGroup() as tasks:
            for device in devices:
                tasks.create_task(blink(device))
            await asyncio.gather(*(live() for _ in range(6)))
            over.set()
        # Each comes back once more, and stays until it was told everything.
        for device in devices:
            await device.come(chance.choice(houses))
            assert device.client is not None
            await device.client.until_live()
        for house in houses:
            await house.settle()
        for device in devices:
            device.go()
            await check(chats[0], device)
        # Whoever comes to either of them now and asks for everything gets nothing of what is gone.
        last = crowd.groups[-1]
        owner = Person(chats[0], last.owner_id)
        await owner.say(last, "It is over")
        await owner.dissolve(last)
        for house in houses:
            await house.settle()
        await chats[0].retain()
        purges = await chats[0].fetchval("SELECT purges FROM log_state")
        for house in houses:
            async with asyncio.timeout(20):
                while house.relay._purges != purges:
                    await asyncio.sleep(0.001)
        late = [Device(person, "0") for person in people]
        for device in late:
            for house in houses:
                client = await house.live(device.person, "0")
                device.heard += [
                    (frame, house.hub.position)
                    for frame in client.frames
                    if frame["type"].startswith("message")
                ]
        await check_contents(chats[0], crowd, [*devices, *late])
        async with chats[0].database.read() as conn:
            kept = await conn.fetch("SELECT message_id FROM messages WHERE deleted_at IS NULL")
        ids = {str(row["message_id"]) for row in kept}
        told_late = [frame["data"] for device in late for frame, _ in device.heard]
        assert all(message["id"] in ids for message in told_late if message["content"] is not None)
        assert any(message["content"] is not None for message in told_late)
        assert crowd.done > 150
        assert crowd.removed
        assert sum(device.connections for device in devices) > 60
        for device in devices:
            if device.begins == cursors.START:
                # Whoever was removed gets their own member.removed, each time.
                expected = sorted(str(group) for group, user in crowd.removed if user == device.person.id)
                assert sorted(device.removals) == expected


async def check_contents(chat: Chat, crowd: Crowd, devices: Sequence[Device]) -> None:
    """Assert that nobody was told what was written after they had left, nor what was deleted before they came."""
    async with chat.database.read() as conn:
        log = await conn.fetch(
            "SELECT position, stream_id, kind, message_position, created_at FROM events WHERE kind LIKE 'message.%'"
        )
        periods = await conn.fetch("SELECT * FROM memberships")
    edited = {
        (row["message_position"], row["created_at"]): row["position"]
        for row in log
        if row["kind"] == "message.updated"
    }
    # A message is edited by one at a time, so time tells which of its edits this was.
    written = {message.content: edited[message.position, message.edited_at] for message in crowd.edits}
    deleted = {row["message_position"]: row["position"] for row in log if row["kind"] == "message.deleted"}
    ends: dict[tuple[UUID, str], int] = {}
    for row in periods:
        key = row["user_id"], str(row["conversation_id"])
        ends[key] = max(ends.get(key, 0), row["to_position"] or 2**63)
    for device in devices:
        for frame, began in device.heard:
            message = frame["data"]
            if message["content"] is None:
                continue
            left = ends[device.person.id, message["conversation_id"]]
            assert written.get(message["content"], 0) < left, "it was written after they had left"
            assert deleted.get(message["position"], 2**63) > began, "it was deleted before they came"
    assert written


async def check(chat: Chat, device: Device) -> None:
    """Compare what a device was told with the log, read by the service and read plainly."""
    assert device.begins is not None
    assert device.got == await told(Person(chat, device.person.id), device.begins)
    start = 0 if device.begins == cursors.START else cursors.decode(device.begins).position
    plainly = [seen for seen in await seen_in_tables(chat, device.person.id) if seen[1] > start]
    got = [(kind, cursors.decode(cursor).position) for kind, cursor, _ in device.got]
    profiles = {seen for seen in got if seen[0] == "user.updated"}
    assert [seen for seen in got if seen not in profiles or seen in plainly] == plainly
