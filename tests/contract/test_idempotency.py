"""Requests that come twice and count once: the `Idempotency-Key`, as clients see it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

from calls import OPERATIONS, error_example
from people import PASSWORD, Person, log_in, made, register, unique
from tests.contract.conftest import NOWHERE, Watched
from versions import Version
from webhook_calls import webhook


@dataclass(frozen=True)
class Request:
    """A request that may be repeated, and another one of the same operation that differs from it."""

    path: str
    body: Any
    other_path: str
    other_body: Any


def registering(_ada: Person, _bob: Person) -> Request:
    name = unique("new")
    body = {"email": f"{name}@example.com", "username": name, "password": PASSWORD}
    return Request("/users", body, "/users", {**body, "password": "another password"})


def opening(_ada: Person, bob: Person) -> Request:
    other = register(bob.http)
    return Request("/conversations", {"user_id": bob.id}, "/conversations", {"user_id": other.id})


def sending(_ada: Person, bob: Person) -> Request:
    body = {"receiver_id": bob.id, "content": "Once"}
    return Request("/messages", body, "/messages", {**body, "content": "Twice"})


def founding(_ada: Person, bob: Person) -> Request:
    body = {"name": "Book club", "members": [bob.id]}
    return Request("/groups", body, "/groups", {"name": "Book club"})


def adding(ada: Person, bob: Person) -> Request:
    path = f"/groups/{ada.found()['id']}/members"
    return Request(path, {"user_id": bob.id}, path, {"user_id": register(bob.http).id})


def joining(_ada: Person, bob: Person) -> Request:
    one, other = (f"/groups/{bob.found(is_private=False)['id']}/join" for _ in range(2))
    return Request(one, None, other, None)


def making_webhook(_ada: Person, _bob: Person) -> Request:
    body = {"url": NOWHERE, "events": ["*"], "secret": "webhook_secret"}
    return Request("/webhooks", body, "/webhooks", {**body, "secret": "another_webhook_secret"})


def rotating(ada: Person, _bob: Person) -> Request:
    path = f"/webhooks/{webhook(ada, NOWHERE)['id']}/rotate-secret"
    return Request(path, {"secret": "a new webhook secret"}, path, {"secret": "another webhook secret"})


def asking_for_a_test(ada: Person, _bob: Person) -> Request:
    one, other = (f"/webhooks/{webhook(ada, NOWHERE)['id']}/test" for _ in range(2))
    return Request(one, None, other, None)


# How to make a request of each operation that takes a key; refreshing has a rule of its own.
REPEATABLE: Mapping[str, Callable[[Person, Person], Request]] = {
    "register_user": registering,
    "open_conversation": opening,
    "send_message": sending,
    "create_group": founding,
    "add_member": adding,
    "join_group": joining,
    "create_webhook": making_webhook,
    "rotate_secret": rotating,
    "test_webhook": asking_for_a_test,
}
MAKING = [name for name in REPEATABLE if "201" in OPERATIONS[name].raw["responses"]]
OPERATIONS_WITH_KEY = pytest.mark.parametrize("operation", REPEATABLE)


def keyed(person: Person, path: str, body: Any, key: str) -> httpx.Response:
    return person.ask("POST", path, json=body, headers={"Idempotency-Key": key})


def success(operation: str) -> int:
    """Return what an operation answers to the first request."""
    return 201 if "201" in OPERATIONS[operation].raw["responses"] else 200


def lasting(answer: httpx.Response) -> Any:
    """Return what an answer says, but for what becomes of a delivery or of an account meanwhile."""
    body = answer.json()
    if "attempts" in body:
        return {name: body[name] for name in ("id", "webhook_id", "event")}
    return {name: value for name, value in body.items() if name != "beta_access"}


def test_every_operation_with_a_key_is_here() -> None:
    """And every one that makes something takes one."""
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    with_key = {name for name, each in OPERATIONS.items() if key in each.raw.get("parameters", [])}
    making = {name for name, each in OPERATIONS.items() if "201" in each.raw["responses"]}
    assert with_key == REPEATABLE.keys() | {"refresh"}
    assert making <= with_key


@OPERATIONS_WITH_KEY
def test_repeat_is_answered_again(ada: Person, bob: Person, operation: str) -> None:
    """The same status, body and place, and a header that says so; also by way of the alias."""
    request, key = REPEATABLE[operation](ada, bob), unique("key")
    first = keyed(ada, request.path, request.body, key)
    assert first.status_code == success(operation), first.text
    assert "Idempotency-Replayed" not in first.headers
    for base in ("/v1", "/api"):
        ada.base = base
        again = keyed(ada, request.path, request.body, key)
        assert (again.status_code, lasting(again)) == (first.status_code, lasting(first))
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.headers.get("Location") == first.headers.get("Location")


@pytest.mark.parametrize("operation", MAKING)
def test_location_leads_to_what_was_made(ada: Person, bob: Person, version: Version, operation: str) -> None:
    """It is below the version that was asked, and who reads it there is shown what the answer told."""
    request = REPEATABLE[operation](ada, bob)
    answer = ada.post(request.path, request.body)
    assert answer.status_code == 201, answer.text
    assert version.sent(answer).headers["Location"].startswith(f"/{version}/")
    shown = made(ada.ask("GET", answer.headers["Location"].removeprefix(ada.base)))
    told = lasting(answer)
    alike = told.keys() & shown.keys()
    assert alike & {"id", "user_id"}
    assert {name: shown[name] for name in alike} == {name: told[name] for name in alike}


@OPERATIONS_WITH_KEY
def test_other_request_with_the_same_key_is_refused(ada: Person, bob: Person, operation: str) -> None:
    """A key is the name of one request."""
    request, key = REPEATABLE[operation](ada, bob), unique("key")
    assert keyed(ada, request.path, request.body, key).status_code == success(operation)
    other = keyed(ada, request.other_path, request.other_body, key)
    assert other.status_code == 422, other.text
    assert other.json() == error_example("IdempotencyMismatch", "mismatch")
    # The refusal changes nothing for the request that the key belongs to.
    assert keyed(ada, request.path, request.body, key).headers["Idempotency-Replayed"] == "true"


@asynccontextmanager
async def held_up(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Hold up everything that appends to the log, makes users or keeps a key, as long as the block lasts."""
    conn = await asyncpg.connect(dsn)
    try:
        async with conn.transaction():
            await conn.execute("SELECT take_head(), set_config('transaction_timeout', '0', true)")
            await conn.execute("LOCK TABLE users, idempotency_keys IN SHARE MODE")
            yield conn
    finally:
        await conn.close()


