"""What a request goes through, step by step and without a network."""

import json
import time
from collections.abc import Callable
from types import NoneType
from typing import Any

import httpx
import pytest
from parley_sdk.answers import read
from parley_sdk.api_error import ConnectionFailed, ParleyError, SessionEnded, TimedOut
from parley_sdk.backoff import Backoff, RetryPolicy
from parley_sdk.errors import ConflictError, NotFoundError, UnavailableError
from parley_sdk.flow import Flow, FlowOf, Flows, Renew, Send, Sleep, Step
from parley_sdk.generated.facts import OPERATIONS
from parley_sdk.session import Session
from parley_sdk.stores import MemoryTokenStore, Tokens
from renewed import RENEWED

STILL_RUNNING = httpx.Response(
    409, headers={"Retry-After": "1"}, json={"error": {"code": "conflict", "message": "Still running"}}
)


def flows(expires_in: float = 3600, **retry: Any) -> Flows:
    store = MemoryTokenStore()
    store.save(Tokens("old", "refresh", time.time() + expires_in, 3600))
    policy = RetryPolicy(**{"max_attempts": 3, "backoff": Backoff(1, 1), **retry})
    return Flows(httpx.Client(base_url="http://parley"), Session(store, 60), policy)


def tokens(of: Flows) -> Tokens | None:
    return of._session.tokens


def token(of: Flows) -> Any:
    """Return the token of a request that asks nobody for one."""
    with pytest.raises(StopIteration) as done:
        next(of.fresh())
    return done.value.value


def ask(of: Flows, operation: str = "get_me", **more: Any) -> Flow:
    given = {"path": {}, "query": {}, "json": None, "idempotency_key": None, **more}
    return of.call(OPERATIONS[operation], **given)


def play(flow: FlowOf[Any], *came: httpx.Response | Exception | None) -> tuple[list[Step], Callable[[], Any]]:
    """Tell a flow what came of each of its steps; return the steps, and what gives or raises its result."""
    steps: list[Step] = [next(flow)]

    def result() -> Any:
        for each in came:
            try:
                steps.append(flow.throw(each) if isinstance(each, Exception) else flow.send(each))  # type: ignore[arg-type] # steps that send nothing give None
            except StopIteration as done:
                return done.value
        raise AssertionError(f"It has not ended: {steps}")

    return steps, result


def test_an_answer_ends_it() -> None:
    steps, result = play(ask(flows()), httpx.Response(200))
    assert result().status_code == 200
    assert isinstance(steps[0], Send)
    assert steps[0].request.headers["Authorization"] == "Bearer old"
    assert steps[0].request.url.path == "/v1/me"


def test_a_token_that_is_about_to_expire_is_renewed_first() -> None:
    steps, result = play(ask(flows(expires_in=30)), None, httpx.Response(200))
    result()
    assert steps[0] == Renew("old")


def test_a_renewal_that_fails_in_time_does_no_harm() -> None:
    _, result = play(ask(flows(expires_in=30)), TimedOut(""), httpx.Response(200))
    assert result().status_code == 200


def test_a_renewal_that_fails_too_late_is_told() -> None:
    _, result = play(ask(flows(expires_in=-1)), TimedOut(""))
    with pytest.raises(TimedOut):
        result()


def test_an_expired_token_is_renewed_once() -> None:
    expired = httpx.Response(
        401, json={"error": {"code": "unauthorized", "details": {"token_expired": True}}}
    )
    steps, result = play(ask(flows()), expired, None, httpx.Response(200))
    result()
    assert steps[1] == Renew("old")


def test_a_broken_connection_is_tried_again_where_it_is_safe() -> None:
    steps, result = play(ask(flows()), httpx.ReadError("cut"), None, httpx.Response(200))
    result()
    assert isinstance(steps[1], Sleep)
    assert 0 <= steps[1].seconds <= 1


def test_a_patch_is_not_tried_again() -> None:
    _, result = play(ask(flows(), "update_user", path={"user_id": "x"}), httpx.ReadTimeout("late"))
    with pytest.raises(TimedOut):
        result()


def test_tries_end() -> None:
    away = httpx.Response(503, json={"error": {"code": "unavailable", "message": "Not now", "details": {}}})
    _, result = play(ask(flows()), away, None, away, None, away)
    with pytest.raises(UnavailableError):
        result()


