"""What v2 answers, told as v1 would have told it: `spec/v2.overlay.yaml` read backwards, and nothing else.

A test of what both versions promise is written once, in the words of v1. On v2 it gets a client that sends to `/v2`
what the test sends to `/v1`, and hands the answers back in v1's words. It is strict: an answer must have the form of
v2 through and through, and what this module does not know fails the test. What v2 does not tell is not made up: there
are no numbers of pages.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest.mock import ANY
from urllib.parse import parse_qsl, quote, unquote

import httpx

from calls import DOCUMENT, OPERATIONS
from documents import read_document
from parley.contract.document import resolve

DOCUMENT_OF_V2 = read_document("openapi-v2")
PROBLEMS = DOCUMENT_OF_V2["x-problems"]

# Under this name an answer keeps what was really sent.
SENT = "parley.sent"

_POLICY = re.compile(r'"(?P<name>\w+)";q=(?P<limit>\d+);w=(?P<window>\d+)')
_REST = re.compile(r'"(?P<name>\w+)";r=(?P<left>\d+);t=(?P<seconds>\d+)')
_LINK = re.compile(r'<(/v2/[^<>]*)>; rel="(first|next|prev)"')
_OF_V1 = re.compile(r"x-(ratelimit|pagination)-")
_OF_EVERY_PROBLEM = {"type", "title", "status", "detail", "instance", "code"}
# What v1 has in `details`, v2 has beside these.
_FACTS = ("token_expired", "retry_after", "resource", "max_bytes", "deleted_at", "reason")
_LONGEST_FIELD = 500
_LONGEST_PATH = 160


def _list_names() -> Iterator[tuple[re.Pattern[str], str]]:
    """Yield the paths of all lists, and what v1 calls each."""
    for operation in OPERATIONS.values():
        content = operation.raw["responses"].get("200", {}).get("content")
        if operation.method == "get" and content is not None:
            schema = resolve(DOCUMENT, content["application/json"]["schema"])
            lists = [name for name, each in schema["properties"].items() if each.get("type") == "array"]
            if set(schema["properties"]) - set(lists) <= {"has_more", "next_cursor"}:
                (name,) = lists
                yield re.compile(re.sub(r"\{\w+\}", "[^/]+", f"/v2{operation.path}")), name


LIST_NAMES = list(_list_names())


class AsV1(httpx.BaseTransport):
    """Sends to v2 what is meant for v1, and tells its answers as v1 would. All else goes through as it is.

    `let_in` is called with the id of everybody who registers there.
    """

    def __init__(self, let_in: Callable[[str], None], inner: httpx.BaseTransport) -> None:
        self._let_in = let_in
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, and read its answer."""
        path = request.url.raw_path
        if not path.startswith(b"/v1/"):
            return self._inner.handle_request(request)
        sent = httpx.Request(
            request.method,
            request.url.copy_with(raw_path=b"/v2/" + path.removeprefix(b"/v1/")),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        answer = self._inner.handle_request(sent)
        answer.request = sent
        answer.read()
        if answer.status_code == 201 and sent.url.path == "/v2/users":
            self._let_in(answer.json()["id"])
        return told_as_v1(answer)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def told_as_v1(answer: httpx.Response) -> httpx.Response:
    """Return an answer of v2 in the words of v1. Raises AssertionError where it is none of v2's."""
    headers = dict(_headers(answer))
    content = answer.content
    if answer.is_error:
        assert answer.headers["Content-Type"] == "application/problem+json", answer.headers
        headers["content-type"] = "application/json"
        if content:
            content = _written(_error(answer))
    elif (name := _list_name(answer)) is not None:
        # HEAD tells of a list without showing it.
        content = _written(_list(answer, name, headers)) if content else content
    else:
        assert "link" not in answer.headers
    return httpx.Response(
        answer.status_code,
        headers=headers,
        content=content,
        request=answer.request,
        extensions={SENT: answer},
    )


def _headers(answer: httpx.Response) -> Iterator[tuple[str, str]]:
    """Yield the headers that v1 has as well, and what v2 has instead of the others."""
    given = {name.lower(): value for name, value in answer.headers.items()}
    assert not [name for name in given if _OF_V1.match(name)], given
    assert ("etag" in given) <= (answer.status_code in (200, 304))
    given.pop("etag", None)
    yield from _limits(given.pop("ratelimit-policy", None), given.pop("ratelimit", None))
    for name, value in given.items():
        if name == "location":
            assert value.startswith("/v2/"), value
            yield name, f"/v1/{value.removeprefix('/v2/')}"
        elif name != "link":
            yield name, value


def _limits(policy: str | None, rest: str | None) -> Iterator[tuple[str, str]]:
    """Turn the fields of the draft into v1's three headers."""
    assert (policy is None) == (rest is None)
    if policy is None or rest is None:
        return
    promised, left = _POLICY.fullmatch(policy), _REST.fullmatch(rest)
    assert promised is not None, policy
    assert left is not None, rest
    assert promised["name"] == left["name"]
    assert int(left["left"]) <= int(promised["limit"])
    assert int(left["seconds"]) <= int(promised["window"])
    yield "x-ratelimit-limit", promised["limit"]
    yield "x-ratelimit-remaining", left["left"]
    yield "x-ratelimit-reset", str(int(time.time()) + int(left["seconds"]))


# ---- errors


def _error(answer: httpx.Response) -> dict[str, Any]:
    """Return v1's envelope of a problem."""
    problem = answer.json()
    assert problem["status"] == answer.status_code
    path, _, occurrence = problem["instance"].partition("#")
    asked = unquote(answer.request.url.raw_path.partition(b"?")[0].decode())
    assert path == quote(asked[:_LONGEST_PATH], errors="replace")
    assert occurrence == answer.headers["X-Request-Id"]
    return error_of(problem)


def error_of(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return v1's envelope of a problem, whatever request it answers."""
    assert problem.keys() >= _OF_EVERY_PROBLEM, problem
    assert problem.keys() <= {*_OF_EVERY_PROBLEM, "errors", "error", *_FACTS}, problem
    code = problem["code"]
    assert problem["type"] == f"/errors/{code}"
    assert problem["title"] == PROBLEMS[code]["title"]
    assert problem["status"] == PROBLEMS[code]["status"]
    facts = {name: problem[name] for name in _FACTS if name in problem}
    details = _fields(problem) | facts
    error = {"code": code, "message": problem["detail"], "details": details}
    # For whoever has no access, and perhaps a client of v1.
    assert problem.get("error", error) == error
    assert ("error" in problem) <= (code == "forbidden")
    return {"error": error}


def _fields(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return what v1 says of fields: of a broken rule all, and of a conflict the one that it is about."""
    parts = problem.get("errors", [])
    told = [{"field": field_of(part), "reason": part["detail"]} for part in parts]
    match problem["code"]:
        case "validation_error":
            return {**told[0], "errors": told}
        case "conflict":
            assert [each["reason"] for each in told] in ([], [problem["detail"]])
            return {"reason": problem["detail"]} | ({"field": told[0]["field"]} if told else {})
    assert "errors" not in problem
    return {}


def field_of(part: Mapping[str, Any]) -> str:
    """Return what v1 calls the place that a part of a problem is about."""
    (kind,) = part.keys() - {"detail"}
    place: str = part[kind]
    if kind != "pointer":
        assert kind in ("parameter", "header")
        return place
    assert place.startswith("#"), place
    field = ""
    for step in place.split("/")[1:]:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        field += f"{'' if field else 'body'}[{name}]" if name.isdecimal() else f".{name}"
    return field.removeprefix(".")[:_LONGEST_FIELD] or "body"


# ---- lists


def _list_name(answer: httpx.Response) -> str | None:
    if answer.status_code != 200 or answer.request.method not in ("GET", "HEAD"):
        return None
    path = answer.request.url.path
    return next((name for pattern, name in LIST_NAMES if pattern.fullmatch(path)), None)


def _list(answer: httpx.Response, name: str, headers: dict[str, str]) -> dict[str, Any]:
    """Return the body of a list as v1 has it; its total belongs into the headers."""
    body = answer.json()
    total, is_exact = body.pop("total", None), body.pop("total_exact", True)
    if total is not None:
        headers["x-pagination-total"] = str(total)
    if not is_exact:
        assert total is not None
        headers["x-pagination-total-exact"] = "false"
    assert ("link" in answer.headers) == ("next_cursor" in body)
    if "next_cursor" in body:
        _check_links(answer, body)
    assert body.keys() - {"has_more", "next_cursor"} == {"items"}
    return {name if member == "items" else member: value for member, value in body.items()}


def links_of(answer: httpx.Response) -> dict[str, str]:
    """Return where the links of a list lead to, by their relations."""
    links = [_LINK.fullmatch(link) for link in answer.headers["Link"].split(", ")]
    found = {link[2]: link[1] for link in links if link is not None}
    assert len(found) == len(links), answer.headers["Link"]
    return found


def _check_links(answer: httpx.Response, body: Mapping[str, Any]) -> None:
    """Fail unless a page links to those around it: the same request with another cursor, which its body tells."""
    url = answer.request.url
    asked = parse_qsl(url.query.decode(), keep_blank_values=True)
    given = {name for name, _ in asked} & {"before", "after"}
    links = {}
    for relation, target in links_of(answer).items():
        path, _, query = target.partition("?")
        kept = parse_qsl(query, keep_blank_values=True)
        links[relation] = [pair for pair in kept if pair[0] in ("before", "after")]
        assert path == url.path
        assert [pair for pair in kept if pair not in links[relation]] == [
            pair for pair in asked if pair[0] not in given
        ]
    in_the_log = url.path == "/v2/events"
    assert links.pop("first", None) == ([("after", "0")] if in_the_log else [])
    # The log goes from old to new, and so do those who read it; everything else begins with what is newest.
    name = "after" if in_the_log or "after" in given else "before"
    onwards = "prev" if name == "after" and not in_the_log else "next"
    assert links.pop(onwards, []) == ([(name, body["next_cursor"])] if body["has_more"] else [])
    # Back to where one came from, if there is anything here to tell where that is.
    comes_from = bool(given and body["items"]) and not in_the_log
    back = {"next": [("before", ANY)]} if name == "after" else {"prev": [("after", ANY)]}
    assert links == (back if comes_from else {})


def _written(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
