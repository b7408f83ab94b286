"""Answers that are none of the contract, in whole or in part, and in what ways a time is told."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from clients import BACKOFF
from drivers import Driver
from stub import CONVERSATION_ID, ME, Reply, Socket, Stub, envelope, message

ME_PATH = ("GET", "/v1/me")
MESSAGES = ("GET", "/v1/messages")
# RFC 9110, 5.6.7: the one that is sent, and the two that have to be understood.
HTTP_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y")


def test_what_has_no_body_is_answered_with_none(driver: Driver, stub: Stub, stubbed: str) -> None:
    """Whatever else answers a log-out, it was not the server that did it."""
    for page in (b"<html>Welcome</html>", b"{}", b""):
        stub.answer("POST", "/v1/auth/logout", Reply(200, page, {"Content-Type": "text/html"}))
        driver.do("login", client=stubbed, email="ada@example.com", password="secure_password")
        assert driver.refused("logout", client=stubbed).name == "ConnectionFailed", page


def test_what_lacks_what_is_promised_is_no_answer(driver: Driver, stub: Stub, stubbed: str) -> None:
    """A portal that speaks JSON is none of the server's objects, and no page of a list."""
    pages = {"conversation_id": CONVERSATION_ID, "direction": "older", "limit": 5}
    void = {"messages": None, "has_more": False, "next_cursor": None}
    bodies: list[Any] = [{}, {"ok": True}, [], "x", void]
    for body in bodies:
        for asked in (ME_PATH, MESSAGES):
            stub.answer(*asked, Reply(200, body))
        assert driver.refused("me", client=stubbed).name == "ConnectionFailed", body
        assert driver.refused("pages", client=stubbed, **pages).name == "ConnectionFailed", body


def test_an_event_without_its_data_is_unknown(driver: Driver, stub: Stub, stubbed: str) -> None:
    """Nobody is handed something as a message that is not even an object."""
    odd: list[Any] = [None, [], "x", 5]

    async def script(socket: Socket) -> None:
        await socket.greet()
        for number, data in enumerate(odd, 1):
            await socket.send("message", data, cursor=f"cursor-{number}", seq=number)
        await socket.send("message", message(9), cursor="cursor-9", seq=9)
        await socket.until_left()

    stub.play(script)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    heard.until(lambda self: [event["cursor"] for event in self.events][-1:] == ["cursor-9"])
    events = [event for event in heard.events if event["cursor"] is not None]
    assert [event["known"] for event in events] == [*[False] * len(odd), True]
    assert [event["data"] for event in events[: len(odd)]] == odd
    driver.do("unlisten", listener="l1")


def test_a_walk_forth_begins_somewhere(driver: Driver, stub: Stub, stubbed: str) -> None:
    """Without a start there is nothing that is newer: it is refused at once, and nothing is asked."""
    page = {"messages": [message(1)], "has_more": False, "next_cursor": None}
    stub.answer(*MESSAGES, Reply(200, page))
    pages = {"conversation_id": CONVERSATION_ID, "direction": "newer", "limit": 5}
    driver.refused("pages", client=stubbed, **pages)
    assert stub.asked(*MESSAGES) == []


def told_at_once(driver: Driver, stub: Stub, client: str, headers: Mapping[str, str]) -> None:
    """An hour is longer than may be waited for: whoever understands that does not ask again."""
    stub.requests.clear()
    stub.answer(*ME_PATH, Reply(429, envelope("rate_limit_exceeded", "No"), headers), Reply(200, ME))
    assert driver.refused("me", client=client).name == "RateLimitError", headers
    assert len(stub.asked(*ME_PATH)) == 1


def test_a_date_has_three_forms(driver: Driver, stub: Stub, stubbed: str) -> None:
    """A server, or what stands before it, may write any of them; what counts is the server's own clock."""
    now = datetime.now(UTC)
    for form in HTTP_DATES:
        told_at_once(driver, stub, stubbed, {"Retry-After": (now + timedelta(hours=1)).strftime(form)})
        # Its clock is two hours behind.
        until, date = ((now - timedelta(hours=hours)).strftime(form) for hours in (1, 2))
        told_at_once(driver, stub, stubbed, {"Retry-After": until, "Date": date})
    # Spaces mean nothing, as around every other value of a header.
    told_at_once(driver, stub, stubbed, {"Retry-After": " 3600 "})
