"""A session under load: refreshes that fail, log-ins and log-outs beside them, listeners of the session before."""

import asyncio
import threading
import time
from concurrent.futures import Future, wait
from pathlib import Path

import pytest

from clients import BACKOFF, RETRY
from drivers import Answer, Driver, outcome, until
from scripts import sdk_contract
from stub import Reply, Socket, Stub, envelope, renewed

CONTRACT = sdk_contract.read()
REVOKED = next(row.code for row in CONTRACT.close_verdicts if row.reconnect == "new_session")
LOGIN = ("POST", "/v1/auth/login")
REFRESH = ("POST", "/v1/auth/refresh")
TOKENS = {"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": 0}
ADA = {"email": "ada@example.com", "password": "secure_password"}


def refreshing(driver: Driver, stub: Stub, client: str) -> "tuple[Future[Answer], threading.Event]":
    """Begin a request that has to refresh first; the refresh is answered when the event is set."""
    held = threading.Event()
    driver.do("set_tokens", client=client, **TOKENS)
    stub.answer(*REFRESH, Reply(200, renewed(2), held=held))
    asking = driver.begin("me", client=client)
    until(lambda: len(stub.asked(*REFRESH)) == 1)
    return asking, held


@pytest.mark.parametrize("shared", [False, True], ids=["its own log-in", "that of another program"])
def test_a_new_session_outlives_the_listener_of_the_old(
    driver: Driver, stub: Stub, tmp_path: Path, shared: bool
) -> None:
    """What the server closes is the socket of the session before: the listener ends, and the new one stays."""
    told = threading.Event()

    async def script(socket: Socket) -> None:
        await socket.greet()
        while not told.is_set():
            await asyncio.sleep(0.01)
        await socket.close(REVOKED)

    stub.play(script)
    store = {"token_file": str(tmp_path / "tokens")} if shared else {}
    for name in ("one", "other"):
        driver.do("client", name=name, base_url=stub.url, timeout=5, retry=RETRY, **store)
    driver.do("login", client="one", **ADA)
    heard = driver.listen("one", "l1", backoff=BACKOFF)
    heard.until_state("live")
    stub.answer(*LOGIN, Reply(200, renewed(2)))
    driver.do("login", client="other" if shared else "one", **ADA)
    told.set()
    assert heard.until_ended()["class"] == "SessionEnded"
    assert driver.do("tokens", client="one")["access_token"] == "access-2"
    assert outcome(driver.begin("me", client="one")) is None


def test_all_who_wait_share_a_refresh_that_fails(driver: Driver, stub: Stub, stubbed: str) -> None:
    """Its error is theirs: a server that has trouble is not asked once for each of them."""
    held = threading.Event()
    away = Reply(503, envelope("unavailable", "Not now"), held=held)
    stub.answer(*REFRESH, away)
    driver.do("set_tokens", client=stubbed, **TOKENS)
    waiting = [driver.begin("me", client=stubbed) for _ in range(20)]
    until(lambda: len(stub.asked(*REFRESH)) == 1)
    # Those that come later than this begin another one.
    time.sleep(0.3)
    held.set()
    assert {outcome(future) for future in waiting} == {"UnavailableError"}
    assert len(stub.asked(*REFRESH)) <= 2 * RETRY["max_attempts"]


def test_a_login_outlives_a_refresh_of_before(driver: Driver, stub: Stub, stubbed: str) -> None:
    """The refresh of the old session is answered later than the log-in: what it gives is dropped."""
    asking, held = refreshing(driver, stub, stubbed)
    stub.answer(*LOGIN, Reply(200, renewed(9)))
    login = driver.begin("login", client=stubbed, **ADA)
    until(lambda: len(stub.asked(*LOGIN)) == 2)
    wait([login], timeout=1)
    held.set()
    assert outcome(login) is None
    assert outcome(asking) is None
    assert driver.do("tokens", client=stubbed)["access_token"] == "access-9"
    assert stub.asked("GET", "/v1/me")[-1].headers["Authorization"] == "Bearer access-9"


def test_a_log_out_outlives_a_refresh_of_before(driver: Driver, stub: Stub, tmp_path: Path) -> None:
    """Another program logged out meanwhile: nobody is logged in again by what comes late."""
    store = tmp_path / "tokens"
    driver.do("client", name="one", base_url=stub.url, timeout=5, retry=RETRY, token_file=str(store))
    asking, held = refreshing(driver, stub, "one")
    store.unlink()
    held.set()
    assert outcome(asking) == "SessionEnded"
    assert not store.exists()


def test_closing_waits_for_a_refresh(driver: Driver, stub: Stub, tmp_path: Path) -> None:
    """The server has rotated the token already: what it gave is kept, or the session would be lost."""
    store = {"token_file": str(tmp_path / "tokens")}
    driver.do("client", name="one", base_url=stub.url, timeout=20, retry=RETRY, **store)
    asking, held = refreshing(driver, stub, "one")
    closing = driver.begin("close", name="one")
    wait([closing], timeout=0.3)
    held.set()
    assert outcome(closing) is None
    outcome(asking)
    driver.do("client", name="again", base_url=stub.url, timeout=5, retry=RETRY, **store)
    assert driver.do("tokens", client="again")["access_token"] == "access-2"
