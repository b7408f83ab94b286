"""What the contract's edge reports becomes metrics and, if wanted, a line in the log for each request."""

from parley import metrics
from parley.logs import RequestLog

# A path that is not in the contract counts under one name, or a scanner could make names without end.
_UNROUTED = "unrouted"


class Observation:
    """Hears of each answer. Costs a microsecond without the request log, and three with it."""

    def __init__(self, request_log: RequestLog | None) -> None:
        self._request_log = request_log
        self._meters: dict[str | None, metrics.OperationMeter] = {}

    def answered(
        self, operation: str | None, method: str, route: str, status: int, seconds: float, request_id: str
    ) -> None:
        """Count an answer and log its line."""
        meter = self._meters.get(operation)
        if meter is None:
            meter = self._meters[operation] = metrics.requests.of(operation or _UNROUTED)
        meter.observe(status, seconds)
        if self._request_log is not None:
            self._request_log.line(method, route, status, seconds, request_id)

    def limiter_failed(self) -> None:
        """Count a request that was let through unlimited."""
        metrics.limiter_failures.inc()

    def failed_unexpectedly(self) -> None:
        """Count a fault of ours."""
        metrics.unexpected_errors.inc()
