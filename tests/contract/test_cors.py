"""Pages of other origins: who may call, what they may send and read, and that cookies never come into it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from calls import CALLS, DOCUMENT, Call
from people import Person, send
from tests.contract.conftest import serving
from versions import V1, V2, Version

PATHS = sorted(DOCUMENT["paths"])
LOCAL = ("http://localhost:3000", "https://localhost", "http://127.0.0.1:5173", "http://[::1]:8000")
FOREIGN = (
    "https://evil.example",
    "http://localhost.evil.example",
    "http://localhost:3000.evil.example",
    "http://127.0.0.1:5173@evil.example",
    "null",
    "",
)
CHAT = "https://chat.example.com"


def documented_headers(version: Version) -> set[str]:
    """Return every header of any answer, wherever the document declares it, in small letters."""
    return {name.lower() for name in headers_in(version.document)}


def headers_in(part: Any) -> Iterator[str]:
    """Yield the headers of every answer in a part of the document; those of webhooks' receivers have none."""
    if isinstance(part, dict):
        if "description" in part and "headers" in part:
            yield from part["headers"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from headers_in(each)


def listed(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",")}


@pytest.mark.parametrize("origin", LOCAL)
def test_pages_of_this_machine_may_call(http: httpx.Client, origin: str) -> None:
    """Whoever develops a client here needs no setting."""
    answer = http.get("/v1/me", headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == origin


def test_own_pages_may_call(http: httpx.Client) -> None:
    """The docs page tries requests out, whatever the server is called."""
    own = {"Origin": "https://parley.example.org", "Host": "parley.example.org"}
    answer = http.get("/v1/me", headers=own)
    assert answer.headers["Access-Control-Allow-Origin"] == own["Origin"]


@pytest.mark.parametrize("origin", FOREIGN)
def test_foreign_pages_may_not(http: httpx.Client, origin: str) -> None:
    """Nor may those that only look like this machine."""
    asking = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    for answer in (http.get("/v1/me", headers=asking), http.options("/v1/me", headers=asking)):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", PATHS)
def test_preflight(http: httpx.Client, path: str) -> None:
    """A page may use every method of a path, with every header that is documented."""
    asking = {"Origin": LOCAL[0], "Access-Control-Request-Method": "PATCH"}
    answer = http.options(f"/v1{path}", headers=asking)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == LOCAL[0]
    assert answer.headers["Access-Control-Allow-Methods"] == answer.headers["Allow"]
    allowed = listed(answer.headers["Access-Control-Allow-Headers"])
    assert allowed >= {"authorization", "content-type", "idempotency-key", "x-request-id"}
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("call", CALLS.values(), ids=str)
def test_answers_can_be_read(ada: Person, version: Version, call: Call) -> None:
    """With all their documented headers, whether they are errors or not."""
    for each in (call, call.asking(wrong="yes")):
        answer = send(ada, each, Origin=LOCAL[0])
        assert answer.headers["Access-Control-Allow-Origin"] == LOCAL[0]
        assert listed(answer.headers["Access-Control-Expose-Headers"]) >= documented_headers(version)
        assert "origin" in listed(answer.headers["Vary"])


def test_all_headers_are_looked_at(version: Version) -> None:
    """Also that of a wrong method, which no operation answers, and those of every answer that is shared."""
    own = {V1: {"x-pagination-total", "x-ratelimit-limit"}, V2: {"etag", "link", "ratelimit"}}
    assert documented_headers(version) >= {"allow", "location", "retry-after", "x-contract", *own[version]}


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/me"])
def test_errors_outside_of_operations_can_be_read(http: httpx.Client, path: str) -> None:
    """An unknown path and a wrong method are answers too."""
    answer = http.delete(path, headers={"Origin": LOCAL[0]})
    assert answer.status_code in (404, 405)
    assert answer.headers["Access-Control-Allow-Origin"] == LOCAL[0]


def test_answers_differ_by_origin_for_caches(http: httpx.Client) -> None:
    """Also where no origin is named: the next who asks may name one."""
    assert "origin" in listed(http.get("/v1/me").headers["Vary"])


def test_credentials_are_never_allowed(http: httpx.Client, ada: Person) -> None:
    """Tokens are sent by whoever has them; a browser adds nothing by itself."""
    asking = {"Origin": LOCAL[0], "Access-Control-Request-Method": "GET"}
    for answer in (ada.ask("GET", "/me", headers=asking), http.options("/v1/me", headers=asking)):
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server whose operator names one origin."""
    with serving(tmp_path_factory.mktemp("configured"), PARLEY_CORS_ORIGINS=CHAT) as http:
        yield http


@pytest.mark.parametrize("path", ["/v1/me", "/v2/me"])
def test_configured_origin_alone_may_call(configured: httpx.Client, path: str) -> None:
    """Whoever names origins means these and no others."""
    assert configured.get(path, headers={"Origin": CHAT}).headers["Access-Control-Allow-Origin"] == CHAT
    for origin in (LOCAL[0], f"{CHAT}.evil.example", "http://chat.example.com", FOREIGN[0]):
        answer = configured.get(path, headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
