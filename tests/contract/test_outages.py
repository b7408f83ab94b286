"""What clients are told when something behind the server is away or broken: 503 and 500, of every operation."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import faulty
from calls import CALLS, Call, error_example
from databases import LoopThread
from parley.storage.embedded import EmbeddedPostgres
from people import Person, register, send
from tests.contract.conftest import serving
from versions import V2, Site, Version


@pytest.fixture(scope="module")
def deserted_by_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Somebody on a server whose database has gone away."""
    loop = LoopThread()
    postgres = EmbeddedPostgres.temporary()
    dsn = loop.run(postgres.start())
    try:
        with serving(tmp_path_factory.mktemp("deserted"), PARLEY_DATABASE_URL=dsn) as http:
            person = register(http)
            loop.run(postgres.stop())
            # The server notices at once, but not before.
            until(lambda: person.get("/limits").status_code == 503)
            yield person
    finally:
        loop.run(postgres.stop())
        loop.close()


@pytest.fixture(scope="module")
def deserted(deserted_by_all: Person, version: Version) -> Iterator[Person]:
    """The same person, who asks one version. Nobody can tell any more whether they may."""
    with version.client(str(deserted_by_all.http.base_url)) as http:
        yield replace(deserted_by_all, http=http)


def until(condition: Callable[[], bool]) -> None:
    """Ask until it is so; a thousand times is too often."""
    assert any(condition() for _ in itertools.repeat(None, 1000))


def test_not_ready(deserted: Person) -> None:
    """Load balancers are told as well."""
    assert deserted.http.get("/readyz").status_code == 503
    assert deserted.http.get("/healthz").status_code == 200


@pytest.mark.parametrize("call", [call for call in CALLS.values() if 503 in call.statuses], ids=str)
def test_unavailable(deserted: Person, call: Call) -> None:
    """Without its database every operation says when to come back."""
    if call.operation == "refresh":
        call = call.with_body(refresh_token=deserted.tokens["refresh_token"])
    answer = send(deserted, call)
    assert answer.status_code == 503, answer.text
    error = answer.json()["error"]
    assert error.keys() == error_example("Unavailable", "unavailable")["error"].keys()
    assert error["code"] == "unavailable"
    assert answer.headers["Retry-After"] == str(error["details"]["retry_after"])


@dataclass(frozen=True)
class Broken:
    """Somebody on a server in which every function raises something that nobody foresaw."""

    person: Person
    log: Path


@pytest.fixture(scope="module")
def broken_for_all(watched_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    directory = tmp_path_factory.mktemp("broken")
    program = faulty.program("every_operation_fails")
    # Nobody can log in there, so it shares its database with a server that is whole.
    with (
        serving(directory, program, PARLEY_DATABASE_URL=watched_site.dsn) as http,
        V2.client(watched_site.url, watched_site.doorkeeper.let_in) as whole,
    ):
        yield Broken(replace(register(whole), http=http), directory / "contract.log")


@pytest.fixture(scope="module")
def broken(broken_for_all: Broken, version: Version) -> Iterator[Broken]:
    person = broken_for_all.person
    with version.client(str(person.http.base_url)) as http:
        yield replace(broken_for_all, person=replace(person, http=http))


@pytest.mark.parametrize("call", CALLS.values(), ids=str)
def test_internal_error(broken: Broken, call: Call) -> None:
    """Nothing of what went wrong is shown; the request id leads to it in the log."""
    answer = send(broken.person, call)
    assert answer.status_code == 500, answer.text
    assert answer.json() == error_example("InternalError", "fault")
    logged = [json.loads(line) for line in broken.log.read_text().splitlines() if line.startswith("{")]
    (fault,) = (
        each
        for each in logged
        if each.get("request_id") == answer.headers["X-Request-Id"] and "exception" in each
    )
    assert "planted" in json.dumps(fault)
