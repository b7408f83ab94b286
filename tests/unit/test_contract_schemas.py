"""Schemas of OpenAPI 3.0 say the same after they became Draft 4."""

from typing import Any

import pytest

from parley.contract.document import ContractError
from parley.contract.schemas import Schemas, translate

NAMED = {
    "Colour": {"type": "string", "enum": ["red", "green"]},
    "Tree": {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "child": {"$ref": "#/components/schemas/Tree"}},
    },
}
SCHEMAS = Schemas({"components": {"schemas": NAMED}})


def accepts(schema: dict[str, Any], value: Any) -> bool:
    return SCHEMAS.validator(schema).is_valid(value)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "nullable": True},
        {"type": "string", "enum": ["a"], "nullable": True},
        {"type": "string", "format": "uuid", "nullable": True},
        {"nullable": True, "allOf": [{"$ref": "#/components/schemas/Colour"}]},
        {"nullable": True, "oneOf": [{"type": "string"}, {"type": "integer"}]},
    ],
)
def test_nullable_accepts_null(schema: dict[str, Any]) -> None:
    assert accepts(schema, None)
    assert not accepts({**schema, "nullable": False}, None)


def test_nullable_changes_nothing_else() -> None:
    schema = {"nullable": True, "allOf": [{"$ref": "#/components/schemas/Colour"}]}
    assert accepts(schema, "red")
    assert not accepts(schema, "blue")


def test_references_are_followed_also_in_a_circle() -> None:
    tree = {"$ref": "#/components/schemas/Tree"}
    assert accepts(tree, {"name": "a", "child": {"name": "b", "child": {"name": "c"}}})
    assert not accepts(tree, {"name": "a", "child": {"name": "b", "child": {}}})


@pytest.mark.parametrize(
    ("value", "kind"),
    [(1.0, "integer"), (True, "integer"), (True, "number"), (1, "boolean"), ("1", "integer")],
)
def test_draft_4_knows_types_apart(value: Any, kind: str) -> None:
    assert not accepts({"type": kind}, value)


def test_exclusive_bounds_are_booleans() -> None:
    schema = {"type": "integer", "minimum": 1, "exclusiveMinimum": True}
    assert [accepts(schema, number) for number in (0, 1, 2)] == [False, False, True]


def test_length_counts_characters() -> None:
    assert accepts({"type": "string", "maxLength": 2}, "😀😀")
    assert not accepts({"type": "string", "maxLength": 1}, "ab")


def test_describing_words_are_left_out() -> None:
    described = {
        "type": "string",
        "description": "…",
        "example": "x",
        "default": "y",
        "x-note": {"type": "nonsense"},
        "readOnly": True,
    }
    assert translate(described) == {"type": "string"}


def test_unknown_words_stop_the_start() -> None:
    with pytest.raises(ContractError, match="'const'"):
        translate({"const": 1})


def test_a_missing_schema_stops_the_start() -> None:
    with pytest.raises(ContractError, match="Nowhere"):
        SCHEMAS.validator({"$ref": "#/components/schemas/Nowhere"})


def test_a_foreign_reference_stops_the_start() -> None:
    with pytest.raises(ContractError, match="elsewhere"):
        SCHEMAS.validator({"$ref": "elsewhere.yaml#/Thing"})
