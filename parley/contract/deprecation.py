"""What the document calls deprecated says so in each of its answers: since when, and until when it is served."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from starlette.types import Receive, Scope, Send

from parley.contract.exchange import Exchange
from parley.contract.operations import CompiledOperation
from parley.contract.routing import EXCHANGE

# RFC 9745, section 2, has seconds since 1970 as a structured field; RFC 8594, section 3, a date of HTTP.
_LINES = "deprecation: @{since}\r\nsunset: {sunset}\r\n"


class Deprecated:
    """An operation that is on its way out, of whatever version. The others do not even ask whether they are."""

    def __init__(self, operation: CompiledOperation) -> None:
        self._operation = operation
        self._announcement = announcement(operation.documented.raw)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer like any other, and say in each answer, refusals included, that this will end."""
        exchange: Exchange = scope[EXCHANGE]
        exchange.add_lines(self._announcement)
        await self._operation(scope, receive, send)


def announcement(operation: Mapping[str, Any]) -> bytes:
    """Return the lines of a head that announce it."""
    since, sunset = (_midnight(operation[word]) for word in ("x-deprecated-since", "x-sunset"))
    return _LINES.format(since=int(since.timestamp()), sunset=format_datetime(sunset, usegmt=True)).encode()


def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
