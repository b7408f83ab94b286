"""Rules about schemas: named, bounded, closed where clients send them and open where the server does."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from parley.contract.document import operations_of, resolve
from parley.contract.formats import FORMATS, INTEGER_BOUNDS
from scripts.specification import (
    Document,
    Schema,
    content_of,
    name_of,
    schema_places,
    sent_by_clients,
    sent_by_server,
    walk,
)

_CLASS_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
_PROPERTY_NAME = re.compile(r"[a-z][a-z0-9_]*")
# Engines disagree about these: look-arounds are unknown to Rust and Go, and \d, \w and \s mean ASCII in some
# and all of Unicode in others.
_UNPORTABLE = re.compile(r"\(\?(?!:)|\\[dDwWsSbBpPuAZz]")
# A client's code already has a class of that name.
_RESERVED_NAMES = frozenset(("Error",))


def objects_are_named(document: Document) -> Iterator[str]:
    """An inline object becomes a class called Data1."""
    for place, schema in schema_places(document):
        named = re.fullmatch(r"components/schemas/\w+", place) is not None
        if not named and ("properties" in schema or schema.get("type") == "object"):
            yield f"{place}: an object must be a named schema"
        for word in ("oneOf", "anyOf", "allOf"):
            if any("$ref" not in choice for choice in schema.get(word, ())):
                yield f"{place}/{word}: each choice must be a named schema"


def bodies_are_named(document: Document) -> Iterator[str]:
    for operation in operations_of(document):
        holders = {"requestBody": operation.raw.get("requestBody", {}), **operation.raw["responses"]}
        for where, holder in holders.items():
            media_type = content_of(resolve(document, holder))
            if media_type is not None and "$ref" not in media_type.get("schema", {}):
                yield f"{name_of(operation)}: the body of {where} must be a named schema"


def names_read_well(document: Document) -> Iterator[str]:
    schemas = document["components"]["schemas"]
    for name in schemas:
        if _CLASS_NAME.fullmatch(name) is None or name in _RESERVED_NAMES:
            yield f"components/schemas/{name}: is no good name for a class"
        if _is_object(schemas[name]) and f"New{name}" in schemas:
            yield f"components/schemas/New{name}: is what Go calls the function that makes a {name}"
    for place, schema in schema_places(document):
        for name in schema.get("properties", {}):
            if _PROPERTY_NAME.fullmatch(name) is None:
                yield f"{place}/properties/{name}: must be in snake_case"


def enums_do_not_share_values(document: Document) -> Iterator[str]:
    """Go makes constants of the values of named enums, all in one package."""
    owners: dict[str, str] = {}
    for name, schema in document["components"]["schemas"].items():
        for value in schema.get("enum", ()):
            owner = owners.setdefault(str(value), name)
            if owner != name:
                yield f"components/schemas/{name}: {value} is a value of {owner} too; write one of them out"


def strings_are_bounded(document: Document) -> Iterator[str]:
    for place, schema in schema_places(document):
        if schema.get("type") == "string" and "enum" not in schema and "maxLength" not in schema:
            yield f"{place}: a string needs maxLength"


def formats_are_known(document: Document) -> Iterator[str]:
    """A validator passes a format that it does not know."""
    for place, schema in schema_places(document):
        known = FORMATS if schema.get("type") == "string" else INTEGER_BOUNDS
        if "format" in schema and schema["format"] not in known:
            yield f"{place}: nothing checks the format {schema['format']}"


def numbers_are_bounded(document: Document) -> Iterator[str]:
    for place, schema in schema_places(document):
        if schema.get("type") == "number":
            yield f"{place}: numbers with fractions are not the same everywhere; use an integer"
        if schema.get("type") == "integer":
            missing = [word for word in ("format", "minimum", "maximum") if word not in schema]
            if missing:
                yield f"{place}: an integer needs {', '.join(missing)}"
            elif not _fits(schema):
                yield f"{place}: the bounds do not fit {schema['format']}"


def _fits(schema: Schema) -> bool:
    low, high = INTEGER_BOUNDS.get(schema["format"], (0, -1))
    return bool(low <= schema["minimum"] <= schema["maximum"] <= high)


def arrays_are_bounded(document: Document) -> Iterator[str]:
    for place, schema in schema_places(document):
        if schema.get("type") == "array" and "maxItems" not in schema:
            yield f"{place}: an array needs maxItems"
        if schema.get("type") == "array" and "$ref" not in schema.get("items", {}):
            yield f"{place}/items: the items of an array must be a named schema"


def schemas_have_a_type(document: Document) -> Iterator[str]:
    """A schema that says no type takes everything."""
    for place, schema in schema_places(document):
        if not schema.keys() & {"$ref", "type", "oneOf", "anyOf", "allOf"}:
            yield f"{place}: has no type"


def null_stands_beside_a_type(document: Document) -> Iterator[str]:
    """OpenAPI 3.0.3: `nullable` adds null to the `type` beside it, and to nothing that is referred to."""
    for place, schema in schema_places(document):
        if schema.get("nullable") and ("type" not in schema or schema.keys() & {"allOf", "anyOf", "oneOf"}):
            yield f"{place}: nullable needs a type and stands beside no choice; use anyOf with Nothing"


def patterns_are_portable(document: Document) -> Iterator[str]:
    for place, schema in schema_places(document):
        pattern = schema.get("pattern")
        if pattern is None:
            continue
        if _UNPORTABLE.search(pattern) is not None:
            yield f"{place}: engines do not agree about the pattern {pattern}"
        elif not _compiles(pattern):
            yield f"{place}: the pattern {pattern} does not compile"


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
        jsonschema_rs.Draft4Validator({"type": "string", "pattern": pattern})
    except (re.error, ValueError):
        return False
    return True


def requests_are_closed(document: Document) -> Iterator[str]:
    for name in sorted(sent_by_clients(document)):
        schema = document["components"]["schemas"][name]
        open_by_right = schema.get("x-client-owned", False)
        if _is_object(schema) and schema.get("additionalProperties") is not False and not open_by_right:
            yield f"components/schemas/{name}: clients send it, so it needs additionalProperties: false"


def answers_are_open(document: Document) -> Iterator[str]:
    for name in sorted(sent_by_server(document)):
        schema = document["components"]["schemas"][name]
        if _is_object(schema) and schema.get("additionalProperties") is False:
            yield f"components/schemas/{name}: the server sends it, so it must stay open for later properties"


def answers_say_what_is_always_there(document: Document) -> Iterator[str]:
    """A property is required unless the schema says, in `x-optional`, that it may be missing."""
    for name in sorted(sent_by_server(document) - sent_by_clients(document)):
        schema = document["components"]["schemas"][name]
        if not _is_object(schema):
            continue
        stated = {*schema.get("required", ()), *schema.get("x-optional", ())}
        for odd in sorted(schema.get("properties", {}).keys() ^ stated):
            yield f"components/schemas/{name}/properties/{odd}: must be in required or in x-optional"


def required_properties_exist(document: Document) -> Iterator[str]:
    for place, schema in schema_places(document):
        for name in schema.get("required", ()):
            if name not in schema.get("properties", {}):
                yield f"{place}: requires {name}, which it does not describe"


def choices_can_be_told_apart(document: Document) -> Iterator[str]:
    """Exactly one of: by a discriminator, or because each choice is a closed object."""
    for place, schema in schema_places(document):
        if "oneOf" not in schema:
            continue
        choices = [resolve(document, choice) for choice in schema["oneOf"]]
        discriminator = schema.get("discriminator")
        if discriminator is not None:
            yield from _broken_discriminator(document, place, schema, discriminator)
        elif any(choice.get("additionalProperties") is not False for choice in choices):
            yield f"{place}: needs a discriminator, or closed objects to choose from"


def _broken_discriminator(
    document: Document, place: str, schema: Schema, discriminator: Mapping[str, Any]
) -> Iterator[str]:
    named = {choice["$ref"] for choice in schema["oneOf"]}
    mapping: Mapping[str, str] = discriminator.get("mapping", {})
    for odd in sorted(named ^ set(mapping.values())):
        yield f"{place}: the discriminator's mapping and oneOf disagree about {odd}"
    for value, reference in mapping.items():
        if reference not in named:
            continue
        told = (
            resolve(document, {"$ref": reference})
            .get("properties", {})
            .get(discriminator["propertyName"], {})
        )
        if told.get("enum") != [value]:
            yield f"{place}: {reference} is not told by {discriminator['propertyName']} = {value}"


def frames_are_unions(document: Document) -> Iterator[str]:
    """What each side may say on the socket is one schema, which has the frames by their type."""
    frames = document.get("x-frames", {})
    for odd in sorted(frames.keys() ^ {"client", "server"}):
        yield f"x-frames/{odd}: must name what the client and what the server says"
    for side, reference in frames.items():
        union = resolve(document, reference)
        if "oneOf" not in union or union.get("discriminator", {}).get("propertyName") != "type":
            yield f"x-frames/{side}: must be frames that are told apart by their type"


def components_are_used(document: Document) -> Iterator[str]:
    used = {node["$ref"] for _, node in walk(document) if isinstance(node, Mapping) and "$ref" in node}
    for kind, components in document["components"].items():
        if kind == "securitySchemes":
            continue
        for name in components:
            if f"#/components/{kind}/{name}" not in used:
                yield f"components/{kind}/{name}: is not used"


def _is_object(schema: Schema) -> bool:
    return schema.get("type") == "object"


RULES = (
    objects_are_named,
    bodies_are_named,
    names_read_well,
    enums_do_not_share_values,
    strings_are_bounded,
    formats_are_known,
    numbers_are_bounded,
    arrays_are_bounded,
    schemas_have_a_type,
    null_stands_beside_a_type,
    patterns_are_portable,
    requests_are_closed,
    answers_are_open,
    answers_say_what_is_always_there,
    required_properties_exist,
    choices_can_be_told_apart,
    frames_are_unions,
    components_are_used,
)