async def until_somebody_waits(conn: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Return when a connection of the server waits for one of our locks.

    Unlike pg_stat_activity, pg_locks shows a transaction also those connections that came after its first look.
    """
    while not await conn.fetchval(
        """
        SELECT count(*)
        FROM pg_locks
        WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))
        """
    ):
        await asyncio.sleep(0.005)


@pytest.mark.anyio
@OPERATIONS_WITH_KEY
async def test_repeat_while_the_first_is_running(watched: Watched, operation: str) -> None:
    """It is told to come back in a moment, and then gets the first one's answer."""
    ada, bob = (register(watched.http, name) for name in ("ada", "bob"))
    request, key = REPEATABLE[operation](ada, bob), unique("key")

    async def send() -> httpx.Response:
        return await asyncio.to_thread(keyed, ada, request.path, request.body, key)

    async with held_up(watched.dsn) as conn:
        first = asyncio.create_task(send())
        await until_somebody_waits(conn)
        early = await send()
    assert (await first).status_code == success(operation), (await first).text
    again = await send()
    assert early.status_code == 409, early.text
    assert early.json() == error_example("Conflict", "running")
    assert early.headers["Retry-After"] == str(early.json()["error"]["details"]["retry_after"])
    assert lasting(again) == lasting(await first)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_repeat_shows_a_secret_until_it_is_rotated(ada: Person, bob: Person) -> None:
    """Whoever lost the first answer learns the secret from a repeat, but never a later one."""
    request, key = making_webhook(ada, bob), unique("key")
    body = {name: value for name, value in request.body.items() if name != "secret"}
    first = made(keyed(ada, request.path, body, key))
    assert made(keyed(ada, request.path, body, key)) == first
    place = f"{request.path}/{first['id']}/rotate-secret"
    rotated = made(keyed(ada, place, None, "rotate"))
    assert rotated["secret"] != first["secret"]
    again = made(keyed(ada, request.path, body, key))
    assert (again["id"], again["secret"], again["signing_secret"]) == (first["id"], None, None)
    assert made(keyed(ada, place, None, "rotate")) == rotated
    made(ada.post(place))
    hidden = {"secret": None, "signing_secret": None, "previous_secret_until": None}
    assert made(keyed(ada, place, None, "rotate")) == hidden


