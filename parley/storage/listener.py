"""A connection of its own that listens to one channel of PostgreSQL for as long as the process lives."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import asyncpg

from parley import logs
from parley.storage.database import OUTAGES

Connect: TypeAlias = Callable[[], Awaitable["asyncpg.Connection[asyncpg.Record]"]]

# Seconds. A peer that is gone without a word is noticed after at most HEARTBEAT + ANSWER.
HEARTBEAT = 2.0
ANSWER = 2.0
RETRY = 0.5

_log = logs.logger("storage")


class Listener:
    """Calls `heard(payload)` for each notification, and `turned(listening)` when listening begins or ends.

    What is said while nobody listens is lost, so whoever relies on hearing must forget at each turn what it
    believes.
    """

    def __init__(
        self,
        connect: Connect,
        channel: str,
        *,
        heard: Callable[[str], None],
        turned: Callable[[bool], None],
    ) -> None:
        self._connect = connect
        self._channel = channel
        self._heard = heard
        self._turned = turned
        self._listening = False
        self._outage = logs.Outage(_log, "not listening to the database")
        self._task: asyncio.Task[None] | None = None
        self.started = asyncio.Event()

    def start(self) -> None:
        """Begin to listen. `started` is set when that has been achieved for the first time."""
        self._task = asyncio.create_task(self._run(), name=f"listen to {self._channel}")

    async def stop(self) -> None:
        """Stop listening; harmless when it never began."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except (*OUTAGES, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
                self._outage.tell(error, channel=self._channel)
            except Exception:
                # Of whoever is called, say: without this task nobody would hear anything any more.
                _log.exception("listening to the database failed", channel=self._channel)
            await asyncio.sleep(RETRY)

    async def _listen(self) -> None:
        async with asyncio.timeout(ANSWER):
            conn = await self._connect()
        lost = asyncio.Event()

        def on_loss(_conn: object) -> None:
            self._turn(False)
            lost.set()

        try:
            conn.add_termination_listener(on_loss)
            await conn.add_listener(self._channel, self._on_notification)
            self._turn(True)
            self._outage.is_over()
            self.started.set()
            while not lost.is_set():
                await self._heartbeat(conn, lost)
            raise ConnectionError("the connection was closed")
        finally:
            conn.terminate()
            self._turn(False)

    async def _heartbeat(self, conn: "asyncpg.Connection[asyncpg.Record]", lost: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(HEARTBEAT):
                await lost.wait()
        except TimeoutError:
            await conn.execute("SELECT", timeout=ANSWER)

    def _on_notification(self, _conn: object, _pid: int, _channel: str, payload: Any) -> None:
        self._heard(payload)

    def _turn(self, listening: bool) -> None:
        if listening != self._listening:
            self._listening = listening
            self._turned(listening)
