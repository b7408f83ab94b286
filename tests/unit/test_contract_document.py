"""The document is bound to functions, and a server whose halves do not fit does not start."""

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from parley.contract.document import (
    ContractError,
    bind,
    handler_modules,
    operations_of,
    resolve,
)

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/things": {
            "parameters": [],
            "get": {"tags": ["things", "other"], "operationId": "list_things", "responses": {}},
            "post": {"tags": ["things"], "operationId": "make_thing", "responses": {}},
        },
        "/people": {"get": {"tags": ["people"], "operationId": "list_people", "responses": {}}},
    }
}


async def handler() -> None:
    """Stand for any."""


def namespace(*names: str) -> SimpleNamespace:
    return SimpleNamespace(**dict.fromkeys(names, handler))


WHOLE = {"things": namespace("list_things", "make_thing"), "people": namespace("list_people")}


def test_an_operation_is_bound_by_its_first_tag_and_its_id() -> None:
    bound, functions = bind(DOCUMENT, WHOLE)
    assert set(functions) == {"things.list_things", "things.make_thing", "people.list_people"}
    assert bound["paths"]["/things"]["get"]["operationId"] == "things.list_things"


def test_the_public_document_stays_as_it_is() -> None:
    bind(DOCUMENT, WHOLE)
    assert DOCUMENT["paths"]["/things"]["get"]["operationId"] == "list_things"


def test_every_operation_without_a_function_is_named() -> None:
    with pytest.raises(ContractError) as refused:
        bind(DOCUMENT, {"things": namespace("list_things")})
    assert (
        "No async function handles things.make_thing (POST /things), people.list_people (GET /people)."
        in str(refused.value)
    )


def test_a_plain_function_does_not_do() -> None:
    with pytest.raises(ContractError, match=r"things\.make_thing"):
        bind(DOCUMENT, {**WHOLE, "things": SimpleNamespace(list_things=handler, make_thing=lambda: None)})


def module_with(source: str) -> ModuleType:
    module = ModuleType("made_for_a_test")
    exec(source, vars(module))
    return module


def test_every_function_without_an_operation_is_named() -> None:
    people = module_with("async def list_people(): ...\nasync def greet(): ...\nasync def wave(): ...")
    with pytest.raises(ContractError) as refused:
        bind(DOCUMENT, {**WHOLE, "people": people})
    assert "The document has no operation for people.greet, people.wave." in str(refused.value)


def test_what_is_private_plain_or_imported_needs_no_operation() -> None:
    people = module_with("async def list_people(): ...\nasync def _help(): ...\ndef plain(): ...")
    people.imported = handler  # type: ignore[attr-defined]  # a module made here
    bind(DOCUMENT, {**WHOLE, "people": people})


@pytest.mark.parametrize("missing", ["tags", "operationId"])
def test_an_operation_needs_a_tag_and_an_id(missing: str) -> None:
    operation = {"tags": ["a"], "operationId": "b"}
    del operation[missing]
    with pytest.raises(ContractError, match="GET /x"):
        list(operations_of({"paths": {"/x": {"get": operation}}}))


def test_references_are_followed() -> None:
    document = {"a/b": {"~": {"x": 1}}, "c": {"$ref": "#/a~1b/~0"}}
    assert resolve(document, {"$ref": "#/c"}) == {"x": 1}
    with pytest.raises(ContractError, match="outside"):
        resolve(document, {"$ref": "other.yaml"})


def test_modules_of_a_package_are_tags() -> None:
    assert {"auth", "users"} <= set(handler_modules("handlers"))
