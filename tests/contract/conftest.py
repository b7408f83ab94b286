"""What the contract tests share: servers, and people on them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

import people
import servers
from databases import TestDatabases


@contextmanager
def serving(
    directory: Path, program: Sequence[str] = servers.PARLEY, **variables: str
) -> Iterator[httpx.Client]:
    """Run a server whose tokens the tests can sign, and yield a client of it.

    It has a database of its own, unless one is named in the variables.
    """
    own = {"PARLEY_DATA_DIR": str(directory)} if "PARLEY_DATABASE_URL" in variables else {}
    env = {**people.KEYS, **own, **variables}
    server = servers.start(directory, "contract", env=env, temporary=not own, program=program)
    try:
        with people.client(server.url) as http:
            yield http
    finally:
        server.stop()
    assert server.violations() == []


@pytest.fixture(scope="session")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of the server that all contract tests share. It has no rate limits."""
    with serving(tmp_path_factory.mktemp("contract")) as client:
        yield client


@pytest.fixture
def ada(http: httpx.Client) -> people.Person:
    return people.register(http, "ada")


@pytest.fixture
def bob(http: httpx.Client) -> people.Person:
    return people.register(http, "bob")


@pytest.fixture
def eve(http: httpx.Client) -> people.Person:
    return people.register(http, "eve")


@dataclass(frozen=True)
class Watched:
    """A server whose database a test can look into, and lock. Its groups have room for three."""

    http: httpx.Client
    dsn: str


@pytest.fixture(scope="session")
def watched(databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    dsn = databases.create()
    directory = tmp_path_factory.mktemp("watched")
    with serving(directory, PARLEY_DATABASE_URL=dsn, PARLEY_GROUP_MAX_MEMBERS="3") as http:
        yield Watched(http, dsn)
    databases.drop(dsn)
