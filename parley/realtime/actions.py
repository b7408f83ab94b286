"""What clients do on a socket beside listening: each kind of frame to whoever knows about it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from parley import logs
from parley.realtime.bus import Bus, Notice
from parley.realtime.hub import Hub
from parley.realtime.notices import Notices, Reader, pace
from parley.realtime.presence import Presence
from parley.realtime.receipts import Receipts
from parley.realtime.typing import Typing
from parley.realtime.window import LiveEvent
from parley.services import Services
from parley.services.presence import Presence as KnownPresence

# Seconds from one look at who types, and one writing of notices, to the next.
TICK = 0.2

_log = logs.logger("realtime")


class Actions:
    """One per process. `start()` and `stop()` frame the life of its clocks."""

    def __init__(
        self,
        hub: Hub,
        services: Services,
        presence: KnownPresence,
        bus: Bus,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bus = bus
        self.notices = Notices()
        self.typists = Typing(hub, self.notices, bus.notify, now)
        self.people = Presence(hub, presence, self.notices, bus.notify, now)
        self.receipts = Receipts(services.receipts)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self._unsubscribe = self._bus.subscribe(lambda _batch: None, self.heard)
        await self.people.start()
        await self.receipts.start()
        self._task = asyncio.create_task(self._run(), name="notices")

    async def stop(self) -> None:
        """Write the receipts that are left, and end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._unsubscribe()
        await self.people.stop()
        await self.receipts.stop()

    def typing(self, connection: Reader, data: dict[str, Any]) -> None:
        """Somebody live types, or no longer. Raises Invalid, and NotFound."""
        self.typists.say(connection, data)

    def presence(self, connection: Reader, data: dict[str, Any]) -> None:
        """Somebody live says whether they are to be seen."""
        self.people.say(connection, data)

    def receipt(self, connection: Reader, data: dict[str, Any]) -> None:
        """Somebody received or read up to a message; also while they catch up. Raises Unavailable."""
        self.receipts.mark(connection, data)

    def received(self, connection: Reader, position: int) -> None:
        """Everything up to a position reached the client."""
        self.receipts.received(connection, position)

    def told(self, events: Sequence[LiveEvent]) -> None:
        """Something happened, and was handed on."""
        self.typists.told(events)

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

    def heard(self, notice: Notice) -> None:
        """Some process, perhaps this one, noticed something; what only a newer version understands is nothing here."""
        if notice.kind == "typing":
            self.typists.heard(notice)
        elif notice.kind == "presence":
            self.people.heard(notice)

    async def _run(self) -> None:
        while True:
            try:
                await pace(self.tick, TICK)
            except Exception:
                _log.exception("notices were lost")
                await asyncio.sleep(TICK)
