"""Logging in, refreshing and ending: one refresh for everybody, and one clear error when it is refused."""

import stat
import time
from pathlib import Path

import people
from clients import RETRY, logged_in
from drivers import Driver, outcome
from people import Person
from proxy import Fault, Proxy, proxy_to
from servers import Server
from stub import ME, Reply, Stub, envelope, renewed

REFRESH = b"POST /v1/auth/refresh"
EXPIRED = Reply(401, envelope("unauthorized", "Invalid or expired token", token_expired=True))


def test_a_login_identifies_its_requests(driver: Driver, client: str, proxy: Proxy, ada: Person) -> None:
    """The token goes along, and so does the name of the SDK with its version."""
    assert driver.do("me", client=client)["email"] == ada.email
    assert proxy.count(b"parley-") >= 2


def test_a_wrong_password_is_an_error_of_its_own(driver: Driver, proxy: Proxy, ada: Person) -> None:
    """It is told, and no refresh is tried."""
    driver.do("client", name="ada", base_url=proxy.url, retry=RETRY)
    refused = driver.refused("login", client="ada", email=ada.email, password="another password")
    assert refused.name == "UnauthorizedError"
    assert proxy.count(REFRESH) == 0


def test_fifty_requests_need_one_refresh(driver: Driver, short_lived: Server) -> None:
    """Whoever finds the token expired waits for the one refresh that is under way."""
    with proxy_to(short_lived.url) as proxy, people.client(short_lived.url) as http:
        ada = people.register(http, "ada")
        client = logged_in(driver, proxy.url, ada, refresh_margin=0)
        time.sleep(10.5)
        answers = [driver.begin("me", client=client) for _ in range(50)]
        assert {answer.result(timeout=60)["id"] for answer in answers} == {ada.id}
        assert proxy.count(REFRESH) == 1


def test_it_refreshes_before_the_token_expires(driver: Driver, short_lived: Server) -> None:
    """Within the margin a request refreshes first, so that none is refused."""
    with proxy_to(short_lived.url) as proxy, people.client(short_lived.url) as http:
        client = logged_in(driver, proxy.url, people.register(http, "ada"), refresh_margin=3)
        first = driver.do("tokens", client=client)
        time.sleep(7.5)
        driver.do("me", client=client)
        assert driver.do("tokens", client=client)["refresh_token"] != first["refresh_token"]
        assert proxy.count(REFRESH) == 1
        assert proxy.count(b"GET /v1/me") == 1


def test_a_refresh_whose_answer_was_cut_is_repeated(driver: Driver, proxy: Proxy, client: str) -> None:
    """With the same key, so that it gives the same successor and the session lives on."""
    tokens = driver.do("tokens", client=client)
    driver.do("set_tokens", client=client, **{**tokens, "expires_in": 0})
    proxy.befall(Fault.CUT_ANSWER, REFRESH)
    driver.do("me", client=client)
    assert proxy.count(REFRESH) == 2
    assert driver.do("tokens", client=client)["refresh_token"] != tokens["refresh_token"]
    driver.do("set_tokens", client=client, **{**driver.do("tokens", client=client), "expires_in": 0})
    driver.do("me", client=client)


def test_a_refused_refresh_ends_the_session(driver: Driver, client: str, proxy: Proxy) -> None:
    """Everybody who waits gets the same clear error, and later requests do not even ask."""
    driver.do("set_tokens", client=client, access_token="no", refresh_token="no", expires_in=0)
    waiting = [driver.begin("me", client=client) for _ in range(10)]
    assert {outcome(future) for future in waiting} == {"SessionEnded"}
    asked = proxy.count(REFRESH)
    assert asked == 1
    assert driver.refused("me", client=client).name == "SessionEnded"
    assert proxy.count(REFRESH) == asked


def test_an_expired_token_is_renewed_and_the_request_repeated(
    driver: Driver, stub: Stub, stubbed: str
) -> None:
    """The server's clock decides: a 401 that says `token_expired` leads to a refresh, once."""
    stub.answer("GET", "/v1/me", EXPIRED, Reply(200, ME))
    stub.answer("POST", "/v1/auth/refresh", Reply(200, renewed(2)))
    assert driver.do("me", client=stubbed)["id"] == ME["id"]
    assert [request.headers["Authorization"] for request in stub.asked("GET", "/v1/me")] == [
        "Bearer access-1",
        "Bearer access-2",
    ]
    assert "Idempotency-Key" in stub.asked("POST", "/v1/auth/refresh")[0].headers


def test_a_token_that_stays_expired_is_not_renewed_for_ever(driver: Driver, stub: Stub, stubbed: str) -> None:
    """A server that refuses the new token as well ends it."""
    stub.answer("GET", "/v1/me", EXPIRED)
    stub.answer("POST", "/v1/auth/refresh", Reply(200, renewed(2)))
    assert driver.refused("me", client=stubbed).name in ("UnauthorizedError", "SessionEnded")
    assert len(stub.asked("GET", "/v1/me")) == 2


def test_tokens_survive_in_a_file(driver: Driver, proxy: Proxy, ada: Person, tmp_path: Path) -> None:
    """The file is for its owner only, and another client goes on with it."""
    store = tmp_path / "tokens.json"
    logged_in(driver, proxy.url, ada, token_file=str(store))
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    driver.do("close", name="ada")
    driver.do("client", name="again", base_url=proxy.url, token_file=str(store), retry=RETRY)
    assert driver.do("me", client="again")["id"] == ada.id


def test_a_log_out_forgets_the_tokens(driver: Driver, client: str) -> None:
    """Afterwards nothing is sent in the user's name."""
    driver.do("logout", client=client)
    assert driver.refused("me", client=client).name == "SessionEnded"
