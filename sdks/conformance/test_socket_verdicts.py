"""What a client does by the table of close codes, by the heartbeat, and with what it does not know."""

import asyncio

import pytest

from clients import BACKOFF
from drivers import Driver
from scripts import sdk_contract
from stub import CONVERSATION_ID, Reply, Socket, Stub, message, renewed

CONTRACT = sdk_contract.read()
VERDICTS = {verdict.name: verdict for verdict in CONTRACT.close_verdicts}


@pytest.mark.parametrize(
    "name",
    [name for name, verdict in VERDICTS.items() if verdict.reconnect == "now"],
)
def test_it_comes_back_at_once(driver: Driver, stub: Stub, stubbed: str, name: str) -> None:
    """With its cursor, unless the code says that it is worth nothing."""
    verdict = VERDICTS[name]

    async def script(socket: Socket) -> None:
        await socket.greet("cursor-0")
        if socket.number == 1:
            await socket.send("message", message(1), cursor="cursor-1", seq=1)
            await asyncio.sleep(0.2)
            await socket.close(verdict.code)
        else:
            await socket.until_left()

    stub.play(script)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    heard.until(lambda self: len(stub.sockets) == 2 and bool(stub.sockets[1].frames))
    given = stub.sockets[1].frames[0]["data"].get("cursor")
    assert given == ("cursor-1" if verdict.keep_cursor else None)
    driver.do("unlisten", listener="l1")


@pytest.mark.parametrize(
    "name",
    [name for name, verdict in VERDICTS.items() if verdict.reconnect == "never" and verdict.code != 1000],
)
def test_it_does_not_come_back(driver: Driver, stub: Stub, stubbed: str, name: str) -> None:
    """What the client did wrong it would do again: the listener ends with an error that has the code."""

    async def script(socket: Socket) -> None:
        await socket.greet()
        await socket.close(VERDICTS[name].code)

    stub.play(script)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    assert heard.until_ended()["class"] == "SocketClosed"
    assert heard.ended is not None
    assert heard.ended["code"] == VERDICTS[name].code
    assert len(stub.sockets) == 1


@pytest.mark.parametrize("name", ["unauthorized", "token_expired"])
def test_it_comes_back_with_a_new_token(driver: Driver, stub: Stub, stubbed: str, name: str) -> None:
    """It refreshes first."""

    async def script(socket: Socket) -> None:
        if socket.number == 1:
            await socket.next()
            await socket.close(VERDICTS[name].code)
        else:
            await socket.greet()
            await socket.until_left()

    stub.play(script)
    stub.answer("POST", "/v1/auth/refresh", Reply(200, renewed(2)))
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    heard.until_state("live")
    assert [socket.frames[0]["data"]["token"] for socket in stub.sockets] == ["access-1", "access-2"]
    driver.do("unlisten", listener="l1")


def test_an_ended_session_ends_it(driver: Driver, stub: Stub, stubbed: str) -> None:
    """There is nothing to come back with."""

    async def script(socket: Socket) -> None:
        await socket.greet()
        await socket.close(VERDICTS["session_revoked"].code)

    stub.play(script)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    assert heard.until_ended()["class"] == "SessionEnded"
    assert len(stub.sockets) == 1


def test_it_waits_where_it_is_told_to(driver: Driver, stub: Stub, stubbed: str) -> None:
    """`later` is not now: the state says that it waits."""

    async def script(socket: Socket) -> None:
        await socket.greet()
        await socket.close(VERDICTS["too_many_connections"].code)

    stub.play(script)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    heard.until_state("waiting")
    driver.do("unlisten", listener="l1")
    assert len(stub.sockets) == 1


def test_an_unknown_close_code_is_like_a_break(driver: Driver, stub: Stub, stubbed: str) -> None:
    """A later version's code: it comes back, with its cursor."""

    async def script(socket: Socket) -> None:
        await socket.greet()
        if socket.number == 1:
            await socket.close(4999)
        else:
            await socket.until_left()

    stub.play(script)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    heard.until(lambda self: len(stub.sockets) == 2 and bool(stub.sockets[1].frames))
    driver.do("unlisten", listener="l1")


def test_silence_is_an_end(driver: Driver, stub: Stub, stubbed: str) -> None:
    """A server that gives no sign of life for its heartbeat and time-out is left, and asked again."""
    stub.play(Socket.fall_silent_once)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    # Sooner than by the heartbeat of the contract, which is 25 seconds, and 10 of patience.
    heard.until(lambda self: len(stub.sockets) >= 2, patience=30)
    driver.do("unlisten", listener="l1")


