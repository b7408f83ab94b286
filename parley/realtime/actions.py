"""What clients do on a socket beside listening: each kind of frame to whoever knows about it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog

from parley.errors import Unavailable
from parley.realtime.hub import Hub
from parley.realtime.notices import Notices, Reader, pace
from parley.realtime.presence import Presence
from parley.realtime.receipts import Receipts
from parley.realtime.typing import Typing
from parley.services import Services
from parley.services.presence import Presence as KnownPresence

# Seconds from one look at who types, and one writing of notices, to the next.
TICK = 0.2

_log = structlog.get_logger(__name__)


class Actions:
    """One per process. `start()` and `stop()` frame the life of its clocks."""

    def __init__(
        self,
        hub: Hub,
        services: Services,
        presence: KnownPresence,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self.notices = Notices()
        self.typists = Typing(hub, self.notices, now)
        self.people = Presence(hub, presence, self.notices, now)
        self.receipts = Receipts(services.receipts)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        await self.people.start()
        await self.receipts.start()
        self._task = asyncio.create_task(self._run(), name="notices")

    async def stop(self) -> None:
        """Write the receipts that are left, and end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self.people.stop()
        await self.receipts.stop()

    def typing(self, connection: Reader, data: dict[str, Any]) -> None:
        """Somebody types, or no longer. Raises Invalid, NotFound, and Unavailable before the connection is live."""
        self._check_live(connection)
        self.typists.say(connection, data)

    def presence(self, connection: Reader, data: dict[str, Any]) -> None:
        """Somebody says whether they are to be seen. Raises Unavailable before the connection is live."""
        self._check_live(connection)
        self.people.say(connection, data)

    def receipt(self, connection: Reader, data: dict[str, Any]) -> None:
        """Somebody received or read up to a message; also while they catch up. Raises Unavailable."""
        if not _is_recognised(connection):
            raise _too_early()
        self.receipts.mark(connection, data)

    def received(self, connection: Reader, position: int) -> None:
        """Everything up to a position reached the client."""
        self.receipts.received(connection, position)

    def joined(self, connection: Reader) -> None:
        """A connection is live."""
        self.people.joined(connection)

    def left(self, connection: Reader) -> None:
        """A live connection has ended, and the hub has forgotten it."""
        self.typists.left(connection)
        self.people.left(connection)

    async def tick(self) -> None:
        """Tell who types, and write what notices there are."""
        self.typists.tick()
        await self.notices.flush()

    def _check_live(self, connection: Reader) -> None:
        live = _is_recognised(connection) and connection in self._hub.connections_of(connection.user_id)
        if not live:
            raise _too_early()

    async def _run(self) -> None:
        while True:
            try:
                await pace(self.tick, TICK)
            except Exception:
                _log.exception("notices were lost")
                await asyncio.sleep(TICK)


def _is_recognised(connection: Reader) -> bool:
    """Tell whether the token was judged; before that a connection is nobody's."""
    return getattr(connection, "user_id", None) is not None


def _too_early() -> Unavailable:
    return Unavailable("The socket is still catching up: say it again")