def test_repeat_of_a_webhook_that_is_gone(ada: Person, bob: Person) -> None:
    """It is not made a second time."""
    request, key = making_webhook(ada, bob), unique("key")
    first = made(keyed(ada, request.path, request.body, key))
    assert ada.delete(f"/webhooks/{first['id']}").status_code == 204
    assert keyed(ada, request.path, request.body, key).status_code == 404


def test_keys_belong_to_their_user(ada: Person, bob: Person, eve: Person) -> None:
    """Two people can have the same idea for a key."""
    key = unique("key")
    for person in (ada, bob):
        sent = keyed(person, "/messages", {"receiver_id": eve.id, "content": "Hello"}, key)
        assert (sent.status_code, sent.json()["sender_id"]) == (201, person.id)


def test_keys_of_registrations_count_with_the_account(http: httpx.Client, ada: Person) -> None:
    """Nobody is logged in yet: strangers who use the same key do not meet."""
    key = unique("key")
    for name in ("one", "two"):
        request = registering(ada, ada)
        assert keyed(ada, request.path, request.body, key).status_code == 201, name


def test_repeated_registration_must_know_the_password(http: httpx.Client, ada: Person) -> None:
    """Else the answer would tell who is registered under which key."""
    request, key = registering(ada, ada), unique("key")
    assert keyed(ada, request.path, request.body, key).status_code == 201
    assert keyed(ada, request.path, request.other_body, key).status_code == 422
    assert keyed(ada, request.path, request.body, unique("key")).status_code == 409


def test_refusals_are_not_kept(ada: Person, bob: Person) -> None:
    """What was refused for a reason is done when the reason is gone, under the same key."""
    group = bob.found(is_private=True)
    hello = {"receiver_id": group["id"], "content": "Hello"}
    join = f"/groups/{group['id']}/join"
    assert keyed(ada, "/messages", hello, "hello").status_code == 404
    assert keyed(ada, join, None, "join").status_code == 404
    bob.patch(f"/groups/{group['id']}", {"settings": {"is_private": False}})
    assert keyed(ada, join, None, "join").status_code == 201
    assert keyed(ada, "/messages", hello, "hello").status_code == 201


def test_invalid_requests_are_not_kept(ada: Person, bob: Person) -> None:
    """A key is free again after a request that was no request."""
    key = unique("key")
    assert keyed(ada, "/messages", {"receiver_id": bob.id}, key).status_code == 400
    assert keyed(ada, "/messages", {"receiver_id": bob.id, "content": "Hello"}, key).status_code == 201


def test_repeat_shows_what_became_of_it(ada: Person, bob: Person) -> None:
    """The answer is read afresh: an edited message as it is now, a deleted one as its tombstone."""
    key, body = unique("key"), {"receiver_id": bob.id, "content": "A secret"}
    message = made(keyed(ada, "/messages", body, key))
    ada.patch(f"/messages/{message['id']}", {"content": "No secret"})
    assert keyed(ada, "/messages", body, key).json()["content"] == "No secret"
    ada.delete(f"/messages/{message['id']}")
    tombstone = keyed(ada, "/messages", body, key)
    assert tombstone.status_code == 201
    assert tombstone.json()["content"] is None
    assert "secret" not in tombstone.text


