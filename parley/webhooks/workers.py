"""Delivers what is due: claims it, and sends what it is about by then.

Claims and contents go through the database many at a time, as do results (`results.py`); each endpoint is sent what it
can take, so that a slow or dead one holds up nobody but itself. How much is claimed `room.py` says, and whether a
request may begin `places.py`.

Whoever has a claim begins to send only while its lease lasts longer than a request can. If the process is frozen all
the same, another one takes the delivery over, and the results of the first are not noted.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from parley import logs, metrics
from parley.errors import Unavailable
from parley.storage import deliveries
from parley.storage.database import Database
from parley.storage.deliveries import Claim, Destination, Result, State
from parley.storage.log import Log
from parley.webhooks import schedule
from parley.webhooks.clock import Clock
from parley.webhooks.endpoints import MOMENT, Allowance, Endpoint, Job
from parley.webhooks.letters import Letters, Reads
from parley.webhooks.options import DeliveryOptions
from parley.webhooks.payloads import Payload
from parley.webhooks.places import Places
from parley.webhooks.pressure import Pressure
from parley.webhooks.results import PAUSE_AFTER_FAULT, Results
from parley.webhooks.room import room_for
from parley.webhooks.schedule import Dice, Pace
from parley.webhooks.sender import TIMEOUT_SECONDS, Outcome, Renew, Withdrawn, Written
from parley.webhooks.signing import signed

# A claim lasts for its time in stock and that of a request, and a little more.
LEASE = timedelta(seconds=25)
MARGIN = 2.0
# Seconds between looks at the queue. While somebody has had what its rate allows the next look comes a little sooner
# than what gathers meanwhile would be gone.
LOOK_EVERY = 1.0
LOOK_AT_RATES_EVERY = MOMENT * 0.8
# Seconds between looks at what is under way for too long.
JUDGE_EVERY = 0.25
# While people who send wait for each other: how many deliveries for each message, and how many in a second at least.
DELIVERIES_PER_MESSAGE = 0.05
LEAST_RATE = 50.0
# Seconds that requests under way are given when the process ends.
STOP_SECONDS = 2.0
# Where looking for everything that is due takes longer than so many seconds each time, it is done for a part of the
# time only. A webhook that is new here waits for it, so never longer than this.
SLOW_LOOK = 0.25
PART = 0.05
LONGEST_BLIND = 5.0
# After so many seconds without a delivery an endpoint is new again.
FORGET_AFTER = 60.0

OUR_FAULT = Outcome(None, "an error of the server's own", 0)

_log = logs.logger("webhooks")


class Sends(Protocol):
    """Sends one request and says what came of it."""

    async def send(
        self, url: str, body: bytes, headers: Mapping[str, str], renew: Renew | None = None
    ) -> Outcome:
        """Raise nothing for the receiver's sake, and end in TIMEOUT_SECONDS. Raises Withdrawn for `renew`'s."""


class Workers:
    """The workers of one process. `start()` and `stop()` frame their life."""

    def __init__(
        self,
        database: Database,
        log: Log,
        payloads: Reads,
        sender: Sends,
        pressure: Pressure,
        options: DeliveryOptions,
        *,
        lease: timedelta = LEASE,
        clock: Callable[[], datetime] | None = None,
        ticks: Callable[[], float] = time.monotonic,
        dice: Dice = random.random,
    ) -> None:
        self._database = database
        self._letters = Letters(database, payloads, lambda: self._places.running)
        self._sender = sender
        self._pressure = pressure
        self._options = options
        self._places = Places(options.concurrency)
        # Lanes that are free can be claimed again.
        self._clock = Clock(clock)
        self.results = Results(database, log, self.wake, self._clock)
        # Whether leases of the process before this one may be there, which need not be waited for.
        self._ends_leases = options.alone
        self._lease = lease
        self._ticks = ticks
        self._dice = dice
        self._endpoints: dict[UUID, Endpoint] = {}
        # Endpoints with something in stock that wait for a place.
        self._waiting: deque[Endpoint] = deque()
        self._look_for_everything_at = 0.0
        self._last_look = 0.0
        self._stopping = False
        self._due = asyncio.Event()
        self._requests: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to deliver."""
        await self.results.start()
        self._tasks = [
            asyncio.create_task(self._keep_claiming(), name="webhook claims"),
            asyncio.create_task(self._keep_judging(), name="webhook requests"),
        ]

    async def stop(self) -> None:
        """End: requests under way get a moment, the rest is given back, and what is known is noted."""
        if not self._tasks:
            return
        claiming, judging = self._tasks
        self._stopping = True
        judging.cancel()
        await asyncio.wait([judging])
        # Not cut in the middle if it can be helped: what it has just claimed would be nobody's for a while.
        self._due.set()
        await asyncio.wait([claiming], timeout=STOP_SECONDS)
        claiming.cancel()
        await asyncio.wait([claiming])
        for endpoint in self._endpoints.values():
            self._give_back(endpoint)
        if self._requests:
            await asyncio.wait(self._requests, timeout=STOP_SECONDS)
        for request in self._requests:
            request.cancel()
        await self.idle()
        await self._letters.stop()
        for endpoint in self._endpoints.values():
            if endpoint.lane_until is not None:
                self.results.release(endpoint.webhook_id, endpoint.lane_until)
        await self.results.stop()

    async def idle(self) -> None:
        """Wait until no request is under way."""
        while self._requests:
            await asyncio.wait(self._requests)

    def wake(self) -> None:
        """Look at the queue now: there is something due."""
        self._due.set()

    # What is due is claimed.

    async def _keep_claiming(self) -> None:
        outage = logs.Outage(_log, "claiming deliveries has to wait for the database")
        while not self._stopping:
            self._due.clear()
            try:
                await self._end_leases()
                claimed = await self.claim()
                outage.is_over()
            except Unavailable as error:
                outage.tell(error)
                await asyncio.sleep(PAUSE_AFTER_FAULT)
                continue
            except Exception:
                _log.exception("claiming deliveries failed")
                await asyncio.sleep(PAUSE_AFTER_FAULT)
                continue
            if claimed and self._pressure.busy:
                rate = max(LEAST_RATE, self._pressure.rate * DELIVERIES_PER_MESSAGE)
                await asyncio.sleep(claimed / rate)
                continue
            try:
                async with asyncio.timeout(LOOK_AT_RATES_EVERY if self._is_at_a_rate() else LOOK_EVERY):
                    await self._due.wait()
            except TimeoutError:
                # What is due now may have become so with time, or by another process.
                continue

    def _is_at_a_rate(self) -> bool:
        """Tell whether somebody may get more as soon as its rate allows it."""
        return bool(self._options.rate) and any(endpoint.has_more for endpoint in self._endpoints.values())

    async def _end_leases(self) -> None:
        if self._ends_leases:
            async with self._database.read() as conn:
                await deliveries.end_leases(conn)
            self._ends_leases = False

    async def claim(self) -> int:
        """Claim once what is due and there is room for, begin to send it, and return how much that is."""
        now = self._ticks()
        self._forget(now)
        room = room_for(
            self._endpoints.values(),
            self._places,
            now,
            is_busy=self._pressure.busy,
            everything=now >= self._look_for_everything_at,
        )
        if room.well <= 0 and room.others <= 0:
            return 0
        async with self._database.read() as conn:
            claims = await deliveries.claim(conn, self._lease, room, self._clock.at())
        if room.everything:
            took, before = self._ticks() - now, self._last_look
            self._last_look = took
            self._look_for_everything_at = self._ticks() + pause_between_looks(before, took)
        found: dict[UUID, int] = {}
        for claim in claims:
            found[claim.webhook_id] = found.get(claim.webhook_id, 0) + 1
        for webhook_id, known in room.known.items():
            if known.room and webhook_id not in found:
                self._endpoints[webhook_id].has_more = False
        if not claims:
            return 0
        begin_before = now + self._lease.total_seconds() - TIMEOUT_SECONDS - MARGIN
        for claim in claims:
            endpoint = self._endpoint(claim)
            endpoint.claimed(claim)
            endpoint.stock.append(Job(claim, begin_before))
        # Where there was no room for all of them together, each may have more.
        cut_off = len(claims) >= min(room.well, room.others)
        for webhook_id, number in found.items():
            endpoint = self._endpoints[webhook_id]
            wanted = room.known.get(webhook_id)
            endpoint.has_more = cut_off or number >= (1 if wanted is None else wanted.room)
            endpoint.used_at = now
            self._send_on(endpoint)
        return len(claims)

    def _forget(self, now: float) -> None:
        """Forget endpoints that were not used for long."""
        for webhook_id, endpoint in list(self._endpoints.items()):
            if not endpoint.held and endpoint.lane_until is None and now - endpoint.used_at > FORGET_AFTER:
                del self._endpoints[webhook_id]

    def _endpoint(self, claim: Claim) -> Endpoint:
        endpoint = self._endpoints.get(claim.webhook_id)
        if endpoint is None:
            endpoint = self._endpoints[claim.webhook_id] = Endpoint(
                claim.webhook_id, claim.user_id, self._options.per_endpoint, Allowance(self._options.rate)
            )
            endpoint.allowance.number(self._ticks())
            # Another process, or this one before it forgot, may have waited in vain.
            endpoint.silent = claim.failing_since is not None
        endpoint.ordered = claim.ordered
        endpoint.gone = self.results.will_disable(claim.webhook_id)
        endpoint.lane_until = claim.lane_until
        if claim.pace != endpoint.pace.seconds:
            # Another process has learnt something about it.
            endpoint.pace = Pace(claim.pace)
        return endpoint

    # What is claimed is sent.

    def _send_on(self, endpoint: Endpoint) -> None:
        """Begin as many requests as the endpoint may have and there are places for."""
        for _ in range(min(endpoint.width - endpoint.running, len(endpoint.stock))):
            if not self._places.has_one_for(endpoint):
                if endpoint not in self._waiting:
                    self._waiting.append(endpoint)
                return
            unwell = self._places.take(endpoint)
            request = asyncio.create_task(self._drain(endpoint, unwell), name="webhook request")
            self._requests.add(request)
            request.add_done_callback(self._requests.discard)

    async def _keep_judging(self) -> None:
        while True:
            await asyncio.sleep(JUDGE_EVERY)
            self.judge()

    def judge(self) -> None:
        """Let nobody be well whose requests take too long now, and give back what is in stock for them."""
        now = self._ticks()
        for endpoint in self._endpoints.values():
            if endpoint.running and endpoint.judge(now):
                self._give_back(endpoint)

    async def _drain(self, endpoint: Endpoint, unwell: bool) -> None:
        """Send what is in stock, one after the other, until there is nothing left or somebody else's turn.

        Whether the endpoint was `unwell` when this began tells what place it has.
        """
        try:
            while endpoint.stock and endpoint.running <= endpoint.width:
                job = endpoint.stock.popleft()
                try:
                    await self._deliver(endpoint, job)
                except asyncio.CancelledError:
                    self.results.unsent(job.claim)
                    raise
                except Exception:
                    _log.exception("a delivery stumbled", delivery_id=str(job.claim.delivery_id))
                    self._failed(endpoint, job.claim, OUR_FAULT)
                if endpoint.has_more and endpoint.room(self._ticks()) >= endpoint.held:
                    self._due.set()
                if self._waiting and unwell != endpoint.well:
                    # It is of another kind now, and has to find another place.
                    break
                if self._waiting and not self._places.has_one_for(endpoint):
                    # Somebody may wait for just this one.
                    break
        finally:
            self._places.leave(endpoint, unwell)
            if not endpoint.held and endpoint.lane_until is not None:
                self.results.release(endpoint.webhook_id, endpoint.lane_until)
                endpoint.lane_until = None
            self._next_turns(endpoint)

    def _next_turns(self, last: Endpoint) -> None:
        """Give the place that is free to those who wait for one, and then to whoever had it."""
        waiting, self._waiting = self._waiting, deque()
        for endpoint in waiting:
            self._send_on(endpoint)
        self._send_on(last)

    async def _deliver(self, endpoint: Endpoint, job: Job) -> None:
        claim = job.claim
        halts = endpoint.halts
        try:
            letter = await self._letters.read(claim)
        except Unavailable:
            # Those who claim say so.
            self._unsent(endpoint, claim)
            return
        destination = letter.destination
        if endpoint.halts != halts:
            self.results.unsent(claim)
            return
        if destination is None or endpoint.gone or (destination.ordered and not claim.ordered):
            # It is deleted, disabled, or to be told in order from now on.
            self._unsent(endpoint, claim)
            return
        if letter.broken:
            self._failed(endpoint, claim, OUR_FAULT)
            return
        if letter.payload is None:
            self.results.add(
                Result(claim, "failed", self._clock.now(), error="The log no longer has this event")
            )
            return
        if self._ticks() >= job.begin_before:
            self._unsent(endpoint, claim)
            return
        at, started = datetime.now(UTC), self._clock.now()
        body, headers = _written(claim, letter.payload, destination, at)
        began = self._ticks()
        endpoint.began[claim.delivery_id] = began
        try:
            outcome = await self._sender.send(
                destination.url, body, headers, lambda: self._written_anew(claim, destination.url)
            )
        except Withdrawn:
            self._unsent(endpoint, claim)
            return
        finally:
            now = self._ticks()
            del endpoint.began[claim.delivery_id]
            endpoint.judge(now)
        verdict = schedule.verdict(outcome.status)
        metrics.webhooks.attempted("no_answer" if outcome.status is None else verdict, now - began)
        if outcome.status is not None:
            endpoint.answered(now - began)
        else:
            endpoint.kept_silent(now)
            self._give_back(endpoint)
        if verdict == "succeeded":
            self._succeeded(endpoint, claim, outcome, started)
            return
        if verdict == "slow_down" and began >= endpoint.paced_at:
            # What was under way when it was slowed down says nothing new.
            endpoint.paced_at = now
            endpoint.pace = schedule.slower(endpoint.pace, self._clock.now(), outcome.retry_after)
            self._give_back(endpoint)
        self._failed(endpoint, claim, outcome, started)

    async def _written_anew(self, claim: Claim, url: str) -> Written | None:
        """Write what a receiver gets that took its time; None where it is not to be sent there any more."""
        try:
            letter = await self._letters.read(claim)
        except Unavailable:
            return None
        destination = letter.destination
        if letter.payload is None or destination is None or destination.url != url:
            return None
        return _written(claim, letter.payload, destination, datetime.now(UTC))

    def _succeeded(self, endpoint: Endpoint, claim: Claim, outcome: Outcome, started: datetime) -> None:
        self.results.add(_result(claim, "succeeded", started, outcome))
        paced = endpoint.pace.seconds > 0
        if paced:
            endpoint.pace = schedule.faster(endpoint.pace, self._clock.now())
            endpoint.paced_at = self._ticks()
        self.results.recovered(claim, endpoint.pace if paced else None)

    def _failed(
        self, endpoint: Endpoint, claim: Claim, outcome: Outcome, started: datetime | None = None
    ) -> None:
        now = self._clock.now()
        verdict = schedule.verdict(outcome.status)
        next_at = schedule.next_attempt(
            claim.number - claim.spent, now, retry_after=outcome.retry_after, dice=self._dice
        )
        if verdict == "gone":
            next_at = None
            self.results.gone(claim.webhook_id)
            endpoint.gone = True
            self._give_back(endpoint)
        state: State = "failed" if next_at is None else "pending"
        self.results.add(_result(claim, state, started or now, outcome, next_at))
        if next_at is None:
            _log.warning(
                "a delivery is given up",
                webhook_id=str(claim.webhook_id),
                delivery_id=str(claim.delivery_id),
                attempts=claim.number,
                ordered=claim.ordered,
            )
        elif claim.ordered and claim.position is not None:
            # What comes after it in the lane waits with it.
            self._give_back(endpoint)
        self.results.failed(claim.webhook_id, now, endpoint.pace if verdict == "slow_down" else None)

    def _unsent(self, endpoint: Endpoint, claim: Claim) -> None:
        """Let go of a delivery and of what comes after it, as if they had not been claimed."""
        self.results.unsent(claim)
        self._give_back(endpoint)

    def _give_back(self, endpoint: Endpoint) -> None:
        """Let go of all that has not begun for an endpoint, as if it had not been claimed."""
        endpoint.halts += 1
        while endpoint.stock:
            self.results.unsent(endpoint.stock.popleft().claim)


def _written(claim: Claim, payload: Payload, destination: Destination, at: datetime) -> Written:
    return signed(payload, delivery_id=claim.delivery_id, at=at, secrets=destination.secrets)


def pause_between_looks(before: float, took: float) -> float:
    """Return for how long not to look for everything: not at all, unless it takes long, as under a long snapshot.

    One that took long alone may have been the first, or the machine was busy.
    """
    return min(took / PART, LONGEST_BLIND) if min(before, took) > SLOW_LOOK else 0.0


def _result(
    claim: Claim, state: State, at: datetime, outcome: Outcome, next_at: datetime | None = None
) -> Result:
    return Result(
        claim, state, at, next_at, outcome.status, outcome.error, outcome.latency_ms, outcome.excerpt
    )
