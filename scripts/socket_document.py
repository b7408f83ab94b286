"""Reads the document of the socket and of webhooks: its messages, and itself as one file.

Its payloads are schemas of the REST document, so that there is one set of them; a published file must not need
another one, so the schemas that it uses are put into it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from parley.contract.document import resolve
from scripts import socket_tables
from scripts.specification import SCHEMAS, Document, Schema, walk

# What the payloads are written in; a plain reference to a schema with a discriminator is not valid AsyncAPI.
SCHEMA_FORMAT = "application/vnd.oai.openapi+yaml;version=3.0.0"
REST = "./openapi.yaml"

Sender = Literal["client", "server"]


@dataclass(frozen=True, slots=True)
class Socket:
    """The document of the socket together with that of REST, on which it builds."""

    document: Document
    rest: Document


@dataclass(frozen=True, slots=True)
class Frame:
    """A kind of frame, as the schemas have it: its type, its schema's name, and who sends it."""

    type: str
    schema: str
    sender: Sender
    # Events come from the log and have a cursor.
    is_event: bool


def frames_of(rest: Document, sender: Sender) -> list[Frame]:
    """Return the frames that are sent by one side, in the order of the schemas."""
    union = resolve(rest, rest["x-frames"][sender])
    return [_frame(rest, choice, sender) for choice in union["oneOf"]]


def _frame(rest: Document, reference: Schema, sender: Sender) -> Frame:
    schema = resolve(rest, reference)
    types: list[str] = schema["properties"]["type"]["enum"]
    return Frame(types[0], name_in(reference), sender, "cursor" in schema["properties"])


def all_frames(socket: Socket) -> list[Frame]:
    """Return the frames of both sides."""
    return [*frames_of(socket.rest, "client"), *frames_of(socket.rest, "server")]


def payloads_of(rest: Document) -> dict[str, str]:
    """Return what webhooks are sent: the names of the schemas by the names of the events."""
    union = rest["components"]["schemas"]["WebhookPayload"]
    mapping: Mapping[str, str] = union["discriminator"]["mapping"]
    return {event: name_in({"$ref": reference}) for event, reference in mapping.items()}


def messages_of(socket: Socket, channel: str) -> dict[str, Mapping[str, Any]]:
    """Return the messages of a channel by their names, references followed."""
    messages = socket.document["channels"][channel].get("messages", {})
    return {name: resolve(socket.document, each) for name, each in messages.items()}


def all_messages(socket: Socket) -> dict[str, Mapping[str, Any]]:
    """Return the messages of both channels by their names."""
    return messages_of(socket, "socket") | messages_of(socket, "webhook")


def name_in(reference: Mapping[str, Any]) -> str:
    """Return the last part of a reference."""
    name: str = reference["$ref"].rpartition("/")[2]
    return name


def references_in(document: Document) -> Iterator[tuple[str, str]]:
    """Yield every reference with its place; what stands in an example is none."""
    for place, node in walk(document):
        reference = node.get("$ref") if isinstance(node, Mapping) else None
        if isinstance(reference, str) and "/examples/" not in place:
            yield place, reference


def bundled(socket: Socket) -> dict[str, Any]:
    """Return the document with all schemas that it uses, so that it needs no other file.

    Viewers show no extensions, so what these say stands in the descriptions too.
    """
    bundle: dict[str, Any] = _inside(socket.document)
    bundle["channels"]["socket"]["description"] += socket_tables.sections(bundle)
    for message in bundle["components"]["messages"].values():
        if "x-refusals" in message:
            message["description"] = socket_tables.refusals(message)
    schemas = socket.rest["components"]["schemas"]
    bundle["components"]["schemas"] = {
        name: {"schemaFormat": SCHEMA_FORMAT, "schema": {"title": name, **_inside(schemas[name])}}
        for name in _schemas_used(socket)
    }
    return bundle


def _schemas_used(socket: Socket) -> list[str]:
    """Return the names of the schemas in the order in which a reader comes upon them."""
    used: dict[str, None] = {}
    waiting = [reference for _, reference in references_in(socket.document) if reference.startswith(REST)]
    while waiting:
        name = waiting.pop(0).rpartition("/")[2]
        if name not in used:
            used[name] = None
            schema = socket.rest["components"]["schemas"][name]
            waiting += [reference for _, reference in references_in(schema)]
    return list(used)


def _inside(node: Any) -> Any:
    """Return a copy in which schemas are referred to where the bundle has them."""
    if isinstance(node, list):
        return [_inside(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    copy = {name: _inside(value) for name, value in node.items()}
    if isinstance(copy.get("$ref"), str):
        copy["$ref"] = _moved(copy["$ref"])
    if "propertyName" in copy and "mapping" in copy:
        copy["mapping"] = {value: _moved(reference) for value, reference in copy["mapping"].items()}
    return copy


def _moved(reference: str) -> str:
    # Each is wrapped together with its format, hence the last step.
    moved = reference.removeprefix(REST)
    return f"{moved}/schema" if moved.startswith(SCHEMAS) else moved
