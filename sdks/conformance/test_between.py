"""What stands between an SDK and its server, and what is odd: it costs no token, no session and no listener."""

import asyncio
import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from clients import BACKOFF, RETRY, logged_in
from drivers import Driver, Listener, outcome, until
from people import Person
from proxy import Fault, Proxy, proxy_to
from scripts import sdk_contract
from stub import ME, Reply, Socket, Stub, envelope, message, ready, renewed, stub_server

CONTRACT = sdk_contract.read()
REFRESH = ("POST", "/v1/auth/refresh")
# What is none of these an SDK does not raise.
ERRORS = {"ApiError", "ConnectionFailed", "TimedOut"} | {code.class_name for code in CONTRACT.error_codes}
TOKENS = {"access_token": "access-1", "refresh_token": "refresh-1"}


async def stay(socket: Socket) -> None:
    """Greet a client, and let it stay."""
    await socket.greet()
    await socket.until_left()


# ---- where tokens go


def test_a_redirect_takes_nothing_elsewhere(driver: Driver, stub: Stub, stubbed: str) -> None:
    """Whatever it says, another origin gets neither a token nor what is sent."""
    with stub_server() as elsewhere:
        for status in (301, 302, 303, 307, 308):
            reply = Reply(status, b"", {"Location": f"{elsewhere.url}/v1/me"})
            stub.answer("GET", "/v1/me", reply)
            stub.answer("POST", "/v1/messages", reply)
            assert driver.refused("me", client=stubbed).name in ERRORS
            asked = driver.refused("send", client=stubbed, receiver_id=ME["id"], content="for you only")
            assert asked.name in ERRORS
        assert elsewhere.requests == []


def test_a_redirected_handshake_takes_nothing_elsewhere(driver: Driver, stub: Stub, stubbed: str) -> None:
    """The token, which is in the first frame, stays with the server that it is for."""
    with stub_server() as elsewhere:
        elsewhere.play(stay)
        stub.answer("GET", "/ws", Reply(302, b"", {"Location": f"{elsewhere.url}/ws"}))
        heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
        heard.until(lambda self: self.ended is not None or self.states.count("waiting") > 2)
        driver.do("unlisten", listener="l1")
        assert elsewhere.requests == []


# ---- what ends a session


def test_only_the_server_ends_a_session(driver: Driver, stub: Stub, stubbed: str) -> None:
    """The page of a proxy, or of a hotel, is told as it is; with the next good answer it goes on."""
    pages = [
        Reply(302, b"", {"Location": f"{stub.url}/portal"}),
        *(Reply(status, b"<html>Who are you?</html>") for status in (200, 401, 403, 404, 407, 408, 511)),
        Reply(200, {}),
        Reply(200, b"null"),
    ]
    for number, page in enumerate(pages, 2):
        driver.do("set_tokens", client=stubbed, **TOKENS, expires_in=0)
        stub.answer(*REFRESH, page)
        refused = driver.refused("me", client=stubbed)
        assert refused.name in ERRORS, page
        stub.answer(*REFRESH, Reply(200, renewed(number)))
        driver.do("me", client=stubbed)
        assert driver.do("tokens", client=stubbed)["access_token"] == f"access-{number}"


def test_a_listener_waits_for_its_token(driver: Driver, stub: Stub, stubbed: str) -> None:
    """Where the token cannot be renewed for a while it comes back later, as after any other failure."""
    expired = next(row.code for row in CONTRACT.close_verdicts if row.name == "token_expired")

    async def script(socket: Socket) -> None:
        await socket.greet()
        if socket.number == 1:
            await socket.close(expired)
        await socket.until_left()

    stub.play(script)
    refusals = [
        Reply(500, envelope("internal_error", "No")),
        Reply(502, b"<html>Bad gateway</html>"),
        Reply(404, b"<html>Who are you?</html>"),
        Reply(429, envelope("rate_limit_exceeded", "No", retry_after=0), {"Retry-After": "0"}),
        *[Reply(503, envelope("unavailable", "No"))] * 7,
    ]
    stub.answer(*REFRESH, *refusals, Reply(200, renewed(2)))
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    heard.until(lambda self: self.ended is not None or len(stub.sockets) > 1)
    heard.until_state("live")
    assert heard.ended is None
    assert stub.sockets[1].frames[0]["data"]["token"] == "access-2"
    driver.do("unlisten", listener="l1")


