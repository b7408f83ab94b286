"""The window: what is kept, in order and without a hole, and what is dropped."""

from uuid import UUID

import pytest

from parley.realtime.window import LiveEvent, Window

STREAM = UUID(int=1)
SIZE = 100


def events(first: int, last: int, size: int = SIZE) -> list[LiveEvent]:
    return [LiveEvent(position, STREAM, bytes(size)) for position in range(first, last + 1)]


def after(window: Window, position: int, limit: int = 10_000) -> list[int]:
    return [event.position for event in window.after(position, limit)]


def test_begins_empty() -> None:
    """After the position that it is made with nothing has happened."""
    window = Window(7)
    assert (window.start, window.end, after(window, 7)) == (7, 7, [])


def test_gives_what_follows() -> None:
    """From any position that it reaches back to, in order, at most so many."""
    window = Window(7)
    window.append(events(8, 10))
    window.append(events(11, 20))
    for position in range(7, 21):
        assert after(window, position) == list(range(position + 1, 21))
    assert after(window, 9, limit=3) == [10, 11, 12]


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
        window.append(events(position, position))
    assert len(window._events) <= 22


def test_restarts_elsewhere() -> None:
    """Where the log goes on from another position nothing of before is known."""
    window = Window(0, max_bytes=10 * SIZE)
    window.append(events(1, 30))
    window.restart(12)
    assert (window.start, window.end, after(window, 12)) == (12, 12, [])
    window.append(events(13, 40))
    assert after(window, window.start) == list(range(31, 41))