def test_what_would_take_too_long_is_not_waited_for() -> None:
    later = httpx.Response(429, headers={"Retry-After": "61"})
    _, result = play(ask(flows()), later)
    with pytest.raises(Exception, match="no reason"):
        result()


def test_errors_are_not_tried_again() -> None:
    _, result = play(ask(flows()), httpx.Response(404, json={"error": {"code": "not_found"}}))
    with pytest.raises(NotFoundError):
        result()


@pytest.mark.parametrize(
    ("headers", "details", "wait"),
    [
        ({"Retry-After": "3"}, {"retry_after": 9}, 3),
        ({}, {"retry_after": 3}, 3),
        ({"Retry-After": "soon"}, {"retry_after": 3}, 3),
        (
            {"Retry-After": "Sun, 22 Nov 2037 12:00:07 GMT", "Date": "Sun, 22 Nov 2037 12:00:00 GMT"},
            {},
            7,
        ),
        ({"Retry-After": "Sun Nov 22 12:00:07 2037", "Date": "Sun, 22 Nov 2037 12:00:00 GMT"}, {}, 7),
        ({"Retry-After": "Sun Nov  1 12:00:07 2037", "Date": "Sun Nov  1 12:00:00 2037"}, {}, 7),
        (
            {"Retry-After": "Sunday, 22-Nov-37 12:00:07 GMT", "Date": "Sun, 22 Nov 2037 12:00:00 GMT"},
            {},
            7,
        ),
        ({"Retry-After": "Sun, 22 Nov 2015 12:00:07 GMT"}, {}, 0),
        ({"Retry-After": "Sun Nov 22 12:00:07 2015"}, {}, 0),
        ({"Retry-After": "9" * 400}, {}, 3600),
        ({}, {"retry_after": float("inf")}, 3600),
    ],
)
def test_it_waits_as_it_is_told(headers: dict[str, str], details: dict[str, Any], wait: float) -> None:
    busy = httpx.Response(429, headers=headers, content=json.dumps({"error": {"details": details}}))
    steps, result = play(ask(flows(max_elapsed=10**6)), busy, None, httpx.Response(200))
    result()
    assert steps[1] == Sleep(wait)


@pytest.mark.parametrize("text", ["-5", "1.5", "", "²", "abc", "Sun, 99 Nov 2037", "0x10"])
def test_what_tells_nothing_is_backed_off_from(text: str) -> None:
    busy = httpx.Response(429, headers=[(b"Retry-After", text.encode("latin-1"))])
    steps, result = play(ask(flows()), busy, None, httpx.Response(200))
    result()
    assert isinstance(steps[1], Sleep)
    assert steps[1].seconds <= 1


def test_a_send_that_is_still_running_is_waited_for() -> None:
    steps, result = play(ask(flows(), "send_message", json={}), STILL_RUNNING, None, httpx.Response(201))
    assert result().status_code == 201
    assert steps[1] == Sleep(1)


def test_other_conflicts_are_told() -> None:
    taken = httpx.Response(409, json={"error": {"code": "conflict"}})
    _, result = play(ask(flows(), "send_message", json={}), taken)
    with pytest.raises(ConflictError):
        result()
    _, result = play(ask(flows(), "remove_member", path={"group_id": "g", "user_id": "u"}), STILL_RUNNING)
    with pytest.raises(ConflictError):
        result()


@pytest.mark.parametrize("content", [b"", b"{}", b"<html>Welcome</html>"])
def test_only_no_content_says_that_something_is_done(content: bytes) -> None:
    read(httpx.Response(204), NoneType)
    with pytest.raises(ConnectionFailed, match="200"):
        read(httpx.Response(200, content=content), NoneType)


def test_an_id_stays_within_its_part_of_the_path() -> None:
    steps, _ = play(ask(flows(), "delete_message", path={"message_id": "x/../../groups/1?a=b#c%2e"}))
    assert isinstance(steps[0], Send)
    assert steps[0].request.url.raw_path == b"/v1/messages/x%2F..%2F..%2Fgroups%2F1%3Fa%3Db%23c%252e"


@pytest.mark.parametrize("text", ["", ".", ".."])
def test_what_is_no_part_of_a_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="message_id"):
        next(ask(flows(), "delete_message", path={"message_id": text}))


