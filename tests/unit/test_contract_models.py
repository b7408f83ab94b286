"""The compiled validator decides: whatever it accepts, the generated model accepts, and loses nothing of it.

A model that refused afterwards would be a 500. So bodies are made from the very schemas of the document, with
values that are right, nearly right and wrong, and none of them may end as a 500.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import event, find, given
from hypothesis import strategies as st
from pydantic import BaseModel

from edge import DOCUMENT, ID, Edge
from parley.contract.document import DocumentedOperation, operations_of, resolve
from parley.contract.schemas import Schemas

pytestmark = pytest.mark.anyio

EDGE = Edge()
WITH_BODY = [operation for operation in operations_of(DOCUMENT) if "requestBody" in operation.raw]

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
# What a validator and a model may see differently, if anything.
NEARLY: list[Any] = [
    None, True, False, 0, 1, -1, 1.0, 1.5, 1e300, 2**31, 2**53 - 1, -(2**53) + 1, "", " ", "0", "1", "true", "null",
    ID, ID.upper(), ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}", f" {ID}", f"{ID}\n",
    "2026-03-20", "2026-03-20T12:00:00Z", "2026-03-20 12:00:00Z", "2026-03-20T12:00:00", "2026-03-20T23:59:60Z",
    "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", 1774008420,
    "user@example.com", "user@localhost", "u@x.y\n", "https://example.com", "https://example.com:99999/", "https://é.example",
    "\u2028", "e\u0301", "\ufeff", "😀" * 20, "x" * 4000, "x" * 4001, [], {}, [None], {"": None}, [[]],
]  # fmt: skip


@cache
def strategy_of(name: str) -> st.SearchStrategy[Any]:
    return values({"$ref": f"#/components/schemas/{name}"})


def values(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Make values of a schema; one in a few is nearly one."""
    if "$ref" in schema:
        return st.deferred(lambda: values(resolve(DOCUMENT, schema)))
    right = right_values(schema)
    if schema.get("nullable"):
        right = st.none() | right
    # More right ones, or hardly any body would be valid as a whole.
    return st.one_of(right, right, right, right, right, st.sampled_from(NEARLY))


def right_values(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "oneOf" in schema or "anyOf" in schema:
        return st.one_of([values(part) for part in (*schema.get("oneOf", ()), *schema.get("anyOf", ()))])
    if "allOf" in schema:
        return values(schema["allOf"][0])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return {"object": objects, "array": arrays, "string": strings, "integer": integers, "boolean": booleans}[
        schema["type"]
    ](schema)


def objects(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    known = {name: values(part) for name, part in schema.get("properties", {}).items()}
    needed = {name: part for name, part in known.items() if name in schema.get("required", ())}
    optional = {name: part for name, part in known.items() if name not in needed}
    made = st.fixed_dictionaries(needed, optional=optional)
    if schema.get("additionalProperties", True) is False:
        return made
    free = st.recursive(
        st.sampled_from(NEARLY[:20]) | TEXT,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    )
    return st.builds(lambda more, own: {**more, **own}, st.dictionaries(TEXT, free, max_size=3), made)


def arrays(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    low = schema.get("minItems", 0)
    return st.lists(values(schema["items"]), min_size=low, max_size=min(low + 2, schema.get("maxItems", 100)))


def strings(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    low, high = schema.get("minLength", 0), schema.get("maxLength", 10_000)
    if schema.get("format") == "uuid":
        return st.uuids().map(str)
    if schema.get("format") == "date-time":
        return st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")
    if "pattern" in schema:
        return st.from_regex(schema["pattern"]).filter(lambda text: "\0" not in text)
    characters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    sizes = [low, low + 1, max(low - 1, 0), min(high, low + 30)]
    return st.sampled_from(sizes).flatmap(lambda size: st.text(characters, min_size=size, max_size=size))


def integers(schema: Mapping[str, Any]) -> st.SearchStrategy[int]:
    low, high = schema.get("minimum", -100), schema.get("maximum", 100)
    return st.integers(low, high) | st.sampled_from([low, high, low - 1, high + 1])


def booleans(schema: Mapping[str, Any]) -> st.SearchStrategy[bool]:
    return st.booleans()


def keys_of(value: Any) -> Any:
    """Return the shape of a value: its members' names all the way down."""
    if isinstance(value, dict):
        return {name: keys_of(part) for name, part in value.items()}
    return [keys_of(part) for part in value] if isinstance(value, list) else None


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.name)
@given(data=st.data())
async def test_what_the_validator_accepts_the_model_accepts(
    operation: DocumentedOperation, data: st.DataObject
) -> None:
    schema = resolve(DOCUMENT, operation.raw["requestBody"])["content"]["application/json"]["schema"]
    body = data.draw(strategy_of(schema["$ref"].rpartition("/")[2]))
    path = re.sub(r"\{\w+_id\}", ID, operation.path)
    answer = await EDGE.ask(operation.method.upper(), f"/v1{path}", json.dumps(body).encode())
    event(f"status {answer.status}")
    assert answer.status in {200, 400}, (body, answer)
    if answer.status == 200:
        model = EDGE.handlers.last["body"]
        assert isinstance(model, BaseModel)
        assert keys_of(model.model_dump(mode="json", exclude_unset=True)) == keys_of(body)


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.name)
def test_valid_bodies_are_among_those_made(operation: DocumentedOperation) -> None:
    """The test above would say nothing of a schema for which every body is refused."""
    schema = resolve(DOCUMENT, operation.raw["requestBody"])["content"]["application/json"]["schema"]
    validator = Schemas(DOCUMENT).validator(schema)
    find(strategy_of(schema["$ref"].rpartition("/")[2]), validator.is_valid)
