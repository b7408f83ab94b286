"""What stock Connexion accepts or refuses, we do too, but for a written list of its own mistakes.

Both get the whole document and the same requests. The requests are the document's examples and what becomes of
them when something is taken away, added or changed, first one by one and then at random.
"""

import copy
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from connexion import AsyncApp
from connexion.resolver import Resolver
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp

from edge import DOCUMENT, ID, Answer, Edge, ask
from parley.contract.document import DocumentedOperation, operations_of, resolve

pytestmark = pytest.mark.anyio

TEXT = {"receiver_id": ID, "content": "Hello, world!"}


@dataclass(frozen=True)
class Request:
    """A request; `body` is JSON, or bytes as they are."""

    method: str
    target: str
    body: Any = None
    headers: Sequence[tuple[str, str]] = (("Authorization", "Bearer ada"),)
    media_type: str | None = "application/json"
    chunked: bool = False

    async def ask(self, app: ASGIApp) -> Answer:
        raw = (
            self.body
            if isinstance(self.body, bytes)
            else b""
            if self.body is None
            else json.dumps(self.body).encode()
        )
        headers = [("Host", "localhost"), *self.headers]
        if raw and self.media_type is not None:
            headers.append(("Content-Type", self.media_type))
        if self.chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        elif raw:
            headers.append(("Content-Length", str(len(raw))))
        return await ask(app, self.method, self.target, headers, [raw])


async def nothing(**_: Any) -> tuple[dict[str, bool], int]:
    """Do nothing, as Connexion likes its handlers."""
    return {"ok": True}, 200


def stock_app() -> ASGIApp:
    document = copy.deepcopy(DOCUMENT)
    for scheme in document["components"]["securitySchemes"].values():
        scheme["x-bearerInfoFunc"] = "edge.token_info"
    app = AsyncApp("stock")
    app.add_api(
        document,
        base_path="/v1",
        resolver=Resolver(lambda name: nothing),
        strict_validation=True,
        pythonic_params=True,
    )
    made: ASGIApp = app
    return made


OURS = Edge()
STOCK = stock_app()


# ---- the same requests for both


def examples(operation: DocumentedOperation) -> list[Any]:
    """Return the bodies that the document shows for an operation; [None] where it takes none."""
    if "requestBody" not in operation.raw:
        return [None]
    content = resolve(DOCUMENT, operation.raw["requestBody"])["content"]["application/json"]
    return [resolve(DOCUMENT, example)["value"] for example in content["examples"].values()]


def target(operation: DocumentedOperation) -> str:
    return "/v1" + re.sub(r"\{\w+_id\}", ID, operation.path)


def valid_requests() -> Iterator[Request]:
    for operation in operations_of(DOCUMENT):
        for body in examples(operation):
            yield Request(operation.method.upper(), target(operation), body)


VALID = list(valid_requests())

CHANGED: list[Any] = [None, 0, 1.5, True, "", "x" * 5000, [], {}, ["x"], {"x": 1}]


def changed_bodies(body: Any) -> Iterator[Any]:
    """Yield what becomes of a body when one thing in it is wrong."""
    if isinstance(body, dict):
        yield {**body, "unknown": 1}
        for name, value in body.items():
            yield {other: body[other] for other in body if other != name}
            yield from ({**body, name: changed} for changed in CHANGED)
            yield from ({**body, name: changed} for changed in changed_bodies(value))
    elif isinstance(body, list):
        yield [*body, *body]
        yield from ([changed] for value in body[:1] for changed in changed_bodies(value))


def queries(operation: DocumentedOperation) -> Iterator[str]:
    """Yield queries with one parameter each, right and wrong."""
    yield "unknown=1"
    for raw in operation.raw.get("parameters", ()):
        parameter = resolve(DOCUMENT, raw)
        if parameter["in"] == "query":
            examples = parameter.get("examples") or {"only": {"value": parameter.get("example", ID)}}
            example = next(iter(examples.values()))["value"]
            right = ",".join(example) if isinstance(example, list) else example
            yield from (
                f"{parameter['name']}={value}"
                for value in (right, "-1", "101", "1.5", "true", "x%20y", "z" * 300)
            )


