"""Who wants to know what was answered: metrics and the request log, in a server."""

from typing import Protocol


class RequestObserver(Protocol):
    """Told what happened, in the event loop: it must be quick and must not raise."""

    def answered(
        self, operation: str | None, method: str, route: str, status: int, seconds: float, request_id: str
    ) -> None:
        """Hear of an answer. `operation` is the operationId and `route` the template of its path.

        Where no operation was found, `operation` is None and `route` says `unrouted`: a path that a client
        made up may hold anything.
        """

    def limiter_failed(self) -> None:
        """Hear that a request was let through because the rate limiter could not reach its counters."""

    def failed_unexpectedly(self) -> None:
        """Hear of an error that nobody foresaw; its answer is a 500."""


class NoObserver:
    """Nobody wants to know."""

    def answered(
        self, operation: str | None, method: str, route: str, status: int, seconds: float, request_id: str
    ) -> None:
        """Do nothing."""

    def limiter_failed(self) -> None:
        """Do nothing."""

    def failed_unexpectedly(self) -> None:
        """Do nothing."""
