"""Requests: what is repeated and when, what an error is called, and what else an answer tells."""

import pytest

from drivers import Driver, outcome
from people import Person
from proxy import Fault, Proxy
from scripts import sdk_contract
from stub import ME, Reply, Stub, envelope, message

CONTRACT = sdk_contract.read()
STATUS_OF = {code: status for status, code in CONTRACT.code_of_status.items()} | {"method_not_allowed": 405}
SEND = b"POST /v1/messages"


@pytest.mark.parametrize(
    "fault", [Fault.CUT_REQUEST, Fault.CUT_ANSWER, Fault.HALF_ANSWER, Fault.CORRUPT_ANSWER]
)
def test_a_send_that_was_cut_arrives_once(
    driver: Driver, proxy: Proxy, client: str, bob: Person, fault: Fault
) -> None:
    """It is repeated with its key, so there is one message, whatever became of the first try."""
    proxy.befall(fault, SEND, times=2)
    sent = driver.do("send", client=client, receiver_id=bob.id, content=fault.name)
    history = bob.get("/messages", conversation_id=sent["conversation_id"]).json()["messages"]
    assert [entry["id"] for entry in history] == [sent["id"]]
    assert proxy.count(SEND) == 3


def test_an_answer_that_never_comes_is_given_up(
    driver: Driver, proxy: Proxy, ada: Person, bob: Person
) -> None:
    """There is a time-out on everything, and what is safe is tried again."""
    driver.do(
        "client",
        name="ada",
        base_url=proxy.url,
        timeout=2,
        retry={"max_attempts": 3, "max_elapsed": 30, "base": 0.05},
    )
    driver.do("login", client="ada", email=ada.email, password="secure_password")
    proxy.befall(Fault.STALL, SEND)
    sent = driver.do("send", client="ada", receiver_id=bob.id, content="once")
    proxy.befall(Fault.STALL, b"GET /v1/me", times=9)
    assert driver.refused("me", client="ada").name == "TimedOut"
    assert len(bob.get("/messages", conversation_id=sent["conversation_id"]).json()["messages"]) == 1


def test_a_server_that_is_away_is_asked_again(driver: Driver, proxy: Proxy, client: str, ada: Person) -> None:
    """Connections that are refused are tried again, and in the end it is told."""
    proxy.cut()
    proxy.refuse(True)
    assert driver.refused("me", client=client).name == "ConnectionFailed"
    asking = driver.begin("me", client=client)
    proxy.refuse(False)
    assert outcome(asking) is None


@pytest.mark.parametrize("status", [429, 503])
def test_it_waits_as_long_as_it_is_told(driver: Driver, stub: Stub, stubbed: str, status: int) -> None:
    """`Retry-After` decides over the back-off."""
    code = CONTRACT.code_of_status[status]
    later = Reply(status, envelope(code, "Too many requests", retry_after=2), {"Retry-After": "2"})
    stub.answer("GET", "/v1/me", later, Reply(200, ME))
    driver.do("me", client=stubbed)
    first, second = stub.asked("GET", "/v1/me")
    assert 1.9 <= second.at - first.at < 20


def test_it_does_not_wait_for_longer_than_it_may(driver: Driver, stub: Stub, stubbed: str) -> None:
    """What would take longer than the policy allows is told at once."""
    later = Reply(429, envelope("rate_limit_exceeded", "Too many requests"), {"Retry-After": "3600"})
    stub.answer("GET", "/v1/me", later)
    assert driver.refused("me", client=stubbed).name == "RateLimitError"
    assert len(stub.asked("GET", "/v1/me")) == 1


def test_tries_are_counted(driver: Driver, stub: Stub, stubbed: str) -> None:
    """After as many as the policy says, the last error is told."""
    stub.answer("GET", "/v1/me", Reply(503, envelope("unavailable", "Not now")))
    assert driver.refused("me", client=stubbed).name == "UnavailableError"
    assert len(stub.asked("GET", "/v1/me")) == 6


def test_what_is_not_safe_is_not_repeated(driver: Driver, stub: Stub, stubbed: str) -> None:
    """A PATCH whose answer is 500 may have been done: its caller decides."""
    path = f"/v1/users/{ME['id']}"
    stub.answer("PATCH", path, Reply(500, envelope("internal_error", "Oops")))
    assert driver.refused("update_me", client=stubbed, fields={"bio": "x"}).name == "InternalError"
    assert len(stub.asked("PATCH", path)) == 1


