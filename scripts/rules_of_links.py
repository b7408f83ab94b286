"""Rules about links: each leads to an operation, with values that the answer has and the operation takes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parley.contract.document import DocumentedOperation, operations_of, resolve
from scripts.specification import Document, Schema, content_of, name_of, parameters_of

# OpenAPI 3.0.3, "Runtime Expressions"; the few forms that are used here.
_EXPRESSION = re.compile(
    r"\$(?P<side>request|response)\."
    r"(?:body(?:#(?P<pointer>(?:/[^/]+)+))?|(?P<place>path|query|header)\.(?P<name>[\w-]+))"
)
_KINDS = ("type", "format")


@dataclass(frozen=True, slots=True)
class Link:
    """A link of one answer of one operation."""

    name: str
    source: DocumentedOperation
    answer: Mapping[str, Any]
    raw: Mapping[str, Any]

    @property
    def place(self) -> str:
        return f"{name_of(self.source)}: the link {self.name}"


def links_lead_to_operations(document: Document) -> Iterator[str]:
    known = {operation.operation_id for operation in operations_of(document)}
    for link in _links(document):
        if link.raw.get("operationId") not in known:
            yield f"{link.place} leads to no operation"


def links_give_what_is_taken(document: Document) -> Iterator[str]:
    """A link names parameters and properties that its target has, and all those in its path."""
    for link, target in _links_with_targets(document):
        parameters = {each["name"]: each for each in parameters_of(document, target)}
        given = link.raw.get("parameters", {})
        for name in given.keys() - parameters.keys():
            yield f"{link.place} gives {name}, which {target.operation_id} does not take"
        for name, each in parameters.items():
            if each["in"] == "path" and name not in given:
                yield f"{link.place} does not give {name}, which is in the path of {target.operation_id}"
        if "requestBody" in link.raw:
            yield from _broken_body(document, link, target)


def _broken_body(document: Document, link: Link, target: DocumentedOperation) -> Iterator[str]:
    media_type = content_of(resolve(document, target.raw.get("requestBody", {})))
    if media_type is None:
        yield f"{link.place} gives a body, which {target.operation_id} does not take"
        return
    for path, _ in _leaves(link.raw["requestBody"]):
        if not list(_parts(document, media_type["schema"], path)):
            yield f"{link.place} gives {'/'.join(path)}, which {target.operation_id} does not take"


def links_take_what_is_given(document: Document) -> Iterator[str]:
    """Each expression names something that the request or the answer has, and of the right kind."""
    for link, target in _links_with_targets(document):
        parameters = {each["name"]: each["schema"] for each in parameters_of(document, target)}
        wanted = [
            (value, [resolve(document, parameters[name])])
            for name, value in link.raw.get("parameters", {}).items()
            if name in parameters
        ]
        media_type = content_of(resolve(document, target.raw.get("requestBody", {})))
        if media_type is not None and "requestBody" in link.raw:
            for path, value in _leaves(link.raw["requestBody"]):
                wanted.append((value, list(_parts(document, media_type["schema"], path))))
        for value, schemas in wanted:
            yield from _broken_value(document, link, value, schemas)


def _broken_value(document: Document, link: Link, value: Any, wanted: Sequence[Schema]) -> Iterator[str]:
    if not (isinstance(value, str) and value.startswith("$")):
        return
    found = _EXPRESSION.fullmatch(value)
    given = list(_given(document, link, found)) if found else []
    if not given:
        yield f"{link.place} takes {value}, which is not there"
    elif not any(_kind(one) == _kind(other) for one in given for other in wanted):
        yield f"{link.place} takes {value}, which is of another kind than what it is given to"


def _kind(schema: Schema) -> tuple[Any, ...]:
    return tuple(schema.get(word) for word in _KINDS)


def _given(document: Document, link: Link, found: re.Match[str]) -> Iterator[Schema]:
    """Yield the schemas of what an expression names."""
    if found["name"] is not None:
        if found["side"] == "response":
            header = link.answer.get("headers", {}).get(found["name"])
            yield from [resolve(document, resolve(document, header)["schema"])] if header else []
        else:
            for each in parameters_of(document, link.source):
                if (each["in"], each["name"]) == (found["place"], found["name"]):
                    yield resolve(document, each["schema"])
        return
    holder = link.answer if found["side"] == "response" else link.source.raw.get("requestBody", {})
    media_type = content_of(resolve(document, holder))
    if media_type is not None:
        yield from _parts(document, media_type["schema"], (found["pointer"] or "").split("/")[1:])


def _parts(document: Document, schema: Schema, path: Sequence[str]) -> Iterator[Schema]:
    """Yield the schemas that stand at a path inside of a schema; several where it is a choice."""
    schema = resolve(document, schema)
    choices = [choice for word in ("allOf", "anyOf", "oneOf") for choice in schema.get(word, ())]
    for choice in choices:
        yield from _parts(document, choice, path)
    if not path:
        if not choices:
            yield schema
    elif path[0] in schema.get("properties", {}):
        yield from _parts(document, schema["properties"][path[0]], path[1:])
    elif path[0].isdigit() and "items" in schema:
        yield from _parts(document, schema["items"], path[1:])


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the values of a body that is written with expressions, each with its path."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _leaves(part, (*path, str(index)))
    else:
        yield path, value


def every_operation_can_be_walked_to(document: Document) -> Iterator[str]:
    """An operation with a path parameter is the end of a link, or no machine gets there."""
    reached = {link.raw.get("operationId") for link in _links(document)}
    for operation in operations_of(document):
        if "{" in operation.path and operation.operation_id not in reached:
            yield f"{name_of(operation)}: no link leads here"


def every_operation_leads_on(document: Document) -> Iterator[str]:
    """Whoever has done something finds in the answer what can be done next."""
    leading = {link.source.operation_id for link in _links(document)}
    for operation in operations_of(document):
        if operation.operation_id not in leading:
            yield f"{name_of(operation)}: no answer has a link"


def _links(document: Document) -> Iterator[Link]:
    for operation in operations_of(document):
        for answer in operation.raw["responses"].values():
            resolved = resolve(document, answer)
            for name, raw in resolved.get("links", {}).items():
                yield Link(name, operation, resolved, resolve(document, raw))


def _links_with_targets(document: Document) -> Iterator[tuple[Link, DocumentedOperation]]:
    operations = {operation.operation_id: operation for operation in operations_of(document)}
    for link in _links(document):
        if link.raw.get("operationId") in operations:
            yield link, operations[link.raw["operationId"]]


RULES = (
    links_lead_to_operations,
    links_give_what_is_taken,
    links_take_what_is_given,
    every_operation_can_be_walked_to,
    every_operation_leads_on,
)
