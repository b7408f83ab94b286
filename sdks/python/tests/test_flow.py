"""What a request goes through, step by step and without a network."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from parley_sdk.api_error import SessionEnded, TimedOut
from parley_sdk.backoff import Backoff, RetryPolicy
from parley_sdk.errors import NotFoundError, UnavailableError
from parley_sdk.flow import Flow, Flows, Renew, Send, Sleep, Step
from parley_sdk.generated.facts import OPERATIONS
from parley_sdk.stores import MemoryTokenStore, Tokens

RENEWED = {"access_token": "new", "refresh_token": "next", "expires_in": 3600}


def flows(expires_in: float = 3600, **retry: Any) -> Flows:
    store = MemoryTokenStore()
    store.save(Tokens("old", "refresh", time.time() + expires_in, 3600))
    policy = RetryPolicy(**{"max_attempts": 3, "backoff": Backoff(1, 1), **retry})
    return Flows(httpx.Client(base_url="http://parley"), store, policy, 60)


def ask(of: Flows, operation: str = "get_me", **more: Any) -> Flow:
    given = {"path": {}, "query": {}, "json": None, "idempotency_key": None, **more}
    return of.call(OPERATIONS[operation], **given)


def play(
    flow: Flow, *came: httpx.Response | Exception | None
) -> tuple[list[Step], Callable[[], httpx.Response]]:
    """Tell a flow what came of each of its steps; return the steps, and what gives or raises its result."""
    steps: list[Step] = [next(flow)]

    def result() -> httpx.Response:
        for each in came:
            try:
                steps.append(flow.throw(each) if isinstance(each, Exception) else flow.send(each))  # type: ignore[arg-type] # steps that send nothing give None
            except StopIteration as done:
                answer: httpx.Response = done.value
                return answer
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
    assert of.tokens is not None
    assert (of.tokens.access_token, of.tokens.refresh_token) == ("new", "next")


def test_a_renewal_that_was_cut_is_repeated_with_its_key() -> None:
    of = flows(max_attempts=1)
    keys = []
    for _ in range(2):
        steps, result = play(of.renewal("old"), httpx.ReadError("cut"))
        with pytest.raises(Exception, match="not reached"):
            result()
        keys.append(steps[0].request.headers["Idempotency-Key"])  # type: ignore[union-attr] # it is a Send
    assert keys[0] == keys[1]


def test_whoever_comes_late_needs_no_renewal() -> None:
    of = flows()
    with pytest.raises(StopIteration):
        next(of.renewal("another"))


def test_a_refused_renewal_ends_the_session() -> None:
    of = flows()
    _, result = play(of.renewal("old"), httpx.Response(401, json={"error": {"code": "unauthorized"}}))
    with pytest.raises(SessionEnded):
        result()
    assert of.tokens is None
    with pytest.raises(SessionEnded):
        next(ask(of))
