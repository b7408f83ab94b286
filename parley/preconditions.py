"""What a request demands of the thing that it is to change: nothing, or that it is still as its client saw it.

A service judges this where nobody else can change the thing before its own change is committed: that is what makes
a lost update impossible. It knows nothing of how a client says which state it saw.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from parley.errors import PreconditionFailed


class Precondition:
    """A demand. `holds` tells whether a thing, as its readers get to see it, is in the state that is demanded."""

    def __init__(self, holds: Callable[[Any], bool]) -> None:
        self._holds = holds
        self.was_judged = False

    def check(self, thing: Any) -> None:
        """Raise PreconditionFailed where the thing is in another state."""
        self.was_judged = True
        if not self._holds(thing):
            raise PreconditionFailed


_demanded: ContextVar[Precondition | None] = ContextVar("precondition", default=None)


def demand(precondition: Precondition) -> None:
    """Demand this of what the task at hand will change, until it is withdrawn."""
    _demanded.set(precondition)


def withdraw() -> None:
    """Demand nothing any more."""
    _demanded.set(None)


def is_demanded() -> bool:
    """Tell whether anything is demanded, for those who would have to read the thing first."""
    return _demanded.get() is not None


def check(thing: Any) -> None:
    """Raise PreconditionFailed where the request under way demands another state of this thing."""
    precondition = _demanded.get()
    if precondition is not None:
        precondition.check(thing)
