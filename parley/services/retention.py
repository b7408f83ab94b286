"""What goes in time, in the background: old messages of groups that want it, deleted groups, old events.

Every step is small and can be repeated; a server that dies in the middle goes on where it was. Of many processes
on one database one at a time does the work.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from parley import logs
from parley.errors import Unavailable
from parley.storage import deliveries, idempotency, retention, sessions
from parley.storage.database import Connection, Database

# Seconds between rounds. Each also makes room in the log for two million events, far more than fit in between.
ROUND_EVERY = 20.0
# For so much longer events are kept that a webhook has still to be told of, and had no time for: a delivery that fails
# is tried for 33 hours at most, and for 70 where its receiver asks for all the patience that there is.
PATIENCE_FOR_WEBHOOKS = timedelta(days=3)
# How many rows one statement removes.
STEP = 500

_log = logs.logger("services")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Retention:
    """Removes what is no longer to be kept. `start()` and `stop()` frame its life."""

    def __init__(
        self, database: Database, *, keep_events: timedelta, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._database = database
        self._keep_events = keep_events
        self._now = now
        self._task: asyncio.Task[None] | None = None
        # How many old events the last round had to leave, because they were not read for webhooks yet.
        self.held_back = 0

    async def start(self) -> None:
        """Begin with the rounds."""
        self._task = asyncio.create_task(self._keep_going(), name="retention")

    async def stop(self) -> None:
        """End, in the middle of a round if need be."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def round(self) -> None:
        """Do once all there is to do, unless another process is at it; room in the log is made by each."""
        async with self._database.read() as conn:
            await retention.extend_log(conn)
            if not await retention.take_turn(conn):
                return
            try:
                await self._work(conn)
            finally:
                await retention.end_turn(conn)

    async def _work(self, conn: Connection) -> None:
        now = self._now()
        for conversation_id, keep_since in await retention.groups_to_purge(conn, now):
            await _repeat(partial(retention.purge_messages, conn, conversation_id, keep_since, now))
        # Events go last: what is purged can still be told as a tombstone by those that remain.
        oldest = await self._trim(conn, now - self._keep_events)
        await _repeat(partial(retention.forget_purged, conn, oldest))
        await retention.forget_deleted_groups(conn, oldest)
        await _repeat(partial(deliveries.give_up_disabled, conn))
        await _forget_deliveries(conn, now - self._keep_events)
        await _repeat(partial(idempotency.delete_expired, conn))
        await _repeat(partial(sessions.delete_expired, conn))
        await _repeat(partial(sessions.forget_rotations, conn))
        # Dropping waits for whoever still reads the partition, a long dump perhaps; all else is done by then.
        for name, state in await retention.trimmed_partitions(conn):
            await retention.drop_partition(conn, name, state)

    async def _trim(self, conn: Connection, oldest: datetime) -> datetime:
        """Trim the log and return the time of the first event that it still has, or of the first that it could have."""
        trimmed = await retention.trim_log(conn, oldest, oldest - PATIENCE_FOR_WEBHOOKS)
        self.held_back = trimmed.wanted - trimmed.to
        if self.held_back:
            _log.error(
                "old events are kept because they were not read for webhooks yet", events=self.held_back
            )
        return min(oldest, trimmed.begins_at or oldest)

    async def _keep_going(self) -> None:
        while True:
            try:
                await self.round()
            except Unavailable as error:
                _log.warning("retention has to wait for the database", reason=logs.reason_of(error))
            except Exception:
                _log.exception("a round of retention failed")
            await asyncio.sleep(ROUND_EVERY)


async def _forget_deliveries(conn: Connection, before: datetime) -> None:
    lost = 0

    async def step(limit: int) -> int:
        nonlocal lost
        forgotten = await deliveries.forget(conn, before, limit)
        lost += forgotten.waiting
        return forgotten.number

    await _repeat(step)
    if lost:
        _log.warning("webhooks were not told in time of events that the log no longer has", number=lost)


async def _repeat(step: Callable[[int], Awaitable[int]]) -> None:
    """Repeat a bounded step until it found less than it may do at once."""
    removed = STEP
    while removed == STEP:
        removed = await step(STEP)
