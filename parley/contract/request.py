"""The facts about the request under way that a handler may need and no parameter says."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """Where a request came from. `address` is the client's, not a trusted proxy's."""

    request_id: str
    address: str
    user_agent: str | None


# What is left of each bucket for whoever makes the request, shown as `GET /limits` does.
LimitsLeft = Callable[[], Awaitable[list[dict[str, Any]]]]

_current: ContextVar[tuple[RequestInfo, LimitsLeft]] = ContextVar("current_request")


def current_request() -> RequestInfo:
    """Return the facts of the request that this task answers; LookupError outside of one."""
    return _current.get()[0]


async def limits_left() -> list[dict[str, Any]]:
    """Return every bucket with what is left of it for the caller of the request that this task answers."""
    return await _current.get()[1]()


def begin_request(info: RequestInfo, left: LimitsLeft) -> None:
    """Make this the current request of this task, and of those it starts."""
    _current.set((info, left))
