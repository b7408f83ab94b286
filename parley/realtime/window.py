"""The most recent events of the log, encoded, so that whoever was away for a moment does not ask the database."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

NOBODY: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One event of the log on its way to sockets.

    `frame` is framed for the wire. It goes to the members of the stream at its position, or to `audience` where
    that is not None: then the stream is one user's own. `joins` are members from this position on, `leaves` none
    any more; with `ends` nobody is after it.
    """

    position: int
    stream_id: UUID
    frame: bytes
    audience: frozenset[UUID] | None = None
    joins: frozenset[UUID] = NOBODY
    leaves: frozenset[UUID] = NOBODY
    ends: bool = False


class Window:
    """Events after `start` and up to `end`, without a hole. It holds up to `max_bytes` of frames."""

    def __init__(self, position: int, max_bytes: int = 32 * 1024 * 1024) -> None:
        self._events: list[LiveEvent] = []
        self._dropped = 0
        self._bytes = 0
        self._max_bytes = max_bytes
        self.start = position
        self.end = position

    def append(self, events: Sequence[LiveEvent]) -> None:
        """Add the events that follow, and drop the oldest where they are too many."""
        self._events += events
        self._bytes += sum(len(event.frame) for event in events)
        self.end = events[-1].position
        while self._bytes > self._max_bytes:
            oldest = self._events[self._dropped]
            self._bytes -= len(oldest.frame)
            self._dropped += 1
            self.start = oldest.position
        # The list is cut when half of it is dropped: that costs each event one copy.
        if self._dropped > len(self._events) // 2:
            del self._events[: self._dropped]
            self._dropped = 0

    def restart(self, position: int) -> None:
        """Forget everything: the log goes on from a position that does not follow."""
        self._events.clear()
        self._dropped = self._bytes = 0
        self.start = self.end = position

    def after(self, position: int, limit: int) -> Sequence[LiveEvent]:
        """Return the next events after a position, which must not lie before `start`."""
        first = bisect_right(self._events, position, lo=self._dropped, key=lambda event: event.position)
        return self._events[first : first + limit]
