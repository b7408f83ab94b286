"""What one user may read of a stream of events: the database's word up to a position, and the events' after it."""

from collections.abc import Collection, Iterable
from uuid import UUID

from parley.realtime.window import LiveEvent
from parley.storage.feed import Period


class Memberships:
    """What one user may read: periods as the database knew them, and what changed since, event by event."""

    def __init__(self, user_id: UUID, periods: Iterable[Period], known_to: int) -> None:
        self._user_id = user_id
        self._known_to = known_to
        self._periods: dict[UUID, list[tuple[int, int | None]]] = {}
        for period in periods:
            self._periods.setdefault(period.conversation_id, []).append((period.start, period.end))

    @property
    def streams(self) -> Collection[UUID]:
        """The conversations whose events may be the user's."""
        return self._periods.keys()

    def sees(self, event: LiveEvent) -> bool:
        """Tell whether an event is the user's. They come in order, each once; others' plain ones may be left out."""
        if event.position > self._known_to:
            self._apply(event)
        if event.audience is not None:
            return self._user_id in event.audience
        periods = self._periods.get(event.stream_id, ())
        return any(
            start <= event.position and (end is None or event.position < end) for start, end in periods
        )

    def frame(self, event: LiveEvent) -> bytes:
        """Return what the user is told of an event that they see."""
        if self._user_id not in event.withheld:
            return event.frame
        # Whoever has come back since, as the database knew, may read everything again.
        periods = self._periods.get(event.stream_id, ())
        is_back = any(end is None and start > event.position for start, end in periods)
        return event.frame if is_back else event.bare

    def has_left_by(self, position: int) -> bool:
        """Tell whether the user had left any of their conversations by a position."""
        return any(
            end is not None and end <= position for periods in self._periods.values() for _, end in periods
        )

    def present(self) -> set[UUID]:
        """Return the conversations that the user is in after the last event."""
        return {stream for stream, periods in self._periods.items() if any(end is None for _, end in periods)}

    def _apply(self, event: LiveEvent) -> None:
        if self._user_id in event.joins:
            self._periods.setdefault(event.stream_id, []).append((event.position, None))
        if self._user_id in event.leaves:
            self._end(event.stream_id, event.position)
        if event.ends:
            self._end(event.stream_id, event.position + 1)

    def _end(self, stream_id: UUID, position: int) -> None:
        periods = self._periods.get(stream_id, [])
        self._periods[stream_id] = [(start, position if end is None else end) for start, end in periods]
