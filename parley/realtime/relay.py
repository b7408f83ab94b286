"""Follows the log: takes what comes by the bus, reads the rest, and hands all of it to the hub, in order.

Whoever writes messages offers them, with their content, before the head is known to have moved. So after each move
either the batches reach up to the head, or there is a hole. One that this process made itself, by appending what it
does not offer, is read from the log at once; another writer's batch may be on its way where the bus reaches other
processes, and is waited for a moment (`Bus.patience`).
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from parley import cursors, logs, metrics
from parley.cursors import Cursor
from parley.errors import Unavailable
from parley.events import EventKind, kind_of
from parley.model import Message, User
from parley.realtime.bus import Batch, Bus
from parley.realtime.frames import encode
from parley.realtime.hub import Hub
from parley.realtime.socket import frame_text
from parley.realtime.window import NOBODY, LiveEvent
from parley.services.events import data_of
from parley.services.messages import message_of
from parley.services.users import Users
from parley.storage import events, feed
from parley.storage.database import Database, Row
from parley.storage.events import LogState
from parley.storage.log import Log
from parley.storage.messages import message_of_row
from parley.storage.send_queue import Written

# Seconds between looks at the log for what other processes appended, and after the database was away.
LOOK_EVERY = 1.0
RETRY_AFTER = 0.2
# How many batches wait at most for those before them; what has no room is read from the log.
MAX_BATCHES = 1000
# How many events are read at once; and how many of before this process began, for all those who come back to it.
PAGE = 500
REMEMBERED = 20_000
REMEMBERED_PAGE = 200
# For how many seconds the window holds anything: messages are kept for a day at least, and one that is purged must not
# be in memory any more. How often it is noted how far the log had got.
REMEMBER_FOR = 3600.0
MARK_EVERY = 60.0

_log = logs.logger("realtime")


class Relay:
    """One per process. `start()` and `stop()` frame its life."""

    def __init__(
        self, database: Database, log: Log, users: Users, hub: Hub, bus: Bus, *, patience: float | None = None
    ) -> None:
        self._database = database
        self._log = log
        self._users = users
        self._hub = hub
        self._bus = bus
        self._patience = bus.patience if patience is None else patience
        # Hears of what was handed on to the hub.
        self.told: Callable[[Sequence[LiveEvent]], None] = _nothing_more
        # By the position of the first event; what does not follow in time is read from the log instead.
        self._batches: dict[int, Batch] = {}
        self._came = asyncio.Event()
        self._look_at = 0.0
        self._marks: deque[tuple[float, int]] = deque()
        # How often something was deleted or purged here; how often by anybody, which is known in the log up to where
        # the messages of batches may be gone already.
        self._deletions = 0
        self._purges = 0
        self._purged_to = 0
        self._blanked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.epoch = b""

    async def start(self) -> None:
        """Begin at the end of the log."""
        async with self._database.read() as conn:
            state = await events.read_state(conn)
        self._purges = state.purges
        self.epoch = cursors.epoch_of(state.epoch)
        self._hub.window.restart(state.head)
        self._log.head.advance(state.head)
        self._unsubscribe = self._bus.subscribe(self._take, lambda notice: None)
        self._task = asyncio.create_task(self._run(), name="relay")
        self._remembering = asyncio.create_task(self._remember(state.trimmed_to), name="relay-remembering")

    async def stop(self) -> None:
        """End."""
        task, self._task = self._task, None
        if task is not None:
            self._unsubscribe()
            task.cancel()
            self._remembering.cancel()
            await asyncio.wait([task, self._remembering])

    def offer(self, written: Written) -> None:
        """Tell everybody of messages that were just committed, one after the other, by whoever knows their content."""
        events = [self._message(message_of(draft, sent)) for draft, sent in written]
        self._bus.publish(Batch(self.epoch, events[0].position, events[-1].position, events, time.time()))

    def is_level(self, state: LogState) -> bool:
        """Tell whether all of a state of the log was handed on, and what was purged by then is not in memory either."""
        return self._hub.position >= state.head and self._purges >= state.purges

    async def levelled(self, state: LogState) -> None:
        """Return when that is so."""
        await self._hub.reached(state.head)
        while not self.is_level(state):
            # Whoever knows of a purge does not wait for the next look at the log.
            self._look_at = 0.0
            self._log.head.wake()
            await self._blanked.wait()

    def cursor(self, position: int) -> str:
        """Return the cursor of a position in the present log."""
        return Cursor(self.epoch, position).encode()

    def _take(self, batch: Batch) -> None:
        """Keep a batch until all that is before it was handed on."""
        if batch.epoch != self.epoch or batch.last <= self._hub.position or len(self._batches) >= MAX_BATCHES:
            return
        if batch.first > self._purged_to:
            self._batches[batch.first] = batch
            self._came.set()
        self._log.head.advance(batch.last)

    async def _run(self) -> None:
        outage = logs.Outage(_log, "the relay has to wait for the database")
        while True:
            moved = self._log.head.moved
            try:
                await self._look()
                await self._catch_up()
                outage.is_over()
                async with asyncio.timeout_at(self._look_at):
                    await moved.wait()
            except TimeoutError:
                continue
            except Unavailable as error:
                outage.tell(error)
                await asyncio.sleep(RETRY_AFTER)
            except Exception:
                _log.exception("the relay stumbled")
                await asyncio.sleep(RETRY_AFTER)

    async def _remember(self, trimmed_to: int) -> None:
        """Read back what was appended before this process began, the newest first, as far as the window has room."""
        try:
            for _ in range(0, REMEMBERED, REMEMBERED_PAGE):
                if not await self._remember_page(trimmed_to):
                    return
        except Unavailable as error:
            _log.info(
                "what was before could not be read back: whoever missed it reads the log",
                reason=logs.reason_of(error),
            )
        except Exception:
            _log.exception("what was before could not be read back")

    async def _remember_page(self, trimmed_to: int) -> bool:
        """Put a page before the window, and return whether there may be more."""
        window, resets, deletions = self._hub.window, self._hub.resets, self._deletions
        end = window.start
        start = max(trimmed_to, end - REMEMBERED_PAGE)
        if start >= end:
            return False
        async with self._database.read() as conn:
            rows = await feed.read(conn, start, end, REMEMBERED_PAGE)
        # Of what was edited after `since`, this is not the content as it was then.
        edited = [row["event_position"] for row in rows if (row["edited_position"] or 0) > window.since]
        kept = [row for row in rows if row["event_position"] > max(edited, default=0)]
        young = time.time() - REMEMBER_FOR
        kept = [row for row in kept if row["appended_at"].timestamp() > young]
        people = await self._people(kept)
        if deletions != self._deletions:
            # It may have been one of these, which are as they were before: read them again.
            return True
        if not kept or resets != self._hub.resets or window.start != end:
            return False
        first: int = kept[0]["event_position"]
        fits = window.prepend([self._event(row, people) for row in kept], first - 1)
        # Where a page does not begin at its start, what was before was edited, or trimmed meanwhile.
        return fits and first == start + 1

    async def _look(self) -> None:
        """See now and then what other processes appended, and whether it still is the same log."""
        now = asyncio.get_running_loop().time()
        if now < self._look_at:
            return
        self._forget_old(now)
        async with self._database.read() as conn:
            state = await events.read_state(conn)
        self._look_at = now + LOOK_EVERY
        epoch = cursors.epoch_of(state.epoch)
        # Nothing is handed on meanwhile but by this very task, so the hub cannot have overtaken what was read.
        if epoch != self.epoch or state.head < self._hub.position:
            # Positions mean other events now: everybody comes back and is told so.
            self.epoch = epoch
            self._batches.clear()
            self._marks.clear()
            self._purged_to = 0
            self._log.head.set_back(state.head)
            for connection in self._hub.restart(state.head):
                connection.log_was_reset()
        if state.purges != self._purges:
            await self._blank_purged(state.head)
            self._purges = state.purges
            looked, self._blanked = self._blanked, asyncio.Event()
            looked.set()
        self._log.head.advance(state.head)

    async def _blank_purged(self, head: int) -> None:
        """Let what was purged be told as the log tells it, from memory too.

        What is read from the log after this has none of it, and batches of before are not believed. The relay hands
        on nothing meanwhile; what is being read back is read again.
        """
        self._deletions += 1
        self._purged_to = head
        self._batches = {first: batch for first, batch in self._batches.items() if first > head}
        window = self._hub.window
        async with self._database.read() as conn:
            ends = await feed.purged_to(conn, window.streams())
            gone = [
                event for stream_id, end in ends.items() for event in window.telling_until(stream_id, end)
            ]
            for first in range(0, len(gone), PAGE):
                page = {event.position: event for event in gone[first : first + PAGE]}
                for row in await feed.read_again(conn, list(page)):
                    window.retell(page[row["event_position"]], self._event(row, {}).frame)

    async def _catch_up(self) -> None:
        while True:
            self._publish_batches()
            end = self._log.head.position
            if end <= self._hub.position:
                return
            if self._log.head.untold <= self._hub.position and await self._is_filled():
                continue
            async with self._database.read() as conn:
                rows = await feed.read(conn, self._hub.position, end, PAGE)
            if not rows:
                return
            people = await self._people(rows)
            self._hand_on([self._event(row, people) for row in rows])
            for row in rows:
                if row["kind"] == EventKind.MESSAGE_DELETED:
                    self._blank(message_of_row(row))
            # By the clock of the database, which is when they were appended.
            metrics.sockets.wrote(time.time() - rows[0]["appended_at"].timestamp())

    async def _is_filled(self) -> bool:
        """Wait a moment for the batch that follows, and tell whether it came."""
        follows = self._hub.position + 1
        try:
            async with asyncio.timeout(self._patience):
                while follows not in self._batches:
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            return False
        return True

    def _publish_batches(self) -> None:
        """Publish the batches that follow, and the rest of one whose beginning was read from the log meanwhile."""
        for first in sorted(self._batches):
            position = self._hub.position
            if first > position + 1:
                return
            batch = self._batches.pop(first)
            rest = [event for event in batch.events if event.position > position]
            if rest:
                self._hand_on(rest)
                metrics.sockets.wrote(time.time() - batch.committed_at)

    def _forget_old(self, now: float) -> None:
        if not self._marks or now - self._marks[-1][0] >= MARK_EVERY:
            self._marks.append((now, self._hub.position))
        while now - self._marks[0][0] > REMEMBER_FOR:
            self._hub.window.forget(self._marks.popleft()[1])

    def _blank(self, tombstone: Message) -> None:
        """Let whoever missed a message that was deleted be told its tombstone, wherever it is told of."""
        self._deletions += 1
        window = self._hub.window
        for event in window.telling_of(tombstone.conversation_id, tombstone.position):
            kind = EventKind.MESSAGE if event.position == tombstone.position else EventKind.MESSAGE_UPDATED
            window.retell(event, self._bare(kind, tombstone, event.position))

    def _hand_on(self, events: Sequence[LiveEvent]) -> None:
        self._hub.publish(events)
        self.told(events)

    def _message(self, message: Message) -> LiveEvent:
        frame = encode(EventKind.MESSAGE, message, self.cursor(message.position), message.seq)
        return LiveEvent(
            message.position, message.conversation_id, frame_text(frame), author=message.sender_id
        )

    async def _people(self, rows: Sequence[Row]) -> Mapping[UUID, User]:
        changed = {row["subject_id"] for row in rows if row["kind"] == EventKind.USER_UPDATED}
        return await self._users.by_ids(list(changed)) if changed else {}

    def _event(self, row: Row, people: Mapping[UUID, User]) -> LiveEvent:
        position: int = row["event_position"]
        kind = kind_of(row["kind"])
        stream_id, subject_id = row["stream_id"], row["subject_id"]
        if kind is None:
            # The log moves on all the same.
            return LiveEvent(position, stream_id, b"", audience=NOBODY)
        frame = frame_text(encode(kind, data_of(row, people), self.cursor(position), row["event_seq"]))
        match kind:
            case EventKind.MESSAGE | EventKind.MESSAGE_UPDATED:
                return self._telling(row, kind, frame)
            case EventKind.USER_UPDATED:
                return LiveEvent(
                    position, stream_id, frame, audience=frozenset([stream_id, *row["companions"]])
                )
            case EventKind.MEMBER_REMOVED if stream_id == subject_id:
                return LiveEvent(position, stream_id, frame, audience=frozenset([stream_id]))
            case EventKind.WEBHOOK_DISABLED:
                return LiveEvent(position, stream_id, frame, audience=frozenset([stream_id]))
            case EventKind.CONVERSATION_CREATED:
                return LiveEvent(position, stream_id, frame, joins=frozenset(row["joined"]))
            case EventKind.MEMBER_ADDED:
                return LiveEvent(position, stream_id, frame, joins=frozenset([subject_id]))
            case EventKind.MEMBER_REMOVED:
                return LiveEvent(position, stream_id, frame, leaves=frozenset([subject_id]))
            case EventKind.GROUP_DELETED:
                return LiveEvent(position, stream_id, frame, joins=NOBODY, ends=True)
        return LiveEvent(position, stream_id, frame)

    def _telling(self, row: Row, kind: EventKind, frame: bytes) -> LiveEvent:
        """Return an event of a message. Whoever left before its last edit is told what the log tells them: no more
        than that there was something."""
        position: int = row["event_position"]
        event = LiveEvent(position, row["stream_id"], frame)
        if kind == EventKind.MESSAGE:
            event.author = row["actor_id"]
        else:
            event.of = row["position"]
        event.is_blank = row["deleted_at"] is not None
        if row["withheld"]:
            event.withheld = frozenset(row["withheld"])
            event.bare = self._bare(kind, _without_content(message_of_row(row)), position)
        return event

    def _bare(self, kind: EventKind, tombstone: Message, position: int) -> bytes:
        return frame_text(encode(kind, tombstone, self.cursor(position), tombstone.seq))


def _without_content(message: Message) -> Message:
    """Return a message as somebody sees it who left before it was edited: as it was sent, and without content."""
    return replace(
        message,
        content=None,
        metadata=None,
        status="sent",
        edited_at=None,
        deleted_at=message.deleted_at or message.edited_at,
    )


def _nothing_more(_events: Sequence[LiveEvent]) -> None:
    """Leave it at what the hub does."""
