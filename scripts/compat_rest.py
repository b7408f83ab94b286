"""Compares REST, the frames of sockets and the payloads of webhooks by oasdiff, which knows what schemas promise.

A frame is shown to it as an operation: what clients send is a body, what the server sends an answer. So both
directions of every field are judged by the same rules everywhere. The handshake is one, too, with its parameters, and
so is each parameter that is a list, because what lists of a URL hold is not looked into, and each answer to what is no
operation. What an object may hold beside its properties it does not look into either, so that is shown as one of these.
"""

import copy
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from parley.contract.document import operations_of, resolve
from scripts.sdk_tools import HOME, MissingTool
from scripts.socket_document import Sender, frames_of, payloads_of
from scripts.specification import SCHEMAS, Document, sent_by_clients

# oasdiff calls these harmless, and they are none to our clients.
_BREAKING = frozenset(
    (
        # SDKs name their functions after it.
        "api-operation-id-removed",
        # Of an answer nothing may go, whether it was always there or not.
        "response-optional-property-removed",
        "optional-response-header-removed",
        "response-property-enum-value-removed",
        "response-mediatype-enum-value-removed",
        *(f"response-{where}-{kind}-of-removed" for where in ("body", "property") for kind in ("one", "any")),
        # Made clients tell the kinds of something by it.
        *(
            f"{what}-discriminator-{change}"
            for what in ("request-body", "request-property", "response-body", "response-property")
            for change in ("removed", "property-name-changed", "mapping-changed")
        ),
        # Clients decide by the status whether it worked, and how.
        "response-success-status-added",
        # Whoever left something out gets something else.
        "request-parameter-default-value-changed",
        "request-parameter-default-value-added",
        "request-parameter-default-value-removed",
        "request-property-default-value-changed",
        "request-property-default-value-added",
        "request-property-default-value-removed",
        "request-body-default-value-changed",
    )
)
# Of what has these it takes for harmless that it goes. With us nothing goes within a major version, whatever day it is.
_TAKEN_FOR_LEAVE = frozenset(("deprecated", "x-sunset", "x-stability-level"))
_WARNING = 2
_SHOWN = 3
# How what an object may hold under any other name is shown.
_ANY_OTHER = "*"


def broken_by_oasdiff(
    released: Document, present: Document, released_socket: Document, present_socket: Document
) -> list[str]:
    """Say what breaks. Raises MissingTool."""
    documents = (
        as_operations(released, released_socket),
        as_operations(_without_additions(released, present), present_socket),
    )
    return [] if documents[0] == documents[1] else _told(breaks_between(*documents))


