"""The answers that many operations share, produced for every one of them."""

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from calls import CALLS, DOCUMENT, OPERATIONS, Call
from people import Person, register, send
from tests.contract.conftest import NOWHERE, only_v1
from versions import Version

MEBIBYTE = 2**20

WITH_BODY = [call for call in CALLS.values() if call.body is not None]
# Whose body may be left out.
MAY_BE_LEFT_OUT = {call.operation for call in WITH_BODY if not call.documented.raw["requestBody"]["required"]}
PATHS = sorted(DOCUMENT["paths"])

# What is no JSON that everybody reads alike, put where a body has a string.
BAD_JSON = {
    "not UTF-8": (b'{"a": "\xff"}', "Must be UTF-8"),
    "broken": (b'{"a": ', "Is not JSON: line 1, column 7"),
    "not JSON at all": (b"a=b", "Is not JSON: line 1, column 1"),
    "two values": (b"{} {}", "Is not JSON: line 1, column 4"),
    "deep": (b"[" * 100_000, "Is nested too deep"),
    "a key twice": (b'{"a": 1, "a": 2}', "Has the member 'a' twice in an object"),
    "a large number": (b'{"a": 1e400}', "Has a number that a double cannot hold"),
    "a large integer": (b'{"a": 9007199254740993}', "Has an integer that a double cannot hold"),
    "NaN": (b'{"a": NaN}', "Is not JSON: it has NaN"),
    "half a character": (b'{"a": "\\ud800"}', "Must not contain a lone surrogate"),
    "U+0000": (b'{"a": "\\u0000"}', "Must not contain U+0000"),
    "a list": (b"[]", "Must be an object"),
    "nothing": (b"", "Is required"),
}

# Operations that say "not found" of something other than an id in their path.
NOT_FOUND = {
    "open_conversation": CALLS["open_conversation"],
    "send_message": CALLS["send_message"],
    "list_messages": CALLS["list_messages"].asking(conversation_id="019d0a82-495f-743c-a331-1aab066ba7c9"),
    "create_webhook": CALLS["create_webhook"].with_body(
        url=NOWHERE, events=["*"], conversation_id="019d0a82-495f-743c-a331-1aab066ba7c9"
    ),
}
# Another test repeats the request for a group that is no longer there.
NOT_FOUND_ELSEWHERE = {"create_group"}


def error_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the details of an error, which must be this one."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    details: dict[str, Any] = error["details"]
    return details


@pytest.fixture(scope="module")
def someone(http: httpx.Client) -> Person:
    return register(http, "someone")


@pytest.mark.parametrize("call", CALLS.values(), ids=str)
def test_unknown_query_parameter(someone: Person, call: Call) -> None:
    """Queries are closed: whoever misspells a filter must not get everything."""
    details = error_of(send(someone, call.asking(**call.query, lim=5)), 400, "validation_error")
    assert {"field": "lim", "reason": "Unknown query parameter"} in details["errors"]


@pytest.mark.parametrize("name", ["", "colour[0]", "[0]", "li%6Dit "])
def test_odd_query_parameter(someone: Person, name: str) -> None:
    """It is named as it came."""
    details = error_of(someone.get("/groups", **{name: "1"}), 400, "validation_error")
    assert details["errors"] == [{"field": name, "reason": "Unknown query parameter"}]