def test_repeat_after_it_is_gone(ada: Person, bob: Person) -> None:
    """A message that went with its group is gone; a group that was deleted is not found."""
    founded = {"name": "Book club", "members": [bob.id]}
    group = made(keyed(ada, "/groups", founded, "found"))
    hello = {"conversation_id": group["id"], "content": "Hello"}
    assert keyed(ada, "/messages", hello, "hello").status_code == 201
    assert ada.delete(f"/groups/{group['id']}").status_code == 204
    assert keyed(ada, "/messages", hello, "hello").status_code == 410
    assert keyed(ada, "/groups", founded, "found").status_code == 404


def opening_again(ada: Person, bob: Person) -> Request:
    ada.say(bob)
    return opening(ada, bob)


def joining_again(ada: Person, bob: Person) -> Request:
    request = joining(ada, bob)
    assert ada.ask("POST", request.path).status_code == 201
    return request


@pytest.mark.parametrize("found", [opening_again, joining_again])
def test_repeat_of_what_made_nothing(
    ada: Person, bob: Person, found: Callable[[Person, Person], Request]
) -> None:
    """A key belongs to its request also where all that was wanted was there already."""
    request, key = found(ada, bob), unique("key")
    first = keyed(ada, request.path, request.body, key)
    assert (first.status_code, "Idempotency-Replayed" in first.headers) == (200, False)
    other = keyed(ada, request.other_path, request.other_body, key)
    assert other.status_code == 422, other.text
    again = keyed(ada, request.path, request.body, key)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Location" not in again.headers


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "schlüssel", "tab\there"])
def test_malformed_keys(ada: Person, bob: Person, key: str) -> None:
    """A key is 1 to 128 visible characters of ASCII."""
    headers = {b"Authorization": ada.headers["Authorization"].encode(), b"Idempotency-Key": key.encode()}
    answer = ada.http.post("/v1/messages", headers=headers, json={"receiver_id": bob.id, "content": "Hello"})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == "Idempotency-Key"


def test_longest_key(ada: Person, bob: Person) -> None:
    """All 128 of them count."""
    body = {"receiver_id": bob.id, "content": "Hello"}
    long = "".join(chr(33 + number % 94) for number in range(128))
    assert keyed(ada, "/messages", body, long).status_code == 201
    assert keyed(ada, "/messages", body, f"{long[:-1]}~").headers.get("Idempotency-Replayed") is None


def refreshed(http: httpx.Client, token: str, key: str | None = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return http.post("/v1/auth/refresh", json={"refresh_token": token}, headers=headers)


def test_repeated_refresh_gives_the_same_successor(http: httpx.Client, ada: Person) -> None:
    """An answer that was lost on the way must not log anybody out."""
    tokens, key = log_in(http, ada.email), unique("key")
    first = refreshed(http, tokens["refresh_token"], key)
    again = refreshed(http, tokens["refresh_token"], key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert {**again.json(), "expires_in": 0} == {**first.json(), "expires_in": 0}
    assert refreshed(http, again.json()["refresh_token"]).status_code == 200


@pytest.mark.parametrize("key", [None, "another-key"])
def test_used_refresh_token_ends_the_session(http: httpx.Client, ada: Person, key: str | None) -> None:
    """Whoever comes second may be a thief, so both are logged out."""
    tokens = log_in(http, ada.email)
    first = made(refreshed(http, tokens["refresh_token"], "a-key"))
    assert refreshed(http, tokens["refresh_token"], key).status_code == 401
    assert refreshed(http, first["refresh_token"]).status_code == 401
    answer = http.get("/v1/me", headers={"Authorization": f"Bearer {first['access_token']}"})
    assert answer.status_code == 401
    assert ada.get("/me").status_code == 200, "the other sessions stay"
