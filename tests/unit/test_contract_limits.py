"""Rate limits: counted as the document says, shown in headers, refused at limit + 1."""

import time
from typing import Any

import pytest
from limits.aio.storage import MemoryStorage, Storage

from edge import ADA, DOCUMENT, Answer, Edge, only, with_limits
from parley.contract.counters import SWEEP_SECONDS, ProcessMemory
from parley.contract.document import ContractError, operations_of
from parley.contract.limits import read_buckets, read_rules
from parley.contract.options import ContractOptions
from parley.errors import Unauthorized

pytestmark = pytest.mark.anyio

LIMITED = only("login", "refresh", "get_me", "get_limits", "register_user", "list_messages", "send_message")


def edge(*, enforced: bool = True, counters: Storage | None = None, **limits: int) -> Edge:
    options = ContractOptions(
        enforce_rate_limits=enforced,
        rate_limits=with_limits(DOCUMENT, **limits),
        session_of=lambda body: body.get("refresh_token") if isinstance(body, dict) else None,
    )
    return Edge(LIMITED, options=options, counters=counters)


def shown(answer: Answer) -> tuple[int, int]:
    reset = int(answer.headers["x-ratelimit-reset"])
    assert time.time() < reset + 1 <= time.time() + 62
    return int(answer.headers["x-ratelimit-limit"]), int(answer.headers["x-ratelimit-remaining"])


