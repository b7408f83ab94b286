"""OpenAPI 3.0 schemas become compiled validators of JSON Schema Draft 4.

The two languages differ in a few words: `nullable`, the formats of numbers, and keywords that only describe.
Everything is translated once, when the server starts; a format nobody knows stops the start.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from parley.contract.document import ContractError
from parley.contract.formats import FORMATS, INTEGER_BOUNDS

_PREFIX = "#/components/schemas/"
_SCHEMA_MAPS = ("properties",)
_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf")
_SCHEMA_VALUES = ("items", "additionalProperties", "not")
_PLAIN = frozenset(
    (
        "type",
        "enum",
        "required",
        "pattern",
        "multipleOf",
        "uniqueItems",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
    )
)
_DESCRIBING = frozenset(
    (
        "title",
        "description",
        "example",
        "default",
        "deprecated",
        "discriminator",
        "externalDocs",
        "readOnly",
        "writeOnly",
        "xml",
    )
)


class Schemas:
    """The named schemas of a document, from which validators are made."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._named: Mapping[str, Any] = document.get("components", {}).get("schemas", {})
        self._compiled: dict[str, jsonschema_rs.Validator] = {}

    def validator(self, schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
        """Compile a schema together with those it refers to, once however often it is asked for."""
        key = str(schema)
        if key not in self._compiled:
            self._compiled[key] = self._compile(schema)
        return self._compiled[key]

    def _compile(self, schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
        root = translate(schema)
        reachable: dict[str, Any] = {}
        waiting = list(_references(root))
        while waiting:
            name = waiting.pop()
            if name not in reachable:
                if name not in self._named:
                    raise ContractError(f"The document has no schema {name}")
                reachable[name] = translate(self._named[name])
                waiting.extend(_references(reachable[name]))
        # A reference hides what stands beside it in Draft 4, so the root goes into allOf.
        compiled = {"allOf": [root], "components": {"schemas": reachable}}
        return jsonschema_rs.Draft4Validator(
            compiled, formats=dict(FORMATS), validate_formats=True, ignore_unknown_formats=False
        )


def translate(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Say an OpenAPI 3.0 schema in Draft 4. Raises ContractError at a word that nobody knows."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    translated = dict(_translated_words(schema))
    if "format" in schema:
        _translate_format(schema, translated)
    return _with_null(translated) if schema.get("nullable") else translated


def _translated_words(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for word, value in schema.items():
        if word in _PLAIN:
            yield word, value
        elif word in _SCHEMA_MAPS:
            yield word, {name: translate(part) for name, part in value.items()}
        elif word in _SCHEMA_LISTS:
            yield word, [translate(part) for part in value]
        elif word in _SCHEMA_VALUES:
            yield word, translate(value) if isinstance(value, Mapping) else value
        elif word not in _DESCRIBING and word not in {"format", "nullable"} and not word.startswith("x-"):
            raise ContractError(f"The document uses {word!r} in a schema, which OpenAPI 3.0 does not know")


def _translate_format(schema: Mapping[str, Any], translated: dict[str, Any]) -> None:
    name = schema["format"]
    if name in INTEGER_BOUNDS:
        low, high = INTEGER_BOUNDS[name]
        # Where the schema has narrower bounds, they hold, and so does what it says about the ends.
        if "minimum" not in schema or schema["minimum"] < low:
            translated["minimum"] = low
            translated.pop("exclusiveMinimum", None)
        if "maximum" not in schema or schema["maximum"] > high:
            translated["maximum"] = high
            translated.pop("exclusiveMaximum", None)
    elif name in FORMATS:
        translated["format"] = name
    else:
        raise ContractError(f"The document uses the format {name!r}, which nothing here checks")


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "type" not in schema:
        return {"anyOf": [{"enum": [None]}, schema]}
    schema["type"] = [schema["type"], "null"]
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return schema


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if isinstance(reference, str):
            if not reference.startswith(_PREFIX):
                raise ContractError(f"A schema refers to {reference}, which is no named schema")
            yield reference[len(_PREFIX) :]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
