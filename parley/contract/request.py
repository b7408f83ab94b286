"""The facts about the request under way that a handler may need and no parameter says."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from parley.contract.published import Published


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """Where a request came from. `address` is the client's, not a trusted proxy's."""

    request_id: str
    address: str
    user_agent: str | None


class Request(Protocol):
    """A request under way, which knows these things when it is asked for them, and not before."""

    def info(self) -> RequestInfo:
        """Tell where the request came from."""

    async def limits_left(self) -> list[dict[str, Any]]:
        """Tell what is left of each bucket for whoever makes the request, as `GET /limits` shows it."""

    @property
    def published(self) -> Published:
        """The contract under which the request was made."""


_current: ContextVar[Request] = ContextVar("current_request")


def current_request() -> RequestInfo:
    """Return the facts of the request that this task answers; LookupError outside of one."""
    return _current.get().info()


async def limits_left() -> list[dict[str, Any]]:
    """Return every bucket with what is left of it for the caller of the request that this task answers."""
    return await _current.get().limits_left()


def current_contract() -> Published:
    """Return the contract under which this task's request was made."""
    return _current.get().published


def begin_request(request: Request) -> None:
    """Make this the current request of this task, and of those it starts."""
    _current.set(request)