def test_a_repeated_post_keeps_its_key() -> None:
    flow = ask(flows(), "send_message", json={"content": "x"})
    steps, result = play(flow, httpx.ReadError("cut"), None, httpx.Response(201))
    result()
    keys = [step.request.headers["Idempotency-Key"] for step in steps if isinstance(step, Send)]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_renewal_writes_the_tokens_before_they_are_used() -> None:
    of = flows()
    _, result = play(of.renewal("old"), httpx.Response(200, json=RENEWED))
    result()
    kept = tokens(of)
    assert kept is not None
    assert (kept.access_token, kept.refresh_token) == ("new", "next")


def test_a_renewal_that_was_cut_is_repeated_with_its_key() -> None:
    of = flows(max_attempts=1)
    keys = []
    for _ in range(2):
        steps, result = play(of.renewal("old"), httpx.ReadError("cut"))
        with pytest.raises(Exception, match="not reached"):
            result()
        keys.append(steps[0].request.headers["Idempotency-Key"])  # type: ignore[union-attr] # it is a Send
    assert keys[0] == keys[1]


def test_whoever_shares_the_store_refreshes_with_the_same_key() -> None:
    keys = {next(flows().renewal("old")).request.headers["Idempotency-Key"] for _ in range(2)}  # type: ignore[union-attr] # it is a Send
    assert len(keys) == 1
    assert "refresh" not in keys.pop()


@pytest.mark.parametrize(
    "page",
    [
        httpx.Response(302, headers={"Location": "http://hotel/portal"}),
        httpx.Response(401, text="<html>Log in to the proxy</html>"),
        httpx.Response(401, json={"error": "unauthorized"}),
        httpx.Response(403, text="<html>blocked</html>"),
        httpx.Response(404, text="<html>no such host</html>"),
        httpx.Response(408, text="<html>late</html>"),
        httpx.Response(200, text="<html>Welcome to our hotel</html>"),
        httpx.Response(200, json={"access_token": "a secret"}),
    ],
)
def test_only_the_server_ends_a_session(page: httpx.Response) -> None:
    of = flows()
    _, result = play(of.renewal("old"), page)
    with pytest.raises(ParleyError) as raised:
        result()
    assert not isinstance(raised.value, SessionEnded)
    assert "a secret" not in str(raised.value)
    assert tokens(of) is not None


def test_a_refusal_that_another_was_quicker_than_is_none() -> None:
    of = flows()
    flow = of.renewal("old")
    next(flow)
    of._session.begin("newer", "next", 3600)
    with pytest.raises(StopIteration):
        flow.send(httpx.Response(401, json={"error": {"code": "unauthorized"}}))
    assert token(of) == "newer"


@pytest.mark.parametrize(
    "came", [httpx.Response(200, json=RENEWED), httpx.Response(503), httpx.ConnectError("away")]
)
@pytest.mark.parametrize("left", [None, "of another log-in"])
def test_what_was_renewed_counts_no_more_after_a_log_in_or_out(came: Any, left: str | None) -> None:
    of = flows(max_attempts=1)
    steps, result = play(of.renewal("old"), came)
    if left is None:
        of._session.end()
    else:
        of._session.begin(left, "its refresh", 3600)
    assert result() is None
    assert isinstance(steps[0], Send)
    kept = tokens(of)
    assert (kept and kept.access_token) == left


def test_a_token_that_has_just_come_is_not_refreshed() -> None:
    of = flows()
    _, result = play(of.renewal("old"), httpx.Response(200, json={**RENEWED, "expires_in": 0}))
    result()
    assert token(of) == "new"


def test_a_clock_that_is_set_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    of = flows()
    of._session.begin("received", "next", 3600)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 7200)
    assert token(of) == "received"


def test_whoever_comes_late_needs_no_renewal() -> None:
    of = flows()
    with pytest.raises(StopIteration):
        next(of.renewal("another"))


def test_a_refused_renewal_ends_the_session() -> None:
    of = flows()
    _, result = play(of.renewal("old"), httpx.Response(401, json={"error": {"code": "unauthorized"}}))
    with pytest.raises(SessionEnded):
        result()
    assert tokens(of) is None
    with pytest.raises(SessionEnded):
        next(ask(of))
