"""Notices: what is gone when nobody was there. They are collected for a moment, joined for each reader and written
at once; under load they are dropped first, since events must not wait for them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol, cast

from parley import metrics
from parley.errors import ParleyError
from parley.realtime.frames import encode
from parley.realtime.hub import Subscriber
from parley.realtime.wire import frame_text

# Whoever has so many bytes to read already gets no notices.
CROWDED = 64 * 1024
# So many notices wait at the most.
MAX_WAITING = 10_000
# After so many writes the loop does something else.
WRITES_PER_TURN = 100
# Notices take at most this part of the time.
SHARE = 0.1


class Outlet(Protocol):
    """What notices need of a socket."""

    @property
    def buffered(self) -> int:
        """Bytes that the peer has not taken."""

    def write(self, framed: bytes) -> None:
        """Write frames."""


class Reader(Subscriber, Protocol):
    """A connection, as whoever writes notices knows it."""

    @property
    def socket(self) -> Outlet:
        """Where it reads."""


class Notices:
    """What waits to be written. `flush` is called several times a second."""

    def __init__(self) -> None:
        self._waiting: dict[Reader, list[tuple[bytes, int]]] = {}
        self._count = 0

    @property
    def is_full(self) -> bool:
        """Whether more would be dropped."""
        return self._count >= MAX_WAITING

    def put(self, readers: Collection[Subscriber], framed: bytes, notices: int = 1) -> None:
        """Write so many notices to some connections soon, unless there is too much else."""
        if self.is_full:
            return
        self._count += notices * len(readers)
        for reader in readers:
            # Whoever is in the hub has a socket.
            self._waiting.setdefault(cast(Reader, reader), []).append((framed, notices))

    async def flush(self) -> None:
        """Write what was collected."""
        waiting, self._waiting = self._waiting, {}
        self._count = 0
        for number, (reader, parts) in enumerate(waiting.items(), start=1):
            if reader.socket.buffered < CROWDED:
                reader.socket.write(b"".join([framed for framed, _ in parts]))
                metrics.sockets.frames_out += sum(notices for _, notices in parts)
            if number % WRITES_PER_TURN == 0:
                await asyncio.sleep(0)


async def pace(work: Callable[[], Awaitable[None]], least: float) -> None:
    """Do something that can wait, and then wait in turn: longer where it, or what else happened, took long."""
    clock = asyncio.get_running_loop().time
    began = clock()
    await work()
    await asyncio.sleep(max(least, (clock() - began) / SHARE))


def refusal(error: ParleyError, frame_type: str | None) -> bytes:
    """Return the frame that tells what was wrong with a client's frame, framed."""
    data = {"code": error.code, "message": error.message, "details": error.details, "frame": frame_type}
    return frame_text(encode("error", data))