def spoilt_requests() -> Iterator[Request]:
    for request in VALID:
        yield replace(request, headers=())
        yield replace(request, headers=[("Authorization", "Bearer nobody")])
        yield replace(request, headers=[("Authorization", "Basic YTpi")])
        if request.body is not None:
            yield replace(request, body=None)
            yield replace(request, media_type="text/plain")
            yield from (replace(request, body=body) for body in changed_bodies(request.body))
            yield from (replace(request, body=body) for body in CHANGED)
            yield from (replace(request, body=body) for body in (b"{", b"[]]", b"nonsense", b"''"))
    for operation in operations_of(DOCUMENT):
        body = examples(operation)[0]
        for query in queries(operation):
            yield Request(operation.method.upper(), f"{target(operation)}?{query}", body)
        yield Request("TRACE", target(operation))
        yield Request(operation.method.upper(), f"{target(operation)}/nowhere", body)


# ---- where both may differ

# Whose body may be left out.
BODILESS = {
    target(operation)
    for operation in operations_of(DOCUMENT)
    if not operation.raw.get("requestBody", {"required": True})["required"]
}

# A format that stock does not check is all that we have against the request.
UNCHECKED = ("Invalid uuid format", "Invalid uri format", "Invalid email format")


def only_formats(answer: Answer) -> bool:
    return answer.status == 400 and all(error["reason"] in UNCHECKED for error in answer.details["errors"])


async def assert_agreement(request: Request) -> None:
    ours, stock = await request.ask(OURS.app), await request.ask(STOCK)
    if ours.status != stock.status:
        mistaken = stock.status == 200 and only_formats(ours)
        # It asks a schema for its `type` where alternatives have none.
        broken = (
            stock.status == 500
            and ours.status in {200, 400}
            and ("from=" in request.target or "to=" in request.target)
        )
        needless = stock.status == 400 and ours.status == 200 and request.body is None
        assert mistaken or broken or (needless and request.target in BODILESS), (request, ours, stock)


@pytest.mark.parametrize("request_", VALID, ids=lambda request: f"{request.method} {request.target}")
async def test_both_accept_every_example(request_: Request) -> None:
    assert (await request_.ask(OURS.app)).status == 200
    assert (await request_.ask(STOCK)).status == 200


async def test_both_treat_spoilt_examples_alike() -> None:
    requests = list(spoilt_requests())
    assert len(requests) > 1000
    for request in requests:
        await assert_agreement(request)


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
    | st.just(ID)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["content", "type", "url", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn) -> Request:
    request = draw(st.sampled_from([request for request in VALID if isinstance(request.body, dict)]))
    body = copy.deepcopy(request.body)
    for _ in range(draw(st.integers(1, 3))):
        place = body
        while True:
            name = draw(st.sampled_from([*place, "unknown"]))
            if isinstance(place.get(name), dict) and draw(st.booleans()):
                place = place[name]
                continue
            break
        if draw(st.booleans()):
            place[name] = draw(VALUES)
        else:
            place.pop(name, None)
    return replace(request, body=body)


@given(mutated())
async def test_both_treat_changed_bodies_alike(request: Request) -> None:
    await assert_agreement(request)


# ---- stock's own mistakes

LIKE_A_PROXY = [("Authorization", "Bearer ada"), ("Host", "chat.example.com")]