async def test_the_limit_is_reached_and_no_more() -> None:
    server = edge(api=3)
    answers = [await server.ask("GET", "/v1/me") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert [shown(answer) for answer in answers] == [(3, 2), (3, 1), (3, 0), (3, 0)]
    assert answers[3].error == {
        "code": "rate_limit_exceeded",
        "message": "Too many requests",
        "details": {"retry_after": int(answers[3].headers["retry-after"])},
    }
    assert 1 <= int(answers[3].headers["retry-after"]) <= 60


async def test_refusals_have_the_headers_too() -> None:
    server = edge()
    for answer in (
        await server.ask("GET", "/v1/messages?limit=x"),
        await server.ask("GET", "/v1/me", token=None),
        await server.ask("POST", "/v1/messages", b"{"),
        await server.ask("POST", "/v1/messages", b"{}", headers=[("Content-Type", "text/plain")]),
        await server.ask("POST", "/v1/auth/login", b"{"),
    ):
        assert answer.status in {400, 401, 415}
        shown(answer)


async def test_both_bases_share_the_count() -> None:
    server = edge(api=2)
    statuses = [(await server.ask("GET", f"{base}/me")).status for base in ("/v1", "/api", "/v1")]
    assert statuses == [200, 200, 429]


async def test_users_are_counted_apart() -> None:
    server = edge(api=1)
    assert [(await server.ask("GET", "/v1/me", token=who)).status for who in ("ada", "bob", "ada")] == [
        200,
        200,
        429,
    ]


async def test_registrations_are_counted_by_address() -> None:
    server = edge(api=1)
    person = {"email": "a@b.cd", "password": "secure_password", "username": "ada"}
    statuses = [
        (await server.ask("POST", "/v1/users", person, token=None, client=client)).status
        for client in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
    ]
    # The last but one is in the same /64 as the one before it.
    assert statuses == [200, 200, 429, 200, 429, 200]


async def test_log_ins_are_counted_by_address_and_account() -> None:
    server = edge(auth=1)

    async def log_in(email: str, client: str = "192.0.2.1") -> int:
        body = {"email": email, "password": "x"}
        return (await server.ask("POST", "/v1/auth/login", body, token=None, client=client)).status

    assert await log_in("ada@example.com") == 200
    assert await log_in("ADA@example.com") == 429
    assert await log_in("bob@example.com") == 200
    assert await log_in("ada@example.com", "192.0.2.2") == 200


async def test_log_ins_are_counted_by_address_over_all_names() -> None:
    """A list of names cannot be tried, and what is refused makes no counters in memory."""
    counters = ProcessMemory()
    server = edge(auth_address=2, counters=counters)
    answers = [
        await server.ask(
            "POST", "/v1/auth/login", {"email": f"p{number}@example.com", "password": "x"}, token=None
        )
        for number in range(5)
    ]
    assert [answer.status for answer in answers] == [200, 200, 429, 429, 429]
    assert shown(answers[-1]) == (2, 0)
    assert await counters.reset() == 3


async def test_broken_log_ins_count_as_well() -> None:
    server = edge(auth=1)
    assert [(await server.ask("POST", "/v1/auth/login", b"{", token=None)).status for _ in range(2)] == [
        400,
        429,
    ]


async def test_refreshes_are_counted_by_session() -> None:
    server = edge(auth=1)
    statuses = [
        (await server.ask("POST", "/v1/auth/refresh", {"refresh_token": session}, token=None)).status
        for session in ("s1", "s2", "s1")
    ]
    assert statuses == [200, 200, 429]


async def test_refreshes_of_no_session_are_counted_by_address() -> None:
    server = edge(auth=1)
    statuses = [
        (await server.ask("POST", "/v1/auth/refresh", {}, token=None, client=client)).status
        for client in ("192.0.2.1", "192.0.2.1", "192.0.2.2")
    ]
    assert statuses == [400, 429, 400]


async def test_refused_tokens_count_against_their_address() -> None:
    server = edge(api=2)
    answers = [await server.ask("GET", "/v1/me", token=token) for token in ("bad", None, "bad", "ada")]
    assert [answer.status for answer in answers] == [401, 401, 429, 200]
    assert [shown(answer) for answer in answers] == [(2, 1), (2, 0), (2, 0), (2, 1)]


async def test_a_window_ends() -> None:
    now = time.time()
    server = edge(api=1, counters=(counters := ProcessMemory(clock=lambda: now)))
    assert [(await server.ask("GET", "/v1/me")).status for _ in range(2)] == [200, 429]
    now += 60
    assert (await server.ask("GET", "/v1/me")).status == 200
    assert await counters.get(f"api/user/{ADA.user_id.hex}") == 1


async def test_switched_off_the_headers_stay() -> None:
    server = edge(enforced=False, api=1)
    assert [shown(await server.ask("GET", "/v1/me")) for _ in range(3)] == [(1, 1)] * 3


async def test_what_is_left_is_told() -> None:
    server = edge(api=7)
    await server.ask("GET", "/v1/me")
    await server.ask("GET", "/v1/me", token="bob")
    answer = await server.ask("GET", "/v1/limits")
    left = {bucket["name"]: (bucket["limit"], bucket["remaining"]) for bucket in answer.json()["buckets"]}
    assert left == {
        "api": (7, 5),
        "auth": (5, 5),
        "auth_address": (60, 60),
        "webhooks": (30, 30),
        "ws": (10, 10),
    }
    assert shown(answer) == (7, 5)


async def test_asking_what_is_left_costs_one() -> None:
    server = edge(api=2)
    lefts = [(await server.ask("GET", "/v1/limits")) for _ in range(2)]
    assert [answer.json()["buckets"][2]["remaining"] for answer in lefts] == [1, 0]


class Unreachable(Storage):
    """A storage whose machine is away."""

    STORAGE_SCHEME = ["async+parley-unreachable"]  # noqa: RUF012 - as its base has it

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise ConnectionRefusedError(key)

    @property
    def base_exceptions(self) -> type[Exception]:
        return OSError

    async def get(self, key: str) -> int:
        raise ConnectionRefusedError(key)

    async def get_expiry(self, key: str) -> float:
        raise ConnectionRefusedError(key)

    async def check(self) -> bool:
        return False

    async def reset(self) -> None:
        raise ConnectionRefusedError

    async def clear(self, key: str) -> None:
        raise ConnectionRefusedError(key)


async def test_an_unreachable_storage_lets_through_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    server = edge(api=1, counters=Unreachable())
    answers = [await server.ask("GET", "/v1/me") for _ in range(3)]
    assert [answer.status for answer in answers] == [200] * 3
    assert [shown(answer) for answer in answers] == [(1, 1)] * 3
    assert server.watcher.limiter_failures == 3
    printed = capsys.readouterr()
    assert "rate_limiter_unreachable" in printed.out + printed.err


async def test_a_storage_of_the_package_counts_the_same() -> None:
    """What is in the package's own memory could be in a Redis."""
    server = edge(api=2, counters=MemoryStorage())
    answers = [await server.ask("GET", "/v1/me") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [shown(answer) for answer in answers] == [(2, 1), (2, 0), (2, 0)]
    left = (await server.ask("GET", "/v1/limits", token="bob")).json()["buckets"]
    assert [bucket["remaining"] for bucket in left if bucket["name"] == "api"] == [1]


async def test_counting_at_once_is_counting_twice() -> None:
    """The quick way and the package's way through the same memory agree."""
    counters = ProcessMemory(clock=lambda: 1000.0)
    assert counters.hit("a", 60) == (1, 1060.0)
    assert await counters.incr("a", 60, amount=2) == 3
    assert (await counters.get("a"), await counters.get_expiry("a")) == (3, 1060.0)
    assert counters.hit("a", 60) == (4, 1060.0)
    await counters.clear("a")
    assert await counters.get("a") == 0


async def test_expired_windows_are_forgotten() -> None:
    now = 1000.0
    counters = ProcessMemory(clock=lambda: now)
    for number in range(100):
        await counters.incr(str(number), 10)
    now += SWEEP_SECONDS
    await counters.incr("new", 10)
    assert await counters.reset() == 1


def test_settings_must_name_buckets_of_the_document() -> None:
    with pytest.raises(ContractError, match="apj"):
        read_buckets(DOCUMENT, {"apj": (1, 1)})


@pytest.mark.parametrize("said", [{"bucket": "nope"}, {"bucket": "api", "per": "planet"}])
def test_operations_must_name_buckets_of_the_document(said: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match=r"users\.get_me"):
        read_rules({"x-rate-limit": said}, read_buckets(DOCUMENT, {}), "users.get_me")


def test_every_operation_is_limited() -> None:
    buckets = read_buckets(DOCUMENT, {})
    for operation in operations_of(DOCUMENT):
        assert read_rules(operation.raw, buckets, operation.name), operation.name


async def test_an_expired_token_says_that_it_is() -> None:
    answer = await edge().ask("GET", "/v1/me", token="expired")
    assert answer.status == 401
    assert answer.error == {
        "code": "unauthorized",
        "message": str(Unauthorized()),
        "details": {"token_expired": True},
    }
