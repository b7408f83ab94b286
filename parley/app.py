"""HTTP in one ASGI application: the operators' pages by their exact paths, the contract for all others."""

from collections.abc import Mapping
from time import perf_counter
from types import ModuleType
from typing import Any, Protocol

from limits.aio.storage import Storage
from starlette.types import Message, Receive, Scope, Send

from generated import models as generated_models
from parley import metrics
from parley.contract.document import Document, handler_modules
from parley.contract.exchange import pick_request_id
from parley.contract.options import ContractOptions
from parley.contract.published import CONTRACT_HEADER
from parley.contract.security import Authenticator
from parley.contract.stack import contract_app, make_edge
from parley.contract.v2 import BASE_PATH as BASE_PATH_OF_V2
from parley.contract.v2 import PUBLISHED as PUBLISHED_OF_V2
from parley.contract.v2 import Beta
from parley.logs import begin_request
from parley.pages import Page, page_of
from parley.services import Services, bind_services


class RequestLine(Protocol):
    """Writes a line per request; `parley.logs.RequestLog` does."""

    def line(self, method: str, route: str, status: int, seconds: float, request_id: str) -> None:
        """Log one answer."""


class Observer:
    """Tells metrics, and the request log where there is one, what was answered."""

    def __init__(self, request_log: RequestLine | None = None) -> None:
        self._request_log = request_log
        self._meters: dict[str, metrics.OperationMeter] = {}

    def answered(
        self, operation: str | None, method: str, route: str, status: int, seconds: float, request_id: str
    ) -> None:
        """Count the answer, and log it."""
        name = operation or route
        meter = self._meters.get(name)
        if meter is None:
            meter = self._meters[name] = metrics.requests.of(name)
        meter.observe(status, seconds)
        if self._request_log is not None:
            self._request_log.line(method, route, status, seconds, request_id)

    def limiter_failed(self) -> None:
        """Count a request that no rate limit held back."""
        metrics.limiter_failures.inc()

    def failed_unexpectedly(self) -> None:
        """Count a fault of ours."""
        metrics.unexpected_errors.inc()


class App:
    """What uvicorn serves.

    Raises ContractError when it is made and the contract and the handlers do not fit together, so that a
    server with such a fault does not start.
    """

    def __init__(
        self,
        services: Services,
        document: Document,
        authenticator: Authenticator,
        options: ContractOptions,
        *,
        pages: Mapping[str, Page],
        observer: Observer | None = None,
        counters: Storage | None = None,
        modules: Mapping[str, Any] | None = None,
        models: ModuleType = generated_models,
        beta: Document | None = None,
    ) -> None:
        self._services = services
        self._pages = pages
        self._observer = observer or Observer()
        self.edge = make_edge(document, options, self._observer, counters)
        self._contract = contract_app(
            document,
            handler_modules("handlers") if modules is None else modules,
            models,
            authenticator,
            options,
            edge=self.edge,
            beta=None if beta is None else Beta(beta, services.users.has_beta),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of ASGI. Sockets never come by here: `parley.server` hands them over itself."""
        if scope["type"] == "http":
            name = page_of(self._pages, scope["path"])
            if name is not None:
                await self._show(name, scope, receive, send)
                return
            bind_services(self._services)
            await self._contract(scope, receive, send)
        else:
            raise ValueError(f"there is nothing here for {scope['type']}")

    async def _show(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a page, with a request id as on every answer."""
        started = perf_counter()
        request_id = pick_request_id(dict(scope["headers"]).get(b"x-request-id"))
        begin_request(request_id.decode())
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = ((b"x-request-id", request_id), _contract_header(name))
                message["headers"] = [*message.get("headers", ()), *own]
            await send(message)

        await self._pages[name](scope, receive, send_with_id)
        self._observer.answered(
            None, scope["method"], name, status, perf_counter() - started, request_id.decode()
        )


def _contract_header(name: str) -> tuple[bytes, bytes]:
    """Return what X-Contract says on a page: the document of v2 is the only one that is of v2."""
    if name.startswith(f"{BASE_PATH_OF_V2}/"):
        return (CONTRACT_HEADER[0], PUBLISHED_OF_V2.header.encode())
    return CONTRACT_HEADER
