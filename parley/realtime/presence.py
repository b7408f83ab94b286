"""Tells people who of those they share a direct conversation or a small group with came or went.

`parley.services.presence` knows who is online, and REST shows that at once. Here a change waits for a tick, and
that somebody went a little longer: whoever only blinks never was away. A change that there is no room for waits for
the next tick; only a reader who is slow misses one.

A change goes over the bus, with the conversations of whom it concerns: each process tells it to those who are
connected there, and contradicts it where it knows better, since somebody may have sockets in several.

Where no bus joins the processes, `parley.services.presence` tells a second later who came and went at others; whoever
is there is told to those who are here in the same way.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import orjson

from parley import logs
from parley.errors import Unavailable
from parley.model import UserStatus
from parley.realtime.bus import Notice, TakeNotice
from parley.realtime.frames import encode, encode_data
from parley.realtime.hub import Hub, Subscriber
from parley.realtime.notices import Notices, pace
from parley.realtime.wire import frame_text
from parley.services.presence import ONLINE_FOR
from parley.services.presence import Presence as KnownPresence
from parley.storage.places import Companion

TICK = 0.25
RETRY_AFTER = 1.0
# Seconds that somebody may be away without others hearing of it.
GRACE = 3.0
# How many changes and how many newcomers one tick looks at, and one turn of the loop; how many people a newcomer is
# shown.
PEOPLE_PER_TICK = 200
PEOPLE_PER_TURN = 10
MAX_SHOWN = 500
# Of how many people a change waits to be told here; of more it is not told.
MAX_HEARD = 10_000
# Seconds for which it is remembered whether a conversation is small, and of how many.
REMEMBER_FOR = 60.0
MAX_REMEMBERED = 50_000

_log = logs.logger("realtime")


class _Person:
    """Somebody with live connections, or who had some a moment ago.

    `connections` holds the set of conversations of each, which the hub keeps up to date; `hiding` are those that
    do not show them, and `told` is what others believe. Of whoever `is_elsewhere` another process spoke. `notice` says
    that they are online, as of `noticed_at`.
    """

    __slots__ = (
        "connections",
        "hiding",
        "is_elsewhere",
        "last_seen",
        "last_streams",
        "notice",
        "noticed_at",
        "told",
        "user_id",
    )

    def __init__(self, user_id: UUID) -> None:
        self.user_id = user_id
        self.connections: dict[Subscriber, set[UUID]] = {}
        self.hiding: frozenset[Subscriber] = frozenset()
        self.last_streams: set[UUID] = set()
        self.is_elsewhere = False
        self.last_seen: datetime | None = None
        self.told: UserStatus = "offline"
        self.notice = b""
        self.noticed_at = float("-inf")

    @property
    def is_shown(self) -> bool:
        return len(self.connections) > len(self.hiding)

    @property
    def streams(self) -> set[UUID]:
        return next(iter(self.connections.values()), self.last_streams)


class Presence:
    """One per process. `start()` and `stop()` frame the life of its clock."""

    def __init__(
        self,
        hub: Hub,
        known: KnownPresence,
        notices: Notices,
        notify: TakeNotice,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`notify` tells all processes, this one too, which then calls `heard`."""
        self._notify = notify
        self._hub = hub
        self._known = known
        self._notices = notices
        self._now = now
        self._people: dict[UUID, _Person] = {}
        self._person_of: dict[Subscriber, _Person] = {}
        # Whose status may be another one, and when to look; who has not been shown the others yet.
        self._changed: dict[UUID, float] = {}
        self._newcomers: dict[Subscriber, None] = {}
        # What is to be told to others here: the notice, and in which conversations.
        self._heard: dict[UUID, tuple[bytes, list[UUID]]] = {}
        self._small: OrderedDict[UUID, tuple[float, bool]] = OrderedDict()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many people are kept in memory."""
        return len(self._people)

    async def start(self) -> None:
        """Begin to tick. Who is at other processes already is no news to anybody."""
        for user_id in self._known.shown_elsewhere:
            self._person(user_id).told = "online"
        self._known.watchers.append(self.moved_elsewhere)
        self._task = asyncio.create_task(self._run(), name="presence")

    async def stop(self) -> None:
        """Stop ticking."""
        if self._task is not None:
            self._known.watchers.remove(self.moved_elsewhere)
            self._task.cancel()
            await asyncio.wait([self._task])

    def joined(self, connection: Subscriber) -> None:
        """Count a connection that is live now, in all of its conversations."""
        person = self._person(connection.user_id)
        self._person_of[connection] = person
        person.connections[connection] = connection.streams
        self._newcomers[connection] = None
        self._judge(person)

    def left(self, connection: Subscriber) -> None:
        """Count a connection no more."""
        person = self._person_of.pop(connection)
        person.last_streams = person.connections.pop(connection)
        person.hiding -= {connection}
        self._newcomers.pop(connection, None)
        self._judge(person)

    def say(self, connection: Subscriber, data: dict[str, Any]) -> None:
        """Let a live connection show its user, or not."""
        person = self._person_of[connection]
        if data["status"] == "online":
            person.hiding -= {connection}
        else:
            person.hiding |= {connection}
        self._judge(person)

    def moved_elsewhere(self, user_ids: Collection[UUID]) -> None:
        """Let those be told who are here of somebody whom other processes show now, or do no more."""
        for user_id in user_ids:
            is_shown = user_id in self._known.shown_elsewhere
            if is_shown or user_id in self._people:
                person = self._person(user_id)
                person.is_elsewhere = True
                self._look_at(person, is_shown or person.is_shown)

    def heard(self, notice: Notice) -> None:
        """Note a change that some process noticed, for those who are connected here."""
        data = orjson.loads(notice.data)
        user_id = UUID(data["user_id"])
        person = self._people.get(user_id)
        if data["status"] == "offline" and person is not None and person.is_shown:
            # They have left another process, and are here.
            self._change(person, "online", person.last_seen)
            return
        streams = self._audible(user_id, map(UUID, data.pop("conversation_ids")))
        if streams and (user_id in self._heard or len(self._heard) < MAX_HEARD):
            self._heard[user_id] = frame_text(encode("presence", data)), streams

    async def tick(self) -> None:
        """Show newcomers who is there, and tell of changes. Raises Unavailable, and does it the next time."""
        if not self._newcomers and not self._changed and not self._heard:
            return
        now = self._now()
        newcomers = list(islice(self._newcomers, PEOPLE_PER_TICK))
        due = list(islice((who for who, at in self._changed.items() if at <= now), PEOPLE_PER_TICK))
        streams = set[UUID]()
        for number, connection in enumerate(newcomers, start=1):
            streams.update(self._audible(connection.user_id, connection.streams))
            await _let_others_run(number)
        elsewhere = await self._elsewhere(newcomers)
        streams.update(companion.conversation_id for found in elsewhere.values() for companion in found)
        await self._learn(streams)
        await self._find(due)
        # Newcomers come first: those who come together with them are told of right after.
        for number, connection in enumerate(newcomers, start=1):
            if connection in self._newcomers and not self._notices.is_full:
                del self._newcomers[connection]
                self._show(connection, elsewhere.get(connection.user_id, ()))
            await _let_others_run(number)
        for number, user_id in enumerate(due, start=1):
            if self._changed.get(user_id, now + 1) <= now and not self._notices.is_full:
                self._settle(self._people[user_id])
            await _let_others_run(number)
        await self._hand_on()

    async def _elsewhere(self, newcomers: Sequence[Subscriber]) -> Mapping[UUID, Sequence[Companion]]:
        """Find out whom of those that newcomers know other processes show."""
        if not newcomers or not self._known.shown_elsewhere:
            return {}
        return await self._known.companions_elsewhere({connection.user_id for connection in newcomers})

    async def _find(self, due: Iterable[UUID]) -> None:
        """Find out in which conversations those are of whom only other processes know."""
        people = {user_id: self._people[user_id] for user_id in due if user_id in self._people}
        strangers = [user_id for user_id, one in people.items() if one.is_elsewhere and not one.connections]
        if not strangers:
            return
        found = await self._known.conversations_of(strangers)
        for user_id in strangers:
            people[user_id].last_streams = set()
        for companion in found:
            person = people[companion.user_id]
            person.last_streams.add(companion.conversation_id)
            person.last_seen = companion.last_seen

    async def _hand_on(self) -> None:
        """Tell others here what was heard, in those of the conversations that are small."""
        users = list(islice(self._heard, PEOPLE_PER_TICK))
        await self._learn({stream_id for user_id in users for stream_id in self._heard[user_id][1]})
        for number, user_id in enumerate(users, start=1):
            if self._notices.is_full:
                return
            framed, streams = self._heard.pop(user_id)
            # Newcomers who came meanwhile are shown whoever is there by then.
            readers = self._companions(user_id, streams).difference(self._newcomers)
            if readers:
                self._notices.put(readers, framed)
            await _let_others_run(number)

    def _judge(self, person: _Person) -> None:
        """Let the status be known, and others be told of it if it changed, once it has lasted."""
        user_id = person.user_id
        if person.is_shown:
            self._known.shown(user_id)
        elif person.connections:
            self._known.hidden(user_id)
        else:
            self._known.closed(user_id)
        self._look_at(person, person.is_shown)

    def _look_at(self, person: _Person, is_shown: bool) -> None:
        """Let the status of somebody be looked at: at once if they came, unless others believe it already."""
        if not is_shown:
            self._changed.setdefault(person.user_id, self._now() + GRACE)
        elif person.told == "online":
            self._changed.pop(person.user_id, None)
        else:
            self._changed[person.user_id] = self._now()

    def _person(self, user_id: UUID) -> _Person:
        person = self._people.get(user_id)
        if person is None:
            person = self._people[user_id] = _Person(user_id)
        return person

    def _settle(self, person: _Person) -> None:
        user_id = person.user_id
        if self._known.is_leaving(user_id):
            self._changed[user_id] = self._now() + RETRY_AFTER
            return
        status, last_seen = self._known.of(user_id)
        person.last_seen = last_seen or person.last_seen
        if status == "online" and not person.is_shown and user_id not in self._known.shown_elsewhere:
            # They are gone from here, but their requests keep them online for a while.
            self._changed[user_id] = self._now() + ONLINE_FOR.total_seconds()
            return
        del self._changed[user_id]
        if status != person.told:
            person.told, person.noticed_at = status, float("-inf")
            self._change(person, status, person.last_seen)
        if not person.connections and status == "offline":
            del self._people[user_id]

    def _change(self, person: _Person, status: UserStatus, last_seen: datetime | None) -> None:
        """Let all processes know."""
        data = {
            "user_id": person.user_id,
            "status": status,
            "last_seen": last_seen,
            "conversation_ids": list(person.streams),
        }
        notice = Notice("presence", encode_data(data))
        if person.is_elsewhere and not person.connections:
            # The others know of it by themselves.
            self.heard(notice)
        else:
            self._notify(notice)

    def _show(self, connection: Subscriber, elsewhere: Iterable[Companion]) -> None:
        companions = self._companions(connection.user_id, connection.streams)
        there = {self._person_of[reader] for reader in companions}
        online = islice((person for person in there if person.told == "online"), MAX_SHOWN)
        notices = {person.user_id: self._notice_of(person) for person in online}
        for one in elsewhere:
            # Of whom the others have not heard yet this one will hear with them.
            is_told = one.user_id in self._people and self._people[one.user_id].told == "online"
            if is_told and one.user_id not in notices and self._is_small(one.conversation_id):
                notices[one.user_id] = _notice(one.user_id, "online", one.last_seen)
        framed = list(islice(notices.values(), MAX_SHOWN))
        if framed:
            self._notices.put([connection], b"".join(framed), len(framed))

    def _notice_of(self, person: _Person) -> bytes:
        """Return the notice that somebody is online: the same for a while, since many newcomers may be shown it."""
        now = self._now()
        if now - person.noticed_at > REMEMBER_FOR:
            # As others believe: whoever went a moment ago may be back before they hear of it.
            _, last_seen = self._known.of(person.user_id)
            person.notice = _notice(person.user_id, "online", last_seen)
            person.noticed_at = now
        return person.notice

    def _companions(self, user_id: UUID, streams: Iterable[UUID]) -> set[Subscriber]:
        """Return the connections of everybody else in the small ones of some conversations."""
        small = [stream_id for stream_id in streams if self._is_small(stream_id)]
        readers = set[Subscriber]().union(*map(self._hub.members_of, small))
        return readers.difference(self._hub.connections_of(user_id))

    def _is_small(self, stream_id: UUID) -> bool:
        return self._small.get(stream_id, (0.0, False))[1]

    def _audible(self, user_id: UUID, streams: Iterable[UUID]) -> list[UUID]:
        """Return those of somebody's conversations in which anybody else is connected here."""
        # Each of their own connections is in all of them.
        own = len(self._hub.connections_of(user_id))
        return [stream_id for stream_id in streams if len(self._hub.members_of(stream_id)) > own]

    async def _learn(self, streams: Iterable[UUID]) -> None:
        """Find out which conversations are small, unless it is remembered."""
        now = self._now()
        unknown = [stream_id for stream_id in streams if self._small.get(stream_id, (now, False))[0] <= now]
        if not unknown:
            return
        small = await self._known.shared_in(unknown)
        for stream_id in unknown:
            self._small[stream_id] = (now + REMEMBER_FOR, stream_id in small)
            self._small.move_to_end(stream_id)
        while len(self._small) > max(MAX_REMEMBERED, len(unknown)):
            self._small.popitem(last=False)

    async def _run(self) -> None:
        outage = logs.Outage(_log, "telling presence has to wait for the database")
        while True:
            try:
                await pace(self.tick, TICK)
                outage.is_over()
            except Unavailable as error:
                outage.tell(error)
                await asyncio.sleep(RETRY_AFTER)
            except Exception:
                _log.exception("presence was not told")
                await asyncio.sleep(RETRY_AFTER)


async def _let_others_run(number: int) -> None:
    if number % PEOPLE_PER_TURN == 0:
        await asyncio.sleep(0)


def _notice(user_id: UUID, status: UserStatus, last_seen: datetime | None) -> bytes:
    return frame_text(encode("presence", {"user_id": user_id, "status": status, "last_seen": last_seen}))
