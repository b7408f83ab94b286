"""CORS: pages of the allowed origins may call, without credentials, and see every documented header."""

import pytest

from edge import DOCUMENT, Answer, Edge, only
from parley.contract.cors import Cors, is_own, response_headers
from parley.contract.document import operations_of, resolve
from parley.contract.options import ContractOptions

pytestmark = pytest.mark.anyio

PREFLIGHT = [("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization")]


def edge(*origins: str) -> Edge:
    return Edge(
        only("list_messages", "send_message", "get_message"),
        options=ContractOptions(enforce_rate_limits=False, cors_origins=origins),
    )


async def ask(server: Edge, origin: str, method: str = "GET", *, host: str = "chat.example.com") -> Answer:
    headers = [("Origin", origin), ("Host", host), *(PREFLIGHT if method == "OPTIONS" else [])]
    return await server.ask(method, "/v1/messages", headers=headers)


def cors(answer: Answer) -> dict[str, str]:
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["vary"] == "Origin"
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost", True),
        ("http://localhost:3000", True),
        ("https://127.0.0.1:8443", True),
        ("http://[::1]:5173", True),
        ("https://chat.example.com", True),
        ("http://localhost.evil.example", False),
        ("http://evil.example/localhost", False),
        ("http://localhost:3000/", False),
        ("https://example.com", False),
        ("https://notchat.example.com", False),
        ("null", False),
        ("", False),
    ],
)
async def test_by_default_its_own_and_localhost(origin: str, allowed: bool) -> None:
    found = cors(await ask(edge(), origin))
    assert found.get("access-control-allow-origin") == (origin if allowed else None)
    assert bool(found) is allowed


async def test_configured_origins_and_no_others() -> None:
    server = edge("https://app.example.com", "http://other.example:8000/")
    assert cors(await ask(server, "https://app.example.com"))
    assert cors(await ask(server, "http://other.example:8000"))
    assert not cors(await ask(server, "http://localhost:3000"))
    assert not cors(await ask(server, "https://chat.example.com"))


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        (b"https://chat.example.com", b"chat.example.com", True),
        (b"http://chat.example.com", b"chat.example.com", True),
        (b"https://chat.example.com", b"Chat.Example.com", True),
        (b"https://chat.example.com", b"chat.example.com:443", True),
        (b"http://chat.example.com", b"chat.example.com:80", True),
        (b"https://chat.example.com:8443", b"chat.example.com:8443", True),
        (b"http://[::1]:8080", b"[::1]:8080", True),
        (b"https://chat.example.com", b"chat.example.com:8443", False),
        (b"https://chat.example.com", b"chat.example.com:80", False),
        (b"https://chat.example.com:8443", b"chat.example.com", False),
        (b"https://chat.example.com.evil.example", b"chat.example.com", False),
        (b"https://evil.example", b"chat.example.com", False),
        (b"file://", b"", False),
        (b"https://", b"", False),
        (b"file://chat.example.com", b"chat.example.com", False),
        (b"null", b"null", False),
        (b"null", b"", False),
        (b"", b"", False),
        (b"https://chat.example.com", None, False),
    ],
)
def test_the_own_origin(origin: bytes, host: bytes | None, own: bool) -> None:
    """The host and the port decide, however a proxy spells them; the scheme is known to the proxy alone."""
    assert is_own(origin, host) is own
    assert Cors((), DOCUMENT).allows(origin, host) is own
    assert not Cors(("https://app.example.com",), DOCUMENT).allows(origin, host)


async def test_any_origin() -> None:
    assert cors(await ask(edge("*"), "https://who.example"))["access-control-allow-origin"] == "*"


async def test_a_page_sees_every_documented_header() -> None:
    answer = await ask(Edge(), "http://localhost")
    exposed = cors(answer)["access-control-expose-headers"].split(", ")
    for operation in operations_of(DOCUMENT):
        for response in operation.raw["responses"].values():
            assert set(resolve(DOCUMENT, response).get("headers", {})) <= set(exposed)
    for answer in (*DOCUMENT["components"]["responses"].values(), *DOCUMENT["x-outside-operations"].values()):
        assert set(resolve(DOCUMENT, answer).get("headers", {})) <= set(exposed)
    assert exposed == response_headers(DOCUMENT)
    assert {"X-Request-Id", "X-RateLimit-Remaining", "X-Pagination-Total", "Retry-After", "Allow"} <= set(
        exposed
    )


async def test_a_page_asks_before_it_sends() -> None:
    answer = await ask(edge(), "http://localhost:3000", "OPTIONS")
    assert answer.status == 204
    assert answer.body == b""
    found = cors(answer)
    assert found["access-control-allow-origin"] == "http://localhost:3000"
    assert found["access-control-allow-methods"] == "GET, HEAD, OPTIONS, POST"
    allowed = set(found["access-control-allow-headers"].split(", "))
    assert {"Authorization", "Content-Type", "Idempotency-Key"} <= allowed
    assert int(found["access-control-max-age"]) > 0


async def test_a_foreign_page_is_not_told() -> None:
    answer = await ask(edge(), "https://evil.example", "OPTIONS")
    assert answer.status == 204
    assert not cors(answer)


async def test_errors_can_be_read_by_pages_too() -> None:
    answer = await edge().ask("GET", "/v1/nowhere", headers=[("Origin", "http://localhost")])
    assert answer.status == 404
    assert cors(answer)["access-control-allow-origin"] == "http://localhost"
