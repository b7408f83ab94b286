"""The most recent events of the log, encoded, so that whoever was away for a moment does not ask the database."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

NOBODY: frozenset[UUID] = frozenset()


# Not frozen: one is made per message, and a frozen one takes four times as long.
@dataclass(slots=True)
class LiveEvent:
    """One event of the log on its way to sockets.

    `frame` is framed for the wire. It goes to the members of the stream at its position, or to `audience` where
    that is not None: then the stream is one user's own. `joins` are members from this position on, `leaves` none
    any more; with `ends` nobody is after it. `author` has written what the event tells of for the first time, and
    `of` is the position of the message that it tells of once more. `withheld` are readers who get `bare` instead of
    `frame`: they had left before the message came to say what `frame` says. With `is_blank` that is a tombstone.
    """

    position: int
    stream_id: UUID
    frame: bytes
    audience: frozenset[UUID] | None = None
    joins: frozenset[UUID] = NOBODY
    leaves: frozenset[UUID] = NOBODY
    ends: bool = False
    author: UUID | None = None
    of: int = 0
    withheld: frozenset[UUID] = NOBODY
    bare: bytes = b""
    is_blank: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is just told to the members of its stream, and changes nothing about who they are."""
        return self.audience is None and not (self.joins or self.leaves or self.ends)


class Window:
    """Events after `start` and up to `end`, without a hole. It holds up to `max_bytes` of frames.

    Those up to `since` were read back, with the content that they had at `since`: they are not for whoever had left
    a conversation by then, who may not read what was edited in it afterwards.

    Plain events are also kept by stream: whoever comes back finds theirs without looking at everybody's.
    """

    def __init__(self, position: int, max_bytes: int = 32 * 1024 * 1024) -> None:
        self._events: list[LiveEvent] = []
        self._plain: dict[UUID, list[LiveEvent]] = {}
        self._others: list[LiveEvent] = []
        # By the position of the message: what was told of it later.
        self._later: dict[int, list[LiveEvent]] = {}
        self._dropped = 0
        self._bytes = 0
        self._max_bytes = max_bytes
        self.start = position
        self.since = position
        self.end = position

    def append(self, events: Sequence[LiveEvent]) -> None:
        """Add the events that follow, and drop the oldest where they are too many."""
        self._events += events
        for event in events:
            if event.is_plain:
                self._plain.setdefault(event.stream_id, []).append(event)
                if event.of:
                    self._later.setdefault(event.of, []).append(event)
            else:
                self._others.append(event)
        self._bytes += sum(len(event.frame) for event in events)
        self.end = events[-1].position
        while self._bytes > self._max_bytes:
            self._drop()
        self._tidy()

    def forget(self, position: int) -> None:
        """Drop what is up to a position."""
        while self._dropped < len(self._events) and self._events[self._dropped].position <= position:
            self._drop()
        self._tidy()

    def telling_of(self, stream_id: UUID, position: int) -> list[LiveEvent]:
        """Return what the window holds of a message: where it was sent, and what was told of it later."""
        return [
            *_between(self._plain.get(stream_id, ()), position - 1, position),
            *self._later.get(position, ()),
        ]

    def streams(self) -> list[UUID]:
        """Return the streams of which the window holds something that may tell of a message."""
        return list(self._plain)

    def telling_until(self, stream_id: UUID, position: int) -> list[LiveEvent]:
        """Return what still has the content of a stream's messages up to a position."""
        return [
            event
            for event in self._plain.get(stream_id, ())
            if not event.is_blank
            and (event.author is not None or event.of)
            and (event.of or event.position) <= position
        ]

    def retell(self, event: LiveEvent, frame: bytes) -> None:
        """Let an event of the window be a tombstone from now on."""
        event.is_blank = True
        if event.position > self.start:
            self._bytes += len(frame) - len(event.frame)
        event.frame = frame

    def _drop(self) -> None:
        oldest = self._events[self._dropped]
        self._bytes -= len(oldest.frame)
        self._dropped += 1
        self.start = oldest.position

    def _tidy(self) -> None:
        # The lists are cut when half of all is dropped: that costs each event one copy.
        if self._dropped > len(self._events) // 2:
            self._cut()

    def prepend(self, events: Sequence[LiveEvent], start: int) -> bool:
        """Add the events after a position and up to `start`, unless there is no room for them: then return False."""
        size = sum(len(event.frame) for event in events)
        if self._dropped or self._bytes + size > self._max_bytes:
            return False
        self._events[:0] = events
        self._others[:0] = [event for event in events if not event.is_plain]
        plain: dict[UUID, list[LiveEvent]] = {}
        for event in events:
            if event.is_plain:
                plain.setdefault(event.stream_id, []).append(event)
                if event.of:
                    self._later.setdefault(event.of, []).append(event)
        for stream_id, earlier in plain.items():
            self._plain[stream_id] = earlier + self._plain.get(stream_id, [])
        self._bytes += size
        self.start = start
        return True

    def restart(self, position: int) -> None:
        """Forget everything: the log goes on from a position that does not follow."""
        self._events.clear()
        self._plain.clear()
        self._others.clear()
        self._later.clear()
        self._dropped = self._bytes = 0
        self.start = self.since = self.end = position

    def page(
        self, user_id: UUID, streams: Iterable[UUID], position: int, span: int
    ) -> tuple[Sequence[LiveEvent], int]:
        """Return, in order, what may concern a user of the next `span` events after a position, and where those end.

        That is: what is plain in these streams, their conversations at that position, and in those they join; and
        whatever is not plain. The position must not lie before `start`.
        """
        end = min(self.end, position + span)
        found = _between(self._others, position, end)
        joined = [event.stream_id for event in found if user_id in event.joins]
        for stream_id in {*streams, *joined}:
            plain = self._plain.get(stream_id)
            if plain is not None and plain[-1].position > position:
                found += _between(plain, position, end)
        found.sort(key=_position)
        return found, end

    def _cut(self) -> None:
        gone = self._events[: self._dropped]
        del self._events[: self._dropped]
        self._dropped = 0
        del self._others[: bisect_right(self._others, self.start, key=_position)]
        for stream_id in {event.stream_id for event in gone if event.is_plain}:
            plain = self._plain[stream_id]
            del plain[: bisect_right(plain, self.start, key=_position)]
            if not plain:
                del self._plain[stream_id]
        for position in {event.of for event in gone if event.of}:
            later = [event for event in self._later[position] if event.position > self.start]
            if later:
                self._later[position] = later
            else:
                del self._later[position]


def _position(event: LiveEvent) -> int:
    return event.position


def _between(events: Sequence[LiveEvent], after: int, end: int) -> list[LiveEvent]:
    first = bisect_right(events, after, key=_position)
    return list(events[first : bisect_right(events, end, lo=first, key=_position)])
