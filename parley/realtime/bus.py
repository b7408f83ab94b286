"""How those who write tell those who read what was just written, and who types or came.

The log is the truth, and the bus only makes it quick: whatever does not come by the bus is read from the log. So a
bus may lose what it carries, and must never invent, tear or repeat it.

The one that there is ends at the process. Several servers of one database find each other's events by looking at the
log (`relay.LOOK_EVERY`), and each other's people in the database. One that reaches other processes would be a second
`Bus`, a line in `tests/unit/test_bus_conformance.py`, and what is given to `Realtime`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from parley import logs
from parley.realtime.window import LiveEvent

_log = logs.logger("realtime")


@dataclass(frozen=True, slots=True)
class Batch:
    """All events of the log from the position `first` to `last`, in order, each framed for the wire already.

    They are positions of the log of `epoch` (`cursors.epoch_of`). `committed_at` is Unix time in seconds, by the
    clock of whoever wrote them.
    """

    epoch: bytes
    first: int
    last: int
    events: Sequence[LiveEvent]
    committed_at: float


@dataclass(frozen=True, slots=True)
class Notice:
    """What is gone when nobody was there. `kind` says who understands `data`, which is JSON."""

    kind: Literal["typing", "presence"]
    data: bytes


TakeBatch = Callable[[Batch], None]
TakeNotice = Callable[[Notice], None]


class Bus(ABC):
    """Carries batches and notices to whoever has subscribed, in this process and in all others.

    What every bus promises, between `start()` and `stop()` (before and after it carries nothing):

    - Publishing returns at once and never raises. Nothing waits for a subscriber or for a network: what a bus has
      no room for it drops, notices first.
    - The subscribers of the bus that is published on have heard of it when `publish` returns; those of other
      processes hear soon, or never.
    - What one process published comes in its order, and each at most once. Between processes there is no order:
      batches of two writers may come the wrong way round.
    - What comes is whole, and as it was published.
    - A subscriber that raises is logged, and is no trouble to the others. Subscribers are called on the event loop
      and must not block it.
    """

    # Seconds for which what is missing may be another process's batch that is on its way.
    patience: float = 0.05

    def __init__(self) -> None:
        self._subscribers: list[tuple[TakeBatch, TakeNotice]] = []

    def subscribe(self, batches: TakeBatch, notices: TakeNotice) -> Callable[[], None]:
        """Let somebody hear everything from now on; what is returned ends that."""
        subscriber = (batches, notices)
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    @abstractmethod
    async def start(self) -> None:
        """Begin to carry."""

    @abstractmethod
    async def stop(self) -> None:
        """Carry no more. May be called twice."""

    @abstractmethod
    def publish(self, batch: Batch) -> None:
        """Tell what was just committed."""

    @abstractmethod
    def notify(self, notice: Notice) -> None:
        """Tell what nobody has to know."""

    def _hand_over(self, what: Batch | Notice) -> None:
        """Tell the subscribers of this process."""
        for take_batch, take_notice in list(self._subscribers):
            try:
                if isinstance(what, Batch):
                    take_batch(what)
                else:
                    take_notice(what)
            except Exception:
                _log.exception("a subscriber of the bus failed")


class InProcessBus(Bus):
    """The bus of a server that is one process: whoever is told is here, and from others nothing is on its way."""

    patience = 0.0

    def __init__(self) -> None:
        super().__init__()
        self._carries = False

    async def start(self) -> None:
        """Begin to carry."""
        self._carries = True

    async def stop(self) -> None:
        """Carry no more."""
        self._carries = False

    def publish(self, batch: Batch) -> None:
        """Tell what was just committed."""
        if self._carries:
            self._hand_over(batch)

    def notify(self, notice: Notice) -> None:
        """Tell what nobody has to know."""
        if self._carries:
            self._hand_over(notice)
