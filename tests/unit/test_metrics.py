"""Metrics: what is observed is what Prometheus reads."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from parley import metrics


def samples(name: str, **labels: str) -> dict[str, float]:
    """Return the samples of a family with these labels, by name and, for buckets, upper bound."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(metrics.exposed().decode()):
        for sample in family.samples:
            own = dict(sample.labels)
            bound = own.pop("le", "")
            if sample.name.startswith(name) and own.items() >= labels.items():
                found[sample.name + (f" {bound}" if bound else "")] = sample.value
    return found


def test_answers_are_counted_by_status() -> None:
    """Each operation has its own counts."""
    meter = metrics.requests.of("test_counts")
    meter.observe(200, 0.001)
    meter.observe(200, 0.002)
    meter.observe(404, 0.003)
    assert samples("parley_requests_total", operation="test_counts", status="200") == {
        "parley_requests_total": 2
    }
    assert samples("parley_requests_total", operation="test_counts", status="404") == {
        "parley_requests_total": 1
    }
    assert metrics.requests.of("test_counts") is meter


def test_a_histogram_counts_up_to_its_bounds() -> None:
    """A bucket holds what took at most its bound, and the last one everything."""
    meter = metrics.requests.of("test_seconds")
    for seconds in (0.0005, 0.001, 0.0011, 0.3, 99.0):
        meter.observe(200, seconds)
    found = samples("parley_request_seconds", operation="test_seconds")
    assert found["parley_request_seconds_bucket 0.001"] == 2
    assert found["parley_request_seconds_bucket 0.0025"] == 3
    assert found["parley_request_seconds_bucket 0.25"] == 3
    assert found["parley_request_seconds_bucket 0.5"] == 4
    assert found["parley_request_seconds_bucket 30.0"] == 4
    assert found["parley_request_seconds_bucket +Inf"] == 5
    assert found["parley_request_seconds_count"] == 5
    assert found["parley_request_seconds_sum"] == pytest.approx(99.3026)


def test_a_gauge_is_asked_when_somebody_looks() -> None:
    """A lent function is called at each look, and another one under the same name replaces it."""
    value = 1.0
    metrics.watch("parley_test_gauge", "A test.", lambda: value)
    assert samples("parley_test_gauge") == {"parley_test_gauge": 1}
    value = 2.0
    assert samples("parley_test_gauge") == {"parley_test_gauge": 2}
    metrics.watch("parley_test_gauge", "A test.", lambda: 7)
    assert samples("parley_test_gauge") == {"parley_test_gauge": 7}


def test_batches_are_measured() -> None:
    """How many events a commit had, and how long it took."""
    before = samples("parley_log_")
    metrics.observe_batch(3, 0.004)
    after = samples("parley_log_")
    assert after["parley_log_batch_events_sum"] - before["parley_log_batch_events_sum"] == 3
    assert after["parley_log_append_seconds_count"] - before["parley_log_append_seconds_count"] == 1
    assert after["parley_log_batch_events_bucket 4.0"] - before["parley_log_batch_events_bucket 4.0"] == 1
    assert after["parley_log_batch_events_bucket 2.0"] == before["parley_log_batch_events_bucket 2.0"]


def test_sockets_are_counted() -> None:
    """What was noted of them is shown, by direction, outcome and code."""
    before = samples("parley_socket_publish_seconds")
    metrics.sockets.wrote(0.004)
    metrics.sockets.wrote(-0.5)
    after = samples("parley_socket_publish_seconds")
    assert after["parley_socket_publish_seconds_count"] == before["parley_socket_publish_seconds_count"] + 2
    grown = after["parley_socket_publish_seconds_sum"] - before["parley_socket_publish_seconds_sum"]
    assert grown == pytest.approx(0.004, abs=1e-6)
    metrics.sockets.resumed("test_outcome")
    metrics.sockets.closed(4999)
    metrics.sockets.closed(4999)
    assert list(samples("parley_socket_resumes", outcome="test_outcome").values()) == [1]
    assert list(samples("parley_socket_closes", code="4999").values()) == [2]
    counted = metrics.sockets.frames_out
    metrics.sockets.frames_out += 3
    assert list(samples("parley_socket_frames", direction="out").values()) == [counted + 3]
