"""What the contract tests share: servers, and people on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import people
import servers


@contextmanager
def serving(directory: Path, **variables: str) -> Iterator[httpx.Client]:
    """Run a server whose tokens the tests can sign, and yield a client of it."""
    server = servers.start(directory, "contract", env={**people.KEYS, **variables})
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
