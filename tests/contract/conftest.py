"""What the contract tests share: servers, and people on them."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

import people
import servers
from databases import TestDatabases
from receivers import Arrival, Receiver, Then, answering, receiving


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
def http(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[httpx.Client]:
    """Return a client of the server that all contract tests share. It has no rate limits."""
    with serving(tmp_path_factory.mktemp("contract"), **towards(receiver)) as client:
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
def watched(
    databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory, receiver: Receiver
) -> Iterator[Watched]:
    dsn = databases.create()
    directory = tmp_path_factory.mktemp("watched")
    variables = towards(receiver, PARLEY_GROUP_MAX_MEMBERS="3", PARLEY_WEBHOOKS_PER_USER="")
    with serving(directory, PARLEY_DATABASE_URL=dsn, **variables) as http:
        yield Watched(http, dsn)
    databases.drop(dsn)
