"""What operators can measure: everything that `/metrics` shows is registered here.

The layers above call what they need (`requests.of("send_message").observe(201, 0.004)`) or lend a function
that is asked when somebody looks (`watch`), so that a request pays as little as possible.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    exposition,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

# A time of creation beside each counter doubles what is scraped and tells nobody anything.
disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations

REGISTRY = CollectorRegistry()
CONTENT_TYPE = exposition.CONTENT_TYPE_PLAIN_0_0_4

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


def _reached(buckets: Sequence[int]) -> list[tuple[str, float]]:
    """Return how many observations there are up to each bound."""
    bounds = [*(str(bound) for bound in _SECONDS), "+Inf"]
    return [(bound, count) for bound, count in zip(bounds, accumulate(buckets), strict=True)]


class OperationMeter:
    """Counts and times the answers of one operation.

    prometheus_client takes a lock and builds a key for each observation (2 microseconds for a counter and a
    histogram); all of ours come from one thread, so plain numbers will do (0.3).
    """

    __slots__ = ("buckets", "seconds", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.buckets = [0] * (len(_SECONDS) + 1)
        self.seconds = 0.0

    def observe(self, status: int, seconds: float) -> None:
        """Count one answer that took `seconds`. To be called from the thread of the event loop."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.buckets[bisect_left(_SECONDS, seconds)] += 1
        self.seconds += seconds


class Requests(Collector):
    """The meters of all operations, as the two families that Prometheus reads."""

    def __init__(self) -> None:
        self._meters: dict[str, OperationMeter] = {}

    def of(self, operation: str) -> OperationMeter:
        """Return the meter of an operation; keep it, looking it up is the dearer part."""
        return self._meters.setdefault(operation, OperationMeter())

    def collect(self) -> Iterator[Metric]:
        answers = CounterMetricFamily(
            "parley_requests", "Answers by operation and status.", labels=("operation", "status")
        )
        seconds = HistogramMetricFamily(
            "parley_request_seconds", "Time to answer by operation.", labels=("operation",)
        )
        for operation, meter in self._meters.items():
            for status, count in meter.statuses.items():
                answers.add_metric((operation, str(status)), count)
            seconds.add_metric((operation,), _reached(meter.buckets), meter.seconds)
        yield answers
        yield seconds


class Sockets(Collector):
    """What happens on sockets. A delivery may be one of a million in a second, so these are plain numbers too.

    `resumes` counts by what came of it: `fresh` (without a cursor), `window` (all from memory), `log` (read from the
    database), `forged`, or why it had to be a resync; `closes` by the code that this server said;
    `refusals` of handshakes by the code of the answer.
    """

    def __init__(self) -> None:
        self.frames_in = 0
        self.frames_out = 0
        self.replayed = 0
        self.resumes: dict[str, int] = {}
        self.closes: dict[int, int] = {}
        self.refusals: dict[str, int] = {}
        self._buckets = [0] * (len(_SECONDS) + 1)
        self._seconds = 0.0

    def resumed(self, outcome: str) -> None:
        """Count one connection that knows what it gets."""
        self.resumes[outcome] = self.resumes.get(outcome, 0) + 1

    def refused(self, reason: str) -> None:
        """Count a handshake that becomes no socket."""
        self.refusals[reason] = self.refusals.get(reason, 0) + 1

    def closed(self, code: int) -> None:
        """Count one that is sent away."""
        self.closes[code] = self.closes.get(code, 0) + 1

    def wrote(self, seconds: float) -> None:
        """Count events that were written to the sockets together so long after the first of them was committed."""
        # Between machines the clocks may differ by more than that takes.
        seconds = max(0.0, seconds)
        self._buckets[bisect_left(_SECONDS, seconds)] += 1
        self._seconds += seconds

    def collect(self) -> Iterator[Metric]:
        frames = CounterMetricFamily("parley_socket_frames", "Frames by direction.", labels=("direction",))
        frames.add_metric(("in",), self.frames_in)
        frames.add_metric(("out",), self.frames_out)
        yield frames
        yield CounterMetricFamily(
            "parley_socket_replayed_events", "Events that somebody had missed.", value=self.replayed
        )
        resumes = CounterMetricFamily(
            "parley_socket_resumes", "Connections by what came of their cursor.", labels=("outcome",)
        )
        for outcome, count in self.resumes.items():
            resumes.add_metric((outcome,), count)
        yield resumes
        closes = CounterMetricFamily(
            "parley_socket_closes",
            "Sockets that were sent away, by close code; 4413 is a slow reader.",
            labels=("code",),
        )
        for code, count in self.closes.items():
            closes.add_metric((str(code),), count)
        yield closes
        refusals = CounterMetricFamily(
            "parley_socket_refusals",
            "Handshakes that became no socket, by the code of the error.",
            labels=("reason",),
        )
        for reason, count in self.refusals.items():
            refusals.add_metric((reason,), count)
        yield refusals
        seconds = HistogramMetricFamily(
            "parley_socket_publish_seconds",
            "Time from the commit of events until they were written to the sockets, by batch or page of the log.",
        )
        seconds.add_metric((), _reached(self._buckets), self._seconds)
        yield seconds


