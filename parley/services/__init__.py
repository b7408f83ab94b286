"""Rules: what may be done and what follows from it. No HTTP here and no SQL."""

from contextvars import ContextVar
from typing import Any, TypeAlias

Services: TypeAlias = Any

_bound: ContextVar[Services] = ContextVar("services")


def services() -> Services:
    """Return the services of the process that answers the present request; LookupError outside of one."""
    return _bound.get()


def bind_services(bound: Services) -> None:
    """Make these the services of this task, and of those it starts."""
    _bound.set(bound)
