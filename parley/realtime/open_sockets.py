"""Which sockets are open in this process, whether one more may be, and when all or some of them have to go."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from uuid import UUID

from generated.frames import LIMITS, CloseCode
from parley import logs
from parley.realtime.connection import Connection
from parley.realtime.shared import Refused

# Seconds over which the sockets of a server that ends are sent away, so that they do not all come back at once.
DRAIN_FOR = 3.0
# After so many connections have looked at the clock the loop does something else.
TICKS_PER_TURN = 1000

_log = logs.logger("realtime")


class OpenSockets:
    """All connections of a process. `start()` and `stop()` frame the life of its clock.

    `count` counts a connection of a user against the bucket `ws`, and says whether it is within; `per_user` is how
    many one user may have open at once.
    """

    def __init__(
        self,
        count: Callable[[UUID], Awaitable[bool]],
        now: Callable[[], float],
        per_user: int = LIMITS.sockets_per_user,
    ) -> None:
        self.per_user = per_user
        self._count = count
        self._now = now
        self._open: set[Connection] = set()
        self._of_user: dict[UUID, set[Connection]] = {}
        self._task: asyncio.Task[None] | None = None
        self._ticks = 0

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, connection: Connection) -> None:
        """Note a socket, of nobody yet."""
        self._open.add(connection)

    async def admit(self, connection: Connection) -> None:
        """Note whose socket it is. Raises Refused where the user has or makes too many."""
        if not await self._count(connection.user_id):
            raise Refused(CloseCode.TOO_MANY_CONNECTIONS)
        if len(self._of_user.get(connection.user_id, ())) >= self.per_user:
            raise Refused(CloseCode.TOO_MANY_SOCKETS)
        # It may have been closed while it was counted.
        if connection in self._open:
            self._of_user.setdefault(connection.user_id, set()).add(connection)

    def closed(self, connection: Connection) -> None:
        """Forget a socket."""
        self._open.discard(connection)
        user_id: UUID | None = getattr(connection, "user_id", None)
        if user_id is not None and user_id in self._of_user:
            mine = self._of_user[user_id]
            mine.discard(connection)
            if not mine:
                del self._of_user[user_id]

    def end_sessions(self, session_ids: Collection[UUID]) -> None:
        """Cut the sockets of sessions that have ended."""
        for connection in self._recognised():
            if connection.session_id in session_ids:
                connection.close(CloseCode.SESSION_REVOKED)

    def sessions(self) -> set[UUID]:
        """Return the sessions that have a socket."""
        return {connection.session_id for connection in self._recognised()}

    def tick(self) -> None:
        """Let every connection look at the clock; once a second."""
        for _ in self._second():
            pass

    def _second(self) -> Iterator[None]:
        """Let every connection look at the clock, some of them between two of these steps."""
        self._ticks += 1
        now = self._now()
        new_minute = self._ticks % 60 == 0
        for number, connection in enumerate(list(self._open), start=1):
            connection.tick(now)
            if new_minute:
                connection.new_minute()
            if number % TICKS_PER_TURN == 0:
                yield

    async def drain(self) -> None:
        """Send everybody away, a few at a time."""
        connections = list(self._open)
        pause = DRAIN_FOR / max(1, len(connections))
        for number, connection in enumerate(connections):
            connection.close(CloseCode.GOING_AWAY)
            if number * pause % 0.05 < pause:
                await asyncio.sleep(0.05)

    async def start(self) -> None:
        """Begin to tick."""
        self._task = asyncio.create_task(self._run(), name="open-sockets")

    async def stop(self) -> None:
        """Stop ticking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _recognised(self) -> Iterator[Connection]:
        for connections in list(self._of_user.values()):
            yield from list(connections)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(1)
            try:
                for _ in self._second():
                    # What is live goes out meanwhile.
                    await asyncio.sleep(0)
            except Exception:
                _log.exception("a second was not kept")
