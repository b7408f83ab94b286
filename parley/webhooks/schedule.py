"""When a delivery is tried again, and how fast an endpoint may be asked: rules over numbers, without a clock.

Whoever calls says what time it is and brings the dice.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Verdict = Literal["succeeded", "failed", "gone", "slow_down"]

# Between the attempts of a delivery, of which the first is made at once.
DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
# Each delay is so much shorter or longer by chance, so that what failed together does not come back together.
JITTER = 0.2
# Whoever asks for a longer pause than the longest delay is asked again after that one all the same.
LONGEST_PAUSE = max(DELAYS)
# A webhook is disabled after so much time of nothing but failures.
GIVE_UP_AFTER = timedelta(days=5)

GONE = 410
# Too Many Requests, Bad Gateway, Service Unavailable, Gateway Timeout: the endpoint has more than it can bear.
OVERLOADED = frozenset({429, 502, 503, 504})

# Seconds between requests to an endpoint that is overloaded: the first pace, the slowest, and the one that is as
# good as none.
FIRST_PACE = 1.0
SLOWEST_PACE = 60.0
FULL_SPEED_BELOW = 0.5

Dice = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Pace:
    """How an endpoint is to be asked: one request every `seconds`, the next not before `resume_at`; 0 is freely."""

    seconds: float = 0.0
    resume_at: datetime | None = None


def verdict(status: int | None) -> Verdict:
    """Return what an answer means; None is no answer. Redirects are failures."""
    if status is None:
        return "failed"
    if 200 <= status < 300:
        return "succeeded"
    if status == GONE:
        return "gone"
    return "slow_down" if status in OVERLOADED else "failed"


def next_attempt(
    made: int, now: datetime, *, retry_after: float | None = None, dice: Dice = random.random
) -> datetime | None:
    """Return when to try again after so many failed attempts, or None when that was the last one.

    `retry_after` is what the endpoint asked for, in seconds: it can make a delay longer, never shorter.
    """
    if not 1 <= made <= len(DELAYS):
        return None
    delay = DELAYS[made - 1] * (1 - JITTER + 2 * JITTER * dice())
    return now + max(delay, pause(retry_after))


def pause(retry_after: float | None) -> timedelta:
    """Return the pause that an endpoint asked for in seconds, as far as it is granted."""
    if retry_after is None or retry_after <= 0:
        return timedelta()
    return timedelta(seconds=min(retry_after, LONGEST_PAUSE.total_seconds()))


def slower(pace: Pace, now: datetime, retry_after: float | None = None) -> Pace:
    """Return the pace of an endpoint that has just said that it is overloaded."""
    seconds = min(max(FIRST_PACE, pace.seconds * 2), SLOWEST_PACE)
    return Pace(seconds, now + max(timedelta(seconds=seconds), pause(retry_after)))


def faster(pace: Pace, now: datetime) -> Pace:
    """Return the pace of an endpoint that has just taken something."""
    seconds = pace.seconds / 2
    if seconds < FULL_SPEED_BELOW:
        return Pace()
    return Pace(seconds, now + timedelta(seconds=seconds))


def is_hopeless(failing_since: datetime | None, now: datetime) -> bool:
    """Tell whether a webhook that has failed since a time is to be disabled."""
    return failing_since is not None and now - failing_since >= GIVE_UP_AFTER
