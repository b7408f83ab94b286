"""Makes a document differ in one word at a time, so that a test can ask who notices."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from parley.contract.document import operations_of
from scripts.compat_words import REST, SOCKET, Care, Parts, Word
from scripts.specification import Document, sent_by_clients, sent_by_server

Path = tuple[str | int, ...]

# Without these there is no document that codegen takes.
_NEEDED: Mapping[str, frozenset[str]] = {
    "document": frozenset(
        ("openapi", "asyncapi", "servers", "channels", "operations", "paths", "components", "security")
    )
    | {"x-rate-limits", "x-outside-operations", "x-frames", "x-close-codes", "x-limits", "x-handshake"},
    "components": frozenset(("securitySchemes",)),
    "security scheme": frozenset(("type", "scheme", "in", "name")),
    "operation": frozenset(
        ("operationId", "tags", "responses", "x-rate-limit", "channel", "action", "messages")
    ),
    "parameter": frozenset(("name", "in", "schema")),
    "header": frozenset(("schema",)),
    "sent parameter": frozenset(("name", "in", "schema")),
    "sent body": frozenset(("content",)),
    "body": frozenset(("content",)),
    "bucket": frozenset(("limit", "window_seconds")),
    "draw": frozenset(("bucket",)),
    "refusal": frozenset(("status",)),
    "frame refusal": frozenset(("code",)),
    "server": frozenset(("host", "protocol")),
    "discriminator": frozenset(("propertyName", "mapping")),
    "close code": frozenset(("code", "name", "reconnect", "keep_cursor")),
    "limit": frozenset(("value",)),
    "handshake": frozenset(("refusals", "begins", "states")),
    "handshake refusal": frozenset(("status", "code")),
    "begin": frozenset(("state", "when")),
    "state": frozenset(("sends", "closes", "frames")),
    "frame": frozenset(("allowed", "then", "answers", "closes")),
    "names": frozenset(("properties",)),
    "channel": frozenset(("messages", "address")),
    "reply": frozenset(("messages",)),
    "message": frozenset(("payload",)),
}
# Where one of these is missing, a reference leads nowhere, and codegen does not take the document either.
_REFERRED = frozenset((("document", "servers"), ("document", "channels")))
_OTHER = {"string": "integer", "path": "query", "query": "header", "http": "apiKey", "send": "receive"}
# What lists of names may get besides: something new, but for those where what is known breaks somebody.
_MEMBERS = {
    "enum": "other",
    "sends": "other",
    "answers": "other",
    "headers": "Other",
    "closes": "no_heartbeat",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A word that is another or gone: where it stands, in which kind of part, and how it differs."""

    # Who sends what it is about, or which kind of thing it belongs to.
    side: str
    part: str
    word: str
    how: str
    path: Path
    value: Any

    def __str__(self) -> str:
        return f"{self.side}, {self.part}, {self.word}: {self.how}"

    def planted(self, node: Any) -> Any:
        """Return a part of the document with the difference; what is not on the way is shared."""
        return _planted(node, self.path, self.value)


GONE = object()


def _planted(node: Any, path: Path, value: Any) -> Any:
    changed = copy.copy(node)
    if len(path) > 1:
        changed[path[0]] = _planted(node[path[0]], path[1:], value)
    elif value is GONE:
        del changed[path[0]]
    else:
        changed[path[0]] = value
    return changed


def words_below(parts: Parts, part: str, node: Any, path: Path = ()) -> Iterator[tuple[str, Word, Path, Any]]:
    """Yield each word that is not free, with its part, its way and its value; references are not followed."""
    for where, word, way, value in _words(parts, part, node, path):
        if word is not None and word.care is not Care.FREE:
            yield where, word, way, value


def unknown_words(parts: Parts, document: Document) -> Iterator[Path]:
    """Yield the way of each word that the gate does not know, those of components too."""
    kinds = {
        "messages": "message",
        "messageTraits": "trait",
        "securitySchemes": "security scheme",
        "parameters": "parameter",
        "headers": "header",
        "responses": "answer",
    }
    yield from (way for _, word, way, _ in _words(parts, "document", document, ()) if word is None)
    for kind, members in document["components"].items():
        # The schemas of the socket's document are wrapped copies of REST's.
        part = "schema" if kind == "schemas" and parts is REST else kinds.get(kind)
        if part is None:
            continue
        for name, node in members.items():
            way = "components", kind, name
            yield from (each for _, word, each, _ in _words(parts, part, node, way) if word is None)


def _words(parts: Parts, part: str, node: Any, path: Path) -> Iterator[tuple[str, Word | None, Path, Any]]:
    if not isinstance(node, Mapping) or "$ref" in node:
        return
    for name, value in node.items():
        word = parts[part].get(name)
        yield part, word, (*path, name), value
        if word is None or not word.part:
            continue
        if word.by_name:
            inner = [((*path, name, key), each) for key, each in value.items()]
        elif word.keys:
            inner = [((*path, name, index), each) for index, each in enumerate(value)]
        else:
            inner = [((*path, name), value)]
        for way, each in inner:
            yield from _words(parts, word.part, each, way)


