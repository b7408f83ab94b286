"""Rate limits: the numbers of the document at limit and limit + 1, for whoever they count."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from typing import Any

import httpx
import pytest

from calls import CALLS, DOCUMENT, Call, error_example
from databases import TestDatabases
from people import PASSWORD, Person, log_in, made, register, send, unique
from tests.contract.conftest import only_v1, opened
from versions import Site, Version

BUCKETS = DOCUMENT["x-rate-limits"]
BASES = ("/v1", "/api")

# The tests come from many addresses, as a proxy would tell it.
BEHIND_A_PROXY = {"PARLEY_RATE_LIMITS": "on", "PARLEY_TRUSTED_PROXIES": "127.0.0.1"}

_addresses = itertools.count(1)

Arrive = Callable[[], httpx.Client]


@contextmanager
def arrivals(site: Site, version: Version) -> Iterator[Arrive]:
    """Return what makes a client of a server, each from an address of its own."""

    def arrive() -> httpx.Client:
        number = next(_addresses)
        another = stack.enter_context(version.client(site.url, site.doorkeeper.let_in))
        another.headers["X-Forwarded-For"] = f"192.0.{number >> 8}.{number & 255}"
        return another

    with ExitStack() as stack:
        yield arrive


@pytest.fixture(scope="module")
def limited(databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with the limits of the document."""
    with opened(databases, tmp_path_factory.mktemp("limited"), **BEHIND_A_PROXY) as site:
        yield site


@pytest.fixture
def arrive(limited: Site, version: Version) -> Iterator[Arrive]:
    with arrivals(limited, version) as arrive:
        yield arrive


def newcomer(arrive: Arrive) -> Person:
    return register(arrive(), "newcomer")


def is_refused(answer: httpx.Response, bucket: str) -> None:
    """Fail unless it is a 429 of this bucket that says when to come back."""
    assert answer.status_code == 429, answer.text
    wait = answer.json()["error"]["details"]["retry_after"]
    expected = deepcopy(error_example("TooManyRequests", "limited"))
    expected["error"]["details"]["retry_after"] = wait
    assert answer.json() == expected
    assert answer.headers["Retry-After"] == str(wait)
    assert 0 < wait <= BUCKETS[bucket]["window_seconds"]
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert abs(int(answer.headers["X-RateLimit-Reset"]) - (time.time() + wait)) < 3


def is_counted(answer: httpx.Response, bucket: str, used: int) -> None:
    """Fail unless the answer says that so many requests of the bucket are used."""
    limit = BUCKETS[bucket]["limit"]
    assert answer.status_code != 429, f"request {used}: {answer.text}"
    assert answer.headers["X-RateLimit-Limit"] == str(limit)
    assert answer.headers["X-RateLimit-Remaining"] == str(limit - used)
    left = int(answer.headers["X-RateLimit-Reset"]) - time.time()
    assert 0 < left <= BUCKETS[bucket]["window_seconds"] + 1


def is_limited(ask: Callable[[str], httpx.Response], bucket: str) -> None:
    """Ask by both base paths in turn, until the limit and once more."""
    bases = itertools.cycle(BASES)
    for used in range(1, BUCKETS[bucket]["limit"] + 1):
        is_counted(ask(next(bases)), bucket, used)
    for base in BASES:
        is_refused(ask(base), bucket)


@pytest.mark.parametrize("call", CALLS.values(), ids=str)
def test_every_operation_is_counted(arrive: Arrive, call: Call) -> None:
    """The first request of a newcomer says what is left of the bucket that the document names."""
    person = newcomer(arrive)
    if call.operation == "refresh":
        call = call.with_body(refresh_token=person.tokens["refresh_token"])
    if call.limited_per in ("address", "account"):
        person.http = arrive()
    is_counted(send(person, call), call.bucket, 1)


@pytest.mark.parametrize("operation", ["list_sessions", "get_limits", "test_webhook"])
def test_limit_per_user(arrive: Arrive, operation: str) -> None:
    """A user has one counter in each bucket, wherever they come from; others have their own."""
    person, call = newcomer(arrive), CALLS[operation]
    assert call.limited_per == "user"
    elsewhere = itertools.cycle([person, person.again()])
    is_limited(lambda base: send(next(elsewhere), call, base=base), call.bucket)
    is_counted(send(newcomer(arrive), call), call.bucket, 1)


def test_operations_share_their_bucket(arrive: Arrive) -> None:
    """It is the bucket that is empty, not one operation; and one bucket does not empty another."""
    person = newcomer(arrive)
    sharing = [call for call in CALLS.values() if (call.bucket, call.limited_per) == ("api", "user")]
    for used, call in enumerate(sharing, start=1):
        is_counted(send(person, call), "api", used)
    is_counted(send(person, CALLS["list_sessions"]), "auth", 1)
    for used, operation in enumerate(("test_webhook", "redeliver", "recover_deliveries"), start=1):
        is_counted(send(person, CALLS[operation]), "webhooks", used)


