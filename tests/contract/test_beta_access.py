"""Who may use v2: every operation for every kind of caller, from the moment on in which that changes."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection

import httpx
import pytest

import people
import servers
from as_v1 import DOCUMENT_OF_V2
from calls import CALLS, Call
from parley.contract.document import operations_of
from people import PASSWORD, Person, made, register, send, unique
from versions import Site

BETA = "/v2"
# Nobody is known there who could have access or not.
OPEN = {"login", "refresh", "register_user", "get_contract"}
SECURED = [call for call in CALLS.values() if call.operation not in OPEN]
PROBLEM = "application/problem+json"
REASON = "This account has no access to v2, a beta; whoever runs this server can grant it"
# What those are told who may not: who has no access may know v1's form alone, and gets it too.
UNKNOWN = (401, PROBLEM, True, 401, "unauthorized", "Invalid or expired token", None)
ENVELOPE = {"code": "forbidden", "message": REASON, "details": {}}
REFUSED = (403, PROBLEM, False, 403, "forbidden", REASON, ENVELOPE)


def command(site: Site, *arguments: str) -> None:
    """Run a command of whoever runs the server, beside it."""
    subprocess.run(
        servers.parley(*arguments),
        env=servers.environment({"PARLEY_DATABASE_URL": site.dsn}),
        check=True,
        capture_output=True,
        timeout=60,
    )


def of_v2(person: Person) -> Person:
    """The same person and session, asking v2."""
    return replace(person, base=BETA)


@pytest.fixture(scope="module")
def direct(site: Site) -> Iterator[httpx.Client]:
    """Return a client that sends what it is told to send, to either version."""
    with people.client(site.url) as http:
        yield http


@pytest.fixture
def ada(direct: httpx.Client) -> Person:
    """Return somebody who has no access yet."""
    return of_v2(register(direct, "ada"))


@pytest.fixture(scope="module")
def without(direct: httpx.Client) -> Person:
    return register(direct, "without")


@pytest.fixture(scope="module")
def revoked(site: Site, direct: httpx.Client) -> Person:
    """Return somebody who had access, and used it."""
    person = register(direct, "revoked")
    site.doorkeeper.let_in(person.id)
    made(of_v2(person).get("/me"))
    site.doorkeeper.keep_out(person.id)
    return person


@pytest.fixture(scope="module")
def suspended(site: Site, direct: httpx.Client) -> Person:
    """Return somebody who has access, and whose account was suspended after that."""
    person = register(direct, "suspended")
    site.doorkeeper.let_in(person.id)
    made(of_v2(person).get("/me"))
    command(site, "user", "suspend", person.email)
    return person


# ---- the matrix


def test_all_operations_are_asked() -> None:
    """v2 has the operations of v1, and the same ones need no token."""
    operations = {each.operation_id: each for each in operations_of(DOCUMENT_OF_V2)}
    assert operations.keys() == CALLS.keys()
    assert {name for name, each in operations.items() if each.raw.get("security") == []} == OPEN
    assert all(
        (call.method, call.documented.path) == (operations[name].method.upper(), operations[name].path)
        for name, call in CALLS.items()
    )


@pytest.mark.parametrize("call", SECURED, ids=str)
def test_nobody_is_let_in(direct: httpx.Client, call: Call) -> None:
    """Without a token it is a 401, which says nothing of a beta."""
    answer = direct.request(call.method, f"{BETA}{call.path}", params=call.query, json=call.body)
    assert told(answer) == UNKNOWN


@pytest.mark.parametrize("call", SECURED, ids=str)
def test_who_has_no_access_is_told_so(without: Person, call: Call) -> None:
    """A 403 with the reason, in the form of v2 and in that of v1."""
    assert told(send(without, call, base=BETA)) == REFUSED


@pytest.mark.parametrize("call", SECURED, ids=str)
def test_who_has_access_is_answered_as_in_v1(site: Site, direct: httpx.Client, call: Call) -> None:
    """Somebody new asks both versions the same, and gets the same status."""
    in_v1, in_v2 = register(direct), register(direct)
    site.doorkeeper.let_in(in_v2.id)
    answer = send(in_v2, call, base=BETA)
    assert answer.status_code == send(in_v1, call).status_code
    assert answer.status_code not in (401, 403)


@pytest.mark.parametrize("call", SECURED, ids=str)
def test_who_lost_the_access_is_out_at_once(revoked: Person, call: Call) -> None:
    """The session goes on, and v2 is as closed as to anybody without access."""
    assert told(send(revoked, call, base=BETA)) == REFUSED


@pytest.mark.parametrize("call", SECURED, ids=str)
def test_who_is_suspended_has_no_session(suspended: Person, call: Call) -> None:
    """Access is no way around a suspension."""
    assert told(send(suspended, call, base=BETA)) == UNKNOWN


@pytest.mark.parametrize("who", ["nobody", "without", "revoked", "suspended"])
def test_open_operations_are_open(direct: httpx.Client, who: str, request: pytest.FixtureRequest) -> None:
    """Logging in, refreshing, registering and reading the contract is for everybody who may do so in v1."""
    person: Person = request.getfixturevalue("without" if who == "nobody" else who)
    headers = {} if who == "nobody" else person.headers
    is_suspended = who == "suspended"
    account = {"email": f"{unique('new')}@example.com", "username": unique("new"), "password": PASSWORD}
    for status, method, path, body in (
        (403 if is_suspended else 200, "POST", "/auth/login", {"email": person.email, "password": PASSWORD}),
        (401 if is_suspended else 200, "POST", "/auth/refresh", {"refresh_token": refresh_token(person)}),
        (201, "POST", "/users", account),
        (200, "GET", "/contract", None),
    ):
        answer = direct.request(method, f"{BETA}{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        # Whoever may not log in is told why, and it has nothing to do with the beta.
        assert "error" not in answer.json()


def refresh_token(person: Person) -> str:
    """Return one that nobody uses otherwise: that of a session of its own, where one can be had."""
    try:
        token: str = person.again().tokens["refresh_token"]
    except AssertionError:
        token = person.tokens["refresh_token"]
    return token


def told(answer: httpx.Response) -> tuple[object, ...]:
    """Return what somebody is told by an error, in v2's form and in v1's."""
    problem = answer.json()
    kind = (answer.status_code, answer.headers["Content-Type"], "WWW-Authenticate" in answer.headers)
    return *kind, *map(problem.get, ("status", "code", "detail", "error"))


# ---- from when on


def test_commands_decide_from_the_next_request_on(site: Site, ada: Person) -> None:
    """`parley beta` beside a running server, whose answers tell it in both versions."""
    assert told(ada.get("/me")) == REFUSED
    command(site, "beta", "grant", ada.email)
    assert made(ada.get("/me"))["beta_access"] is True
    command(site, "beta", "revoke", ada.email)
    assert told(ada.get("/me")) == REFUSED
    assert made(replace(ada, base="/v1").get("/me"))["beta_access"] is False


def test_a_refusal_comes_before_everything(ada: Person) -> None:
    """It tells nothing about the request or about what is there, and nothing has happened."""
    ours = replace(ada, base="/v1")
    group = ours.found()
    answers = [
        ada.get(f"/groups/{group['id']}"),
        ada.get(f"/groups/{ada.id}"),
        ada.get("/messages", limit=1000),
        ada.post("/groups", {"nonsense": True}),
        ada.post("/groups", {"name": "Another"}),
        ada.ask("DELETE", f"/groups/{group['id']}", headers={"If-Match": '"another"'}),
    ]
    assert [told(answer) for answer in answers] == [REFUSED] * len(answers)
    assert not any("ETag" in answer.headers for answer in answers)
    assert [each["id"] for each in made(ours.get("/groups"))["groups"]] == [group["id"]]


def test_the_access_lost_while_a_request_waits(site: Site, direct: httpx.Client, ada: Person) -> None:
    """Who waits for events when the access is taken away is not told what came of it."""
    eve = of_v2(register(direct, "eve"))
    for person in (ada, eve):
        site.doorkeeper.let_in(person.id)
    url = httpx.URL(site.url)
    started = time.monotonic()
    with closing(HTTPConnection(url.host, url.port, timeout=60)) as connection:
        connection.request("GET", f"{BETA}/events?wait=2", headers=ada.headers)
        # The server asks the database in turn: once people who came later were let in, she was as well.
        for _ in range(2):
            made(eve.get("/me"))
        site.doorkeeper.keep_out(ada.id)
        answer = connection.getresponse()
        received = httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())
    assert told(received) == REFUSED
    assert time.monotonic() - started >= 2, "it was refused before it waited"
