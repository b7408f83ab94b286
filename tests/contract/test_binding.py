"""Operations and functions: each has the other, with the same arguments, and the server asks before it starts."""

import inspect
from types import ModuleType
from typing import Any

import pytest

from edge import DOCUMENT, StubAccounts
from generated import models, operations
from parley.contract.document import ContractError, bind, handler_modules, operations_of
from parley.contract.options import ContractOptions
from parley.contract.stack import contract_app

MODULES = handler_modules("handlers")


def without(module: ModuleType, name: str) -> dict[str, Any]:
    """Return the handlers but for one function."""
    copied = ModuleType(module.__name__)
    vars(copied).update({key: value for key, value in vars(module).items() if key != name})
    return {**MODULES, module.__name__.rpartition(".")[2]: copied}


def start(modules: dict[str, Any]) -> None:
    contract_app(DOCUMENT, modules, models, StubAccounts(), ContractOptions())


def test_every_operation_has_a_function_and_every_function_an_operation() -> None:
    _, functions = bind(DOCUMENT, MODULES)
    assert set(functions) == {operation.name for operation in operations_of(DOCUMENT)}


def test_tags_are_modules() -> None:
    assert {operation.tag for operation in operations_of(DOCUMENT)} == set(MODULES)
    assert {tag["name"] for tag in DOCUMENT["tags"]} == set(MODULES)


def test_the_edge_gives_every_handler_just_its_arguments() -> None:
    """The compiler compares them when the server starts; this one starts."""
    start(MODULES)


@pytest.mark.parametrize("operation", list(operations_of(DOCUMENT)), ids=lambda operation: operation.name)
def test_a_handler_has_the_arguments_of_its_protocol(operation: Any) -> None:
    """mypy proves their types; this proves that nobody takes more than the document gives."""
    protocol = getattr(operations, operation.tag.capitalize())
    promised = inspect.signature(getattr(protocol, operation.operation_id)).parameters
    taken = inspect.signature(getattr(MODULES[operation.tag], operation.operation_id)).parameters
    assert set(taken) == set(promised) - {"self"}
    assert {name: taken[name].default for name in taken} == {name: promised[name].default for name in taken}


def test_a_server_without_a_function_does_not_start() -> None:
    with pytest.raises(ContractError, match=r"No async function handles users\.get_me \(GET /me\)"):
        start(without(MODULES["users"], "get_me"))


def test_a_server_with_a_function_too_many_does_not_start() -> None:
    modules = without(MODULES["users"], "nothing")
    exec("async def greet(): ...", vars(modules["users"]))
    with pytest.raises(ContractError, match=r"no operation for users\.greet"):
        start(modules)


def test_a_server_whose_handler_takes_something_else_does_not_start() -> None:
    modules = without(MODULES["users"], "get_me")
    exec("async def get_me(*, who): ...", vars(modules["users"]))
    with pytest.raises(
        ContractError, match=r"users\.get_me takes \['who'\], but the document gives \['caller'\]"
    ):
        start(modules)