class Webhooks(Collector):
    """What becomes of deliveries. `attempts` counts by outcome: succeeded, failed, slow_down, gone or no_answer."""

    def __init__(self) -> None:
        self.dispatched = 0
        self.attempts: dict[str, int] = {}
        self._buckets = [0] * (len(_SECONDS) + 1)
        self._seconds = 0.0

    def attempted(self, outcome: str, seconds: float) -> None:
        """Count one request to a webhook and the time until its answer."""
        self.attempts[outcome] = self.attempts.get(outcome, 0) + 1
        self._buckets[bisect_left(_SECONDS, seconds)] += 1
        self._seconds += seconds

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "parley_webhook_deliveries", "Deliveries that were made from events.", value=self.dispatched
        )
        attempts = CounterMetricFamily(
            "parley_webhook_attempts", "Requests to webhooks by what came of them.", labels=("outcome",)
        )
        for outcome, count in self.attempts.items():
            attempts.add_metric((outcome,), count)
        yield attempts
        seconds = HistogramMetricFamily(
            "parley_webhook_attempt_seconds", "Time until webhooks answered, or did not."
        )
        seconds.add_metric((), _reached(self._buckets), self._seconds)
        yield seconds


class _Watched(Collector):
    """Gauges whose values are asked for when somebody looks."""

    def __init__(self) -> None:
        self.gauges: dict[str, tuple[str, Callable[[], float]]] = {}

    def collect(self) -> Iterator[Metric]:
        for name, (sentence, read) in self.gauges.items():
            yield GaugeMetricFamily(name, sentence, value=read())


requests = Requests()
sockets = Sockets()
webhooks = Webhooks()
_watched = _Watched()

batch_events = Histogram(
    "parley_log_batch_events",
    "Events that one commit appended to the log.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
    registry=REGISTRY,
)
append_seconds = Histogram(
    "parley_log_append_seconds",
    "Time from taking up a batch to its commit.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
limiter_failures = Counter(
    "parley_limiter_failures",
    "Requests let through because the rate limiter could not reach its counters.",
    registry=REGISTRY,
)
log_room_missing = Counter(
    "parley_log_room_missing",
    "Appends that had to wait for a partition of the log: retention should have made it ahead.",
    registry=REGISTRY,
)
unexpected_errors = Counter(
    "parley_unexpected_errors", "Answers of 500: each is a fault of Parley's.", registry=REGISTRY
)

REGISTRY.register(requests)
REGISTRY.register(sockets)
REGISTRY.register(webhooks)
REGISTRY.register(_watched)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)


def observe_batch(events: int, seconds: float) -> None:
    """Count one commit of the log."""
    batch_events.observe(events)
    append_seconds.observe(seconds)


def watch(name: str, sentence: str, read: Callable[[], float]) -> None:
    """Show `read()` as a gauge. Called again with the same name it replaces, as a restarted node wants.

    `read` must answer at once; it is called when `/metrics` is asked for.
    """
    _watched.gauges[name] = (sentence, read)


def exposed() -> bytes:
    """Return all metrics in Prometheus' text format."""
    return exposition.generate_latest(REGISTRY)