@pytest.mark.parametrize("kind", BAD_JSON)
@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_bad_json(someone: Person, call: Call, kind: str) -> None:
    """Each kind of it is refused in the same words by every operation."""
    content, reason = BAD_JSON[kind]
    if not content and call.operation in MAY_BE_LEFT_OUT:
        assert send(someone, call, content=content).status_code != 400
        return
    details = error_of(send(someone, call, content=content), 400, "validation_error")
    assert details["reason"] == reason
    assert details["errors"][0] == {"field": details["field"], "reason": reason}


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_unknown_field(someone: Person, call: Call) -> None:
    """Bodies are closed, and the field is named."""
    body = {**call.body, "colour": "blue"}
    details = error_of(send(someone, call.with_body(**body)), 400, "validation_error")
    assert {"field": "colour", "reason": "Unknown field"} in details["errors"]


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_errors_stay_small(someone: Person, call: Call) -> None:
    """However long the names and the list of what is wrong, the answer is one that the document allows."""
    long_name = {**call.body, "x" * 10_000: 1}
    details = error_of(send(someone, call.with_body(**long_name)), 400, "validation_error")
    assert len(details["field"]) == 500
    many = {f"colour{number}": "blue" for number in range(1000)}
    details = error_of(send(someone, call.with_body(**many)), 400, "validation_error")
    assert len(details["errors"]) <= 100
    details = error_of(send(someone, call.asking(**{"x" * 10_000: 1})), 400, "validation_error")
    assert all(len(each["field"]) <= 500 for each in details["errors"])


