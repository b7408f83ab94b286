"""Where a listener stands, and what it does next."""

import json
from pathlib import Path
from typing import Any

import pytest
from parley_sdk.api_error import FrameLimitReached, ParleyError, SessionEnded, SocketClosed
from parley_sdk.backoff import Backoff
from parley_sdk.course import FRAMES_PER_MINUTE, Course
from parley_sdk.generated import models
from parley_sdk.generated.facts import CLOSE_VERDICTS
from parley_sdk.model import UnknownEvent
from parley_sdk.session import Session
from parley_sdk.stores import FileCursorStore, MemoryCursorStore, MemoryTokenStore


def course(cursor: str | None = None) -> tuple[Course, MemoryCursorStore]:
    store = MemoryCursorStore(cursor)
    session = Session(MemoryTokenStore(), 60)
    session.begin("token", "refresh", 3600)
    return Course(session, store, "https://parley.example", Backoff(0, 0)), store


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


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", "{}", '{"type": 1}', '{"type": "pong", "data": {}}', "[" * 99999]
)
def test_what_is_no_event_is_left_out(text: str) -> None:
    assert course()[0].take(text) is None


def test_what_does_not_fit_its_model_is_handed_over_as_it_is() -> None:
    event = course()[0].take(frame("message", {"id": 1}, cursor="c1"))
    assert isinstance(event, UnknownEvent)
    assert (event.type, event.name, event.data, event.cursor) == ("unknown", "message", {"id": 1}, "c1")


@pytest.mark.parametrize("cursor", [None, 5, {"a": 1}])
def test_a_resync_without_a_cursor_is_told(cursor: Any) -> None:
    of, store = course("c9")
    event = of.take(frame("resync", {"reason": "brand_new", "cursor": cursor}))
    assert isinstance(event, models.ResyncNotice)
    assert event.data.reason == "brand_new"
    of.handled()
    assert store.load() == "c9"


ODD: list[Any] = [
    None,
    [],
    {},
    {"heartbeat": [1]},
    {"heartbeat": {"interval_seconds": "x", "timeout_seconds": None}},
    {"heartbeat": {"interval_seconds": 0, "timeout_seconds": -1}},
    {"token_expires_at": "soon", "cursor": 5},
]


@pytest.mark.parametrize("data", ODD)
def test_an_odd_ready_is_as_good_as_another(data: Any) -> None:
    of, _ = course()
    of.opening("token")
    assert of.take(frame("ready", data)) is None
    assert of.state == "live"
    assert of.heartbeat == (25, 10)


def test_the_clock_of_the_server_does_not_matter() -> None:
    of, _ = course()
    of.opening("token")
    of.take(frame("ready", {"token_expires_at": "1996-11-22T12:00:00Z"}))
    assert not of.renewal_is_due


def test_a_token_that_another_renewed_is_told() -> None:
    of, _ = course()
    of.opening("the one before")
    of.take(frame("ready", {}))
    assert of.renewal_is_due
    assert "token" in (of.renewal("token") or "")
    assert of.renewal("token") is None
    assert not of.renewal_is_due


def test_a_token_is_renewed_however_much_is_said() -> None:
    of, _ = course()
    for _ in range(FRAMES_PER_MINUTE):
        of.frame("ping", {})
    assert of.renewal("another") is not None


def test_a_cursor_that_the_server_never_gave_is_told() -> None:
    of, store = course("half a cur")
    of.closed(4422)
    assert "cursor" not in opening(of)
    event = of.take(frame("ready", {"cursor": "c7"}))
    assert isinstance(event, models.ResyncNotice)
    # A program that ends here hears of it again.
    assert (event.data.reason, event.data.cursor, store.load()) == ("bad_cursor", "c7", "half a cur")
    of.handled()
    assert store.load() == "c7"
    assert of.take(frame("ready", {"cursor": "c7"})) is None


def test_a_loss_is_told_however_often_the_socket_breaks_before() -> None:
    of, store = course("half a cur")
    for code in (4422, 1001, 4422):
        of.closed(code)
        assert "cursor" not in opening(of)
    assert of.take(frame("group.deleted", {}, cursor="c6")) is not None
    of.handled()
    assert store.load() == "half a cur"
    assert isinstance(of.take(frame("ready", {"cursor": "c7"})), models.ResyncNotice)
    of.handled()
    assert store.load() == "c7"


def test_a_cursor_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    of = course()[0]
    of._store = FileCursorStore(tmp_path / "gone" / "cursor")
    with pytest.raises(ParleyError, match="cursor"):
        of.take(frame("ready", {"cursor": "c1"}))


def test_a_handshake_that_is_redirected_is_tried_again() -> None:
    of, _ = course()
    assert of.refused(302, None) == 0
    assert of.refused(503, 7) == 7
    with pytest.raises(SocketClosed):
        of.refused(403, None)


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
            of.opening("refused")
            of.closed(verdict.code)
            assert of.stale == "refused"
        case "later":
            assert of.closed(verdict.code) >= verdict.after_seconds
        case _:
            assert of.closed(verdict.code) == 0
    assert store.load() == "c1"
    assert ("cursor" in opening(of)) == verdict.keep_cursor


def test_a_session_that_was_revoked_is_forgotten_unless_it_is_another() -> None:
    of, _ = course("c1")
    opening(of)
    of._session.begin("of another log-in", "refresh", 3600)
    with pytest.raises(SessionEnded):
        of.closed(4403)
    assert of._session.tokens is not None
    opening(of)
    of.renewal("of another log-in")
    with pytest.raises(SessionEnded):
        of.closed(4403)
    assert of._session.tokens is None


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