def test_a_listener_waits_for_a_server_that_is_away(driver: Driver, stub: Stub, stubbed: str) -> None:
    """Also when the token expires meanwhile, and no refresh gets through."""
    stub.play(stay)
    stub.answer(*REFRESH, Reply(200, renewed(2)))
    with proxy_to(stub.url) as proxy:
        retry = {"max_attempts": 2, "max_elapsed": 1, "base": 0.05, "cap": 0.1}
        driver.do("client", name="away", base_url=proxy.url, timeout=5, retry=retry)
        driver.do("login", client="away", email="ada@example.com", password="secure_password")
        heard = driver.listen("away", "l1", backoff=BACKOFF)
        heard.until_state("live")
        driver.do("set_tokens", client="away", **TOKENS, expires_in=0)
        proxy.refuse(True)
        proxy.cut()
        heard.until(lambda self: self.ended is not None or self.states.count("waiting") > 2)
        proxy.refuse(False)
        heard.until(lambda self: self.ended is not None or len(stub.sockets) > 1)
        heard.until_state("live")
        assert stub.sockets[1].frames[0]["data"]["token"] == "access-2"
        driver.do("unlisten", listener="l1")


# ---- the clock


def test_a_clock_that_is_off_costs_no_refresh(driver: Driver, stub: Stub, stubbed: str) -> None:
    """To a client whose clock is ahead each `ready` is of a token that has expired; its life is what counts."""
    said: list[Mapping[str, Any]] = []

    async def script(socket: Socket) -> None:
        await socket.next()
        expired = (datetime.now(UTC) - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for number in (1, 2):
            await socket.send("ready", {**ready("c0"), "token_expires_at": expired})
            await socket.send("message", message(number), cursor=f"c{number}", seq=number)
            # Long enough for whoever refreshes at once, over and over.
            try:
                async with asyncio.timeout(0.5):
                    said.append(await socket.next())
            except TimeoutError:
                continue
        await socket.send("message", message(3), cursor="c3", seq=3)
        await socket.until_left()

    stub.play(script)
    stub.answer(*REFRESH, *(Reply(200, renewed(number)) for number in range(2, 100)))
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    heard.until(lambda self: len(self.of("message")) >= 3)
    assert stub.asked(*REFRESH) == []
    assert [frame for frame in said if frame["type"] == "auth"] == []
    driver.do("unlisten", listener="l1")


def test_a_token_that_has_just_come_is_not_refreshed(driver: Driver, stub: Stub, stubbed: str) -> None:
    """However short it lives: a server that knows nothing of time is not asked without end."""
    stub.answer(*REFRESH, *(Reply(200, {**renewed(number), "expires_in": 0}) for number in range(2, 100)))
    driver.do("set_tokens", client=stubbed, **TOKENS, expires_in=0)
    for _ in range(3):
        driver.do("me", client=stubbed)
    assert len(stub.asked(*REFRESH)) == 1


# ---- a store that is shared


def test_a_shared_store_is_read_before_a_refresh(
    driver: Driver, proxy: Proxy, ada: Person, tmp_path: Path
) -> None:
    """The second of two programs finds that the first has new tokens, and does not use a rotated one again."""
    store = str(tmp_path / "tokens.json")
    one = logged_in(driver, proxy.url, ada, name="one", token_file=store)
    driver.do("set_tokens", client=one, **driver.do("tokens", client=one), expires_in=0)
    driver.do("client", name="two", base_url=proxy.url, token_file=store, retry=RETRY)
    driver.do("tokens", client="two")
    for client in (one, "two", one, "two"):
        assert driver.do("me", client=client)["id"] == ada.id
    assert proxy.count(b"POST /v1/auth/refresh") == 1
    assert driver.do("tokens", client=one) == driver.do("tokens", client="two")


def test_two_refreshes_of_a_shared_store_end_nothing(
    driver: Driver, proxy: Proxy, ada: Person, tmp_path: Path
) -> None:
    """Both at once, and the answer to the first is lost: the session lives on for both."""
    store = str(tmp_path / "tokens.json")
    one = logged_in(driver, proxy.url, ada, name="one", token_file=store)
    driver.do("client", name="two", base_url=proxy.url, token_file=store, retry=RETRY)
    driver.do("set_tokens", client=one, **driver.do("tokens", client=one), expires_in=0)
    proxy.befall(Fault.CUT_ANSWER, b"POST /v1/auth/refresh")
    for _ in range(2):
        both = [driver.begin("me", client=client) for client in (one, "two")]
        assert [outcome(each) for each in both] == [None, None]


# ---- answers


def test_a_request_that_is_still_running_is_waited_for(driver: Driver, stub: Stub, stubbed: str) -> None:
    """The repeat of a send may come before the first try is done; its caller is told what came of that."""
    running = envelope("conflict", "A request with this Idempotency-Key is still running")
    first = Reply(503, envelope("unavailable", "Not now"), {"Retry-After": "0"})
    stub.answer(
        "POST", "/v1/messages", first, Reply(409, running, {"Retry-After": "1"}), Reply(201, message(1))
    )
    sent = driver.do("send", client=stubbed, receiver_id=ME["id"], content="a")
    assert sent["id"] == message(1)["id"]
    asked = stub.asked("POST", "/v1/messages")
    assert len({request.headers["Idempotency-Key"] for request in asked}) == 1
    assert asked[2].at - asked[1].at > 0.9


def test_a_conflict_is_told(driver: Driver, stub: Stub, stubbed: str) -> None:
    """One that does not ask to come again is the answer."""
    stub.answer("POST", "/v1/messages", Reply(409, envelope("conflict", "It is there already")))
    refused = driver.refused("send", client=stubbed, receiver_id=ME["id"], content="a")
    assert refused.name == "ConflictError"
    assert len(stub.asked("POST", "/v1/messages")) == 1


def test_the_wait_is_told_in_many_ways(driver: Driver, stub: Stub, stubbed: str) -> None:
    """As seconds, as a date, or in the body; more than one may wait is told, and nonsense is backed off from."""

    def waited(headers: Mapping[str, str], **details: Any) -> float:
        busy = Reply(429, envelope("rate_limit_exceeded", "No", **details), headers)
        stub.requests.clear()
        stub.answer("GET", "/v1/me", busy, Reply(200, ME))
        driver.do("me", client=stubbed)
        first, second = stub.asked("GET", "/v1/me")
        return second.at - first.at

    assert waited({}, retry_after=1) > 0.9
    date = (datetime.now(UTC) + timedelta(seconds=3)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert waited({"Retry-After": date}) > 0.5
    for odd in ("-5", "1.5", "\u00b2", "soon", ""):
        waited({"Retry-After": odd})
    for headers, details in (({"Retry-After": "9" * 30}, {}), ({}, {"retry_after": 10**30})):
        stub.requests.clear()
        stub.answer("GET", "/v1/me", Reply(429, envelope("rate_limit_exceeded", "No", **details), headers))
        assert driver.refused("me", client=stubbed).name == "RateLimitError"
        assert len(stub.asked("GET", "/v1/me")) == 1


def test_an_answer_that_is_none_is_told(driver: Driver, stub: Stub, stubbed: str) -> None:
    """A page where an object should be is an error of the SDK, and shows nothing that is secret."""
    for body in (b"<html>Welcome</html>", b"", b"null", b"[]"):
        stub.answer("GET", "/v1/me", Reply(200, body))
        assert driver.refused("me", client=stubbed).name in ERRORS, body
    odd = {**renewed(1), "access_token": "eySECRET", "expires_in": "soon"}
    stub.answer("POST", "/v1/auth/login", Reply(200, odd))
    refused = driver.refused("login", client=stubbed, email="a@example.com", password="secure_password")
    assert refused.name in ERRORS
    assert "SECRET" not in refused.fact["message"]
    assert "secure_password" not in refused.fact["message"]


# ---- frames

ODD_FRAMES: list[dict[str, Any]] = [
    {"type": "resync", "data": {"reason": "brand_new"}},
    {"type": "resync", "data": None},
    {"type": "message", "data": None, "cursor": "odd-1"},
    {"type": "message", "data": "x", "cursor": "odd-2"},
    {"type": "message", "data": message(1), "cursor": 5, "seq": "x"},
    {"type": "message", "data": message(2), "cursor": {"a": 1}},
    {"type": "ready", "data": {}},
    {"type": "ready", "data": None},
    {"type": "ready", "data": {**ready("c0"), "token_expires_at": "soon"}},
    {"type": "ready", "data": {**ready("c0"), "heartbeat": None}},
    {"type": "ready", "data": {**ready("c0"), "heartbeat": [1]}},
    {"type": "ready", "data": {**ready("c0"), "heartbeat": {"interval_seconds": "x"}}},
    {"type": "ready", "data": {**ready("c0"), "heartbeat": {"interval_seconds": 0, "timeout_seconds": 0}}},
    {"type": "pong", "data": [1]},
    {"type": "error", "data": {"code": "brand_new", "message": None}},
    {"type": "constructor", "data": {}},
]


def hear_the_last(heard: Listener) -> None:
    """Wait for the event `c9`, before which nothing may have ended the listener."""
    heard.until(lambda self: self.ended is not None or "c9" in [event["cursor"] for event in self.events])
    assert heard.ended is None


def test_odd_frames_end_nothing(driver: Driver, stub: Stub, stubbed: str) -> None:
    """A frame that lacks what belongs to it is left out, told as it is, or costs the connection: no more."""
    texts = [*map(json.dumps, ODD_FRAMES), "", "[" * 5000]

    async def script(socket: Socket) -> None:
        await socket.greet("c0")
        while texts:
            await socket.send_text(texts.pop(0))
        await socket.send("message", message(9, "the last"), cursor="c9", seq=9)
        await socket.until_left()

    stub.play(script)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    hear_the_last(heard)
    assert heard.events[-1]["data"]["content"] == "the last"
    driver.do("unlisten", listener="l1")


def test_a_frame_without_measure_costs_the_connection(driver: Driver, stub: Stub, stubbed: str) -> None:
    """Nothing of the contract is nearly as large. What comes next is heard, on the next connection."""
    connections = set()
    large = json.dumps({"type": "pong", "data": {"filling": "x" * (2 << 20)}})

    async def script(socket: Socket) -> None:
        connections.add(socket.number)
        await socket.greet("c0")
        if socket.number == 1:
            await socket.send_text(large)
        await socket.send("message", message(9, "the next"), cursor="c9", seq=9)
        await socket.until_left()

    stub.play(script)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    hear_the_last(heard)
    assert [event["cursor"] for event in heard.of("message")] == ["c9"]
    assert connections == {1, 2}
    driver.do("unlisten", listener="l1")


# ---- leaving


def test_a_silent_server_leaves_nothing_behind(driver: Driver, stub: Stub, stubbed: str) -> None:
    """Neither a thread, nor a task, nor a connection of the socket that was given up."""
    stub.play(Socket.fall_silent_once)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    heard.until(lambda self: len(stub.sockets) > 1)
    heard.until_state("live")
    driver.do("unlisten", listener="l1")
    driver.do("close", name=stubbed)
    until(lambda: driver.do("leftovers") == {"count": 0})


def test_a_closed_client_has_no_listeners(driver: Driver, stub: Stub, stubbed: str) -> None:
    """A program that leaves its client leaves what it began with it."""
    left = threading.Event()

    async def script(socket: Socket) -> None:
        await stay(socket)
        left.set()

    stub.play(script)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    heard.until_state("live")
    driver.do("close", name=stubbed)
    heard.until_ended()
    assert heard.states[-1] == "closed"
    assert left.wait(timeout=20)


def test_ending_does_not_wait_for_a_handshake(driver: Driver, stub: Stub) -> None:
    """A listener that is told to end does so, whatever has not been answered yet."""
    stub.play(stay)
    with proxy_to(stub.url) as proxy:
        proxy.befall(Fault.STALL, b"GET /ws", times=9)
        driver.do("client", name="slow", base_url=proxy.url, timeout=120, retry=RETRY)
        driver.do("login", client="slow", email="ada@example.com", password="secure_password")
        heard = driver.listen("slow", "l1", backoff=BACKOFF)
        until(lambda: proxy.count(b"GET /ws") == 1)
        driver.do("unlisten", listener="l1")
        heard.until_ended()
