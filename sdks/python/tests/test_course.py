"""Where a listener stands, and what it does next."""

import json
from typing import Any

import httpx
import pytest
from parley_sdk.api_error import FrameLimitReached, SessionEnded, SocketClosed
from parley_sdk.backoff import Backoff, RetryPolicy
from parley_sdk.flow import Flows
from parley_sdk.generated.facts import CLOSE_VERDICTS
from parley_sdk.realtime import FRAMES_PER_MINUTE, Course
from parley_sdk.stores import MemoryCursorStore, MemoryTokenStore


def course(cursor: str | None = None) -> tuple[Course, MemoryCursorStore]:
    store = MemoryCursorStore(cursor)
    flows = Flows(httpx.Client(), MemoryTokenStore(), RetryPolicy(), 60)
    return Course(flows, store, "https://parley.example", Backoff(0, 0)), store


def frame(kind: str, data: Any, **more: Any) -> str:
    return json.dumps({"type": kind, "data": data, **more})


def opening(of: Course) -> Any:
    return json.loads(of.opening("token"))["data"]


def test_the_token_goes_in_the_first_frame() -> None:
    of, _ = course()
    assert of.url == "wss://parley.example/ws"
    assert opening(of) == {"token": "token"}
    assert opening(course("c1")[0]) == {"token": "token", "cursor": "c1"}


def test_a_cursor_is_kept_when_the_event_was_handled() -> None:
    of, store = course("c0")
    assert of.take(frame("group.deleted", {}, cursor="c1")) is not None
    assert store.load() == "c0"
    of.handled()
    assert store.load() == "c1"


def test_a_duplicate_is_left_out() -> None:
    of, _ = course()
    assert of.take(frame("group.deleted", {}, cursor="c1")) is not None
    assert of.take(frame("group.deleted", {}, cursor="c1")) is None


def test_a_resync_begins_anew() -> None:
    of, store = course("c9")
    event = of.take(frame("resync", {"reason": "log_reset", "cursor": "c1"}))
    assert event is not None
    of.handled()
    assert store.load() == "c1"


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", '{"type": 1}', '{"type": "pong", "data": {}}'])
def test_what_is_no_event_is_left_out(text: str) -> None:
    assert course()[0].take(text) is None


def test_what_does_not_fit_its_model_is_handed_over_as_it_is() -> None:
    event = course()[0].take(frame("message", {"id": 1}, cursor="c1"))
    assert event is not None
    assert (event.data, event.is_known) == ({"id": 1}, True)


@pytest.mark.parametrize("verdict", CLOSE_VERDICTS.values(), ids=lambda verdict: str(verdict.name))
def test_each_close_code_is_obeyed(verdict: Any) -> None:
    of, store = course("c1")
    match verdict.reconnect:
        case "never":
            with pytest.raises(SocketClosed):
                of.closed(verdict.code)
        case "new_session":
            with pytest.raises(SessionEnded):
                of.closed(verdict.code)
        case "new_token":
            assert of.closed(verdict.code)[1]
        case "later":
            assert of.closed(verdict.code)[0] >= verdict.after_seconds
        case _:
            assert of.closed(verdict.code) == (0, False)
    assert store.load() == ("c1" if verdict.keep_cursor else None)


def test_failures_in_a_row_wait_longer() -> None:
    waits = [Backoff(1, 30).delay(failures) <= 2 ** (failures - 1) for failures in range(1, 6)]
    assert all(waits)
    assert Backoff(1, 30).delay(10_000) <= 30


def test_frames_are_counted() -> None:
    of, _ = course()
    for _ in range(FRAMES_PER_MINUTE):
        of.frame("ping", {})
    with pytest.raises(FrameLimitReached):
        of.frame("ping", {})
