"""The socket's edge of one process: what it consists of, how it begins and ends, and who gets a socket."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from math import ceil
from uuid import UUID

from generated.frames import LIMITS
from parley import metrics
from parley.errors import MAX_RETRY_AFTER, ParleyError, RateLimited, Unavailable
from parley.realtime.actions import Actions
from parley.realtime.bus import Bus, InProcessBus
from parley.realtime.connection import Connection
from parley.realtime.hub import Hub
from parley.realtime.open_sockets import OpenSockets
from parley.realtime.relay import Relay
from parley.realtime.shared import ClientFrames, Shared
from parley.realtime.socket import Listener, Refusal, Request
from parley.realtime.window import Window
from parley.services import Services
from parley.services.presence import Presence
from parley.settings import Rate
from parley.storage.database import Database
from parley.storage.log import Log

PATH = "/ws"
# How often one address may connect, unless it is set; and how many addresses are counted at most.
HANDSHAKES = Rate(LIMITS.handshakes_per_minute, 60)
MAX_ADDRESSES = 10_000
# Seconds after which it is asked again which sessions have ended.
ASK_AGAIN_AFTER = 1.0


class Realtime:
    """Sockets and all that feeds them.

    `allowed` says of an `Origin` and a `Host` whether pages from there may connect; `count` counts a connection of a
    user against the bucket `ws` and says whether it is within; `handshakes` is how often one address may try (None:
    as often as it likes); `sockets_per_user` is how many a user may have open (None: as many as the document says);
    `bus` joins the processes of one database, where there are many; `now` is Unix time in seconds.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        services: Services,
        presence: Presence,
        frames: ClientFrames,
        *,
        allowed: Callable[[str, str | None], bool],
        count: Callable[[UUID], Awaitable[bool]],
        handshakes: Rate | None = HANDSHAKES,
        sockets_per_user: int | None = None,
        bus: Bus | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.hub = Hub(Window(0))
        self._bus = InProcessBus() if bus is None else bus
        self.relay = Relay(database, log, services.users, self.hub, self._bus)
        self.sockets = OpenSockets(count, now, sockets_per_user or LIMITS.sockets_per_user)
        self.actions = Actions(self.hub, services, presence, self._bus, now)
        self.relay.told = self.actions.told
        self._services = services
        self._allowed = allowed
        self._handshakes = Handshakes(handshakes, now)
        self._shared = Shared(
            database,
            sessions=services.sessions,
            events=services.events,
            users=services.users,
            hub=self.hub,
            relay=self.relay,
            frames=frames,
            actions=self.actions,
            admission=self.sockets,
        )
        self._stack = AsyncExitStack()
        self._draining = False

    async def start(self) -> None:
        """Begin to follow the log."""
        async with AsyncExitStack() as stack:
            for part in (self._bus, self.relay, self.actions, self.sockets):
                await part.start()
                stack.push_async_callback(part.stop)
            stack.push_async_callback(self._shared.stop)
            metrics.watch("parley_sockets", "Sockets that are open.", lambda: len(self.sockets))
            self._services.sessions.watchers.append(self._sessions_ended)
            stack.callback(self._services.sessions.watchers.remove, self._sessions_ended)
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """End; whoever is still connected is cut off by the server."""
        await self._stack.aclose()

    async def drain(self) -> None:
        """Take nobody in any more, and send everybody away, spread over some seconds."""
        self._draining = True
        await self.sockets.drain()

    def endpoint(self, request: Request) -> Listener:
        """Decide about a handshake. What concerns the token or the user is said by a close code later."""
        if request.path != PATH:
            raise Refusal(404, "not_found", "There is nothing here; sockets are at /ws")
        origin = request.headers.get("origin")
        if origin is not None and not self._allowed(origin, request.headers.get("host")):
            raise Refusal(403, "forbidden", "Pages of this origin may not connect")
        if self._draining:
            raise _later(503, Unavailable("The server is shutting down"))
        if not self._handshakes.within(request.address):
            raise _later(429, RateLimited(self._handshakes.retry_after()))
        return Connection(self._shared)

    def _sessions_ended(self, session_ids: Collection[UUID] | None) -> None:
        if session_ids is not None:
            self.sockets.end_sessions(session_ids)
        else:
            self._shared.run(self._ask_for_ended())

    async def _ask_for_ended(self) -> None:
        """Find out which sessions ended while nobody could tell."""
        try:
            ended = await self._services.sessions.ended(self.sockets.sessions())
        except Unavailable:
            # Where the listener is away too it will ask again; here the pool may just have been busy.
            await asyncio.sleep(ASK_AGAIN_AFTER)
            self._shared.run(self._ask_for_ended())
            return
        self.sockets.end_sessions(ended)


class Handshakes:
    """Counts handshakes of each address, roughly: by fixed windows. Without a rate it does not."""

    def __init__(self, rate: Rate | None, now: Callable[[], float]) -> None:
        self._rate = rate
        self._now = now
        self._window = 0
        self._counts: dict[str, int] = {}

    def within(self, address: str) -> bool:
        """Count one, and say whether it is within the limit."""
        if self._rate is None:
            return True
        window = int(self._now() // self._rate.window_seconds)
        if window != self._window or len(self._counts) > MAX_ADDRESSES:
            self._window, self._counts = window, {}
        count = self._counts[address] = self._counts.get(address, 0) + 1
        return count <= self._rate.limit

    def retry_after(self) -> int:
        """Return in how many whole seconds the window ends, in which an address was counted."""
        assert self._rate is not None
        end = (self._window + 1) * self._rate.window_seconds
        return min(max(1, ceil(end - self._now())), MAX_RETRY_AFTER)


def _later(status: int, error: ParleyError) -> Refusal:
    """Refuse a handshake that may be repeated in a while, as REST says so."""
    retry_after = str(error.details["retry_after"])
    return Refusal(status, error.code, error.message, {"Retry-After": retry_after}, error.details)