def breaks_between(before: Document, now: Document) -> list[Mapping[str, Any]]:
    """Return what breaks as oasdiff has it. Raises MissingTool."""
    program = shutil.which("oasdiff", path=str(HOME / "bin"))
    if program is None:
        raise MissingTool("oasdiff is not installed: scripts/install_sdk_tools.sh does that.")
    with tempfile.TemporaryDirectory(prefix="compat-") as directory:
        paths = [Path(directory) / name for name in ("released.json", "present.json")]
        for path, document in zip(paths, (before, now), strict=True):
            path.write_text(json.dumps(document), encoding="utf-8")
        done = subprocess.run(
            [
                program,
                "changelog",
                *map(str, paths),
                "--format",
                "json",
                "--flatten-params",
                "--flatten-allof",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise MissingTool(f"oasdiff failed with {done.returncode}: {done.stderr.strip()}")
    found = json.loads(done.stdout or "[]")
    changes = found["changes"] if isinstance(found, dict) else found
    return [each for each in changes if _is_break(each)]


def _is_break(change: Mapping[str, Any]) -> bool:
    return change["level"] >= _WARNING or change["id"] in _BREAKING


def _told(changes: list[Mapping[str, Any]]) -> list[str]:
    """Say each thing once: what concerns a shared schema concerns most operations."""
    places: dict[tuple[str, str], list[str]] = {}
    for each in changes:
        place = _place(each)
        # A shared schema is reached by other ways in each operation.
        what = each["text"].replace(f"`{place}`", "it")
        places.setdefault((each["id"], what), []).append(place)
    return [_line(rule, text, where) for (rule, text), where in places.items()]


def _line(rule: str, text: str, places: list[str]) -> str:
    known = list(dict.fromkeys(places))
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return f"{', '.join(known[:_SHOWN])}{more}: {text} [{rule}]"


def _place(change: Mapping[str, Any]) -> str:
    path: str = change.get("path", "")
    kind, _, name = path.strip("/").partition(":")
    if kind in {"frame", "payload", "handshake", "list", "outside"}:
        return f"the {kind} {name}".strip()
    return f"{change.get('operation', '')} {path}".strip() or "the document"


def as_operations(document: Document, socket: Document) -> dict[str, Any]:
    """Return the document in which each frame, payload of a webhook and so on is an operation."""
    shown: dict[str, Any] = {"x-frames": {}, **document, "paths": dict(document["paths"])}
    for sender in ("client", "server"):
        for frame in frames_of(document, sender):
            shown["paths"][f"/frame:{sender}/{frame.type}"] = _as_operation(sender, _named(frame.schema))
    for event, schema in payloads_of(document).items():
        shown["paths"][f"/payload:{event}"] = _as_operation("server", _named(schema))
    for name, members in _lists(document):
        shown["paths"][f"/list:{name}"] = _as_operation("client", members)
    for status, answer in document["x-outside-operations"].items():
        shown["paths"][f"/outside:{status}"] = {"get": {"security": [], "responses": {status: answer}}}
    shown["paths"]["/handshake:"] = {
        "get": {"security": [], "parameters": list(_ways_in(socket)), "responses": {}}
    }
    return {name: _readable(part) for name, part in shown.items()}


def _readable(node: Any) -> Any:
    """Return a copy in which the tool sees everything that there is."""
    if isinstance(node, list):
        return [_readable(part) for part in node]
    if not isinstance(node, Mapping):
        return node
    # A field may be called the same, and is a schema then.
    shown = {
        name: _readable(part)
        for name, part in node.items()
        if name not in _TAKEN_FOR_LEAVE or isinstance(part, Mapping)
    }
    others = shown.get("additionalProperties", False)
    if node.get("type") == "object" and others is not False:
        schema = {} if others is True else others
        shown["properties"] = {**shown.get("properties", {}), _ANY_OTHER: schema}
    return shown


def _lists(document: Document) -> Iterator[tuple[str, Document]]:
    """Yield the parameters that are lists, by operation and name."""
    for operation in operations_of(document):
        for reference in (*operation.path_parameters, *operation.raw.get("parameters", ())):
            parameter = resolve(document, reference)
            schema = resolve(document, parameter.get("schema", {}))
            if schema.get("type") == "array":
                yield f"{parameter['name']}_of_{operation.operation_id}", schema


def _ways_in(socket: Document) -> Iterator[dict[str, Any]]:
    """Yield what a handshake may say, as parameters."""
    binding = socket["channels"]["socket"]["bindings"]["ws"]
    for place, kind in (("query", "query"), ("headers", "header")):
        for name, schema in binding[place]["properties"].items():
            required = name in binding[place].get("required", ())
            yield {"in": kind, "name": name, "required": required, "schema": schema}


def _named(schema: str) -> Document:
    return {"$ref": f"{SCHEMAS}{schema}"}


def _as_operation(sender: Sender, schema: Document) -> dict[str, Any]:
    content = {"content": {"application/json": {"schema": schema}}}
    if sender == "client":
        return {"post": {"security": [], "requestBody": {**content, "required": True}, "responses": {}}}
    return {"get": {"security": [], "responses": {"200": {"description": "It is sent.", **content}}}}


def _without_additions(released: Document, present: Document) -> dict[str, Any]:
    """Leave out of what is open what was added to it: values of lists marked as such, kinds of events."""
    shown = copy.deepcopy(dict(present))
    before = released["components"]["schemas"]
    of_clients = sent_by_clients(released)
    for name, schema in shown["components"]["schemas"].items():
        old = before.get(name, {})
        if old.get("x-extensible-enum"):
            schema["enum"] = [value for value in schema.get("enum", ()) if value in old["enum"]]
        elif "discriminator" in old and "oneOf" in schema and name not in of_clients:
            _drop_new_kinds(old, schema)
    return shown


def _drop_new_kinds(old: Mapping[str, Any], schema: dict[str, Any]) -> None:
    schema["oneOf"] = [each for each in schema["oneOf"] if each in old["oneOf"]]
    mapping = schema.get("discriminator", {}).get("mapping", {})
    for value in set(mapping) - set(old["discriminator"].get("mapping", ())):
        del mapping[value]


def operations_shown(document: Document, socket: Document) -> Iterator[str]:
    """Yield the paths of all that is compared, for tests."""
    yield from as_operations(document, socket)["paths"]
