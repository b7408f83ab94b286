"""What clients say, or let see, that they received and read, on its way to the log.

It is collected for a moment, so that one commit moves many watermarks. Since they never move back, whatever was
interrupted is simply done again.
"""

import asyncio
from collections import OrderedDict
from itertools import islice
from typing import Any
from uuid import UUID

from parley import logs
from parley.errors import NotFound, Unavailable
from parley.realtime.hub import Subscriber
from parley.realtime.notices import Reader, refusal
from parley.services.receipts import Mark
from parley.services.receipts import Receipts as ReceiptsService

# Seconds for which receipts are collected, and to wait when the database is away.
FLUSH_EVERY = 0.15
RETRY_AFTER = 1.0
# How many marks wait at the most; more are refused.
MAX_WAITING = 20_000
# What one flush takes: little enough for messages not to wait for it.
MARKS_PER_FLUSH = 500
USERS_PER_FLUSH = 100
# Of how many users it is remembered how far they have received.
MAX_REMEMBERED = 100_000

_log = logs.logger("realtime")


class Receipts:
    """One per process. `start()` and `stop()` frame its life."""

    def __init__(self, receipts: ReceiptsService) -> None:
        self._receipts = receipts
        self._marks: dict[Mark, set[Reader]] = {}
        self._positions: dict[UUID, int] = {}
        self._received: OrderedDict[UUID, int] = OrderedDict()
        self._something = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many marks and positions wait to be written."""
        return len(self._marks) + len(self._positions)

    async def start(self) -> None:
        """Begin to write what is collected."""
        self._task = asyncio.create_task(self._run(), name="receipts")

    async def stop(self) -> None:
        """Write what is left, if the database is there, and end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        try:
            while len(self):
                await self.flush()
        except Unavailable as error:
            _log.warning("the last receipts are lost", number=len(self), reason=logs.reason_of(error))
        except Exception:
            # Whatever it was, what else there is to stop is stopped.
            _log.exception("the last receipts are lost", number=len(self))

    def mark(self, connection: Reader, data: dict[str, Any]) -> None:
        """Do soon what a frame says. Raises Unavailable where too many wait already."""
        mark = Mark(
            connection.user_id,
            UUID(data["conversation_id"]),
            UUID(data["message_id"]),
            read=data["kind"] == "read",
        )
        if mark not in self._marks and len(self._marks) >= MAX_WAITING:
            raise Unavailable("Receipts cannot be stored at the moment")
        self._marks.setdefault(mark, set()).add(connection)
        self._something.set()

    def received(self, connection: Subscriber, position: int) -> None:
        """Note soon that everything up to a position has reached one of a user's clients."""
        user_id = connection.user_id
        known = max(self._received.get(user_id, 0), self._positions.get(user_id, 0))
        if position > known:
            self._positions[user_id] = position
            self._something.set()

    async def flush(self) -> None:
        """Write some of what was collected. Raises Unavailable, and keeps it then."""
        if self._marks:
            await self._flush_marks()
        if self._positions:
            await self._flush_positions()
        if not len(self):
            self._something.clear()

    async def _flush_marks(self) -> None:
        taken = {mark: self._marks.pop(mark) for mark in list(islice(self._marks, MARKS_PER_FLUSH))}
        try:
            refused = await self._receipts.mark(list(taken))
        except (Unavailable, asyncio.CancelledError):
            for mark, connections in taken.items():
                self._marks.setdefault(mark, set()).update(connections)
            raise
        for mark in refused:
            for connection in taken[mark]:
                connection.socket.write(refusal(NotFound("message"), "receipt"))

    async def _flush_positions(self) -> None:
        users = list(islice(self._positions, USERS_PER_FLUSH))
        taken = {user_id: self._positions.pop(user_id) for user_id in users}
        try:
            unfinished = await self._receipts.received(taken)
        except (Unavailable, asyncio.CancelledError):
            self._put_back(taken)
            raise
        self._put_back({user_id: taken[user_id] for user_id in unfinished})
        for user_id in taken.keys() - unfinished:
            self._received[user_id] = taken[user_id]
            self._received.move_to_end(user_id)
        while len(self._received) > MAX_REMEMBERED:
            self._received.popitem(last=False)

    def _put_back(self, positions: dict[UUID, int]) -> None:
        for user_id, position in positions.items():
            self._positions[user_id] = max(position, self._positions.get(user_id, 0))

    async def _run(self) -> None:
        outage = logs.Outage(_log, "receipts have to wait for the database")
        while True:
            await self._something.wait()
            await asyncio.sleep(FLUSH_EVERY)
            try:
                await self.flush()
                outage.is_over()
            except Unavailable as error:
                outage.tell(error)
                await asyncio.sleep(RETRY_AFTER)
            except Exception:
                _log.exception("receipts were lost")
                await asyncio.sleep(RETRY_AFTER)
