"""What every operation does before and after its handler."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import structlog

from edge import ADA, ID, Edge
from generated import models
from parley import logs
from parley.contract import NO_CONTENT, Reply, created, ok, paged
from parley.contract.document import ContractError
from parley.contract.errors import STATUS_OF_CODE
from parley.contract.options import ContractOptions
from parley.contract.request import current_request
from parley.errors import (
    Conflict,
    Forbidden,
    Gone,
    IdempotencyMismatch,
    Invalid,
    NotFound,
    ParleyError,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from parley.model import Page

pytestmark = pytest.mark.anyio

TEXT = {"receiver_id": ID, "content": "Hello, world!"}


@pytest.fixture(scope="module")
def shared() -> Edge:
    return Edge()


@pytest.fixture
def edge(shared: Edge) -> Edge:
    shared.handlers.replies.clear()
    shared.watcher.__init__()  # type: ignore[misc]  # forget what others saw
    return shared


async def test_a_body_arrives_as_its_model(edge: Edge) -> None:
    assert (await edge.ask("POST", "/v1/messages", TEXT)).status == 200
    body = edge.handlers.last["body"]
    assert isinstance(body, models.TextToReceiver)
    assert body.receiver_id == UUID(ID)
    assert edge.handlers.last["caller"] == ADA


@pytest.mark.parametrize(
    ("body", "model"),
    [
        (TEXT, models.TextToReceiver),
        ({"conversation_id": ID, "content": "x", "type": "text"}, models.TextToConversation),
        (
            {
                "receiver_id": ID,
                "type": "file",
                "metadata": {
                    "attachments": [
                        {"url": "https://example.com/a", "name": "a", "content_type": "text/plain", "size": 1}
                    ]
                },
            },
            models.MediaToReceiver,
        ),
    ],
)
async def test_of_alternatives_the_fitting_model_arrives(edge: Edge, body: Any, model: type) -> None:
    answer = await edge.ask("POST", "/v1/messages", body)
    assert answer.status == 200, answer.body
    assert isinstance(edge.handlers.last["body"], model)


async def test_both_bases_give_the_same_bytes(edge: Edge) -> None:
    for method, path, body in (
        ("GET", "/me", None),
        ("POST", "/messages", TEXT),
        ("POST", "/messages", {}),
        ("GET", f"/users/{ID}", None),
        ("PUT", "/me", None),
        ("GET", "/nowhere", None),
    ):
        headers = [("X-Request-Id", "same")]
        stable = await edge.ask(method, f"/v1{path}", body, headers=headers)
        assert stable == await edge.ask(method, f"/api{path}", body, headers=headers)


# ---- replies


async def test_a_reply_is_sent_whole(edge: Edge) -> None:
    edge.handlers.replies["get_user"] = Reply(
        200, {"id": UUID(ID), "at": datetime(2026, 3, 20, 12, tzinfo=UTC), "none": None}, {"X-Extra": "1"}
    )
    answer = await edge.ask("GET", f"/v1/users/{ID}")
    assert answer.json() == {"id": ID, "at": "2026-03-20T12:00:00Z", "none": None}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["x-extra"] == "1"


async def test_head_is_get_without_the_body(edge: Edge) -> None:
    got = await edge.ask("GET", f"/v1/users/{ID}", headers=[("X-Request-Id", "same")])
    head = await edge.ask("HEAD", f"/v1/users/{ID}", headers=[("X-Request-Id", "same")])
    assert (head.status, head.headers, head.body) == (got.status, got.headers, b"")


async def test_no_content_has_neither_body_nor_length(edge: Edge) -> None:
    edge.handlers.replies["logout"] = NO_CONTENT
    answer = await edge.ask("POST", "/v1/auth/logout")
    assert (answer.status, answer.body) == (204, b"")
    assert not {"content-length", "content-type"} & set(answer.headers)


async def test_created_says_where_and_whether_again(edge: Edge) -> None:
    edge.handlers.replies["create_group"] = created({"id": 1}, f"/v1/groups/{ID}", replayed=True)
    answer = await edge.ask("POST", "/v1/groups", {"name": "x"})
    assert answer.status == 201
    assert answer.headers["location"] == f"/v1/groups/{ID}"
    assert answer.headers["idempotency-replayed"] == "true"


async def test_a_page_has_the_headers_of_the_seed(edge: Edge) -> None:
    edge.handlers.replies["list_messages"] = paged(
        "messages", Page([1, 2], has_more=True, next_cursor="c", per_page=50, total=1000, current_page=1)
    )
    answer = await edge.ask("GET", "/v1/messages")
    assert answer.json() == {"messages": [1, 2], "has_more": True, "next_cursor": "c"}
    pagination = {name: value for name, value in answer.headers.items() if name.startswith("x-pagination")}
    assert pagination == {
        "x-pagination-total": "1000",
        "x-pagination-pages": "20",
        "x-pagination-current-page": "1",
        "x-pagination-per-page": "50",
    }


def test_a_page_tells_only_what_is_known() -> None:
    page: Page[int] = Page([], has_more=False, next_cursor=None, per_page=50)
    assert set(paged("x", page).headers) == {"X-Pagination-Per-Page"}
    counted: Page[int] = Page(
        [], has_more=False, next_cursor=None, per_page=3, total=10_000, total_exact=False
    )
    assert paged("x", counted).headers["X-Pagination-Total-Exact"] == "false"
    assert paged("x", counted).headers["X-Pagination-Pages"] == "3334"


# ---- refusals

REFUSALS: list[tuple[ParleyError, int, dict[str, str]]] = [
    (Invalid("name", "Is taken"), 400, {}),
    (
        Unauthorized("The e-mail address or the password is wrong"),
        401,
        {"www-authenticate": 'Bearer realm="parley", error="invalid_token"'},
    ),
    (Forbidden("Only the owner may"), 403, {}),
    (NotFound("group"), 404, {}),
    (Conflict("Taken", field="email"), 409, {}),
    (Conflict("Still running", retry_after=1), 409, {"retry-after": "1"}),
    (Gone("It was deleted"), 410, {}),
    (IdempotencyMismatch(), 422, {}),
    (RateLimited(7), 429, {"retry-after": "7"}),
    (Unavailable(retry_after=2), 503, {"retry-after": "2"}),
]


@pytest.mark.parametrize(("error", "status", "headers"), REFUSALS, ids=lambda value: str(value)[:30])
async def test_a_refusal_is_an_envelope(
    edge: Edge, error: ParleyError, status: int, headers: dict[str, str]
) -> None:
    edge.handlers.replies["get_me"] = error
    answer = await edge.ask("GET", "/v1/me")
    assert answer.status == status == STATUS_OF_CODE[error.code]
    assert answer.error == {"code": error.code, "message": error.message, "details": dict(error.details)}
    assert headers.items() <= answer.headers.items()


@contextmanager
def logging_as_a_server_does() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    written = io.StringIO()
    with redirect_stderr(written):
        logs.configure("info", "json")
        yield written
    structlog.reset_defaults()
    root.handlers[:], root.level = before


async def test_what_nobody_foresaw_shows_nothing(edge: Edge) -> None:
    edge.handlers.replies["send_message"] = RuntimeError("secret of the inside")
    with logging_as_a_server_does() as written:
        answer = await edge.ask("POST", "/v1/messages", TEXT, headers=[("X-Request-Id", "find-me")])
    assert answer.status == 500
    assert answer.error["code"] == "internal_error"
    assert b"secret" not in answer.body
    printed = written.getvalue()
    assert "find-me" in printed
    assert "RuntimeError" in printed
    assert "Hello, world!" not in printed
    assert "Bearer" not in printed
    assert edge.watcher.unexpected == 1


async def test_a_reply_that_is_no_json_is_a_fault_of_ours(edge: Edge) -> None:
    edge.handlers.replies["get_user"] = ok(object())
    assert (await edge.ask("GET", f"/v1/users/{ID}")).status == 500


async def test_a_header_cannot_be_injected_by_a_request_id(edge: Edge) -> None:
    for given in ("a b", "a\tb", "a;b", "é", "", "x" * 129, "a\r\nSet-Cookie: x"):
        answer = await edge.ask("GET", "/v1/me", headers=[("X-Request-Id", given)])
        assert answer.headers["x-request-id"] != given
        assert len(answer.headers["x-request-id"]) < 40


# ---- request ids and facts


async def test_a_sane_request_id_is_kept(edge: Edge) -> None:
    for target in ("/v1/me", "/nowhere"):
        answer = await edge.ask("GET", target, headers=[("X-Request-Id", "Abc-1.2_3")])
        assert answer.headers["x-request-id"] == "Abc-1.2_3"


async def test_two_request_ids_are_none(edge: Edge) -> None:
    answer = await edge.ask("GET", "/v1/me", headers=[("X-Request-Id", "a"), ("X-Request-Id", "b")])
    assert answer.headers["x-request-id"] not in {"a", "b"}


async def test_made_request_ids_differ(edge: Edge) -> None:
    assert len({(await edge.ask("GET", "/v1/me")).headers["x-request-id"] for _ in range(50)}) == 50


async def test_a_handler_can_ask_who_is_there(edge: Edge) -> None:
    answer = await edge.ask("GET", "/v1/me", headers=[("User-Agent", "curl/8")], client="198.51.100.7")
    assert answer.json() == {"address": "198.51.100.7", "agent": "curl/8"}


def test_outside_of_a_request_there_is_none() -> None:
    with pytest.raises(LookupError):
        current_request()


async def test_the_observer_hears_of_every_answer(edge: Edge) -> None:
    await edge.ask("GET", f"/api/users/{ID}")
    await edge.ask("GET", "/v1/secret-token-in-a-path")
    await edge.ask("DELETE", "/v1/me")
    assert edge.watcher.answers == [
        ("get_user", "GET", "/users/{user_id}", 200),
        (None, "GET", "unrouted", 404),
        (None, "DELETE", "unrouted", 405),
    ]


# ---- who calls


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "ada",
        "Basic ada",
        "Bearer ada bob",
        "Bearer ada,",
        "Bearerada",
        "Bearer\tada",
        "Bearer a\u00e9",
    ],
)
async def test_a_malformed_credential_is_none(edge: Edge, header: str) -> None:
    answer = await edge.ask("GET", "/v1/me", token=None, headers=[("Authorization", header)])
    assert answer.status == 401
    assert answer.error == {
        "code": "unauthorized",
        "message": "Invalid or expired token",
        "details": {"token_expired": False},
    }


async def test_without_credentials_no_error_is_named(edge: Edge) -> None:
    answer = await edge.ask("GET", "/v1/me", token=None)
    assert answer.headers["www-authenticate"] == 'Bearer realm="parley"'


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_ignores_case(edge: Edge, scheme: str) -> None:
    answer = await edge.ask("GET", "/v1/me", token=None, headers=[("Authorization", f"{scheme} ada")])
    assert answer.status == 200


async def test_two_credentials_are_none(edge: Edge) -> None:
    answer = await edge.ask("GET", "/v1/me", token="ada", headers=[("Authorization", "Bearer bob")])
    assert answer.status == 401


async def test_an_open_operation_asks_for_no_token(edge: Edge) -> None:
    body = {"email": "ada@example.com", "password": "x"}
    assert (await edge.ask("POST", "/v1/auth/login", body, token=None)).status == 200
    assert "caller" not in edge.handlers.last


# ---- bodies


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_another_media_type_is_refused(edge: Edge, content_type: str) -> None:
    answer = await edge.ask("POST", "/v1/messages", TEXT, headers=[("Content-Type", content_type)])
    assert answer.status == 415
    assert answer.error["code"] == "unsupported_media_type"


async def test_a_missing_media_type_is_refused(edge: Edge) -> None:
    raw = json.dumps(TEXT).encode()
    answer = await edge.ask("POST", "/v1/messages", headers=[("Content-Length", str(len(raw)))], chunks=None)
    assert answer.status == 415


async def test_a_chunked_body_is_read(edge: Edge) -> None:
    raw = json.dumps(TEXT).encode()
    answer = await edge.ask("POST", "/v1/messages", chunks=[raw[:9], raw[9:]])
    assert answer.status == 200


async def test_an_empty_body_is_missing(edge: Edge) -> None:
    for chunks in (None, [b""]):
        answer = await edge.ask("POST", "/v1/messages", chunks=chunks)
        assert answer.details["errors"] == [{"field": "body", "reason": "Is required"}]


async def test_too_large_a_body_is_refused(edge: Edge) -> None:
    limit = ContractOptions().max_body_bytes
    answer = await edge.ask("POST", "/v1/messages", b" " * (limit + 1))
    assert answer.status == 413
    assert answer.details == {"max_bytes": limit}
    answer = await edge.ask("POST", "/v1/messages", chunks=[b" " * 65536] * (limit // 65536 + 1))
    assert answer.status == 413
    answer = await edge.ask("POST", "/v1/messages", json.dumps(TEXT).encode().ljust(limit))
    assert answer.status == 200


async def test_an_operation_without_body_ignores_one(edge: Edge) -> None:
    assert (await edge.ask("POST", f"/v1/groups/{ID}/join", b"\xff\x00nonsense")).status == 200


async def test_a_client_that_leaves_is_not_answered(edge: Edge) -> None:
    headers = [("Content-Type", "application/json"), ("Content-Length", "9")]
    with pytest.raises(AssertionError, match="no answer"):
        await edge.ask("POST", "/v1/messages", headers=headers, chunks=[])
    assert edge.watcher.unexpected == 0
    assert edge.watcher.answers == []


# ---- the paths there are


async def test_an_unknown_path(edge: Edge) -> None:
    for target in (
        "/",
        "/v1",
        "/v1/",
        "/v2/me",
        "/v1/me/",
        "/v1//me",
        "/me",
        "/v1/me/x",
        "/v1/users/",
        "/V1/me",
        "//v1/me",
    ):
        for method in ("GET", "OPTIONS", "POST"):
            answer = await edge.ask(method, target)
            assert (answer.status, answer.error["code"]) == (404, "not_found"), target
            assert "location" not in answer.headers


async def test_another_method(edge: Edge) -> None:
    for method in ("POST", "PUT", "DELETE", "TRACE", "BREW"):
        answer = await edge.ask(method, "/v1/me")
        assert (answer.status, answer.error["code"]) == (405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_options_tells_the_methods(edge: Edge) -> None:
    answer = await edge.ask("OPTIONS", "/v1/messages", token=None)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_a_segment_may_be_percent_encoded(edge: Edge) -> None:
    assert (await edge.ask("GET", f"/v1/%75sers/{ID}")).status == 200
    assert (await edge.ask("GET", f"/v1%2Fusers/{ID}")).status == 404


def test_models_are_asked_for_when_the_server_starts() -> None:
    with pytest.raises(ContractError, match="no named schema with a model"):
        Edge(models=SimpleNamespace())


async def test_a_header_with_a_line_break_is_a_fault_of_ours(edge: Edge) -> None:
    edge.handlers.replies["get_user"] = Reply(200, {}, {"Location": "/a\r\nSet-Cookie: b"})
    answer = await edge.ask("GET", f"/v1/users/{ID}")
    assert answer.status == 500
    assert "set-cookie" not in answer.headers


async def test_a_refusal_that_is_no_json_is_a_fault_of_ours(edge: Edge) -> None:
    edge.handlers.replies["get_user"] = Unwritable()
    answer = await edge.ask("GET", f"/v1/users/{ID}")
    assert (answer.status, answer.error["code"]) == (500, "internal_error")


class Unwritable(Forbidden):
    """A refusal whose details nobody can write down."""

    def __init__(self) -> None:
        super().__init__("No", {"why": object()})
