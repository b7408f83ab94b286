"""How busy the sending of messages is, so that webhooks can stand back for as long as it lasts."""

import time
from collections import deque
from collections.abc import Callable

# Seconds over which is looked back.
WINDOW = 0.5
# Sends are busy when batches are being committed for so much of the time, of so many messages on average: then
# several people wait for each other, and whatever else is done makes them wait longer.
BUSY_SHARE = 0.5
BUSY_BATCH = 2.0


class Pressure:
    """Hears of each commit of messages."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._commits: deque[tuple[float, int, float]] = deque()
        self._messages = 0
        self._seconds = 0.0

    def observe(self, messages: int, seconds: float) -> None:
        """Note a commit that has just ended."""
        self._forget()
        self._commits.append((self._clock(), messages, seconds))
        self._messages += messages
        self._seconds += seconds

    @property
    def busy(self) -> bool:
        """Whether people wait for each other at the moment."""
        self._forget()
        return self._seconds >= WINDOW * BUSY_SHARE and self._messages >= len(self._commits) * BUSY_BATCH

    @property
    def rate(self) -> float:
        """Messages a second."""
        self._forget()
        return self._messages / WINDOW

    def _forget(self) -> None:
        since = self._clock() - WINDOW
        while self._commits and self._commits[0][0] < since:
            _, messages, seconds = self._commits.popleft()
            self._messages -= messages
            self._seconds -= seconds
