"""Who is online: whoever has an open socket, or made an authenticated request within the last minute.

| what happens | then |
|---|---|
| a request, or a first socket that shows its user | online, and seen now |
| the last such socket closes | offline at once; a later request makes online again |
| all open sockets of a user say that they are not to be seen | offline, and requests do not count |

Seeing somebody costs two entries in memory; a task writes them to the database every few seconds, so that other
processes, and this one when it starts again, know of it too. There two times tell everything: when somebody was
seen last, and when they left. Both only grow, so processes need not agree on who writes first.

Where several processes serve one database, sockets are counted over all of them (`parley.services.places`), and what
changes a status is written within a second.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

from parley import logs
from parley.errors import Unavailable
from parley.model import SMALL_CONVERSATION, Caller, UserStatus
from parley.services.places import Places
from parley.storage import places, presence, sessions
from parley.storage.database import Database
from parley.storage.places import Companion, State

ONLINE_FOR = timedelta(seconds=60)
# Seconds from one writing to the next; and where others wait to know, from one look at what is urgent to the next, and
# from one look at what they wrote.
FLUSH_EVERY = 10.0
URGENT_EVERY = 0.5
LOOK_AROUND_EVERY = 1.0
# For so long somebody whose last socket here was closed may have another one elsewhere, which is not written yet.
LEAVING_FOR = timedelta(seconds=1)
# How old the time may be at which somebody with an open socket was seen: well below ONLINE_FOR for other processes.
REFRESH_AFTER = timedelta(seconds=25)
# How often open sockets are looked through, and how many rows one statement writes.
LOOK_EVERY = timedelta(seconds=5)
ROWS_AT_ONCE = 500

_log = logs.logger("services")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Presence:
    """Notes who was seen and tells who is online. `alone` says that no other process can serve this database."""

    def __init__(
        self, database: Database, now: Callable[[], datetime] = _utc_now, *, alone: bool = True
    ) -> None:
        self._database = database
        self._now = now
        self._places = Places(database, self._here)
        self._alone = alone
        # Hear of whom other processes show or hide, or do no more.
        self.watchers: list[Callable[[Collection[UUID]], None]] = []
        self._is_urgent = False
        # What this process saw and other ones may not know yet, or not from the table.
        self._seen: dict[UUID, datetime] = {}
        self._left: dict[UUID, datetime] = {}
        self._leaving: dict[UUID, datetime] = {}
        self._used: dict[UUID, datetime] = {}
        self._unwritten: set[UUID] = set()
        # Who has sockets here that show them, and whose sockets all hide them.
        self._shown: set[UUID] = set()
        self._hidden: set[UUID] = set()
        self._looked_at = now()
        self._flushing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many users are kept in memory."""
        return len(self._seen)

    async def start(self) -> None:
        """Begin to write what was seen. Where others are there, it is known who is at theirs."""
        if not self._alone:
            await self._look_around()
        self._task = asyncio.create_task(self._keep_flushing(), name="flush presence")

    async def stop(self) -> None:
        """Write what is left, if the database is there, and end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._left |= self._leaving
        self._unwritten |= self._leaving.keys()
        try:
            await self.flush()
            if not self._alone:
                await self._places.leave()
        except Unavailable as error:
            _log.warning("the last presence is lost", reason=logs.reason_of(error))
        except Exception:
            # Whatever it was, what else there is to stop is stopped.
            _log.exception("the last presence is lost")

    def seen(self, caller: Caller) -> None:
        """Note that this caller did something now."""
        now = self._now()
        self._used[caller.session_id] = now
        if caller.user_id not in self._hidden and not self._places.hides(caller.user_id):
            if self._places.are_shared and self.of(caller.user_id)[0] == "offline":
                self._is_urgent = True
            self._seen[caller.user_id] = now
        self._unwritten.add(caller.user_id)

    # ---- what sockets tell

    def shown(self, user_id: UUID) -> None:
        """Note that a user has open sockets, of which one at least shows them."""
        self._hidden.discard(user_id)
        self._leaving.pop(user_id, None)
        self._shown.add(user_id)
        self._note(user_id)
        self._moves(user_id, "shown")

    def hidden(self, user_id: UUID) -> None:
        """Note that a user has open sockets, none of which shows them."""
        self._hidden.add(user_id)
        self._leave(user_id)
        self._moves(user_id, "hidden")

    def closed(self, user_id: UUID) -> None:
        """Note that a user has no open socket any more."""
        self._hidden.discard(user_id)
        self._leave(user_id)
        self._moves(user_id, "gone")

    def _moves(self, user_id: UUID, state: State) -> None:
        self._places.changed(user_id, state)
        self._is_urgent = True

    def _here(self) -> Mapping[UUID, State]:
        return {**dict.fromkeys(self._hidden, "hidden"), **dict.fromkeys(self._shown, "shown")}

    def _leave(self, user_id: UUID) -> None:
        if user_id in self._shown:
            self._shown.discard(user_id)
            self._note(user_id)
            left = self._leaving if self._places.are_shared else self._left
            left[user_id] = self._seen[user_id]

    def _note(self, user_id: UUID) -> None:
        self._seen[user_id] = self._now()
        self._unwritten.add(user_id)

    # ---- who is online

    def online_since(self) -> datetime:
        """Return the moment after which one must have been seen in order to be online now."""
        return self._now() - ONLINE_FOR

    def of(
        self, user_id: UUID, seen: datetime | None = None, left: datetime | None = None
    ) -> tuple[UserStatus, datetime | None]:
        """Return a user's status and when they were last seen, by this process or by the one that stored it.

        `seen` and `left` are what is stored.
        """
        seen = _later(seen, self._seen.get(user_id))
        if user_id in self._shown or user_id in self._leaving or user_id in self._places.shown:
            return "online", seen
        left = _later(left, self._left.get(user_id))
        is_there = seen is not None and seen > self.online_since() and (left is None or seen > left)
        return "online" if is_there else "offline", seen

    async def shared_in(self, conversation_ids: Sequence[UUID]) -> set[UUID]:
        """Return those of some conversations whose members see each other's presence. Raises Unavailable."""
        small: set[UUID] = set()
        for some in _parts(conversation_ids):
            async with self._database.read() as conn:
                small |= await presence.small_conversations(conn, some, SMALL_CONVERSATION)
        return small

    # ---- the other processes

    def is_leaving(self, user_id: UUID) -> bool:
        """Tell whether it is not known yet if somebody who left is somewhere else."""
        return user_id in self._leaving

    @property
    def shown_elsewhere(self) -> Collection[UUID]:
        """Whom other processes show."""
        return self._places.shown

    async def companions_elsewhere(self, user_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Companion]]:
        """Return for each of some people whom they share a conversation with, and other processes show.

        Raises Unavailable.
        """
        async with self._database.read() as conn:
            return await places.shown_elsewhere(conn, self._places.node_id, user_ids)

    async def conversations_of(self, user_ids: Collection[UUID]) -> Sequence[Companion]:
        """Return the conversations of some people, who need not be connected here. Raises Unavailable."""
        async with self._database.read() as conn:
            return await places.conversations_of(conn, user_ids)

    async def _look_around(self) -> None:
        began = self._now()
        moved = await self._places.look()
        for user_id, left in list(self._leaving.items()):
            if began - left >= LEAVING_FOR:
                del self._leaving[user_id]
                self._left[user_id] = left
                self._unwritten.add(user_id)
                self._is_urgent = True
        for tell in self.watchers:
            tell(moved)

    def last_used(self, session_id: UUID, stored: datetime) -> datetime:
        """Return when a session was last used, through this process or as `stored`."""
        return max(self._used.get(session_id, stored), stored)

    # ---- what is written

    async def flush(self) -> None:
        """Write what was seen since the last time. Raises Unavailable, and then keeps it for the next."""
        async with self._flushing:
            self._is_urgent = False
            self._see_open_sockets()
            # First: whether somebody has left is judged by where else they are.
            await self._places.write()
            unwritten, self._unwritten = self._unwritten, set()
            used, self._used = self._used, {}
            try:
                await self._write(unwritten, used)
            except BaseException:
                self._unwritten |= unwritten
                self._used = used | self._used
                raise
            self._forget_idle()

    def _see_open_sockets(self) -> None:
        """A socket that stays open for hours is a sign of life without a request."""
        now = self._now()
        if abs(now - self._looked_at) < LOOK_EVERY:
            return
        self._looked_at = now
        for user_id in self._shown:
            if now - self._seen[user_id] > REFRESH_AFTER:
                self._note(user_id)

    async def _write(self, unwritten: Iterable[UUID], used: dict[UUID, datetime]) -> None:
        # Short statements and not one transaction: no lock is held while another is waited for.
        for some in _parts(unwritten):
            seen = {user_id: self._seen[user_id] for user_id in some if user_id in self._seen}
            async with self._database.read() as conn:
                await presence.write(conn, seen, self._left, self._places.node_id)
        for some in _parts(used):
            async with self._database.read() as conn:
                await sessions.write_use(conn, {session_id: used[session_id] for session_id in some})

    def _forget_idle(self) -> None:
        """Drop whom the table knows as well and who is offline by now."""
        since = self.online_since()
        for user_id in [user_id for user_id, at in self._seen.items() if at <= since]:
            if user_id not in self._unwritten and user_id not in self._shown:
                del self._seen[user_id]
                self._left.pop(user_id, None)

    async def _keep_flushing(self) -> None:
        clock = asyncio.get_running_loop().time
        flushed_at = looked_at = clock()
        outage = logs.Outage(_log, "presence is not written for now")
        while True:
            await asyncio.sleep(FLUSH_EVERY if self._alone else URGENT_EVERY)
            now = clock()
            try:
                if not self._alone and now - looked_at >= LOOK_AROUND_EVERY:
                    looked_at = now
                    await self._look_around()
                if now - flushed_at >= FLUSH_EVERY or (self._is_urgent and self._places.are_shared):
                    if now - flushed_at >= FLUSH_EVERY and not self._alone:
                        await self._places.tidy()
                    flushed_at = now
                    await self.flush()
                    outage.is_over()
            except Unavailable as error:
                outage.tell(error)
            except Exception:
                # A deadlock, say. What was not written is kept, and nobody else would write it.
                _log.exception("presence could not be written")


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)


def _parts(ids: Iterable[UUID]) -> Iterable[list[UUID]]:
    remaining = iter(ids)
    while some := list(islice(remaining, ROWS_AT_ONCE)):
        yield some
