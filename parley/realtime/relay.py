"""Follows the log: takes what this process itself wrote, reads the rest, and hands all of it to the hub, in order.

Whoever writes messages offers them, with their content, before the head is known to have moved; so after each
move either the offers reach up to the head, or something else was appended and is read from the log.
"""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from parley import cursors
from parley.cursors import Cursor
from parley.errors import Unavailable
from parley.events import EventKind
from parley.model import Message, User
from parley.realtime.frames import encode
from parley.realtime.hub import Hub
from parley.realtime.socket import frame_text
from parley.realtime.window import NOBODY, LiveEvent
from parley.services.events import data_of
from parley.services.messages import message_of
from parley.services.users import Users
from parley.storage import events, feed
from parley.storage.database import Database, Row
from parley.storage.log import Log
from parley.storage.send_queue import Written

# Seconds between looks at the log for what other processes appended, and after the database was away.
LOOK_EVERY = 1.0
RETRY_AFTER = 0.2
# How many events are read at once.
PAGE = 500

_log = structlog.get_logger(__name__)


class Relay:
    """One per process. `start()` and `stop()` frame its life."""

    def __init__(self, database: Database, log: Log, users: Users, hub: Hub) -> None:
        self._database = database
        self._log = log
        self._users = users
        self._hub = hub
        # By the position of the first; what is not taken soon is read from the log instead.
        self._offered: dict[int, Sequence[Message]] = {}
        self._task: asyncio.Task[None] | None = None
        self.epoch = b""

    async def start(self) -> None:
        """Begin at the end of the log."""
        async with self._database.read() as conn:
            state = await events.read_state(conn)
        self.epoch = cursors.epoch_of(state.epoch)
        self._hub.window.restart(state.head)
        self._log.head.advance(state.head)
        self._task = asyncio.create_task(self._run(), name="relay")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def offer(self, written: Written) -> None:
        """Take messages that were just committed, one after the other, from whoever knows their content."""
        self._offered[written[0][1].position] = [message_of(draft, sent) for draft, sent in written]

    def cursor(self, position: int) -> str:
        """Return the cursor of a position in the present log."""
        return Cursor(self.epoch, position).encode()

    async def _run(self) -> None:
        while True:
            moved = self._log.head.moved
            try:
                await self._catch_up()
                async with asyncio.timeout(LOOK_EVERY):
                    await moved.wait()
            except TimeoutError:
                await self._look()
            except Unavailable:
                await asyncio.sleep(RETRY_AFTER)
            except Exception:
                _log.exception("the relay stumbled")
                await asyncio.sleep(RETRY_AFTER)

    async def _look(self) -> None:
        """See what other processes appended, and whether it still is the same log."""
        try:
            async with self._database.read() as conn:
                state = await events.read_state(conn)
        except Unavailable:
            return
        epoch = cursors.epoch_of(state.epoch)
        if epoch != self.epoch or state.head < self._hub.position:
            # Positions mean other events now: everybody comes back and is told so.
            self.epoch = epoch
            self._offered.clear()
            for connection in self._hub.restart(state.head):
                connection.log_was_reset()
        self._log.head.advance(state.head)

    async def _catch_up(self) -> None:
        while True:
            self._publish_offered()
            end = self._log.head.position
            if end <= self._hub.position:
                return
            async with self._database.read() as conn:
                rows = await feed.read(conn, self._hub.position, end, PAGE)
            if not rows:
                return
            people = await self._people(rows)
            self._hub.publish([self._event(row, people) for row in rows])

    def _publish_offered(self) -> None:
        """Publish the offers that follow; forget those that were read from the log meanwhile."""
        while (messages := self._offered.pop(self._hub.position + 1, None)) is not None:
            self._hub.publish([self._message(message) for message in messages])
        for position in [position for position in self._offered if position <= self._hub.position]:
            del self._offered[position]

    def _message(self, message: Message) -> LiveEvent:
        frame = encode(EventKind.MESSAGE, message, self.cursor(message.position), message.seq)
        return LiveEvent(message.position, message.conversation_id, frame_text(frame))

    async def _people(self, rows: Sequence[Row]) -> Mapping[UUID, User]:
        changed = {row["subject_id"] for row in rows if row["kind"] == EventKind.USER_UPDATED}
        return await self._users.by_ids(list(changed)) if changed else {}

    def _event(self, row: Row, people: Mapping[UUID, User]) -> LiveEvent:
        position: int = row["event_position"]
        kind = EventKind(row["kind"])
        frame = frame_text(encode(kind, data_of(row, people), self.cursor(position), row["event_seq"]))
        stream_id, subject_id = row["stream_id"], row["subject_id"]
        match kind:
            case EventKind.USER_UPDATED:
                return LiveEvent(
                    position, stream_id, frame, audience=frozenset([stream_id, *row["companions"]])
                )
            case EventKind.MEMBER_REMOVED if stream_id == subject_id:
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
