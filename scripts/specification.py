"""Reads the document strictly and finds things in it.

Strictly: what one YAML reader takes for a time, or silently overlooks, another does not.
"""

from collections.abc import Iterator, Mapping, Set
from io import StringIO
from pathlib import Path
from typing import Any

import yaml

from parley.contract.document import DocumentedOperation, operations_of, resolve

Document = Mapping[str, Any]
Schema = Mapping[str, Any]

SCHEMAS = "#/components/schemas/"
JSON = "application/json"
# RFC 9457, section 3.
PROBLEM = "application/problem+json"


class BrokenDocument(Exception):
    """The file is not YAML that every reader understands alike."""


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice in a mapping, of which YAML readers silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise BrokenDocument(f"{line_of(key_node)}: the key {key!r} must be quoted to be a string")
            if key in seen:
                raise BrokenDocument(f"{line_of(key_node)}: the key {key!r} stands there twice")
            seen.add(key)
        return super().construct_mapping(node, deep)


def _refuse_time(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> None:
    del loader
    raise BrokenDocument(
        f"{line_of(node)}: {node.value} must be quoted, else some readers take it for a time"
    )


_StrictLoader.add_constructor("tag:yaml.org,2002:timestamp", _refuse_time)


def line_of(node: yaml.Node) -> str:
    """Return where something stands, as in `openapi.yaml:12:5`."""
    mark = node.start_mark
    return f"{Path(mark.name).name}:{mark.line + 1}:{mark.column + 1}"


def read_specification(path: Path) -> dict[str, Any]:
    """Return the document. Raises BrokenDocument with the line."""
    return read_marked(path)[0]


def read_marked(path: Path) -> tuple[dict[str, Any], yaml.MappingNode]:
    """Return the document and its nodes, which know their lines. Raises BrokenDocument with the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BrokenDocument(f"{path.name} is not UTF-8: {error.reason} at byte {error.start}") from error
    with StringIO(text) as file:
        file.name = str(path)  # for the places of errors
        loader = _StrictLoader(file)
        try:
            node = loader.get_single_node()
            if not isinstance(node, yaml.MappingNode):
                raise BrokenDocument(f"{path.name} is not a mapping")
            _refuse_cycles(node, ())
            return loader.construct_document(node), node
        except yaml.YAMLError as error:
            raise BrokenDocument(str(error)) from error
        finally:
            loader.dispose()


def _refuse_cycles(node: yaml.Node, within: tuple[yaml.Node, ...]) -> None:
    if any(node is each for each in within):
        raise BrokenDocument(f"{line_of(node)}: refers to itself")
    if isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            _refuse_cycles(value, (*within, node))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_cycles(value, (*within, node))


def walk(node: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every node below this one with its place, as in `paths/~1users/get/tags/0`."""
    yield place, node
    if isinstance(node, Mapping):
        for name, value in node.items():
            escaped = name.replace("~", "~0").replace("/", "~1")
            yield from walk(value, f"{place}/{escaped}" if place else escaped)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, f"{place}/{index}")


def resolvable(document: Document, reference: str) -> bool:
    """Say whether a reference leads to something inside of the document."""
    try:
        resolve(document, {"$ref": reference})
    except Exception:  # whatever it stumbles over, the reference leads nowhere
        return False
    return True


def name_of(operation: DocumentedOperation) -> str:
    """Return what to call an operation in a sentence."""
    return f"{operation.operation_id} ({operation.method.upper()} {operation.path})"


def parameters_of(document: Document, operation: DocumentedOperation) -> list[Mapping[str, Any]]:
    """Return the parameters of an operation, references followed."""
    raw = (*operation.path_parameters, *operation.raw.get("parameters", ()))
    return [resolve(document, each) for each in raw]


def callbacks_of(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the requests that the server makes, each with a name for it; the operation that leads to it has them."""
    for operation in operations_of(document):
        for name, callback in operation.raw.get("callbacks", {}).items():
            for item in callback.values():
                for request in item.values():
                    yield f"{operation.operation_id}/callbacks/{name}", request


def answers_of(document: Document, operation: DocumentedOperation) -> dict[int, Mapping[str, Any]]:
    """Return the answers of an operation by status, references followed."""
    return {int(status): resolve(document, each) for status, each in operation.raw["responses"].items()}


def content_of(holder: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the JSON media type of a body or an answer, if there is one."""
    content: Mapping[str, Mapping[str, Any]] = holder.get("content", {})
    return content.get(JSON, content.get(PROBLEM))


def schema_places(document: Document) -> Iterator[tuple[str, Schema]]:
    """Yield every schema that is written out somewhere, and those inside of it, with their places."""
    for name, schema in document["components"]["schemas"].items():
        yield from _with_parts(f"components/schemas/{name}", schema)
    for place, node in walk(document):
        holds_a_schema = isinstance(node, Mapping) and isinstance(node.get("schema"), Mapping)
        if holds_a_schema and not place.startswith("components/schemas/") and "/example" not in place:
            yield from _with_parts(f"{place}/schema", node["schema"])


def _with_parts(place: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    yield place, schema
    for name, part in schema.get("properties", {}).items():
        yield from _with_parts(f"{place}/properties/{name}", part)
    for word in ("allOf", "anyOf", "oneOf"):
        for index, part in enumerate(schema.get(word, ())):
            yield from _with_parts(f"{place}/{word}/{index}", part)
    for word in ("items", "not", "additionalProperties"):
        if isinstance(schema.get(word), Mapping):
            yield from _with_parts(f"{place}/{word}", schema[word])


def sent_by_clients(document: Document) -> Set[str]:
    """Return the names of the schemas that are part of some request body or some frame of a client."""
    return _reachable(document, "requestBody")


def sent_by_server(document: Document) -> Set[str]:
    """Return the names of the schemas that are part of what the server says: an answer, a frame, a webhook."""
    return _reachable(document, "responses")


def _reachable(document: Document, part: str) -> Set[str]:
    waiting: list[Any] = [operation.raw.get(part) for operation in operations_of(document)]
    if part == "responses":
        waiting += list(document.get("x-outside-operations", {}).values())
        waiting += [request.get("requestBody") for _, request in callbacks_of(document)]
    waiting.append(document.get("x-frames", {}).get("server" if part == "responses" else "client"))
    references: set[str] = set()
    while waiting:
        for place, node in walk(waiting.pop()):
            reference = node.get("$ref") if isinstance(node, Mapping) and "/examples/" not in place else None
            if isinstance(reference, str) and reference not in references:
                references.add(reference)
                waiting.append(resolve(document, node))
    return {each.removeprefix(SCHEMAS) for each in references if each.startswith(SCHEMAS)}
