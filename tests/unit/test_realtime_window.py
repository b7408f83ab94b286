"""The window: what is kept, in order and without a hole, and what is dropped."""

import random
from uuid import UUID

import pytest

from parley.realtime.window import LiveEvent, Window

STREAM, OTHER, ADA, BOB = (UUID(int=number) for number in range(1, 5))
SIZE = 100


def events(first: int, last: int, size: int = SIZE) -> list[LiveEvent]:
    return [LiveEvent(position, STREAM, bytes(size)) for position in range(first, last + 1)]


def after(window: Window, position: int, span: int = 10_000, *streams: UUID) -> list[int]:
    found, end = window.page(ADA, streams or [STREAM], position, span)
    assert end == min(window.end, position + span)
    return [event.position for event in found]


def test_begins_empty() -> None:
    """After the position that it is made with nothing has happened."""
    window = Window(7)
    assert (window.start, window.end, after(window, 7)) == (7, 7, [])


def test_gives_what_follows() -> None:
    """From any position that it reaches back to, in order, of the next so many."""
    window = Window(7)
    window.append(events(8, 10))
    window.append(events(11, 20))
    for position in range(7, 21):
        assert after(window, position) == list(range(position + 1, 21))
    assert after(window, 9, 3) == [10, 11, 12]


@pytest.mark.parametrize("batch", [1, 3, 50])
def test_drops_the_oldest(batch: int) -> None:
    """It never holds more bytes than it may, and never a hole: what it reaches back to is all there."""
    window = Window(0, max_bytes=10 * SIZE)
    for first in range(1, 501, batch):
        window.append(events(first, min(500, first + batch - 1)))
        held = after(window, window.start)
        assert held == list(range(window.start + 1, window.end + 1))
        assert len(held) <= 10
        assert len(held) >= min(window.end, 10), "nothing is dropped that there is room for"
    assert window.end == 500


def test_large_events_take_the_room_of_many() -> None:
    """One that is larger than the whole window is not kept, and the window is none the less whole."""
    window = Window(0, max_bytes=5 * SIZE)
    window.append(events(1, 5))
    window.append(events(6, 6, size=3 * SIZE))
    assert after(window, window.start) == [4, 5, 6]
    window.append(events(7, 7, size=6 * SIZE))
    assert (window.start, window.end, after(window, 7)) == (7, 7, [])
    window.append(events(8, 9))
    assert after(window, 7) == [8, 9]


def test_memory_does_not_grow() -> None:
    """Dropped events are let go, not only passed over."""
    window = Window(0, max_bytes=10 * SIZE)
    for position in range(1, 2000):
        joins = frozenset([ADA] if position % 2 else [])
        window.append([LiveEvent(position, UUID(int=position % 7), bytes(SIZE), joins=joins)])
    assert len(window._events) <= 22
    assert len(window._others) + sum(map(len, window._plain.values())) == len(window._events)


def test_restarts_elsewhere() -> None:
    """Where the log goes on from another position nothing of before is known."""
    window = Window(0, max_bytes=10 * SIZE)
    window.append(events(1, 30))
    window.restart(12)
    assert (window.start, window.end, after(window, 12)) == (12, 12, [])
    window.append(events(13, 40))
    assert after(window, window.start) == list(range(31, 41))


def test_finds_ones_own_among_many() -> None:
    """Of plain events those of the streams that are asked for, and all that may change who hears what."""
    window = Window(0)
    window.append(
        [
            LiveEvent(1, STREAM, b""),
            LiveEvent(2, OTHER, b""),
            LiveEvent(3, BOB, b"", audience=frozenset([BOB])),
            LiveEvent(4, STREAM, b"", leaves=frozenset([ADA])),
            LiveEvent(5, OTHER, b"", joins=frozenset([BOB])),
            LiveEvent(6, STREAM, b""),
            LiveEvent(7, OTHER, b"", ends=True),
        ]
    )
    assert after(window, 0) == [1, 3, 4, 5, 6, 7]
    assert after(window, 0, 100, OTHER) == [2, 3, 4, 5, 7]
    window.append([LiveEvent(8, OTHER, b"", joins=frozenset([ADA])), LiveEvent(9, OTHER, b"")])
    assert after(window, 5) == [6, 7, 8, 9]