def test_duplicates_are_dropped(driver: Driver, stub: Stub, stubbed: str) -> None:
    """Across a reconnect an event may come a second time; its cursor tells."""

    async def script(socket: Socket) -> None:
        await socket.greet()
        first = 1 if socket.number == 1 else 2
        for number in range(first, first + 3):
            await socket.send("message", message(number), cursor=f"cursor-{number}", seq=number)
        if socket.number == 1:
            await asyncio.sleep(0.2)
            await socket.close(VERDICTS["going_away"].code)
        await socket.until_left()

    stub.play(script)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    heard.until(lambda self: any(event["data"].get("seq") == 4 for event in self.of("message")))
    assert [event["data"]["seq"] for event in heard.of("message")] == [1, 2, 3, 4]
    driver.do("unlisten", listener="l1")


def test_what_is_unknown_does_no_harm(driver: Driver, stub: Stub, stubbed: str) -> None:
    """Types are handed over as unknown, fields and values are ignored or kept; the listener goes on."""

    async def script(socket: Socket) -> None:
        await socket.greet()
        await socket.send("moon.landed", {"crater": "Tycho"}, cursor="cursor-1")
        odd = {**message(1), "type": "hologram", "shoe_size": 43, "status": "on_the_moon"}
        await socket.send("message", odd, cursor="cursor-2", seq=1, colour="blue")
        await socket.send("message", message(2), cursor="cursor-3", seq=2)
        await socket.until_left()

    stub.play(script)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    heard.until_event("message", 2)
    unknown = heard.of("moon.landed")[0]
    assert (unknown["known"], unknown["cursor"]) == (False, "cursor-1")
    assert [event["data"]["id"] for event in heard.of("message")] == [message(1)["id"], message(2)["id"]]
    driver.do("unlisten", listener="l1")


def test_what_is_no_frame_does_no_harm(driver: Driver, stub: Stub, stubbed: str) -> None:
    """A message that is no JSON or no object is left out, or the socket is opened anew; the next event comes."""

    async def script(socket: Socket) -> None:
        await socket.greet()
        if socket.number == 1:
            await socket.send_text("this is no JSON")
            await socket.send_text("[1, 2]")
        await socket.send("message", message(1), cursor="cursor-1", seq=1)
        await socket.until_left()

    stub.play(script)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    heard.until_event("message")
    assert heard.ended is None
    driver.do("unlisten", listener="l1")


def test_a_cursor_that_is_too_old_is_told(driver: Driver, stub: Stub, stubbed: str) -> None:
    """`resync` comes in its place among the events, and the next connection begins at its cursor."""

    async def script(socket: Socket) -> None:
        await socket.greet()
        if socket.number == 1:
            await socket.send("resync", {"reason": "cursor_too_old", "cursor": "cursor-9"})
            await socket.send("message", message(10), cursor="cursor-10", seq=10)
            await asyncio.sleep(0.2)
            await socket.close(VERDICTS["going_away"].code)
        await socket.until_left()

    stub.play(script)
    heard = driver.listen(stubbed, "l1", cursor="cursor-1", backoff=BACKOFF)
    heard.until(lambda self: len(stub.sockets) == 2 and bool(stub.sockets[1].frames))
    kinds = [event["type"] for event in heard.events if event["type"] in ("resync", "message")]
    assert kinds == ["resync", "message"]
    assert stub.sockets[1].frames[0]["data"]["cursor"] == "cursor-10"
    driver.do("unlisten", listener="l1")


def test_a_refused_handshake_is_tried_again(driver: Driver, stub: Stub, stubbed: str) -> None:
    """A 503 or a connection that breaks before `ready` is no end."""

    async def script(socket: Socket) -> None:
        if socket.number < 3:
            raise ConnectionError
        await socket.greet()
        await socket.until_left()

    stub.play(script)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    heard.until_state("live")
    assert len(stub.sockets) == 3
    driver.do("unlisten", listener="l1")


def test_it_keeps_to_the_limit_of_frames(driver: Driver, stub: Stub, stubbed: str) -> None:
    """Whoever says more than the server allows is told, and the socket stays."""

    async def script(socket: Socket) -> None:
        await socket.greet()
        while True:
            await socket.next()

    stub.play(script)
    heard = driver.listen(stubbed, "l1", backoff=BACKOFF)
    heard.until_state("live")
    limit = CONTRACT.socket_limits["frames_per_minute"]
    saying = [
        driver.begin("typing", listener="l1", conversation_id=CONVERSATION_ID, is_typing=True)
        for _ in range(limit + 20)
    ]
    for future in saying:
        future.exception(timeout=60)
    assert len(stub.sockets) == 1
    assert len(stub.sockets[0].frames) <= limit
    driver.do("unlisten", listener="l1")