def differences(parts: Parts, side: str, part: str, node: Any, path: Path = ()) -> Iterator[Difference]:
    """Yield each word below a part as gone and as another one."""
    for where, word, way, value in words_below(parts, part, node, path):
        name = str(way[-1])
        if name not in _NEEDED.get(where, ()):
            yield Difference(side, where, name, f"{_shown(value)} is gone", way, GONE)
        # What a part is made of differs by itself.
        if (word.by_name or not isinstance(value, Mapping)) and (where, name) not in _REFERRED:
            for how, other in _others(name, value):
                yield Difference(side, where, name, how, way, other)


def _shown(value: Any) -> str:
    return str(value) if value is None or isinstance(value, bool) else "what was there"


def _others(word: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, bool):
        yield f"{value} is {not value}", not value
    elif isinstance(value, int):
        yield "more", value + 1
        yield "less", value - 1
    elif isinstance(value, str):
        yield "another", _OTHER.get(value, "pipeDelimited" if word == "style" else f"{value}x")
    elif word == "tags":
        yield "another", [f"{each}x" for each in value]
    elif isinstance(value, list):
        if value:
            yield "fewer", value[1:]
        other = _MEMBERS.get(word)
        if other is not None and other not in value:
            yield "longer", [*value, other]
    elif value:
        yield "fewer", dict(list(value.items())[1:])


@dataclass(frozen=True, slots=True)
class Anchor:
    """A part of REST's document that oasdiff can be shown by itself, as an operation."""

    side: str
    part: str
    path: Path
    node: Mapping[str, Any]

    def as_path(self, number: int, node: Mapping[str, Any]) -> dict[str, Any]:
        """Return a path of which the part is all that there is."""
        named: dict[str, Any] = {"tags": ["t"], "operationId": f"n{number}", "security": [], "responses": {}}
        match self.side:
            case "operation":
                other = node["operationId"] != self.node["operationId"]
                # Where it says nothing of tokens, the document does.
                own = {**named, **node, "tags": ["t"], "operationId": f"n{number}{'x' * other}"}
                if "security" not in node:
                    del own["security"]
                return {str(self.path[-1]): own}
            case "parameter":
                return {"get": {**named, "parameters": [node]}}
            case "header":
                answer = {"description": "It is.", "headers": {str(self.path[-1]): node}}
                return {"get": {**named, "responses": {"200": answer}}}
            case "answer":
                return {"get": {**named, "responses": {"400": node}}}
            case "request schema":
                body = {"required": True, "content": self._content(node)}
                return {"post": {**named, "requestBody": body}}
        answer = {"description": "It is.", "content": self._content(node)}
        return {"get": {**named, "responses": {"200": answer}}}

    def _content(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        # oasdiff knows more of what a member may be than of what a body may be, and no body is a text.
        whole = self.node.get("type") == "object" or "oneOf" in self.node
        wrapped = {"type": "object", "required": ["it"], "properties": {"it": schema}}
        return {"application/json": {"schema": schema if whole else wrapped}}


def anchors(document: Document) -> Iterator[Anchor]:
    """Yield all parts of operations and components."""
    for each in operations_of(document):
        yield Anchor("operation", "operation", ("paths", each.path, each.method), each.raw)
    components = document["components"]
    kinds = (("parameters", "parameter"), ("headers", "header"), ("responses", "answer"))
    for kind, part in kinds:
        for name, node in components[kind].items():
            yield Anchor(part, part, ("components", kind, name), node)
    for side, names in (
        ("request schema", sent_by_clients(document)),
        ("answer schema", sent_by_server(document)),
    ):
        for name in sorted(names):
            path: Path = ("components", "schemas", name)
            yield Anchor(side, "schema", path, components["schemas"][name])


def of_parts(document: Document) -> Iterator[tuple[Anchor, Difference]]:
    """Yield how the operations and components of REST's document may differ; the ways begin in the part."""
    for anchor in anchors(document):
        for each in differences(REST, anchor.side, anchor.part, anchor.node):
            yield anchor, each


def of_rest(document: Document) -> Iterator[Difference]:
    """Yield how REST's document may differ outside of operations and components."""
    rest = {name: part for name, part in document.items() if name not in {"paths", "components"}}
    yield from differences(REST, "the document", "document", rest)
    schemes = document["components"]["securitySchemes"]
    for name, scheme in schemes.items():
        path = ("components", "securitySchemes", name)
        yield from differences(REST, "the document", "security scheme", scheme, path)


def of_socket(document: Document) -> Iterator[Difference]:
    """Yield how the socket's document may differ."""
    rest = {name: part for name, part in document.items() if name != "components"}
    yield from differences(SOCKET, "the socket", "document", rest)
    kinds = (("messages", "message"), ("messageTraits", "trait"), ("securitySchemes", "security scheme"))
    for kind, part in kinds:
        for name, node in document["components"][kind].items():
            yield from differences(SOCKET, "the socket", part, node, ("components", kind, name))


def one_of_each(found: Iterable[Difference]) -> list[Difference]:
    """Return the first of those that say the same."""
    return list({str(each): each for each in reversed([*found])}.values())[::-1]
