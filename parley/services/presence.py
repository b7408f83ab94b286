"""Who is online: whoever made an authenticated request within the last minute.

Seeing somebody costs two entries in memory; a task writes them to the database every few seconds, so that
other processes, and this one when it starts again, know of it too.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from parley.errors import Unavailable
from parley.model import Caller, UserStatus
from parley.storage import presence, sessions
from parley.storage.database import Database

ONLINE_FOR = timedelta(seconds=60)
FLUSH_EVERY = 10.0

_log = structlog.get_logger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Presence:
    """Notes who was seen and tells who is online."""

    def __init__(self, database: Database, now: Callable[[], datetime] = _utc_now) -> None:
        self._database = database
        self._now = now
        # What this process saw and other ones may not know yet, or not from the table.
        self._seen: dict[UUID, datetime] = {}
        self._used: dict[UUID, datetime] = {}
        self._unwritten: set[UUID] = set()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many users are kept in memory."""
        return len(self._seen)

    async def start(self) -> None:
        """Begin to write what was seen."""
        self._task = asyncio.create_task(self._keep_flushing(), name="flush presence")

    async def stop(self) -> None:
        """Write what is left, if the database is there, and end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        try:
            await self.flush()
        except Unavailable as error:
            _log.warning("the last presence is lost", reason=str(error.__cause__))

    def seen(self, caller: Caller) -> None:
        """Note that this caller did something now."""
        now = self._now()
        self._seen[caller.user_id] = now
        self._used[caller.session_id] = now
        self._unwritten.add(caller.user_id)

    def online_since(self) -> datetime:
        """Return the moment after which one must have been seen in order to be online now."""
        return self._now() - ONLINE_FOR

    def last_seen(self, user_id: UUID, stored: datetime | None) -> datetime | None:
        """Return when a user was last seen, by this process or by the one that `stored` it."""
        here = self._seen.get(user_id)
        if here is None or stored is None:
            return here or stored
        return max(here, stored)

    def last_used(self, session_id: UUID, stored: datetime) -> datetime:
        """Return when a session was last used, through this process or as `stored`."""
        return max(self._used.get(session_id, stored), stored)

    def status(self, last_seen: datetime | None) -> UserStatus:
        """Return the status of a user who was last seen then."""
        return "online" if last_seen is not None and last_seen > self.online_since() else "offline"

    async def flush(self) -> None:
        """Write what was seen since the last time. Raises Unavailable, and then keeps it for the next."""
        unwritten, self._unwritten = self._unwritten, set()
        used, self._used = self._used, {}
        seen = {user_id: self._seen[user_id] for user_id in unwritten}
        try:
            if seen:
                await self._write(seen, used)
        except BaseException:
            self._unwritten |= unwritten
            self._used = used | self._used
            raise
        self._forget_idle()

    async def _write(self, seen: dict[UUID, datetime], used: dict[UUID, datetime]) -> None:
        # Two statements and not one transaction: no lock is held while another is waited for.
        async with self._database.read() as conn:
            await presence.write(conn, seen)
            await sessions.write_use(conn, used)

    def _forget_idle(self) -> None:
        """Drop whom the table knows as well and who is offline by now."""
        since = self.online_since()
        for user_id in [user_id for user_id, at in self._seen.items() if at <= since]:
            if user_id not in self._unwritten:
                del self._seen[user_id]

    async def _keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            try:
                await self.flush()
            except Unavailable as error:
                _log.warning("presence is not written for now", reason=str(error.__cause__))
