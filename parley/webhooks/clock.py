"""What time it is for webhooks: by the database, or by a clock that a test gives."""

from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """`given` stands for all other clocks."""

    def __init__(self, given: Callable[[], datetime] | None = None) -> None:
        self._given = given

    def at(self) -> datetime | None:
        """Return the time by the clock that was given; None is the database's."""
        return None if self._given is None else self._given()

    def now(self) -> datetime:
        """Return the time by the clock that was given, or else by this machine's."""
        return self.at() or datetime.now(UTC)
