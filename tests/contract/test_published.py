"""A client can tell which contract a server keeps: by asking, and by every answer."""

import hashlib

import httpx
import pytest

from calls import CALLS, DOCUMENT, Call
from people import Person, send


def shown(http: httpx.Client) -> str:
    """Return what `X-Contract` has to be, from the documents alone."""
    hashes = [
        hashlib.sha256(http.get(f"/{name}.json").content).hexdigest() for name in ("openapi", "asyncapi")
    ]
    return f"{DOCUMENT['info']['version']}+{hashes[0][:12]}.{hashes[1][:12]}"


def test_contract_is_that_of_the_documents(http: httpx.Client) -> None:
    """Its hashes are those of the bytes that are served."""
    contract = http.get("/v1/contract").json()
    assert contract["version"] == http.get("/asyncapi.json").json()["info"]["version"]
    for name in ("openapi", "asyncapi"):
        assert contract[f"{name}_sha256"] == hashlib.sha256(http.get(f"/{name}.json").content).hexdigest()


@pytest.mark.parametrize("call", CALLS.values(), ids=str)
def test_every_operation_says_which_contract(ada: Person, call: Call) -> None:
    """Whatever it answers."""
    assert send(ada, call).headers["X-Contract"] == shown(ada.http)


@pytest.mark.parametrize("path", ["/v1/nowhere", "/", "/docs", "/healthz", "/openapi.json", "/ws"])
def test_every_path_says_which_contract(http: httpx.Client, path: str) -> None:
    """So do pages, refusals of the socket's handshake, and what belongs to nothing."""
    assert http.get(path).headers["X-Contract"] == shown(http)


def test_broken_request_is_told_which_contract(http: httpx.Client) -> None:
    """And what is no HTTP at all."""
    answer = http.get("/v1/me", headers={"X-Long": "x" * 40_000})
    assert answer.status_code == 400
    assert answer.headers["X-Contract"] == shown(http)