@pytest.mark.parametrize("span", [1, 2, 3, 7, 1000])
def test_pages_are_whole(span: int) -> None:
    """Page by page comes what would come at once, whatever was dropped before."""
    chance = random.Random(span)
    streams = [UUID(int=number) for number in range(10, 15)]
    window = Window(0, max_bytes=200 * SIZE)
    for position in range(1, 1001):
        stream, kind = chance.choice(streams), chance.random()
        joins = frozenset([ADA if kind < 0.02 else BOB]) if kind < 0.1 else frozenset[UUID]()
        window.append([LiveEvent(position, stream, bytes(SIZE), joins=joins, ends=0.1 <= kind < 0.12)])
    mine = set(streams[:2])
    position, found = window.start, list[LiveEvent]()
    while position < window.end:
        page, end = window.page(ADA, mine, position, span)
        assert all(position < event.position <= end for event in page)
        found += page
        # As whoever reads does: what one joins is one's own from there on.
        mine |= {event.stream_id for event in page if ADA in event.joins}
        position = end
    expected, mine = list[LiveEvent](), set(streams[:2])
    for event in window._events[window._dropped :]:
        if ADA in event.joins:
            mine.add(event.stream_id)
        if event.stream_id in mine or not event.is_plain:
            expected.append(event)
    needless = [event for event in found if event not in expected]
    assert [event for event in found if event not in needless] == expected
    assert all(event.stream_id not in streams[:2] for event in needless)
    assert {stream for stream, events in window._plain.items() if events} == window._plain.keys()


def test_reaches_back() -> None:
    """What is put before the rest is found as if it had always been there, and where that begins is told."""
    window = Window(20)
    window.append(events(21, 25))
    joined = LiveEvent(13, OTHER, bytes(SIZE), joins=frozenset([ADA]))
    older = [*events(11, 12), joined, LiveEvent(14, OTHER, bytes(SIZE)), *events(15, 20)]
    assert window.prepend(older, 10)
    assert window.prepend(events(6, 10), 5)
    assert (window.start, window.since, window.end) == (5, 20, 25)
    assert after(window, 5) == [*range(6, 14), 14, *range(15, 26)]
    assert after(window, 13, 10_000, OTHER) == [14]
    window.append(events(26, 26))
    assert after(window, 24) == [25, 26]


def test_reaches_back_as_far_as_there_is_room() -> None:
    """What is older never drives out what is newer, and what was dropped stays away."""
    window = Window(20, max_bytes=10 * SIZE)
    window.append(events(21, 25))
    assert not window.prepend(events(11, 20), 10)
    assert window.prepend(events(16, 20), 15)
    window.append(events(26, 28))
    assert (window.start, after(window, 18)) == (18, list(range(19, 29)))
    assert not window.prepend(events(18, 18), 17)
    assert after(window, 18) == list(range(19, 29))


def test_what_was_told_is_told_otherwise() -> None:
    """A message is found where it was sent and where it was told of again, and is let go with the rest."""
    window = Window(0, 10 * SIZE)
    window.append([LiveEvent(1, STREAM, bytes(SIZE)), *events(2, 3)])
    window.append([LiveEvent(4, STREAM, bytes(SIZE), of=1), LiveEvent(5, STREAM, bytes(SIZE), of=2)])
    told = window.telling_of(STREAM, 1)
    assert [event.position for event in told] == [1, 4]
    for event in told:
        window.retell(event, b"gone")
    found, _ = window.page(ADA, [STREAM], 0, 10)
    assert [event.position for event in found if event.frame == b"gone"] == [1, 4]
    assert window._bytes == 3 * SIZE + 2 * len(b"gone")
    window.forget(4)
    assert (window.start, window._bytes) == (4, SIZE)
    assert window.telling_of(STREAM, 1) == []
    assert [event.position for event in window.telling_of(STREAM, 2)] == [5]
    window.append(events(6, 30))
    assert window._later == {}
