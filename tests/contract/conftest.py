"""What the contract tests share: servers, and people on them."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

import people
import quick
import servers
from databases import TestDatabases
from receivers import Arrival, Receiver, Then, answering, receiving
from versions import V1, V2, Site, Version, doorkeeper


@contextmanager
def serving(
    directory: Path, program: Sequence[str] = quick.PROGRAM, **variables: str
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


@contextmanager
def opened(databases: TestDatabases, directory: Path, **variables: str) -> Iterator[Site]:
    """Run such a server for clients of every version."""
    dsn = databases.create()
    with serving(directory, PARLEY_DATABASE_URL=dsn, **variables) as http, doorkeeper(dsn) as keeper:
        yield Site(str(http.base_url), dsn, keeper)


@pytest.fixture(scope="module", params=[V1, V2], ids=str)
def version(request: pytest.FixtureRequest) -> Version:
    """Return the version that a test asks. Whatever takes it, or a client or a person, runs once for each."""
    asked: Version = request.param
    return asked


# For what only one of them has.
only_v1 = pytest.mark.parametrize("version", [V1], ids=str, indirect=True)
only_v2 = pytest.mark.parametrize("version", [V2], ids=str, indirect=True)


async def as_its_path_says(arrival: Arrival, writer: asyncio.StreamWriter) -> Then:
    """Answer with the status at the end of the path, or 204."""
    last = arrival.path.rpartition("/")[2]
    return await answering(int(last) if last.isdecimal() else 204)(arrival, writer)


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """Return what takes everything that the webhooks of the tests are sent."""
    with receiving(as_its_path_says) as started:
        yield started


# Where nobody listens.
NOWHERE = "http://127.0.0.1:65535/"


def towards(receiver: Receiver, **more: str) -> dict[str, str]:
    """Return variables of a server whose webhooks reach this receiver, or nobody."""
    return {
        "PARLEY_WEBHOOK_ALLOW_NETWORKS": "127.0.0.1",
        "PARLEY_WEBHOOK_PORTS": f"{receiver.port},65535",
        "PARLEY_WEBHOOKS_PER_USER": "1000",
        **more,
    }


@pytest.fixture(scope="session")
def site(
    databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory, receiver: Receiver
) -> Iterator[Site]:
    """Return the server that all contract tests share. It has no rate limits."""
    with opened(databases, tmp_path_factory.mktemp("contract"), **towards(receiver)) as site:
        yield site


@pytest.fixture(scope="module")
def http(site: Site, version: Version) -> Iterator[httpx.Client]:
    """Return a client of that server."""
    with version.client(site.url, site.doorkeeper.let_in) as client:
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
    """A server whose database a test can look into, and lock. Its groups have room for three.

    Its users may have ten webhooks, as those of any server.
    """

    http: httpx.Client
    dsn: str


@pytest.fixture(scope="session")
def watched_site(
    databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory, receiver: Receiver
) -> Iterator[Site]:
    variables = towards(receiver, PARLEY_GROUP_MAX_MEMBERS="3", PARLEY_WEBHOOKS_PER_USER="")
    with opened(databases, tmp_path_factory.mktemp("watched"), **variables) as site:
        yield site


@pytest.fixture(scope="module")
def watched(watched_site: Site, version: Version) -> Iterator[Watched]:
    with version.client(watched_site.url, watched_site.doorkeeper.let_in) as http:
        yield Watched(http, watched_site.dsn)
