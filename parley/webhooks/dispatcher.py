"""Reads the log for webhooks: what happened becomes deliveries, and the cursor moves, in one commit.

It costs those who send nothing but what it takes from the machine, and of that it takes little while they are many:
after each reading it rests for a multiple of the time that took, so what it does grows in size and not in number.
The lag that comes of it is shown, and worked off later.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from parley import logs, metrics
from parley.errors import Unavailable
from parley.storage import deliveries
from parley.storage.database import Database
from parley.storage.deliveries import Dispatched
from parley.storage.log import Log
from parley.webhooks.clock import Clock
from parley.webhooks.pressure import Pressure

# Seconds: how long what happens at once may gather, how often to look for what other processes appended, and how long
# to wait after a fault of the database.
GATHER_FOR = 0.02
LOOK_EVERY = 1.0
PAUSE_AFTER_FAULT = 0.5
# While sends are busy: how many times as long as a reading took to rest after it, where it found nothing for any
# webhook and where it did, and for how many seconds at most.
REST_AFTER_NOTHING = 30
REST_AFTER_SOME = 9
LONGEST_REST = 2.0
# Otherwise it rests after what was for nobody: so a few sends a second do not cost as many readings.
REST_WHILE_CALM = 9
LONGEST_CALM_REST = 0.05
# How many events one reading takes: as many as it can in about QUICK to SLOW seconds.
FEWEST, MOST = 100, 20_000
QUICK, SLOW = 0.03, 0.1
# Seconds of lag that are worth a line in the log, and those that are as good as none.
ALARM = 5.0
CAUGHT_UP = 1.0

_log = logs.logger("webhooks")


class Dispatcher:
    """One in each process, of which one at a time reads. `start()` and `stop()` frame its life.

    `dispatched` is called when there is something to deliver.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        pressure: Pressure,
        dispatched: Callable[[], None],
        *,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._database = database
        self._log = log
        self._pressure = pressure
        self._dispatched = dispatched
        self._clock = Clock(clock)
        self._most = FEWEST * 10
        self._alarmed = False
        self._task: asyncio.Task[None] | None = None
        self._behind_since: datetime | None = None
        # When the log was last read, by this process or, as far as is known, by another.
        self._read_at = self._clock.now()
        self.cursor: int | None = None

    async def start(self) -> None:
        """Begin to read where the last one stopped."""
        self._task = asyncio.create_task(self._run(), name="webhook dispatcher")
        metrics.watch(
            "parley_webhook_lag_events", "Events that were not yet read for webhooks.", self._lag_events
        )
        metrics.watch(
            "parley_webhook_lag_seconds",
            "Age of the oldest event that was not yet read for webhooks.",
            lambda: self.lag_seconds,
        )

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    @property
    def lag_seconds(self) -> float:
        """For how long the oldest event has been waiting that was not read.

        What came after the last reading may have come right after it.
        """
        since = self._behind_since
        if since is None and self._lag_events():
            since = self._read_at
        return 0.0 if since is None else max(0.0, (self._clock.now() - since).total_seconds())

    async def step(self) -> Dispatched | None:
        """Read once; None if somebody else is at it."""
        async with self._database.read() as conn:
            found = await deliveries.dispatch(conn, self._most, self._clock.at())
            elsewhere = None if found is not None else await deliveries.dispatched_to(conn)
        if elsewhere is not None and (self.cursor is None or elsewhere > self.cursor):
            self.cursor, self._behind_since = elsewhere, None
            self._read_at = self._clock.now()
        if found is not None:
            self._read_at = self._clock.now()
            self.cursor = found.cursor
            self._behind_since = found.behind_since
            metrics.webhooks.dispatched += found.made
            if found.made:
                self._dispatched()
        return found

    async def _run(self) -> None:
        outage = logs.Outage(_log, "reading the log for webhooks has to wait for the database")
        while True:
            moved = self._log.head.moved
            try:
                started = time.perf_counter()
                found = await self.step()
                took = time.perf_counter() - started
                outage.is_over()
                self.tell_lag()
                if found is None or found.cursor == found.head:
                    await _moved_or_timeout(moved)
                    await asyncio.sleep(GATHER_FOR)
                if found is not None:
                    self._adapt(found, took)
                    await asyncio.sleep(rest_after(found, took, self._pressure.busy))
            except Unavailable as error:
                outage.tell(error)
                # Perhaps it was too much to be read in the time that a statement has.
                self._most = max(FEWEST, self._most // 2)
                self.tell_lag()
                await asyncio.sleep(PAUSE_AFTER_FAULT)
            except Exception:
                _log.exception("the dispatcher of webhooks stumbled")
                self.tell_lag()
                await asyncio.sleep(PAUSE_AFTER_FAULT)

    def _adapt(self, found: Dispatched, took: float) -> None:
        if took > SLOW:
            self._most = max(FEWEST, self._most // 2)
        elif took < QUICK and found.seen == self._most:
            self._most = min(MOST, self._most * 2)

    def tell_lag(self) -> None:
        """Log that webhooks lag behind, and that they have caught up, once each."""
        lag = self.lag_seconds
        if lag > ALARM and not self._alarmed:
            self._alarmed = True
            _log.warning("webhooks lag behind", seconds=round(lag, 1), events=self._lag_events())
        elif lag < CAUGHT_UP and self._alarmed:
            self._alarmed = False
            _log.info("webhooks have caught up")

    def _lag_events(self) -> int:
        return 0 if self.cursor is None else max(0, self._log.head.position - self.cursor)


def rest_after(found: Dispatched, took: float, busy: bool) -> float:
    """Return for how many seconds to rest after a reading that took so many."""
    if busy:
        return min(took * (REST_AFTER_SOME if found.made else REST_AFTER_NOTHING), LONGEST_REST)
    return 0.0 if found.made or not found.seen else min(took * REST_WHILE_CALM, LONGEST_CALM_REST)


async def _moved_or_timeout(moved: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_EVERY):
            await moved.wait()
    except TimeoutError:
        # Another process may have appended.
        return