# Who has no token yet is counted by the same rules in v2, of which the first request of each operation tells.
@only_v1
def test_limit_of_registrations_per_address(arrive: Arrive) -> None:
    """Names can't be tried one after the other; mistakes count as well."""
    http = arrive()
    is_limited(lambda base: http.post(f"{base}/users", json={"email": "no address"}), "api")
    is_counted(arrive().post("/v1/users", json={"email": "no address"}), "api", 1)


@only_v1
def test_limit_of_log_ins_per_account(arrive: Arrive) -> None:
    """Address and account count together, however the account is spelled."""
    person, http = newcomer(arrive), arrive()
    spellings = itertools.cycle([person.email, person.email.upper(), person.email.title()])

    def try_password(base: str) -> httpx.Response:
        return http.post(f"{base}/auth/login", json={"email": next(spellings), "password": "a guess"})

    is_limited(try_password, "auth")
    # Whoever guesses locks out nobody who comes from somewhere else.
    assert log_in(arrive(), person.email)
    other = {"email": f"{unique('nobody')}@example.com", "password": "a guess"}
    is_counted(http.post("/v1/auth/login", json=other), "auth", 1)


@only_v1
def test_right_password_counts_too(arrive: Arrive) -> None:
    """Five log-ins a minute are enough for anybody."""
    person, http = newcomer(arrive), arrive()
    body = {"email": person.email, "password": PASSWORD}
    is_limited(lambda base: http.post(f"{base}/auth/login", json=body), "auth")


@only_v1
def test_limit_of_log_ins_per_address(arrive: Arrive) -> None:
    """A list of names can't be tried from one address, and an office can log in all the same."""
    http = arrive()

    def log_in_as_somebody() -> httpx.Response:
        body = {"email": f"{unique('nobody')}@example.com", "password": "a guess"}
        return http.post("/v1/auth/login", json=body)

    for _ in range(BUCKETS["auth_address"]["limit"]):
        is_counted(log_in_as_somebody(), "auth", 1)
    is_refused(log_in_as_somebody(), "auth_address")
    assert log_in_as_somebody().headers["X-RateLimit-Limit"] == str(BUCKETS["auth_address"]["limit"])


