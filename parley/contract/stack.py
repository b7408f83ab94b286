"""The contract as one ASGI application: Connexion's specification and routing, our operations behind them."""

from collections.abc import Mapping
from functools import partial
from types import ModuleType
from typing import Any

from connexion import ConnexionMiddleware
from connexion.resolver import Resolver
from limits.aio.storage import Storage
from starlette.types import ASGIApp

from parley.contract.addresses import ClientAddresses
from parley.contract.answers import AnswersRecorder
from parley.contract.cors import Cors
from parley.contract.counters import ProcessMemory
from parley.contract.deprecation import DeprecatedOperation
from parley.contract.document import Document, DocumentedOperation, bind, operations_of
from parley.contract.exchange import Edge, Exchange
from parley.contract.limits import RateLimits, read_buckets
from parley.contract.observer import NoObserver, RequestObserver
from parley.contract.operations import CompiledOperation, CompiledOperations, Compiler, Unrouted
from parley.contract.options import ContractOptions
from parley.contract.routing import TableRouting
from parley.contract.security import Authenticator

# The stable version, and the alias that the seed's examples use.
BASE_PATHS = ("/v1", "/api")


def make_edge(
    document: Document,
    options: ContractOptions,
    observer: RequestObserver | None = None,
    counters: Storage | None = None,
) -> Edge:
    """Make what all requests share, and sockets too: origins, addresses, counters."""
    observer = observer or NoObserver()
    limits = RateLimits(
        read_buckets(document, options.rate_limits),
        counters or ProcessMemory(),
        observer,
        enforced=options.enforce_rate_limits,
    )
    recorder = None if options.answers_file is None else AnswersRecorder(document, options.answers_file)
    return Edge(
        Cors(options.cors_origins, document),
        ClientAddresses(options.trusted_proxies),
        limits,
        observer,
        recorder,
    )


def contract_app(
    document: Document,
    modules: Mapping[str, Any],
    models: ModuleType,
    authenticator: Authenticator,
    options: ContractOptions,
    observer: RequestObserver | None = None,
    counters: Storage | None = None,
    edge: Edge | None = None,
) -> ASGIApp:
    """Compile a document whose tags are `modules` and whose schemas are `models`.

    Raises ContractError when document and code do not fit together.
    """
    edge = edge or make_edge(document, options, observer, counters)
    bound, functions = bind(document, modules)
    compiler = Compiler(
        document,
        functions,
        models,
        authenticator,
        edge.limits,
        edge.observer,
        options.max_body_bytes,
        options.session_of,
    )
    compiled = {operation.name: _compiled(compiler, operation) for operation in operations_of(document)}
    app = ConnexionMiddleware(
        Unrouted(),
        middlewares=[
            partial(TableRouting, begin=partial(Exchange, edge)),
            partial(CompiledOperations, compiled=compiled),
        ],
        resolver=Resolver(functions.__getitem__),
    )
    for base_path in BASE_PATHS:
        app.add_api(bound, base_path=base_path)
    _build(app)
    stack: ASGIApp = app
    return stack


def _compiled(compiler: Compiler, operation: DocumentedOperation) -> CompiledOperation:
    kind = DeprecatedOperation if operation.raw.get("deprecated") else CompiledOperation
    return kind(compiler, operation)


def _build(app: ASGIApp) -> None:
    """Make Connexion build its middlewares now, so that a mistake stops the start and not the first request.

    It does so in its first call. Our middlewares pass on what is no request without waiting for anything.
    """

    async def never(*_: Any) -> Any:
        raise AssertionError("nothing is sent or received while the stack is built")

    call = app({"type": "parley.build"}, never, never)
    try:
        call.__await__().__next__()
    except StopIteration:
        return
    raise AssertionError("building the stack waits for nothing")
