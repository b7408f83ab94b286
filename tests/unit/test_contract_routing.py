"""The table of routes finds what Connexion's own router finds, and is not fooled by order or encoding."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from connexion import ConnexionMiddleware
from connexion.resolver import Resolver
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Match as StarletteMatch
from starlette.routing import Router
from starlette.types import ASGIApp

from edge import DOCUMENT, ID, Recording
from parley.contract.document import ContractError, bind, operations_of
from parley.contract.routing import RouteTable, TableRouting, routes_of
from parley.contract.stack import BASE_PATHS

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def routings() -> tuple[RouteTable, Router]:
    """Let Connexion make the routes of the whole document, as the server does."""
    made: list[TableRouting] = []

    class Kept(TableRouting):
        def __init__(self, app: ASGIApp) -> None:
            super().__init__(app, begin=None)  # type: ignore[arg-type]  # routing begins nothing
            made.append(self)

    async def nothing(*_: Any) -> None:
        """End the line."""

    bound, functions = bind(DOCUMENT, Recording(DOCUMENT).modules)
    app = ConnexionMiddleware(nothing, middlewares=[Kept], resolver=Resolver(functions.__getitem__))
    for base_path in BASE_PATHS:
        app.add_api(bound, base_path=base_path)
    app._build_middleware_stack()
    return made[0].table, made[0].router


TABLE, ROUTER = routings()


def connexion_finds(method: str, path: str) -> str | None:
    """Ask the routes that Connexion made, one after the other, as its router does."""
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    for mount_path, route in routes_of(ROUTER.routes):
        inner = {**scope, "root_path": mount_path}
        if path.startswith(f"{mount_path}/") and route.matches(inner)[0] is StarletteMatch.FULL:
            endpoint: Any = route.endpoint
            return str(endpoint.operation_id)
    return None


def table_finds(method: str, path: str) -> str | None:
    match = TABLE.find(method, path, path.encode())
    return None if match is None else match.operation


def real_paths() -> Iterator[str]:
    for base_path in BASE_PATHS:
        for path in DOCUMENT["paths"]:
            yield base_path + re.sub(r"\{\w+\}", ID, path)


@pytest.mark.parametrize("path", list(real_paths()))
def test_every_documented_path_is_found_as_connexion_finds_it(path: str) -> None:
    for method in METHODS:
        assert table_finds(method, path) == connexion_finds(method, path), method


def test_every_operation_is_found() -> None:
    found = {table_finds(method, path) for path in real_paths() for method in METHODS}
    assert found - {None} == {operation.name for operation in operations_of(DOCUMENT)}


SEGMENTS = sorted(
    {segment for path in DOCUMENT["paths"] for segment in path.split("/") if "{" not in segment}
    | {"v1", "api", "x", ID, "..", "", "{user_id}", "me ", "M"}
)


@given(
    st.sampled_from(METHODS),
    st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=7),
    st.sampled_from([*BASE_PATHS, ""]),
)
def test_any_path_is_found_as_connexion_finds_it(method: str, segments: list[str], base_path: str) -> None:
    path = base_path + "/" + "/".join(segments)
    assert table_finds(method, path) == connexion_finds(method, path)


@given(
    st.sampled_from(METHODS), st.text(st.characters(exclude_characters="%?#\r\n", exclude_categories=["Cs"]))
)
def test_any_text_is_found_as_connexion_finds_it(method: str, text: str) -> None:
    path = f"/v1/{text}"
    assert table_finds(method, path) == connexion_finds(method, path)


def table(*paths: tuple[str, str]) -> RouteTable:
    made = RouteTable()
    for method, path in paths:
        made.add("/v1", path, method, f"{method} {path}")
    return made


def test_a_literal_goes_before_a_parameter_whatever_the_order() -> None:
    routes = table(("GET", "/users/{id}"), ("GET", "/users/me"), ("PATCH", "/users/{id}"))
    found = routes.find("GET", "/v1/users/me", None)
    assert found is not None
    assert found.operation == "GET /users/me"


def test_a_literal_without_the_method_leaves_it_to_the_parameter() -> None:
    routes = table(("GET", "/users/me"), ("PATCH", "/users/{id}"))
    found = routes.find("PATCH", "/v1/users/me", None)
    assert found is not None
    assert (found.operation, found.values) == ("PATCH /users/{id}", {"id": "me"})


def test_a_dead_end_is_left_again() -> None:
    routes = table(("GET", "/a/b/c"), ("GET", "/{x}/{y}/d"))
    found = routes.find("GET", "/v1/a/b/d", None)
    assert found is not None
    assert found.values == {"x": "a", "y": "b"}


def test_an_encoded_slash_is_no_slash() -> None:
    routes = table(("GET", "/users/{id}"), ("GET", "/users/{id}/x"))
    found = routes.find("GET", "/v1/users/a/x", b"/v1/users/a%2Fx")
    assert found is not None
    assert found.values == {"id": "a/x"}


def test_allow_is_true() -> None:
    routes = table(("GET", "/a"), ("HEAD", "/a"), ("POST", "/a"))
    found = routes.find("DELETE", "/v1/a", None)
    assert found is not None
    assert (found.operation, found.allow) == (None, "GET, HEAD, OPTIONS, POST")
    assert routes.find("DELETE", "/v1/b", None) is None


def test_a_route_is_there_once() -> None:
    with pytest.raises(ContractError, match="twice"):
        table(("GET", "/a"), ("GET", "/a"))


def test_a_parameter_is_a_whole_segment() -> None:
    with pytest.raises(ContractError, match="whole segment"):
        table(("GET", "/a-{b}"))
