"""Delivers what is due: claims it, sends what it is about by then, and notes what came of it.

Claims, contents and results go through the database many at a time; each endpoint is sent what it can take, so that a
slow or dead one holds up nobody but itself. Nobody has more places than a part of what is left, and those that are not
well begin in half of them only. So there is one for whoever comes next, even where the endpoints of many people that
were quick begin to hang in the same moment.

Whoever has a claim begins to send only while its lease lasts longer than a request can. If the process is frozen all
the same, another one takes the delivery over, and the results of the first are not noted.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog

from parley import metrics
from parley.errors import Unavailable
from parley.storage import deliveries
from parley.storage.database import Connection, Database
from parley.storage.deliveries import Claim, Destination, Health, Holding, Known, Result, Room, State
from parley.storage.log import Log
from parley.webhooks import schedule
from parley.webhooks.disabling import Reason, disable
from parley.webhooks.endpoints import MOMENT, Allowance, Endpoint, Job, Share
from parley.webhooks.letters import Letters, Reads
from parley.webhooks.options import DeliveryOptions
from parley.webhooks.payloads import Payload
from parley.webhooks.pressure import Pressure
from parley.webhooks.schedule import Dice, Pace
from parley.webhooks.sender import TIMEOUT_SECONDS, Outcome, Renew, Withdrawn, Written
from parley.webhooks.signing import signed

# A claim lasts for its time in stock and that of a request, and a little more.
LEASE = timedelta(seconds=25)
MARGIN = 2.0
# Seconds between looks at the queue, and after the database was away. While somebody has had what its rate allows the
# next look comes a little sooner than what gathers meanwhile would be gone.
LOOK_EVERY = 1.0
LOOK_AT_RATES_EVERY = MOMENT * 0.8
RETRY_AFTER = 0.5
# After so many faults of the database one after the other each result is noted alone, for the last time.
NOTE_TRIES = 5
# Nobody's webhooks begin a request where they have such a part of the places that are left together already; of the
# last ones they may have two: one of them for what is well.
PART_OF_THE_REST = 4
LEAST_SHARE = 2
# Of what is claimed for those that are not well nobody holds more than such a part of what is left.
PART_OF_THE_UNWELL = 12
# Seconds between looks at what is under way for too long.
JUDGE_EVERY = 0.25
# How many claims a process holds for each place that it has.
CLAIMS_PER_PLACE = 5
# While people who send wait for each other: how many deliveries for each message, how many in a second at least,
# and how many at once.
DELIVERIES_PER_MESSAGE = 0.05
LEAST_RATE = 50.0
BUSY_CLAIMS = 25
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

_log = structlog.get_logger(__name__)


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
        self._log = log
        self._letters = Letters(database, payloads, lambda: self._running)
        self._sender = sender
        self._pressure = pressure
        self._options = options
        self._places_unwell = max(1, options.concurrency // 2)
        self._places_silent = max(1, self._places_unwell // 2)
        # How many places there are in addition for what is not well, because so many of its own hang.
        self._places_spare = 0
        # Whether leases of the process before this one may be there, which need not be waited for.
        self._ends_leases = options.alone
        self._lease = lease
        self._clock = clock
        self._ticks = ticks
        self._dice = dice
        self._endpoints: dict[UUID, Endpoint] = {}
        # What each owner has of the places, for those who have any.
        self._shares: dict[UUID, Share] = {}
        # Endpoints with something in stock that wait for a place.
        self._waiting: deque[Endpoint] = deque()
        self._running = 0
        self._running_unwell = 0
        self._results: list[Result] = []
        self._note_faults = 0
        self._lanes: dict[UUID, datetime] = {}
        self._health: dict[UUID, Health] = {}
        self._hopeless: dict[UUID, Reason] = {}
        self._look_for_everything_at = 0.0
        self._last_look = 0.0
        self._stopping = False
        self._due = asyncio.Event()
        self._came = asyncio.Event()
        self._requests: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to deliver."""
        self._tasks = [
            asyncio.create_task(self._keep_claiming(), name="webhook claims"),
            asyncio.create_task(self._keep_noting(), name="webhook results"),
            asyncio.create_task(self._keep_judging(), name="webhook requests"),
        ]

    async def stop(self) -> None:
        """End: requests under way get a moment, the rest is given back, and what is known is noted."""
        if not self._tasks:
            return
        claiming, noting, judging = self._tasks
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
                self._lanes[endpoint.webhook_id] = endpoint.lane_until
        noting.cancel()
        await asyncio.wait([noting])
        try:
            await self.note()
        except Unavailable:
            _log.warning("results of webhooks were not noted", number=len(self._results))

    async def idle(self) -> None:
        """Wait until no request is under way."""
        while self._requests:
            await asyncio.wait(self._requests)

    def wake(self) -> None:
        """Look at the queue now: there is something due."""
        self._due.set()

    # What is due is claimed.

    async def _keep_claiming(self) -> None:
        while not self._stopping:
            self._due.clear()
            try:
                await self._end_leases()
                claimed = await self.claim()
            except Unavailable as error:
                _log.warning("webhooks have to wait for the database", reason=str(error.__cause__))
                await asyncio.sleep(RETRY_AFTER)
                continue
            except Exception:
                _log.exception("claiming deliveries failed")
                await asyncio.sleep(RETRY_AFTER)
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
        room = self._room(now)
        if room.well <= 0 and room.others <= 0:
            return 0
        async with self._database.read() as conn:
            claims = await deliveries.claim(conn, self._lease, room, self._at())
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

    def _room(self, now: float) -> Room:
        """Return what there is room for, and forget endpoints that were not used for long."""
        owners: dict[UUID, list[Endpoint]] = {}
        for webhook_id, endpoint in list(self._endpoints.items()):
            if not endpoint.held and endpoint.lane_until is None and now - endpoint.used_at > FORGET_AFTER:
                del self._endpoints[webhook_id]
                continue
            owners.setdefault(endpoint.user_id, []).append(endpoint)
        held = sum(endpoint.held for endpoint in self._endpoints.values())
        free = self._options.concurrency * CLAIMS_PER_PLACE - held
        hanging = self._count_hanging()
        free_unwell = (
            self._places_unwell
            + self._places_spare
            - sum(each.unwell_held for each in self._endpoints.values())
        )
        is_busy = self._pressure.busy
        return Room(
            well=max(0, min(free, BUSY_CLAIMS - held) if is_busy else free),
            # Never all of it: whoever is new here, and comes a moment later, has to find something.
            others=max(0, min(free, (free_unwell + 1) // 2, BUSY_CLAIMS if is_busy else free)),
            known=self._known(list(owners.values()), now, free, free_unwell),
            silent=max(0, self._places_silent - hanging),
            each=most_unwell(free_unwell),
            owners={user_id: _holding(endpoints) for user_id, endpoints in owners.items()},
            everything=now >= self._look_for_everything_at,
        )

    def _count_hanging(self) -> int:
        """Return how many claims of what is not well are known to hang, and let others have places for them."""
        hanging = sum(each.unwell_held for each in self._endpoints.values() if each.hangs)
        self._places_spare = min(max(0, hanging - self._places_silent), self._options.concurrency // 4)
        return hanging

    def _known(
        self, owners: Sequence[Sequence[Endpoint]], now: float, free: int, free_unwell: int
    ) -> dict[UUID, Known]:
        """Return what there is to know of webhooks, whose owners share what may be claimed."""
        known = {each.webhook_id: each.known(now) for endpoints in owners for each in endpoints}
        wanting = [[each for each in endpoints if known[each.webhook_id].room] for endpoints in owners]
        number = sum(bool(each) for each in wanting)
        for endpoints, some in zip(owners, wanting, strict=True):
            left = fair_share(free, sum(each.held for each in endpoints), number)
            unwell_left = fair_share(free_unwell, sum(each.unwell_held for each in endpoints), number)
            # Who waited for longest is the first.
            for endpoint in sorted(some, key=lambda each: each.used_at):
                one = known[endpoint.webhook_id]
                if not endpoint.well:
                    room = min(one.room, unwell_left)
                    unwell_left -= room
                else:
                    room = min(one.room, max(left // len(some), min(left, 1)))
                known[endpoint.webhook_id] = replace(one, room=room)
        return known

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
        endpoint.gone = claim.webhook_id in self._hopeless
        endpoint.lane_until = claim.lane_until
        if claim.pace != endpoint.pace.seconds:
            # Another process has learnt something about it.
            endpoint.pace = Pace(claim.pace)
        return endpoint

    # What is claimed is sent.

    def _send_on(self, endpoint: Endpoint) -> None:
        """Begin as many requests as the endpoint may have and there are places for."""
        for _ in range(min(endpoint.width - endpoint.running, len(endpoint.stock))):
            if not self._has_place(endpoint):
                if endpoint not in self._waiting:
                    self._waiting.append(endpoint)
                return
            unwell = not endpoint.well
            self._take_places(endpoint, 1, unwell)
            request = asyncio.create_task(self._drain(endpoint, unwell), name="webhook request")
            self._requests.add(request)
            request.add_done_callback(self._requests.discard)

    def _has_place(self, endpoint: Endpoint) -> bool:
        share = self._shares.get(endpoint.user_id) or Share()
        if share.running >= most_of(self._options.concurrency - self._running, LEAST_SHARE):
            return False
        return endpoint.well or share.unwell < most_of(
            self._places_unwell + self._places_spare - self._running_unwell, 1
        )

    def _take_places(self, endpoint: Endpoint, number: int, unwell: bool) -> None:
        """Count so many places more, or fewer, among those that were taken by such as were not well then, or not."""
        share = self._shares.setdefault(endpoint.user_id, Share())
        endpoint.running += number
        share.running += number
        self._running += number
        if unwell:
            endpoint.unwell += number
            share.unwell += number
            self._running_unwell += number
        if not share.running:
            del self._shares[endpoint.user_id]

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
                    self._note(Result(job.claim, "unsent", self._now()))
                    raise
                except Exception:
                    _log.exception("a delivery stumbled", delivery_id=str(job.claim.delivery_id))
                    self._failed(endpoint, job.claim, OUR_FAULT)
                if endpoint.has_more and endpoint.room(self._ticks()) >= endpoint.held:
                    self._due.set()
                if self._waiting and unwell != endpoint.well:
                    # It is of another kind now, and has to find another place.
                    break
                if self._waiting and not self._has_place(endpoint):
                    # Somebody may wait for just this one.
                    break
        finally:
            self._take_places(endpoint, -1, unwell)
            if not endpoint.held and endpoint.lane_until is not None:
                self._lanes[endpoint.webhook_id] = endpoint.lane_until
                endpoint.lane_until = None
                self._came.set()
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
            self._note(Result(claim, "unsent", self._now()))
            return
        if destination is None or endpoint.gone or (destination.ordered and not claim.ordered):
            # It is deleted, disabled, or to be told in order from now on.
            self._unsent(endpoint, claim)
            return
        if letter.broken:
            self._failed(endpoint, claim, OUR_FAULT)
            return
        if letter.payload is None:
            self._note(Result(claim, "failed", self._now(), error="The log no longer has this event"))
            return
        if self._ticks() >= job.begin_before:
            self._unsent(endpoint, claim)
            return
        at, started = datetime.now(UTC), self._now()
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
            endpoint.pace = schedule.slower(endpoint.pace, self._now(), outcome.retry_after)
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
        self._note(_result(claim, "succeeded", started, outcome))
        paced = endpoint.pace.seconds > 0
        if paced:
            endpoint.pace = schedule.faster(endpoint.pace, self._now())
            endpoint.paced_at = self._ticks()
        if paced or claim.failing_since is not None or claim.webhook_id in self._health:
            self._health[claim.webhook_id] = Health(claim.webhook_id, True, None, *_pace(endpoint, paced))

    def _failed(
        self, endpoint: Endpoint, claim: Claim, outcome: Outcome, started: datetime | None = None
    ) -> None:
        now = self._now()
        verdict = schedule.verdict(outcome.status)
        next_at = schedule.next_attempt(
            claim.number - claim.spent, now, retry_after=outcome.retry_after, dice=self._dice
        )
        if verdict == "gone":
            next_at = None
            self._hopeless[claim.webhook_id] = "endpoint_gone"
            endpoint.gone = True
            self._give_back(endpoint)
        state: State = "failed" if next_at is None else "pending"
        self._note(_result(claim, state, started or now, outcome, next_at))
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
        before = self._health.get(claim.webhook_id, Health(claim.webhook_id))
        pace = _pace(endpoint, verdict == "slow_down")
        if pace == (None, None):
            pace = before.pace, before.resume_at
        self._health[claim.webhook_id] = Health(
            claim.webhook_id, before.recovered, before.failed_at or now, *pace
        )

    def _unsent(self, endpoint: Endpoint, claim: Claim) -> None:
        """Let go of a delivery and of what comes after it, as if they had not been claimed."""
        self._note(Result(claim, "unsent", self._now()))
        self._give_back(endpoint)

    def _give_back(self, endpoint: Endpoint) -> None:
        """Let go of all that has not begun for an endpoint, as if it had not been claimed."""
        endpoint.halts += 1
        while endpoint.stock:
            self._note(Result(endpoint.stock.popleft().claim, "unsent", self._now()))

    # What came of it is noted.

    def _note(self, result: Result) -> None:
        self._results.append(result)
        self._came.set()

    async def _keep_noting(self) -> None:
        while True:
            await self._came.wait()
            # One turn of the loop lets every answer that is there join.
            await asyncio.sleep(0)
            self._came.clear()
            try:
                await self.note()
            except Unavailable as error:
                _log.warning("results of webhooks have to wait for the database", reason=str(error.__cause__))
                self._came.set()
                await asyncio.sleep(RETRY_AFTER)
            except Exception:
                _log.exception("noting results of webhooks failed")
                self._came.set()
                await asyncio.sleep(RETRY_AFTER)

    async def note(self) -> None:
        """Note all results there are, and disable webhooks that are gone or beyond hope."""
        results, self._results = self._results, []
        lanes, self._lanes = self._lanes, {}
        health, self._health = self._health, {}
        try:
            async with self._database.read() as conn:
                if self._note_faults >= NOTE_TRIES - 1:
                    await self._note_each(conn, results)
                    results = []
                if results or lanes:
                    await deliveries.finish(conn, results, lanes, self._at())
                    results = []
                if health:
                    for webhook_id, since in (
                        await deliveries.note_health(conn, list(health.values()))
                    ).items():
                        if schedule.is_hopeless(since, self._now()):
                            self._hopeless.setdefault(webhook_id, "failures")
            for webhook_id, reason in list(self._hopeless.items()):
                await disable(self._log, webhook_id, reason)
                del self._hopeless[webhook_id]
        except BaseException as error:
            # All of it is tried again; what was noted after all is not noted twice.
            self._results = results + self._results
            if self._note_faults < NOTE_TRIES:
                self._lanes = lanes | self._lanes
                self._health = health | self._health
            if isinstance(error, Exception) and not isinstance(error, Unavailable):
                self._note_faults += 1
            raise
        self._note_faults = 0
        if lanes:
            # They can be claimed again.
            self.wake()

    async def _note_each(self, conn: Connection, results: Sequence[Result]) -> None:
        """Note one after the other; whatever cannot be noted is claimed again when its lease ends."""
        for result in results:
            try:
                await deliveries.finish(conn, [result], {}, self._at())
            except Unavailable:
                raise
            except Exception:
                _log.exception(
                    "a result of a webhook cannot be noted",
                    webhook_id=str(result.claim.webhook_id),
                    delivery_id=str(result.claim.delivery_id),
                )

    def _at(self) -> datetime | None:
        """The time by the clock that was given; None is the database's."""
        return None if self._clock is None else self._clock()

    def _now(self) -> datetime:
        return self._at() or datetime.now(UTC)


def _written(claim: Claim, payload: Payload, destination: Destination, at: datetime) -> Written:
    return signed(payload, delivery_id=claim.delivery_id, at=at, secrets=destination.secrets)


def most_of(free: int, least: int) -> int:
    """Return with how many places somebody gets no more, where so many are free; of the last ones it is `least`."""
    return max(least, -(-free // PART_OF_THE_REST)) if free > 0 else 0


def _holding(endpoints: Sequence[Endpoint]) -> Holding:
    """Return what is held for the webhooks of one owner that are not well."""
    return Holding(sum(each.unwell_held for each in endpoints), any(each.hangs for each in endpoints))


def most_unwell(free: int) -> int:
    """Return how much somebody may hold for what is not well, where so much is free: few leave something for many."""
    return max(1, min(LEAST_SHARE, free // PART_OF_THE_REST), free // PART_OF_THE_UNWELL)


def fair_share(free: int, held: int, number: int) -> int:
    """Return how much more somebody may claim who holds something, so that it is no more than a part of the rest.

    There are so many who claim at the same time. Who has nothing gets one as long as there is any.
    """
    share = (free - PART_OF_THE_REST * held) // (PART_OF_THE_REST + number)
    return max(share, 1 if free > 0 and not held else 0)


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


def _pace(endpoint: Endpoint, changed: bool) -> tuple[float | None, datetime | None]:
    return (endpoint.pace.seconds, endpoint.pace.resume_at) if changed else (None, None)
