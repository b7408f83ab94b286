"""The contract as one ASGI application: Connexion's specification and routing, our operations behind them."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from types import ModuleType
from typing import Any

from connexion import ConnexionMiddleware
from connexion.middleware.main import API
from connexion.resolver import Resolver
from connexion.spec import OpenAPISpecification
from limits.aio.storage import Storage
from starlette.types import ASGIApp

from parley.contract.addresses import ClientAddresses
from parley.contract.announcing import Announcing
from parley.contract.answers import AnswersRecorder
from parley.contract.cors import Cors
from parley.contract.counters import ProcessMemory
from parley.contract.deprecation import deprecations_of, is_any
from parley.contract.document import Document, DocumentedOperation, Handler, bind, operations_of
from parley.contract.exchange import Edge, Exchange
from parley.contract.limits import RateLimits, read_buckets
from parley.contract.observer import NoObserver, RequestObserver
from parley.contract.operations import CompiledOperation, CompiledOperations, Compiler, Unrouted
from parley.contract.options import ContractOptions
from parley.contract.routing import Begin, TableRouting
from parley.contract.security import Authenticator
from parley.contract.v2 import BASE_PATH as BASE_PATH_OF_V2
from parley.contract.v2 import Beta, V2Edge, V2Operation, by_version

# The stable version, and the alias that the seed's examples use.
BASE_PATHS = ("/v1", "/api")
_V2 = "v2."


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
    beta: Beta | None = None,
) -> ASGIApp:
    """Compile a document whose tags are `modules` and whose schemas are `models`, and v2 where there is one.

    Raises ContractError when document and code do not fit together.
    """
    edge = edge or make_edge(document, options, observer, counters)

    def compiler(of: Document, functions: Mapping[str, Handler]) -> Compiler:
        return Compiler(
            of,
            functions,
            models,
            authenticator,
            edge.limits,
            edge.observer,
            options.max_body_bytes,
            options.session_of,
        )

    bound, functions = bind(document, modules)
    compiled = _compiled(CompiledOperation, compiler(document, functions), "")
    begin: Begin = partial(Exchange, edge)
    apis = [(base_path, bound) for base_path in BASE_PATHS]
    if beta is not None:
        edge_of_v2 = V2Edge(edge, beta, options)
        bound, more = bind(beta.document, modules, _V2)
        compiled |= _compiled(partial(V2Operation, edge=edge_of_v2), compiler(beta.document, functions), _V2)
        functions |= more
        begin = by_version(begin, edge_of_v2.begin)
        apis.append((BASE_PATH_OF_V2, bound))
    app = ConnexionMiddleware(
        Unrouted(),
        middlewares=[
            partial(TableRouting, begin=begin),
            partial(CompiledOperations, compiled=compiled),
        ],
        resolver=Resolver(functions.__getitem__),
    )
    for base_path, specification in apis:
        # What `add_api` does, but that it would check the document.
        app.apis.append(API(_Known(deepcopy(specification)), base_path=base_path, **vars(app.options)))
    _build(app)
    stack: ASGIApp = app
    return stack


class _Known(OpenAPISpecification):  # type: ignore[misc]  # Connexion has no types
    """A document that is known to be valid: what made it has checked it, and sees more than Connexion would.

    It would do so anew at each start and for each base path, and take a quarter of a second each time.
    """

    @classmethod
    def _validate_spec(cls, spec: Any) -> None:
        pass


def _compiled(
    kind: Callable[[Compiler, DocumentedOperation], CompiledOperation], compiler: Compiler, version: str
) -> dict[str, ASGIApp]:
    """Compile all operations of a document, by the names under which it is bound."""
    document = compiler.document
    compiled: dict[str, ASGIApp] = {
        version + documented.name: kind(compiler, documented) for documented in operations_of(document)
    }
    if is_any(document):
        for documented in operations_of(document):
            name, deprecations = version + documented.name, deprecations_of(document, documented)
            if deprecations:
                compiled[name] = Announcing(compiled[name], deprecations)
    return compiled


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