# What is wrong with stock, the request that shows it, what stock answers and what we answer.
MISTAKES: dict[str, tuple[Request, int, int]] = {
    "a UUID in the body is not checked": (
        Request("POST", "/v1/messages", {**TEXT, "receiver_id": "x"}),
        200,
        400,
    ),
    "a UUID in the query is not checked": (Request("GET", "/v1/messages?before=x"), 200, 400),
    "a UUID in the path is not checked": (Request("GET", "/v1/users/x"), 200, 400),
    "bytes that are not UTF-8 break it": (Request("POST", "/v1/messages", b'"\xff"'), 500, 400),
    "deep nesting breaks it": (Request("POST", "/v1/messages", b"[" * 100_000 + b"]" * 100_000), 500, 400),
    "a parameter with alternatives breaks it": (Request("GET", "/v1/messages?from=2026-03-01"), 500, 200),
    "a body without a media type is taken": (
        Request("POST", "/v1/messages", TEXT, media_type=None),
        200,
        415,
    ),
    "a body is demanded that may be left out": (
        Request("POST", f"/v1/webhooks/{ID}/rotate-secret"),
        400,
        200,
    ),
    "a chunked body is missing to it": (Request("POST", "/v1/messages", TEXT, chunked=True), 400, 200),
    "a body may have any size": (
        Request("POST", "/v1/messages", json.dumps(TEXT).encode().ljust(2_000_000)),
        200,
        413,
    ),
    "a key may be there twice": (
        Request(
            "POST", "/v1/messages", b'{"content": "a", "content": "b", "receiver_id": "%s"}' % ID.encode()
        ),
        200,
        400,
    ),
    "lone surrogates are taken": (Request("POST", "/v1/messages", {**TEXT, "content": "\ud800"}), 200, 400),
    "U+0000 is taken": (Request("POST", "/v1/messages", {**TEXT, "content": "\0"}), 200, 400),
    "a trailing slash is redirected to the client's Host": (
        Request("GET", "/v1/me/", headers=LIKE_A_PROXY),
        307,
        404,
    ),
    "OPTIONS is refused": (Request("OPTIONS", "/v1/me"), 405, 204),
    "a parameter may be given twice": (Request("GET", "/v1/messages?limit=1&limit=2"), 200, 400),
    "a list may be given twice, and loses one": (Request("GET", f"/v1/users?ids={ID}&ids={ID}"), 200, 400),
    "a header may be given twice": (
        Request(
            "POST",
            "/v1/groups",
            {"name": "x"},
            [("Authorization", "Bearer ada"), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")],
        ),
        200,
        400,
    ),
    "credentials may be given twice": (
        Request("GET", "/v1/me", headers=[("Authorization", "Bearer ada"), ("Authorization", "Bearer bob")]),
        200,
        401,
    ),
    "digits may be grouped": (Request("GET", "/v1/messages?limit=1_0"), 200, 400),
    "a number may have spaces": (Request("GET", "/v1/messages?limit=%201"), 200, 400),
    "a number may have the digits of any script": (Request("GET", "/v1/messages?limit=%D9%A3"), 200, 400),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_mistake_of_stock_is_not_ours(mistake: str) -> None:
    """It fails as well when stock mends one: then the list is to be shortened."""
    request, stock_status, our_status = MISTAKES[mistake]
    assert (await request.ask(STOCK)).status == stock_status
    assert (await request.ask(OURS.app)).status == our_status


async def test_stock_redirects_to_any_host() -> None:
    request, _, _ = MISTAKES["a trailing slash is redirected to the client's Host"]
    answer = await request.ask(STOCK)
    assert "location" in answer.headers
    assert "location" not in (await request.ask(OURS.app)).headers


async def test_stock_names_no_way_to_authenticate() -> None:
    request = Request("GET", "/v1/me", headers=())
    assert "www-authenticate" not in (await request.ask(STOCK)).headers
    assert (await request.ask(OURS.app)).headers["www-authenticate"].startswith("Bearer")


async def test_stock_allows_what_the_first_route_allows() -> None:
    request = Request("DELETE", "/v1/messages")
    assert (await request.ask(STOCK)).headers["allow"] != "GET, HEAD, OPTIONS, POST"
    assert (await request.ask(OURS.app)).headers["allow"] == "GET, HEAD, OPTIONS, POST"
