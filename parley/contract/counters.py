"""Rate-limit counters in the memory of this process, as a storage of the `limits` package.

The package's own one looks at every key it has in a task per hit, which is a millisecond a request with ten
thousand users. This one forgets what has expired once in a while. No setting chooses another one; whoever assembles
the application may give it any storage of the package (`App(counters=)`), such as one that several processes share.
"""

import time
from collections.abc import Callable

from limits.aio.storage import Storage

SWEEP_SECONDS = 30.0


class ProcessMemory(Storage):
    """Counts in fixed windows, each of which begins with the first hit after the last one ended."""

    STORAGE_SCHEME = ["async+parley-memory"]  # noqa: RUF012  # the package wants a list

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._clock = clock
        self._windows: dict[str, list[float]] = {}
        self._next_sweep = 0.0

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        """Return what may go wrong: nothing does in memory."""
        return ()

    def hit(self, key: str, seconds: int) -> tuple[int, float]:
        """Count one more, in a window of so many seconds, and return the count and when the window ends.

        It is what `incr` and `get_expiry` do together; through these, which the package wraps, a hit costs
        four microseconds instead of half a one.
        """
        now = self._clock()
        if now >= self._next_sweep:
            self._sweep(now)
        window = self._windows.get(key)
        if window is None or window[1] <= now:
            self._windows[key] = window = [0, now + seconds]
        window[0] += 1
        return int(window[0]), window[1]

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` more, in a window of `expiry` seconds, and return the count."""
        used = 0
        for _ in range(amount):
            used, _end = self.hit(key, expiry)
        return used

    async def get(self, key: str) -> int:
        """Return the count of the present window, 0 where there is none."""
        window = self._windows.get(key)
        return int(window[0]) if window is not None and window[1] > self._clock() else 0

    async def get_expiry(self, key: str) -> float:
        """Return when the present window ends, in seconds since 1970."""
        window = self._windows.get(key)
        return window[1] if window is not None else self._clock()

    async def check(self) -> bool:
        """Say that the storage is there."""
        return True

    async def reset(self) -> int | None:
        """Forget everything; return how much that was."""
        count = len(self._windows)
        self._windows.clear()
        return count

    async def clear(self, key: str) -> None:
        """Forget one key."""
        self._windows.pop(key, None)

    def _sweep(self, now: float) -> None:
        self._next_sweep = now + SWEEP_SECONDS
        self._windows = {key: window for key, window in self._windows.items() if window[1] > now}
