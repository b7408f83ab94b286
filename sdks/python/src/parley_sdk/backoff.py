"""How long to wait before something is tried again: exponential, with full jitter."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """A random part of `base` seconds, then of twice that, and so on up to `cap`."""

    base: float = 0.5
    cap: float = 30.0

    def delay(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row, in seconds."""
        # The exponent is bounded: a client may fail for weeks.
        return random.uniform(0, min(self.cap, self.base * 2 ** min(failures - 1, 30)))


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is tried at most, and for how many seconds in all."""

    max_attempts: int = 5
    max_elapsed: float = 60.0
    backoff: Backoff = Backoff()
