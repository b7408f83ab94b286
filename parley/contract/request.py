"""The facts about the request under way that a handler may need and no parameter says."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """Where a request came from. `address` is the client's, not a trusted proxy's."""

    request_id: str
    address: str
    user_agent: str | None


_current: ContextVar[RequestInfo] = ContextVar("current_request")


def current_request() -> RequestInfo:
    """Return the facts of the request that this task answers; LookupError outside of one."""
    return _current.get()


def begin_request(info: RequestInfo) -> None:
    """Make `info` the current request of this task, and of those it starts."""
    _current.set(info)