def test_many_unknown_members(someone: Person) -> None:
    """Who invites hundreds of people that nobody knows is told of some."""
    strangers = [str(uuid4()) for _ in range(300)]
    answer = send(someone, CALLS["create_group"].with_body(name="Book club", members=strangers))
    assert len(error_of(answer, 400, "validation_error")["errors"]) == 100


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "application/json; charset=latin-1", None]
)
@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_unsupported_media_type(someone: Person, call: Call, media_type: str | None) -> None:
    """Only JSON in UTF-8 is read, and only where it is called so."""
    answer = send(someone, call, content=json.dumps(call.body).encode(), media_type=media_type)
    error_of(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_payload_too_large(someone: Person, call: Call) -> None:
    """A byte more than a mebibyte is refused, whether its length is told before or not."""
    content = json.dumps(call.body).encode().ljust(MEBIBYTE + 1)
    assert error_of(send(someone, call, content=content), 413, "payload_too_large") == {"max_bytes": MEBIBYTE}

    def chunks() -> Iterator[bytes]:
        yield content[: MEBIBYTE // 2]
        yield content[MEBIBYTE // 2 :]

    error_of(send(someone, call, content=chunks()), 413, "payload_too_large")


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_largest_payload(someone: Person, call: Call) -> None:
    """A mebibyte is read."""
    assert send(someone, call, content=json.dumps(call.body).encode().ljust(MEBIBYTE)).status_code != 413


@pytest.mark.parametrize("call", [call for call in CALLS.values() if "{" in call.documented.path], ids=str)
def test_unknown_id(someone: Person, call: Call) -> None:
    """What nobody made is not found, and the answer names its kind."""
    assert error_of(send(someone, call), 404, "not_found")["resource"]


@pytest.mark.parametrize("call", NOT_FOUND.values(), ids=str)
def test_unknown_id_elsewhere(someone: Person, call: Call) -> None:
    """The same for ids in a body or a query."""
    assert error_of(send(someone, call), 404, "not_found")["resource"]


def test_every_not_found_is_tested() -> None:
    """Each operation that documents a 404 is in one of the two tests above."""
    by_path = {call.operation for call in CALLS.values() if "{" in call.documented.path}
    documented = {call.operation for call in CALLS.values() if 404 in call.statuses}
    assert documented == by_path | NOT_FOUND.keys() | NOT_FOUND_ELSEWHERE


@pytest.mark.parametrize("call", [call for call in CALLS.values() if "{" in call.documented.path], ids=str)
@pytest.mark.parametrize("malformed", ["17", "not-an-id", "019D0A82495F743CA3311AAB066BA7C9", "%00"])
def test_malformed_id(someone: Person, call: Call, malformed: str) -> None:
    """What cannot be an id is a mistake of the request, and the answer names the parameter."""
    path = call.documented.path
    while "{" in path:
        path = f"{path[: path.index('{')]}{malformed}{path[path.index('}') + 1 :]}"
    details = error_of(send(someone, call.at(path)), 400, "validation_error")
    assert details["field"] in call.documented.path


@pytest.mark.parametrize("path", PATHS)
def test_options(http: httpx.Client, path: str) -> None:
    """OPTIONS tells the methods of a path, without a token."""
    answer = http.options(f"/v1{path}")
    methods = {each.method.upper() for each in OPERATIONS.values() if each.path == path}
    assert (answer.status_code, answer.content) == (204, b"")
    assert set(answer.headers["Allow"].split(", ")) == methods | {"OPTIONS"} | (
        {"HEAD"} if "GET" in methods else set()
    )


@pytest.mark.parametrize("path", PATHS)
def test_method_not_allowed(someone: Person, path: str) -> None:
    """Every method that a path does not have is 405, and `Allow` says which it has."""
    allowed = someone.http.options(f"/v1{path}").headers["Allow"]
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - set(
        allowed.split(", ")
    ):
        answer = someone.ask(method, path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed), method
        if method != "HEAD":
            error_of(answer, 405, "method_not_allowed")


@pytest.mark.parametrize("call", [call for call in CALLS.values() if call.method == "GET"], ids=str)
def test_head(someone: Person, version: Version, call: Call) -> None:
    """HEAD is GET without the body: with its status and its headers."""
    shown = version.sent(send(someone, call))
    head = version.sent(someone.ask("HEAD", call.path, params=call.query))
    assert (head.status_code, head.content) == (shown.status_code, b"")
    assert head.headers.keys() == shown.headers.keys()
    own = {"x-request-id", "date", "x-ratelimit-reset", "ratelimit"}
    # What is shown tells when its reader was last seen, to the microsecond.
    varying = own | {"content-length", "etag"}
    assert {name: value for name, value in head.headers.items() if name not in varying} == {
        name: value for name, value in shown.headers.items() if name not in varying
    }
    assert abs(int(head.headers["content-length"]) - int(shown.headers["content-length"])) < 10


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v1/nothing", "/v1/users/", "/v1//users", "/v3/users", "/api"]
)
def test_unknown_path(http: httpx.Client, path: str) -> None:
    """There is nothing, and no redirection to something."""
    for method in ("GET", "POST", "OPTIONS"):
        assert error_of(http.request(method, path), 404, "not_found") == {"resource": "path"}


def test_long_and_odd_path(http: httpx.Client) -> None:
    """What a client made up is told shortened, or not at all."""
    for path in ("x" * 5000, "%C3%BC" * 500, "%FF%00%22%3C"):
        assert error_of(http.get(f"/v1/{path}"), 404, "not_found") == {"resource": "path"}


@pytest.mark.parametrize("base", ["/api", "/v1"])
def test_request_id(http: httpx.Client, base: str) -> None:
    """A sane one is taken over, others are replaced; no two requests get the same one."""
    given = http.get(f"{base}/me", headers={"X-Request-Id": "my-request.1"}).headers["X-Request-Id"]
    assert given == "my-request.1"
    for strange in ("", "a b", "<script>", "x" * 129, "ä"):
        answer = http.get(f"{base}/me", headers=[(b"X-Request-Id", strange.encode())])
        assert answer.headers["X-Request-Id"] != strange
    assert http.get("/v1/me").headers["X-Request-Id"] != http.get("/v1/me").headers["X-Request-Id"]


@only_v1
@pytest.mark.parametrize("call", CALLS.values(), ids=str)
def test_alias_gives_the_same_bytes(someone: Person, call: Call) -> None:
    """`/api` and `/v1` differ in nothing: neither what is shown, nor what is refused and why."""
    asked = [call] if call.method == "GET" else []
    for each in [*asked, call.asking(wrong="yes"), call.at(f"{call.path}/nothing")]:
        stable, alias = (send(someone, each, base=base) for base in ("/v1", "/api"))
        assert (stable.status_code, _timeless(stable.text)) == (alias.status_code, _timeless(alias.text))
        assert stable.headers.keys() == alias.headers.keys()


def _timeless(text: str) -> str:
    """Take out times, which go on between two requests."""
    return re.sub(r'"[0-9-]{10}T[0-9:.]+Z"', '"a time"', text)
