"""Which operation is it? Connexion makes the routes; a table made from them finds one by its segments.

Connexion's own router tries its regular expressions one after the other: with 60 paths under two bases that
is 0.2 ms for the last. It also redirects a trailing slash to whatever host the client named.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from connexion.middleware.abstract import ROUTING_CONTEXT
from connexion.middleware.routing import RoutingMiddleware, RoutingOperation
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from parley.contract.document import ContractError
from parley.contract.exchange import Exchange

EXCHANGE = "parley.exchange"
ALLOW = "parley.allow"

Context = Mapping[str, str | None]
Begin = Callable[[Scope, Receive, Send], Exchange]

_NO_VALUES: Mapping[str, str] = {}
# What Connexion's middlewares read where no operation was found.
_NOWHERE: Context = {"api_base_path": None, "operation_id": None}


@dataclass(frozen=True, slots=True)
class _End:
    """One method of a path: its operation, the names of its parameters, and what Connexion is told."""

    operation: str
    names: tuple[str, ...]
    context: Context


@dataclass(slots=True)
class _Node:
    """One segment of the paths. `methods` is empty where no path ends."""

    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    methods: dict[str, _End] = field(default_factory=dict)
    allow: str = ""


# Not frozen: one is made per request.
@dataclass(slots=True)
class Match:
    """What was found: `operation` is None where the path exists but not with this method."""

    operation: str | None
    values: Mapping[str, str]
    allow: str
    context: Context


class RouteTable:
    """The routes of all APIs by method and segments. A literal segment goes before a parameter."""

    def __init__(self) -> None:
        self._root = _Node()
        self._fixed: dict[tuple[str, str], Match] = {}

    def add(self, base_path: str, path: str, method: str, operation: str) -> None:
        """Add a route whose path is a template such as `/users/{user_id}`."""
        node = self._root
        names: list[str] = []
        for segment in f"{base_path}{path}".split("/")[1:]:
            if segment.startswith("{") and segment.endswith("}"):
                names.append(segment[1:-1].partition(":")[0])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            elif "{" in segment:
                raise ContractError(f"The path {path} has a parameter that is not a whole segment")
            else:
                node = node.literals.setdefault(segment, _Node())
        if method in node.methods:
            raise ContractError(f"{method} {base_path}{path} is there twice")
        context = {"api_base_path": base_path, "operation_id": operation}
        node.methods[method] = _End(operation, tuple(names), context)
        node.allow = ", ".join(sorted({*node.methods, "OPTIONS"}))
        if not names:
            for known, end in node.methods.items():
                fixed = Match(end.operation, _NO_VALUES, node.allow, end.context)
                self._fixed[known, f"{base_path}{path}"] = fixed

    def find(self, method: str, path: str, raw_path: bytes | None) -> Match | None:
        """Find a path; None where there is none."""
        # Where a segment holds an encoded slash, only the raw path knows the segments.
        if raw_path is not None and b"%" in raw_path:
            segments = [unquote(part) for part in raw_path.decode("latin-1").split("/")[1:]]
        else:
            fixed = self._fixed.get((method, path))
            if fixed is not None:
                return fixed
            segments = path.split("/")[1:]
        values: list[str] = []
        found = _walk(self._root, segments, 0, method, values)
        if found is not None:
            end = found.methods[method]
            return Match(end.operation, dict(zip(end.names, values, strict=True)), found.allow, end.context)
        other = _walk(self._root, segments, 0, None, values)
        return None if other is None else Match(None, _NO_VALUES, other.allow, _NOWHERE)


def _walk(node: _Node, segments: list[str], at: int, method: str | None, values: list[str]) -> _Node | None:
    """Find the node of a path that has the method, or (with None) any. Leaves the parameters in `values`."""
    if at == len(segments):
        return node if node.methods and (method is None or method in node.methods) else None
    segment = segments[at]
    literal = node.literals.get(segment)
    if literal is not None:
        found = _walk(literal, segments, at + 1, method, values)
        if found is not None:
            return found
    if node.parameter is not None and segment:
        values.append(segment)
        found = _walk(node.parameter, segments, at + 1, method, values)
        if found is not None:
            return found
        values.pop()
    return None


class TableRouting(RoutingMiddleware):  # type: ignore[misc]  # Connexion has no types
    """Connexion's routing middleware, looking operations up in a table of Connexion's routes.

    The exchange begins here, because here is the first place that knows whether there is an operation.
    """

    def __init__(self, app: ASGIApp, *, begin: Begin) -> None:
        super().__init__(app)
        self._begin = begin
        self.table = RouteTable()

    def add_api(self, specification: Any, base_path: str | None = None, **kwargs: Any) -> None:
        """Let Connexion make the routes, then add them to the table."""
        known = len(self.router.routes)
        super().add_api(specification, base_path=base_path, **kwargs)
        for mount_path, route in routes_of(self.router.routes[known:]):
            for method in route.methods or ():
                endpoint: Any = route.endpoint
                self.table.add(mount_path, route.path, method, endpoint.operation_id)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Find the operation and pass the request on with what was found."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope[EXCHANGE] = self._begin(scope, receive, send)
        match = self.table.find(scope["method"], scope["path"], scope.get("raw_path"))
        context = _NOWHERE
        if match is not None:
            scope[ALLOW] = match.allow
            scope["path_params"] = match.values
            context = match.context
        scope["extensions"][ROUTING_CONTEXT] = context
        await self.app(scope, receive, send)


def routes_of(routes: Iterable[Any]) -> Iterator[tuple[str, Route]]:
    """Yield base path and route of every operation that Connexion mounted."""
    for mount in routes:
        assert isinstance(mount, Mount)
        router = mount.app
        assert isinstance(router, Router)
        for route in router.routes:
            assert isinstance(route, Route)
            assert isinstance(route.endpoint, RoutingOperation)
            yield mount.path, route