def test_each_post_has_a_key_of_its_own(driver: Driver, stub: Stub, stubbed: str) -> None:
    """Two sends have two keys, a repeated one keeps its own, and the caller may choose it."""
    unavailable = Reply(503, envelope("unavailable", "Not now"))
    stub.answer("POST", "/v1/messages", unavailable, Reply(201, message(1)))
    driver.do("send", client=stubbed, receiver_id=ME["id"], content="a")
    driver.do("send", client=stubbed, receiver_id=ME["id"], content="b")
    driver.do("send", client=stubbed, receiver_id=ME["id"], content="c", idempotency_key="mine")
    keys = [request.headers["Idempotency-Key"] for request in stub.asked("POST", "/v1/messages")]
    assert keys[0] == keys[1] != keys[2]
    assert keys[3] == "mine"


@pytest.mark.parametrize("code", CONTRACT.error_codes, ids=lambda code: str(code.code))
def test_each_code_is_a_class(driver: Driver, stub: Stub, stubbed: str, code: sdk_contract.ErrorCode) -> None:
    """With the field, the reason, the id of the request and the status."""
    body = envelope(code.code, "No", field="x.y", reason="Because")
    path = f"/v1/users/{ME['id']}"
    stub.answer("PATCH", path, Reply(STATUS_OF[code.code], body))
    fact = driver.refused("update_me", client=stubbed, fields={"bio": "x"}).fact
    assert fact["class"] == code.class_name
    assert (fact["code"], fact["status"]) == (code.code, STATUS_OF[code.code])
    assert (fact["field"], fact["reason"], fact["message"]) == ("x.y", "Because", "No")
    assert fact["request_id"].startswith("stub-")


def test_an_unknown_code_is_what_its_status_says(driver: Driver, stub: Stub, stubbed: str) -> None:
    """A later version's code keeps its name; a status without a class is an ApiError."""
    path = f"/v1/users/{ME['id']}"
    stub.answer(
        "PATCH", path, Reply(404, envelope("lost_in_space", "No")), Reply(418, envelope("teapot", "No"))
    )
    first = driver.refused("update_me", client=stubbed, fields={"bio": "x"}).fact
    assert (first["class"], first["code"]) == ("NotFoundError", "lost_in_space")
    second = driver.refused("update_me", client=stubbed, fields={"bio": "x"}).fact
    assert (second["class"], second["code"], second["status"]) == ("ApiError", "teapot", 418)


def test_an_error_that_is_no_envelope_is_told(driver: Driver, stub: Stub, stubbed: str) -> None:
    """A proxy's page of HTML is an error of its status."""
    path = f"/v1/users/{ME['id']}"
    stub.answer("PATCH", path, Reply(500, b"<html>Bad gateway</html>"), Reply(502, b""))
    assert driver.refused("update_me", client=stubbed, fields={"bio": "x"}).name == "InternalError"
    assert driver.refused("update_me", client=stubbed, fields={"bio": "x"}).fact["status"] == 502


def test_what_is_unknown_does_no_harm(driver: Driver, stub: Stub, stubbed: str) -> None:
    """Fields and values that a later version added are ignored, or kept as they are."""
    stub.answer("GET", "/v1/me", Reply(200, {**ME, "status": "on_the_moon", "shoe_size": 43}))
    assert driver.do("me", client=stubbed)["id"] == ME["id"]


def test_null_clears_and_absent_leaves(driver: Driver, client: str) -> None:
    """What is not named stays as it is."""
    driver.do("update_me", client=client, fields={"bio": "Engines", "location": "London"})
    profile = driver.do("update_me", client=client, fields={"bio": None})["profile"]
    assert (profile["bio"], profile["location"]) == (None, "London")


def test_the_last_answer_tells_more(driver: Driver, client: str) -> None:
    """The id of the request, for whoever asks the operator, and what is left of the rate limit."""
    driver.do("me", client=client)
    last = driver.do("last", client=client)
    assert last["request_id"]
    api = next(bucket for bucket in CONTRACT.buckets if bucket.name == "api")
    assert last["rate_limit"]["limit"] == api.limit
    assert last["rate_limit"]["remaining"] <= api.limit
    assert last["rate_limit"]["reset"] > 0
