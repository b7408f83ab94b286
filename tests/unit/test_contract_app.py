"""The application: pages by their exact paths, the contract for all others, and services for its handlers."""

from typing import Any, cast

import pytest
from starlette.types import Message

from edge import DOCUMENT, Recording, StubAccounts, ask
from parley import metrics
from parley.app import App, Observer
from parley.contract import Reply
from parley.contract.options import ContractOptions
from parley.pages.problems import OTHERS
from parley.services import Services, services

pytestmark = pytest.mark.anyio

SERVICES = cast(Services, object())


async def page(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 203, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


class Lines:
    """A request log that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, int]] = []

    def line(self, method: str, route: str, status: int, seconds: float, request_id: str) -> None:
        assert seconds >= 0
        assert request_id
        self.lines.append((method, route, status))


@pytest.fixture(scope="module")
def handlers() -> Recording:
    return Recording(DOCUMENT)


@pytest.fixture(scope="module")
def lines() -> Lines:
    return Lines()


@pytest.fixture(scope="module")
def app(handlers: Recording, lines: Lines) -> App:
    return App(
        SERVICES,
        DOCUMENT,
        StubAccounts(),
        ContractOptions(),
        pages={"/healthz": page, "/v2/openapi.json": page, OTHERS: page},
        observer=Observer(lines),
        modules=handlers.modules,
    )


async def test_a_page_is_found_by_its_exact_path(app: App) -> None:
    assert (await ask(app, "GET", "/healthz?x=1", [], [b""])).body == b"hi"
    assert (await ask(app, "GET", "/healthz/", [], [b""])).status == 404


async def test_a_page_has_a_request_id(app: App) -> None:
    answer = await ask(app, "GET", "/healthz", [("X-Request-Id", "mine")], [b""])
    assert answer.headers["x-request-id"] == "mine"
    answer = await ask(app, "GET", "/healthz", [("X-Request-Id", "not mine")], [b""])
    assert answer.headers["x-request-id"] not in {"", "not mine"}


async def test_a_page_tells_the_contract(app: App) -> None:
    """That of v1, but for the document of v2."""
    told = {
        path: (await ask(app, "GET", path, [], [b""])).headers["x-contract"]
        for path in ("/healthz", "/errors/gone", "/v2/openapi.json")
    }
    assert told["/healthz"] == told["/errors/gone"] != told["/v2/openapi.json"]
    assert told["/v2/openapi.json"].startswith("2.")


async def test_handlers_have_the_services(app: App, handlers: Recording) -> None:
    found: list[object] = []

    async def look() -> Reply:
        found.append(services())
        return Reply(200, {})

    handlers.replies["get_user"] = look
    path = "/v1/users/019d0a7b-8991-7ce9-9b84-d1e0b4cfd9ec"
    assert (await ask(app, "GET", path, [("Authorization", "Bearer ada")], [b""])).status == 200
    assert found == [SERVICES]


async def test_answers_are_counted_and_logged_by_route(app: App, lines: Lines) -> None:
    lines.lines.clear()
    await ask(app, "GET", "/api/users/1?token=secret", [("Authorization", "Bearer ada")], [b""])
    await ask(app, "GET", "/v1/what-is-this", [], [b""])
    await ask(app, "GET", "/healthz", [], [b""])
    await ask(app, "GET", "/errors/what-is-this", [], [b""])
    assert lines.lines == [
        ("GET", "/users/{user_id}", 400),
        ("GET", "unrouted", 404),
        ("GET", "/healthz", 203),
        ("GET", "/errors/{code}", 203),
    ]
    exposed = metrics.exposed().decode()
    assert 'parley_requests_total{operation="get_user",status="400"}' in exposed
    assert 'parley_requests_total{operation="unrouted",status="404"}' in exposed


async def test_sockets_never_come_by_here(app: App) -> None:
    """Under a server that is not Parley's own there would be none, and nothing says so on the wire."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(ValueError, match="websocket"):
        await app({"type": "websocket", "path": "/ws"}, receive, send)
    assert sent == []
