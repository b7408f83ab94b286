"""What came of deliveries, noted many at a time: results, lanes that are let go of, and how webhooks fare.

Nothing of it is lost while the database is away. What is noted twice counts once.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from parley import logs
from parley.errors import Unavailable
from parley.storage import deliveries
from parley.storage.database import Connection, Database
from parley.storage.deliveries import Claim, Health, Result
from parley.storage.log import Log
from parley.webhooks import schedule
from parley.webhooks.clock import Clock
from parley.webhooks.disabling import Reason, disable
from parley.webhooks.schedule import Pace

# Seconds until the database is asked again after a fault.
PAUSE_AFTER_FAULT = 0.5
# After so many faults of the database one after the other each result is noted alone, for the last time.
NOTE_TRIES = 5

_log = logs.logger("webhooks")


class Results:
    """What is still to be noted. `start()` and `stop()` frame the life of what notes it.

    `released` is called when lanes are free again.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        released: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._database = database
        self._log = log
        self._released = released
        self._clock = clock
        self._results: list[Result] = []
        # Lanes to let go of, and until when each is held.
        self._lanes: dict[UUID, datetime] = {}
        self._health: dict[UUID, Health] = {}
        self._to_disable: dict[UUID, Reason] = {}
        self._faults = 0
        self._came = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to note what comes."""
        self._task = asyncio.create_task(self._keep_noting(), name="webhook results")

    async def stop(self) -> None:
        """Note what there is, and end."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        try:
            await self.note()
        except Unavailable as error:
            _log.warning(
                "results of webhooks were not noted",
                number=len(self._results),
                reason=logs.reason_of(error),
            )

    def add(self, result: Result) -> None:
        """Take what came of a claim."""
        self._results.append(result)
        self._came.set()

    def unsent(self, claim: Claim) -> None:
        """Give a claim back, as if it had not been claimed."""
        self.add(Result(claim, "unsent", self._clock.now()))

    def release(self, webhook_id: UUID, until: datetime) -> None:
        """Let go of the lane of a webhook, which was held until then."""
        self._lanes[webhook_id] = until
        self._came.set()

    def recovered(self, claim: Claim, pace: Pace | None) -> None:
        """Take that a webhook has taken something, and its pace if that is a new one."""
        if pace is not None or claim.failing_since is not None or claim.webhook_id in self._health:
            self._health[claim.webhook_id] = _health(claim.webhook_id, True, None, pace)

    def failed(self, webhook_id: UUID, at: datetime, pace: Pace | None) -> None:
        """Take that a webhook has not, and its pace if that is a new one."""
        before = self._health.get(webhook_id, Health(webhook_id))
        if pace is None and before.pace is not None:
            pace = Pace(before.pace, before.resume_at)
        self._health[webhook_id] = _health(webhook_id, before.recovered, before.failed_at or at, pace)

    def gone(self, webhook_id: UUID) -> None:
        """Take that a webhook wants nothing any more."""
        self._to_disable[webhook_id] = "endpoint_gone"

    def will_disable(self, webhook_id: UUID) -> bool:
        """Tell whether a webhook is about to be disabled."""
        return webhook_id in self._to_disable

    async def note(self) -> None:
        """Note all there is, and disable webhooks that are gone or beyond hope. Raises Unavailable."""
        results, self._results = self._results, []
        lanes, self._lanes = self._lanes, {}
        health, self._health = self._health, {}
        try:
            async with self._database.read() as conn:
                if self._faults >= NOTE_TRIES - 1:
                    await self._note_each(conn, results)
                    results = []
                if results or lanes:
                    await deliveries.finish(conn, results, lanes, self._clock.at(), here=self._clock.now())
                    results = []
                if health:
                    failing = await deliveries.note_health(
                        conn, list(health.values()), self._clock.at(), here=self._clock.now()
                    )
                    for webhook_id, since in failing.items():
                        if schedule.is_hopeless(since, self._clock.now()):
                            self._to_disable.setdefault(webhook_id, "failures")
            for webhook_id, reason in list(self._to_disable.items()):
                await disable(self._log, webhook_id, reason)
                del self._to_disable[webhook_id]
        except BaseException as error:
            # All of it is tried again; what was noted after all is not noted twice.
            self._results = results + self._results
            if self._faults < NOTE_TRIES:
                self._lanes = lanes | self._lanes
                self._health = health | self._health
            if isinstance(error, Exception) and not isinstance(error, Unavailable):
                self._faults += 1
            raise
        self._faults = 0
        if lanes:
            self._released()

    async def _keep_noting(self) -> None:
        outage = logs.Outage(_log, "results of webhooks have to wait for the database")
        while True:
            await self._came.wait()
            # One turn of the loop lets every answer that is there join.
            await asyncio.sleep(0)
            self._came.clear()
            try:
                await self.note()
                outage.is_over()
            except Unavailable as error:
                outage.tell(error)
                self._came.set()
                await asyncio.sleep(PAUSE_AFTER_FAULT)
            except Exception:
                _log.exception("noting results of webhooks failed")
                self._came.set()
                await asyncio.sleep(PAUSE_AFTER_FAULT)

    async def _note_each(self, conn: Connection, results: Sequence[Result]) -> None:
        """Note one after the other; whatever cannot be noted is claimed again when its lease ends."""
        for result in results:
            try:
                await deliveries.finish(conn, [result], {}, self._clock.at(), here=self._clock.now())
            except Unavailable:
                raise
            except Exception:
                _log.exception(
                    "a result of a webhook cannot be noted",
                    webhook_id=str(result.claim.webhook_id),
                    delivery_id=str(result.claim.delivery_id),
                )


def _health(webhook_id: UUID, recovered: bool, failed_at: datetime | None, pace: Pace | None) -> Health:
    if pace is None:
        return Health(webhook_id, recovered, failed_at)
    return Health(webhook_id, recovered, failed_at, pace.seconds, pace.resume_at)
