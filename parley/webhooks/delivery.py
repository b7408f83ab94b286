"""All that delivers webhooks in one process: the dispatcher, the workers, the sender, and what is measured of them."""

import asyncio
from datetime import UTC, datetime

from parley import logs, metrics
from parley.errors import Unavailable
from parley.services.egress import Egress
from parley.services.users import Users
from parley.storage import deliveries
from parley.storage.database import Database
from parley.storage.deliveries import Waiting
from parley.storage.log import Log
from parley.webhooks.dispatcher import Dispatcher
from parley.webhooks.options import DeliveryOptions
from parley.webhooks.payloads import Payloads
from parley.webhooks.pressure import Pressure
from parley.webhooks.sender import Observe, Sender
from parley.webhooks.workers import Workers

# Seconds between looks at how long the queue is.
MEASURE_EVERY = 15.0

_log = logs.logger("webhooks")


class Delivery:
    """`start()` and `stop()` frame its life. `pressure` is to hear of each commit of messages."""

    def __init__(
        self,
        database: Database,
        log: Log,
        users: Users,
        egress: Egress,
        options: DeliveryOptions,
        *,
        observe: Observe | None = None,
    ) -> None:
        self.pressure = Pressure()
        self._database = database
        self._sender = Sender(egress, observe=observe)
        self._workers = Workers(
            database, log, Payloads(database, users), self._sender, self.pressure, options
        )
        self._dispatcher = Dispatcher(database, log, self.pressure, self._workers.wake)
        self._waiting = Waiting(0, None)
        self._measuring: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to deliver."""
        await self._sender.start()
        await self._workers.start()
        await self._dispatcher.start()
        self._measuring = asyncio.create_task(self._keep_measuring(), name="webhook queue")
        metrics.watch(
            "parley_webhook_queue",
            f"Deliveries that wait, a retry included, counted up to {deliveries.COUNT_LIMIT}.",
            lambda: self._waiting.number,
        )
        metrics.watch(
            "parley_webhook_queue_age_seconds", "Age of the oldest delivery that waits.", self._oldest_age
        )

    async def stop(self) -> None:
        """End: what is under way gets a moment, the rest stays in the queue."""
        if self._measuring is not None:
            self._measuring.cancel()
            await asyncio.wait([self._measuring])
        await self._dispatcher.stop()
        await self._workers.stop()
        await self._sender.stop()

    def wake(self) -> None:
        """Look at the queue now: somebody has put something into it."""
        self._workers.wake()

    async def _keep_measuring(self) -> None:
        while True:
            try:
                async with self._database.read() as conn:
                    self._waiting = await deliveries.waiting(conn)
            except Unavailable:
                # The number of a moment ago stays; that the database is away others tell.
                pass
            except Exception:
                _log.exception("the queue of webhooks could not be measured")
            await asyncio.sleep(MEASURE_EVERY)

    def _oldest_age(self) -> float:
        if self._waiting.oldest is None:
            return 0.0
        return max(0.0, (datetime.now(UTC) - self._waiting.oldest).total_seconds())
