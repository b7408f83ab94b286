"""What all connections of a process use, and what they ask of the parts around them."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from generated.frames import CloseCode
from parley.errors import Unavailable
from parley.realtime.hub import Hub
from parley.realtime.notices import Reader
from parley.realtime.relay import Relay
from parley.services.events import Events
from parley.services.sessions import Sessions
from parley.services.users import Users
from parley.storage import feed
from parley.storage.database import Database
from parley.storage.events import LogState
from parley.storage.feed import Period
from parley.storage.questions import Questions

if TYPE_CHECKING:
    from parley.realtime.connection import Connection

# How many sockets read what they missed from the log at once, so that REST has connections too when all come back;
# and how many seconds one waits for its turn.
MAX_REPLAYS = 4
TURN_WITHIN = 60.0


class ClientFrames(Protocol):
    """Reads what clients say, as the document has it."""

    def read(self, text: str) -> tuple[str, dict[str, Any]]:
        """Return the type and the data of a frame. Raises Invalid with the field and the reason."""


class Actions(Protocol):
    """What clients can do on a socket beside listening."""

    def typing(self, connection: Reader, data: dict[str, Any]) -> None:
        """Somebody live types, or no longer."""

    def presence(self, connection: Reader, data: dict[str, Any]) -> None:
        """Somebody live says whether they are there."""

    def receipt(self, connection: Reader, data: dict[str, Any]) -> None:
        """Somebody received or read up to a message."""

    def received(self, connection: Reader, position: int) -> None:
        """Everything up to a position reached the client."""

    def joined(self, connection: Reader) -> None:
        """A connection is live."""

    def left(self, connection: Reader) -> None:
        """A live connection has ended."""


class Refused(Exception):
    """The user may not have this socket; `code` says why."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.meaning)
        self.code = code


class Admission(Protocol):
    """Keeps the list of connections, and decides about new ones."""

    @property
    def per_user(self) -> int:
        """How many sockets one user may have open at once."""

    def opened(self, connection: "Connection") -> None:
        """Note a socket, of nobody yet."""

    async def admit(self, connection: "Connection") -> None:
        """Note whose it is. Raises Refused."""

    def closed(self, connection: "Connection") -> None:
        """Forget it."""


class Shared:
    """One per process."""

    def __init__(
        self,
        database: Database,
        *,
        sessions: Sessions,
        events: Events,
        users: Users,
        hub: Hub,
        relay: Relay,
        frames: ClientFrames,
        actions: Actions,
        admission: Admission,
    ) -> None:
        self.database = database
        self.sessions = sessions
        self.events = events
        self.hub = hub
        self.relay = relay
        self.frames = frames
        self.actions = actions
        self.users = users
        self.admission = admission
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(MAX_REPLAYS)
        self.memberships: Questions[tuple[UUID, int | None], tuple[LogState, Sequence[Period]]] = Questions(
            database, lambda conn, wanted: feed.read_periods(conn, wanted)
        )

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Wait for a turn to read a page of the log. Raises Unavailable.

        Thousands who come back at once wait here. Were they to wait for connections, these would be refused to many
        of them, and to REST, after a few seconds.
        """
        try:
            async with asyncio.timeout(TURN_WITHIN):
                await self._turns.acquire()
        except TimeoutError:
            raise Unavailable from None
        try:
            yield
        finally:
            self._turns.release()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the sockets, and keep it until it is done."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Break off what is under way."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
