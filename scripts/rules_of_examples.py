"""Rules about examples: everything has one, and each is what its schema says.

They are judged by the validators of the server itself, so an example cannot be right here and wrong there.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from parley.contract.document import operations_of, resolve
from parley.contract.schemas import Schemas
from scripts.specification import Document, callbacks_of, walk

Holder = Mapping[str, Any]


def everything_has_an_example(document: Document) -> Iterator[str]:
    """An optional parameter need not: readers fill in all that have one, and not all go together."""
    for place, holder in _holders(document):
        if "in" in holder and not holder.get("required"):
            continue
        if "schema" not in holder:
            yield f"{place}: has no schema"
        elif not list(_examples(document, holder)):
            yield f"{place}: has no example"


def examples_are_valid(document: Document) -> Iterator[str]:
    schemas = Schemas(document)
    for place, holder in _holders(document):
        examples = list(_examples(document, holder))
        if not examples or "schema" not in holder:
            continue
        validator = schemas.validator(holder["schema"])
        for name, value in examples:
            for error in validator.iter_errors(value):
                where = "/".join(str(step) for step in error.instance_path)
                yield f"{place}: {name} is not what its schema says: {where}: {error.message}"


def defaults_are_valid(document: Document) -> Iterator[str]:
    schemas = Schemas(document)
    for place, node in walk(document):
        is_schema = isinstance(node, Mapping) and "default" in node and "type" in node
        if is_schema and "/example" not in place and not schemas.validator(node).is_valid(node["default"]):
            yield f"{place}: the default {node['default']!r} is not what the schema says"


def _holders(document: Document) -> Iterator[tuple[str, Holder]]:
    """Yield everything that has a schema and may have examples: media types, parameters and headers."""
    for kind in ("parameters", "headers"):
        for name, holder in document["components"].get(kind, {}).items():
            yield f"components/{kind}/{name}", holder
    for name, answer in document["components"].get("responses", {}).items():
        yield from _media_types(document, f"components/responses/{name}", answer)
    for operation in operations_of(document):
        place = f"{operation.operation_id}/requestBody"
        yield from _media_types(document, place, operation.raw.get("requestBody", {}))
        for status, answer in operation.raw["responses"].items():
            if "$ref" not in answer:
                yield from _media_types(document, f"{operation.operation_id}/{status}", answer)
        for each in (*operation.path_parameters, *operation.raw.get("parameters", ())):
            if "$ref" not in each:
                yield f"{operation.operation_id}/parameters/{each['name']}", each
    for place, request in callbacks_of(document):
        yield from _media_types(document, f"{place}/requestBody", request["requestBody"])
        for each in request.get("parameters", ()):
            yield f"{place}/parameters/{each['name']}", each


def _media_types(document: Document, place: str, holder: Holder) -> Iterator[tuple[str, Holder]]:
    for name, media_type in resolve(document, holder).get("content", {}).items():
        yield f"{place}/{name}", media_type


def _examples(document: Document, holder: Holder) -> Iterator[tuple[str, Any]]:
    if "example" in holder:
        yield "example", holder["example"]
    for name, example in holder.get("examples", {}).items():
        yield f"examples/{name}", resolve(document, example)["value"]


RULES = (everything_has_an_example, examples_are_valid, defaults_are_valid)
