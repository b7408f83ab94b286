"""Knows every word of both documents: who compares it, and which may differ as they like.

A word that is not here is one that no rule has an opinion about, so a document that adds, changes or loses one is
stopped until somebody had one. Both documents are read from the uses to the parts, references followed, so that what
is merely called or cut in another way stays the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from parley.contract.document import METHODS, resolve
from scripts.specification import Document


class Care(Enum):
    """Whether a word may differ."""

    # Nobody's program depends on it.
    FREE = "free"
    # A rule elsewhere knows what breaks whom.
    JUDGED = "judged"
    # It stays to the letter, and where it stands for parts it is not left out.
    STAYS = "stays"
    # What was closed is not opened.
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Word:
    """What the gate does about a word, and what stands behind it: a part, parts by name, or a list of parts."""

    care: Care
    part: str = ""
    by_name: bool = False
    # The members of a list are told apart by these.
    keys: tuple[str, ...] = ()


FREE, JUDGED, STAYS = Word(Care.FREE), Word(Care.JUDGED), Word(Care.STAYS)


def _named(part: str, care: Care = Care.JUDGED) -> Word:
    return Word(care, part, by_name=True)


def _listed(part: str, *keys: str, care: Care = Care.JUDGED) -> Word:
    return Word(care, part, keys=keys)


# They are read by people, or show one of many things that may come.
_TEXTS = dict.fromkeys(("title", "summary", "description", "example", "examples"), FREE)
_LEAVING = {
    # A promise for the next major version; until then it is as it was.
    "deprecated": FREE,
    "x-deprecated-since": FREE,
    # compat_tables: never an earlier day.
    "x-sunset": JUDGED,
}
# Each part of REST's document. Where nothing else is said, oasdiff judges.
REST: Mapping[str, Mapping[str, Word]] = {
    "document": {
        "openapi": STAYS,
        # Says by what the file was made.
        "x-generated": FREE,
        # compat_version compares the version, the rest is for people.
        "info": FREE,
        "servers": JUDGED,
        # Those of operations are compared; here they are described.
        "tags": FREE,
        "security": JUDGED,
        "x-rate-limits": _named("bucket"),
        "x-refusals": _listed("refusal", "status", "when"),
        "x-outside-operations": _named("answer"),
        "x-frames": _named("schema", Care.STAYS),
        "paths": _named("path"),
        "components": Word(Care.JUDGED, "components"),
    },
    # What is used is compared where it is; what is not used is nobody's.
    "components": {
        **dict.fromkeys(("schemas", "headers", "parameters", "responses", "examples"), FREE),
        "securitySchemes": _named("security scheme"),
    },
    "security scheme": {
        **_TEXTS,
        "type": JUDGED,
        "scheme": JUDGED,
        # A hint (OpenAPI 3.0.3, Security Scheme Object); a token is to be looked into by nobody.
        "bearerFormat": FREE,
    },
    "bucket": {"limit": JUDGED, "window_seconds": JUDGED},
    "refusal": {"status": JUDGED, "when": FREE},
    "path": {
        **dict.fromkeys(METHODS, Word(Care.JUDGED, "operation")),
        "parameters": _listed("parameter", "in", "name"),
    },
    "operation": {
        **_TEXTS,
        **_LEAVING,
        "tags": JUDGED,
        "operationId": JUDGED,
        "security": JUDGED,
        "x-rate-limit": Word(Care.JUDGED, "draw"),
        "x-refusals": _listed("refusal", "status", "when"),
        # It promises never to be out of reach.
        "x-constant": STAYS,
        "parameters": _listed("parameter", "in", "name"),
        "requestBody": Word(Care.JUDGED, "body"),
        "responses": _named("answer"),
        "callbacks": _named("callback", Care.STAYS),
    },
    "draw": {"bucket": JUDGED, "per": JUDGED, "also": Word(Care.JUDGED, "draw")},
    "parameter": {
        **_TEXTS,
        **_LEAVING,
        **dict.fromkeys(("name", "in", "required", "style", "explode", "allowReserved", "content"), JUDGED),
        "schema": Word(Care.JUDGED, "schema"),
    },
    "body": {**_TEXTS, "required": JUDGED, "content": _named("media type")},
    "media type": {**_TEXTS, "schema": Word(Care.JUDGED, "schema")},
    "answer": {
        **_TEXTS,
        "headers": _named("header"),
        "content": _named("media type"),
        # They tell readers and test tools what may come next; what they lead to is compared itself.
        "links": FREE,
    },
    "header": {**_TEXTS, **_LEAVING, "required": JUDGED, "schema": Word(Care.JUDGED, "schema")},
    # The request that a webhook is sent, by its address; the server makes it, so nothing of it goes.
    "callback": {"{$request.body#/url}": Word(Care.STAYS, "sent request item")},
    "sent request item": {method: Word(Care.STAYS, "sent request") for method in METHODS},
    "sent request": {
        **_TEXTS,
        # Names a type of SDKs' readers, and no function: nobody calls it.
        "operationId": FREE,
        "security": STAYS,
        "parameters": _listed("sent parameter", "in", "name", care=Care.STAYS),
        "requestBody": Word(Care.STAYS, "sent body"),
        # Which answers are understood: one more is harmless, and none goes.
        "responses": _named("understood", Care.STAYS),
    },
    "sent parameter": {
        **_TEXTS,
        "name": JUDGED,
        "in": JUDGED,
        "required": STAYS,
        # compat_tables: that of the socket's document, which is the same one.
        "schema": JUDGED,
    },
    "sent body": {**_TEXTS, "required": STAYS, "content": _named("media type", Care.STAYS)},
    "understood": {**_TEXTS},
    "schema": {
        **_TEXTS,
        **_LEAVING,
        **dict.fromkeys(
            (
                *("type", "format", "nullable", "enum", "default", "required", "uniqueItems"),
                *(
                    "minLength",
                    "maxLength",
                    "pattern",
                    "minItems",
                    "maxItems",
                    "minProperties",
                    "maxProperties",
                ),
                *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
            ),
            JUDGED,
        ),
        **dict.fromkeys(("oneOf", "anyOf", "allOf"), _listed("schema", "$ref")),
        "properties": _named("schema"),
        "items": Word(Care.JUDGED, "schema"),
        "additionalProperties": Word(Care.JUDGED, "schema"),
        "discriminator": Word(Care.STAYS, "discriminator"),
        # Says the contrary of `required` once more.
        "x-optional": FREE,
        "x-client-owned": STAYS,
        "x-extensible-enum": Word(Care.CLOSED),
    },
    "discriminator": {"propertyName": STAYS, "mapping": _named("schema", Care.STAYS)},
}
# Each part of the socket's document. Where nothing else is said, @asyncapi/diff or compat_tables judges.
SOCKET: Mapping[str, Mapping[str, Word]] = {
    "document": {
        "asyncapi": STAYS,
        "x-generated": FREE,
        "info": FREE,
        "defaultContentType": STAYS,
        "servers": _named("server"),
        "channels": _named("channel"),
        "operations": _named("operation"),
        "components": Word(Care.JUDGED, "components"),
        "x-close-codes": _listed("close code", "code"),
        "x-limits": _named("limit"),
        "x-handshake": Word(Care.STAYS, "handshake"),
    },
    # The schemas are copies of REST's (codegen.py), where they are compared.
    "components": dict.fromkeys(("schemas", "messages", "messageTraits", "securitySchemes"), FREE),
    "server": {
        **_TEXTS,
        "host": JUDGED,
        "protocol": JUDGED,
        # Examples of hosts: whoever runs a server has another one.
        "variables": FREE,
        # Each is a way in.
        "security": _listed("security scheme", "$ref", care=Care.STAYS),
    },
    "security scheme": {
        **_TEXTS,
        **dict.fromkeys(("type", "in", "name", "scheme"), STAYS),
        "bearerFormat": FREE,
    },
    "channel": {
        **_TEXTS,
        "address": JUDGED,
        "servers": _listed("server", "protocol"),
        "bindings": Word(Care.STAYS, "bindings"),
        "messages": _named("message"),
    },
    "bindings": {"ws": Word(Care.STAYS, "way in"), "http": Word(Care.STAYS, "way out")},
    "way in": {
        # Says how to read the binding.
        "bindingVersion": FREE,
        "method": STAYS,
        "query": Word(Care.STAYS, "names"),
        "headers": Word(Care.STAYS, "names"),
    },
    "names": {"type": STAYS, "properties": _named("given"), "required": JUDGED},
    # oasdiff: the handshake is shown to it as an operation.
    "given": {
        **_TEXTS,
        **dict.fromkeys(("type", "format", "minLength", "maxLength", "pattern"), JUDGED),
    },
    "way out": {"bindingVersion": FREE, "method": STAYS},
    "message": {
        **_TEXTS,
        "name": STAYS,
        "contentType": STAYS,
        # oasdiff: frames and payloads are shown to it as operations.
        "payload": JUDGED,
        "traits": _listed("trait", "$ref"),
        "x-refusals": _listed("frame refusal", "code", "when"),
    },
    "trait": {"headers": JUDGED},
    "frame refusal": {"code": JUDGED, "when": FREE},
    "operation": {
        **_TEXTS,
        "action": JUDGED,
        "channel": JUDGED,
        "messages": JUDGED,
        "reply": Word(Care.JUDGED, "reply"),
        "bindings": Word(Care.STAYS, "bindings"),
    },
    "reply": {"messages": _listed("message", "$ref", care=Care.STAYS)},
    "close code": {
        **dict.fromkeys(("code", "name", "reconnect", "keep_cursor", "after_seconds"), JUDGED),
        "meaning": FREE,
    },
    "limit": {**dict.fromkeys(("value", "closes", "refuses", "bucket"), JUDGED), "meaning": FREE},
    "handshake": {
        "refusals": _listed("handshake refusal", "status", "code"),
        "begins": _listed("begin", "when"),
        "states": _named("state"),
    },
    "handshake refusal": {"status": JUDGED, "code": JUDGED, "when": FREE, "headers": JUDGED},
    # Its sentence is all that tells it from another one.
    "begin": {"state": JUDGED, "when": JUDGED},
    "state": {"meaning": FREE, "sends": JUDGED, "closes": JUDGED, "frames": _named("frame")},
    "frame": dict.fromkeys(("allowed", "then", "answers", "closes"), JUDGED),
}

Parts = Mapping[str, Mapping[str, Word]]


def broken_words(parts: Parts, released: Document, present: Document) -> Iterator[str]:
    """Say which words of a document differ that stay, and which the gate does not know."""
    yield from _Reader(parts, released, present).differences("document", released, present, "")


@dataclass(frozen=True, slots=True)
class _Reader:
    parts: Parts
    released: Document
    present: Document
    # What is shared is read once.
    seen: set[tuple[str, int, int]] = field(default_factory=set)

    def differences(self, part: str, before: Any, now: Any, place: str) -> Iterator[str]:
        place = _place_of(now, place)
        before, now = _bare(self.released, before), _bare(self.present, now)
        key = part, id(before), id(now)
        if not isinstance(before, Mapping) or not isinstance(now, Mapping) or key in self.seen:
            return
        self.seen.add(key)
        for name in {**before, **now}:
            here = f"{place}/{name}".lstrip("/")
            word = self.parts[part].get(name)
            if word is None:
                yield from _unknown(here, before.get(name), now.get(name))
            else:
                yield from self._word(word, before.get(name), now.get(name), here)

    def _word(self, word: Word, before: Any, now: Any, place: str) -> Iterator[str]:
        if word.care is Care.CLOSED:
            if now and not before:
                yield (
                    f"{place}: clients know all values of this list, so it cannot be opened: leave it closed, and let "
                    "a new field say more [list-opened]"
                )
        elif word.care is Care.STAYS and (now is None or not word.part) and before != now:
            yield (
                f"{place}: was {_shown(before)} and is {_shown(now)}; clients and those who generate them "
                "rely on it, so it stays [word-changed]"
            )
        elif before is not None and now is not None:
            yield from self._parts(word, before, now, place)

    def _parts(self, word: Word, before: Any, now: Any, place: str) -> Iterator[str]:
        if word.by_name or word.keys:
            olds, news = dict(_members(self.released, word, before)), dict(_members(self.present, word, now))
            for name, each in olds.items():
                if name in news:
                    yield from self.differences(word.part, each, news[name], f"{place}/{name}")
                elif word.care is Care.STAYS:
                    yield f"{place}/{name}: is gone, and clients rely on it: put it back [word-removed]"
        elif word.part:
            yield from self.differences(word.part, before, now, place)


def _bare(document: Document, node: Any) -> Any:
    """Follow references, and take off an `allOf` around one thing, which is a way to say something beside it."""
    node = resolve(document, node)
    while isinstance(node, Mapping) and len(node.get("allOf", ())) == 1 and node.keys() <= {"allOf", *_TEXTS}:
        node = resolve(document, node["allOf"][0])
    return node


def _members(document: Document, word: Word, members: Any) -> Iterator[tuple[str, Any]]:
    """Yield what there is several of, each with what tells it from the others."""
    if word.by_name:
        yield from members.items()
        return
    for index, member in enumerate(members):
        # An alternative that is written out has no name.
        named = member if word.keys == ("$ref",) else resolve(document, member)
        yield " ".join(str(named.get(key, index)).rpartition("/")[2] for key in word.keys), member


def _unknown(place: str, before: Any, now: Any) -> Iterator[str]:
    if before != now:
        yield (
            f"{place}: was {_shown(before)} and is {_shown(now)}, and nothing here knows whether clients rely on "
            "that: say in scripts/compat_words.py who judges it [word-unknown]"
        )


def _place_of(node: Any, place: str) -> str:
    reference: str | None = node.get("$ref") if isinstance(node, Mapping) else None
    return reference.removeprefix("#/") if reference else place


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return "something else" if isinstance(value, Mapping | list) else repr(value)
