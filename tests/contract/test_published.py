"""A client can tell which contract a server keeps: by asking, and by every answer."""

import hashlib

import httpx
import pytest

from calls import CALLS, Call
from people import Person, send
from tests.contract.conftest import only_v1
from versions import Version


@pytest.fixture(scope="module")
def hashes(http: httpx.Client, version: Version) -> dict[str, str]:
    """Return the hashes of the documents as they are served."""
    paths = {"openapi": version.openapi, "asyncapi": "/asyncapi.json"}
    return {name: hashlib.sha256(http.get(path).content).hexdigest() for name, path in paths.items()}


@pytest.fixture(scope="module")
def shown(hashes: dict[str, str], version: Version) -> str:
    """Return what `X-Contract` has to be, from the documents alone."""
    number = version.document["info"]["version"]
    return f"{number}+{hashes['openapi'][:12]}.{hashes['asyncapi'][:12]}"


def test_contract_is_that_of_the_documents(
    http: httpx.Client, version: Version, hashes: dict[str, str]
) -> None:
    """Its hashes are those of the bytes that are served."""
    contract = http.get("/v1/contract").json()
    assert contract["version"] == http.get(version.openapi).json()["info"]["version"]
    for name in ("openapi", "asyncapi"):
        assert contract[f"{name}_sha256"] == hashes[name]


@pytest.mark.parametrize("call", CALLS.values(), ids=str)
def test_every_operation_says_which_contract(ada: Person, shown: str, call: Call) -> None:
    """Whatever it answers."""
    assert send(ada, call).headers["X-Contract"] == shown


def test_what_is_below_a_version_says_which_contract(
    http: httpx.Client, version: Version, shown: str
) -> None:
    """Also what is no operation."""
    for path in ("/v1/nowhere", version.openapi):
        assert http.get(path).headers["X-Contract"] == shown


@only_v1
@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/ws"])
def test_every_path_says_which_contract(http: httpx.Client, shown: str, path: str) -> None:
    """So do pages, refusals of the socket's handshake, and what belongs to nothing: the stable one."""
    assert http.get(path).headers["X-Contract"] == shown


@only_v1
def test_broken_request_is_told_which_contract(http: httpx.Client, shown: str) -> None:
    """And what is no HTTP at all."""
    answer = http.get("/v1/me", headers={"X-Long": "x" * 40_000})
    assert answer.status_code == 400
    assert answer.headers["X-Contract"] == shown
