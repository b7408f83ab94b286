"""The recorder of answers finds every way in which an answer can differ from the document."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge import DOCUMENT, ID, Edge, only
from parley.contract import NO_CONTENT, Reply
from parley.contract.document import resolve
from parley.contract.options import ContractOptions

pytestmark = pytest.mark.anyio

TOKENS = {
    "access_token": "a", "refresh_token": "b", "expires_in": 3600, "token_type": "Bearer",
    "user_id": ID, "session_id": ID,
}  # fmt: skip
LOGIN = {"email": "ada@example.com", "password": "secure_password"}


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    options = ContractOptions(enforce_rate_limits=False, answers_file=tmp_path / "answers")
    document = only("login", "logout", "create_group", "list_messages")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            operation["responses"] = _responses(path, method)
    return Edge({**document, "x-outside-operations": _outside()}, options=options)


def _responses(path: str, method: str) -> Any:
    return {
        status: _without_links(resolve(DOCUMENT, response))
        for status, response in DOCUMENT["paths"][path][method]["responses"].items()
    }


def _outside() -> Any:
    return {
        status: _without_links(resolve(DOCUMENT, raw))
        for status, raw in DOCUMENT["x-outside-operations"].items()
    }


def _without_links(response: Any) -> Any:
    content = {kind: {"schema": media["schema"]} for kind, media in response.get("content", {}).items()}
    return {
        "description": "",
        "headers": response.get("headers", {}),
        **({"content": content} if content else {}),
    }


@pytest.fixture
def lines(tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [json.loads(line) for line in (tmp_path / "answers").read_text().splitlines()]


Lines = Callable[[], list[dict[str, Any]]]


async def test_a_documented_answer_is_noted(edge: Edge, lines: Lines) -> None:
    edge.handlers.replies |= {"login": Reply(200, TOKENS), "logout": NO_CONTENT}
    await edge.ask("POST", "/v1/auth/login", LOGIN, token=None)
    await edge.ask("POST", "/api/auth/login", {}, token=None)
    await edge.ask("POST", "/v1/auth/logout")
    await edge.ask("POST", "/v1/auth/logout", token=None, headers=[("Origin", "http://localhost")])
    assert lines() == [
        {"operation": operation, "method": "POST", "status": status, "violation": None}
        for operation, status in (("login", 200), ("login", 400), ("logout", 204), ("logout", 401))
    ]


@pytest.mark.parametrize(
    ("reply", "violation"),
    [
        (Reply(202, TOKENS), "202 is not documented"),
        (Reply(200, {**TOKENS, "token_type": "MAC"}), "token_type: Must be one of: Bearer"),
        (Reply(200, {"access_token": "a"}), "refresh_token: Is required"),
        (Reply(200), "The content type is None"),
        (Reply(200, TOKENS, {"X-Secret": "1"}), "The header x-secret is not documented"),
        (
            Reply(429, {"error": {"code": "x", "message": "y", "details": {}}}),
            "The header retry-after is missing",
        ),
        (
            Reply(429, {"error": {"code": "x", "message": "y", "details": {}}}, {"Retry-After": "soon"}),
            "The header retry-after is 'soon'",
        ),
    ],
)
async def test_a_violation_is_noted(edge: Edge, lines: Lines, reply: Reply, violation: str) -> None:
    edge.handlers.replies["login"] = reply
    await edge.ask("POST", "/v1/auth/login", LOGIN, token=None)
    [line] = lines()
    assert line["operation"] == "login"
    assert violation in line["violation"]


async def test_a_body_where_there_is_none(edge: Edge, lines: Lines) -> None:
    edge.handlers.replies["logout"] = Reply(204, {"bye": True})
    await edge.ask("POST", "/v1/auth/logout")
    assert lines()[0]["violation"] == "There is a body, but none is documented"


async def test_a_missing_header_is_noted(edge: Edge, lines: Lines) -> None:
    edge.handlers.replies["create_group"] = Reply(201, {})
    await edge.ask("POST", "/v1/groups", {"name": "x"})
    assert lines()[0]["violation"] == "The header location is missing"


async def test_answers_outside_of_operations_are_noted(edge: Edge, lines: Lines) -> None:
    await edge.ask("GET", "/nowhere")
    await edge.ask("DELETE", "/v1/groups")
    await edge.ask(
        "OPTIONS",
        "/v1/groups",
        headers=[("Origin", "http://localhost"), ("Access-Control-Request-Method", "POST")],
    )
    assert [(line["operation"], line["status"], line["violation"]) for line in lines()] == [
        (None, 404, None),
        (None, 405, None),
        (None, 204, None),
    ]