def test_limit_of_refreshes_per_session(arrive: Arrive) -> None:
    """A session has its own counter; another session of the same person has another."""
    person = newcomer(arrive)
    other = person.again()
    tokens = dict(person.tokens)

    def refresh(base: str) -> httpx.Response:
        answer = person.http.post(f"{base}/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        if answer.is_success:
            tokens.update(answer.json())
        return answer

    is_limited(refresh, "auth")
    # The refusal did not use the token up, and the other session is not affected.
    body = {"refresh_token": other.tokens["refresh_token"]}
    is_counted(person.http.post("/v1/auth/refresh", json=body), "auth", 1)


def test_limit_of_forged_refreshes_per_address(arrive: Arrive) -> None:
    """A token that is none of ours counts for who sends it, and for nobody else."""
    http, forged = arrive(), {"refresh_token": "not.a.token"}
    is_limited(lambda base: http.post(f"{base}/auth/refresh", json=forged), "auth")
    is_counted(arrive().post("/v1/auth/refresh", json=forged), "auth", 1)


def test_limit_of_refused_tokens_per_address(arrive: Arrive) -> None:
    """Guessing tokens has a price; who has a right one pays nothing for the neighbour's guesses."""
    person = newcomer(arrive)
    http = arrive()
    headers = {"Authorization": "Bearer not.a.token"}
    is_limited(lambda base: http.get(f"{base}/me", headers=headers), "api")
    is_counted(http.get("/v1/me", headers=person.headers), "api", 1)


def test_limits_are_shown(arrive: Arrive) -> None:
    """`GET /limits` tells every bucket of the document, and what is left for the caller."""
    person = newcomer(arrive)
    for _ in range(3):
        person.get("/auth/sessions")
    shown = {bucket["name"]: bucket for bucket in made(person.get("/limits"))["buckets"]}
    assert {name: (each["limit"], each["window_seconds"]) for name, each in shown.items()} == {
        name: (each["limit"], each["window_seconds"]) for name, each in BUCKETS.items()
    }
    used = {name: each["limit"] - each["remaining"] for name, each in shown.items()}
    # Registering and the log-in counted for the address; asking for the limits counts itself.
    assert used == {"auth": 3, "auth_address": 1, "api": 1, "ws": 0, "webhooks": 0}


def test_limits_are_off(http: httpx.Client, ada: Person) -> None:
    """Then the headers are sent all the same, and always say that everything is left."""
    for _ in range(BUCKETS["auth"]["limit"] + 1):
        is_counted(ada.get("/auth/sessions"), "auth", 0)


# What an operator may set instead of the document's numbers.
OWN_LIMITS = {
    "PARLEY_RATE_LIMIT_AUTH": "1/hour",
    "PARLEY_RATE_LIMIT_AUTH_ADDRESS": "3/2 hours",
    "PARLEY_RATE_LIMIT_API": "1/second",
    "PARLEY_RATE_LIMIT_WS": "7/day",
    "PARLEY_RATE_LIMIT_WEBHOOKS": "2/minute",
    "PARLEY_RATE_LIMIT_HANDSHAKES": "3/day",
}
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module")
def strict(databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with its own limits."""
    with opened(databases, tmp_path_factory.mktemp("strict"), **BEHIND_A_PROXY, **OWN_LIMITS) as site:
        yield site


@pytest.fixture
def arrive_at_strict(strict: Site, version: Version) -> Iterator[Arrive]:
    with arrivals(strict, version) as arrive:
        yield arrive


@only_v1
def test_handshakes_of_an_address(arrive_at_strict: Arrive) -> None:
    """They are counted whoever comes, and each address has its own; who is refused is told when to come back."""
    http = arrive_at_strict()

    def knock(by: httpx.Client) -> int:
        with by.stream("GET", "/ws", headers=HANDSHAKE) as answer:
            return answer.status_code

    assert [knock(http) for _ in range(3)] == [101, 101, 101]
    refused = http.get("/ws", headers=HANDSHAKE)
    wait = refused.json()["error"]["details"]["retry_after"]
    expected = deepcopy(error_example("TooManyRequests", "limited"))
    expected["error"]["details"]["retry_after"] = wait
    assert (refused.status_code, refused.json()) == (429, expected)
    assert refused.headers["Retry-After"] == str(wait)
    # The day of the setting ends at midnight.
    assert abs(wait - (86_400 - time.time() % 86_400)) < 3
    assert knock(arrive_at_strict()) == 101


def until(condition: Callable[[], bool]) -> None:
    """Ask until it is so, for at most ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline


def test_settings_replace_the_numbers(arrive_at_strict: Arrive) -> None:
    """All of them can be set, with windows of any length."""
    person = newcomer(arrive_at_strict)
    buckets: list[dict[str, Any]] = []

    def shown() -> bool:
        answer = person.get("/limits")
        buckets.extend(answer.json().get("buckets", ()))
        return answer.is_success

    until(shown)
    assert {each["name"]: (each["limit"], each["window_seconds"]) for each in buckets} == {
        "auth": (1, 3600),
        "auth_address": (3, 7200),
        "api": (1, 1),
        "ws": (7, 86400),
        "webhooks": (2, 60),
    }
    assert person.get("/auth/sessions").headers["X-RateLimit-Limit"] == "1"
    refused = person.get("/auth/sessions")
    assert refused.status_code == 429
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600


def test_window_ends(arrive_at_strict: Arrive) -> None:
    """Who was refused and comes back later is served."""
    person = newcomer(arrive_at_strict)
    until(lambda: person.get("/me").status_code == 429)
    until(lambda: person.get("/me").status_code == 200)


@pytest.fixture(scope="module")
def exhausted(databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server on which each bucket holds one request an hour."""
    buckets = ("AUTH", "API", "WEBHOOKS")
    limits = dict.fromkeys((f"PARLEY_RATE_LIMIT_{bucket}" for bucket in buckets), "1/hour")
    with opened(databases, tmp_path_factory.mktemp("exhausted"), **BEHIND_A_PROXY, **limits) as site:
        yield site


@pytest.mark.parametrize("call", CALLS.values(), ids=str)
def test_every_operation_refuses(exhausted: Site, version: Version, call: Call) -> None:
    """What comes after the bucket is empty gets a 429, and nothing is done."""
    with arrivals(exhausted, version) as arrive:
        person = newcomer(arrive)
        spending = {("auth", "user"): "/auth/sessions", ("api", "user"): "/limits"}
        path = spending.get((call.bucket, call.limited_per))
        if path is not None:
            assert person.get(path).status_code == 200
        elif call.bucket == "webhooks":
            assert send(person, call).status_code == 404
        elif call.operation == "login":
            call = call.with_body(email=person.email, password=PASSWORD)
        elif call.operation == "refresh":
            call = call.with_body(refresh_token=person.tokens["refresh_token"])
            assert send(person, call).status_code == 200
        answer = send(person, call)
        assert answer.status_code == 429, answer.text
        assert 3500 < int(answer.headers["Retry-After"]) <= 3600
