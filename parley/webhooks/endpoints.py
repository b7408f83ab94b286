"""What one process knows of one webhook: what it has in stock for it, and how much it may send at a time."""

import math
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from parley.storage.deliveries import Claim, Known
from parley.webhooks.schedule import Pace

# How many deliveries are in stock at most, and how many of an ordered webhook.
MOST_IN_STOCK = 256
LANE = 32
# What is in stock is sent within about so many seconds, going by the answers so far.
STOCK_SECONDS = 1.0
# Whoever takes longer to answer shares its places with the others of its kind. In seconds.
SLOW = 2.0
# How long an endpoint that did not answer is left alone by one process. In seconds.
REST = 1.0
# What others have put into the queue may have become visible so much later than it was due.
OVERLAP = timedelta(seconds=5)
# For how many seconds what a rate allows may gather.
MOMENT = 0.25
# How much the newest answer counts in the average.
_WEIGHT = 0.1


@dataclass(slots=True)
class Job:
    """A delivery that is claimed, and until when sending may begin."""

    claim: Claim
    begin_before: float


@dataclass(slots=True)
class Allowance:
    """How many deliveries may be claimed by now where `rate` may be sent in a second; a rate of 0 is no limit.

    What was not used in a moment may be used in the next, and after that is gone.
    """

    rate: float = 0.0
    left: float = 0.0
    seen_at: float = -math.inf

    def number(self, now: float) -> int:
        """Return how many there are, at least 0."""
        if not self.rate:
            return MOST_IN_STOCK
        # A part of one stays, or a rate of ten, asked four times a second, would be one of eight.
        most = self.rate * MOMENT + 1
        self.left = min(most, self.left + (now - self.seen_at) * self.rate)
        self.seen_at = now
        # What adds up to a whole one is one, whatever is lost in adding.
        return max(0, int(self.left + 1e-6))

    def take(self) -> None:
        """Use one, be it in advance."""
        if self.rate:
            self.left -= 1


@dataclass(slots=True)
class Endpoint:
    """The state of one webhook in this process. Times are those of `time.monotonic()`, in seconds.

    A new one gets one request at a time until it answers for the first time, and then twice as many with each.
    """

    webhook_id: UUID
    user_id: UUID
    most: int
    allowance: Allowance = field(default_factory=Allowance)
    ordered: bool = False
    pace: Pace = field(default_factory=Pace)
    paced_at: float = 0.0
    lane_until: datetime | None = None
    concurrency: int = 1
    running: int = 0
    # How many of those began when it was not well.
    unwell: int = 0
    # When the requests under way began, the oldest first, and whether one of them takes too long.
    began: dict[UUID, float] = field(default_factory=dict)
    late: bool = False
    # How often everything was given back that had not begun.
    halts: int = 0
    # Whether it has said that it is gone.
    gone: bool = False
    # The average time of an answer; None where there was none yet, or none to the last request.
    seconds: float | None = None
    # Whether there was no answer to the last request.
    silent: bool = False
    rest_until: float = 0.0
    used_at: float = 0.0
    # When and where the last deliveries were due that were claimed.
    due_from: datetime | None = None
    position_from: int = 0
    # Whether the last claim got as much as there was room for.
    has_more: bool = False
    stock: deque[Job] = field(default_factory=deque)

    @property
    def held(self) -> int:
        """How many deliveries are in stock or on their way."""
        return self.running + len(self.stock)

    @property
    def unwell_held(self) -> int:
        """How much of that counts as what those have who are not well."""
        return self.unwell + (0 if self.well else len(self.stock))

    @property
    def well(self) -> bool:
        """Whether it answers, and soon: the others begin in half of all places only."""
        return self.seconds is not None and self.seconds < SLOW and not self.pace.seconds and not self.late

    @property
    def hangs(self) -> bool:
        """Whether it is known not to answer, or not soon."""
        return self.silent or self.late

    @property
    def width(self) -> int:
        """How many requests may run at once."""
        return 1 if self.ordered or self.pace.seconds else min(self.concurrency, self.most)

    def room(self, now: float) -> int:
        """How many more deliveries may be claimed: as many as will be sent soon, and no more than its rate allows."""
        wanted = self._wanted(now)
        return min(wanted, max(0, self.allowance.number(now) - len(self.stock))) if wanted else 0

    def _wanted(self, now: float) -> int:
        if self.seconds is None or self.pace.seconds or self.late:
            return 0 if self.held or now < self.rest_until else 1
        if self.ordered:
            # A lane is claimed as a whole, and again when all of it is done.
            return 0 if self.held or self.lane_until is not None else LANE
        soon = int(self.width * STOCK_SECONDS / max(self.seconds, 0.001))
        return max(0, min(max(soon, self.width), MOST_IN_STOCK) - self.held)

    def known(self, now: float) -> Known:
        """Return what whoever claims has to know."""
        return Known(self.room(now), self.well, self.hangs, self.due_from, self.position_from)

    def claimed(self, claim: Claim) -> None:
        """Note where a delivery was found; those of one claim come in order of position."""
        self.allowance.take()
        due_from = claim.due_at - OVERLAP
        self.due_from = due_from if self.due_from is None else max(self.due_from, due_from)
        if claim.ordered and claim.position is not None and not self.stock:
            self.position_from = claim.position

    def is_late(self, now: float) -> bool:
        """Tell whether a request takes too long that is still under way."""
        return bool(self.began) and now - next(iter(self.began.values())) >= SLOW

    def judge(self, now: float) -> bool:
        """Note whether a request takes too long, one at a time from then on; return whether that is new."""
        was, self.late = self.late, self.is_late(now)
        if self.late:
            self.concurrency = 1
        return self.late and not was

    def answered(self, seconds: float) -> None:
        """Note an answer, whatever it says."""
        self.silent = False
        self.concurrency = min(self.concurrency * 2, self.most)
        self.seconds = seconds if self.seconds is None else self.seconds + (seconds - self.seconds) * _WEIGHT

    def kept_silent(self, now: float) -> None:
        """Note that there was no answer: one at a time, until there is one."""
        self.concurrency = 1
        self.seconds = None
        self.silent = True
        self.rest_until = now + REST
