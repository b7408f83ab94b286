"""Every word of both documents is known to the gate, and somebody notices when it is another one.

One of each kind of difference is planted: a word of a kind of part that is gone, greater, less or another. What
nobody notices is listed here, all of it, with the reason why it breaks nobody.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import pytest

from differing import of_parts, of_rest, of_socket, one_of_each, unknown_words
from released import RELEASED, tools
from scripts import compat
from scripts.compat import Contract
from scripts.compat_rest import as_operations, breaks_between
from scripts.compat_socket import broken_by_asyncapi_diff
from scripts.compat_words import REST, SOCKET, Parts
from scripts.specification import Document

GONE = "what was there is gone"
_HIGHER = ("more", GONE)
_LOWER = ("less", GONE)
# Each of these takes more from clients than before.
OF_REQUESTS: Mapping[str, Collection[str]] = {
    **dict.fromkeys(("maxLength", "maximum", "maxItems"), _HIGHER),
    **dict.fromkeys(("minLength", "minimum", "minItems"), _LOWER),
    "enum": {"longer", GONE},
    **dict.fromkeys(("format", "pattern", "type", "items"), (GONE,)),
}
OF_BODIES: Mapping[str, Collection[str]] = {
    **OF_REQUESTS,
    "minProperties": _LOWER,
    "required": {"fewer", GONE},
    "uniqueItems": {"True is False", "True is gone"},
    "additionalProperties": {"False is True", "False is gone"},
    # Nothing is what it was before.
    "default": {"None is gone"},
    # Whoever knows all values need not know others.
    "x-extensible-enum": {"True is False", "True is gone"},
}
# And of what clients read, only what comes besides, or beyond the bounds.
OF_ANSWERS: Mapping[str, Collection[str]] = {
    **dict.fromkeys(("maxLength", "maximum"), ("less",)),
    **dict.fromkeys(("minLength", "minimum"), ("more",)),
}
# What nobody notices: by whose it is, by the kind of part, by the word, how it differs.
HARMLESS: Mapping[tuple[str, str], Mapping[str, Collection[str]]] = {
    ("request schema", "schema"): OF_BODIES,
    ("parameter", "schema"): OF_REQUESTS,
    ("parameter", "parameter"): {
        "required": {"True is False", "True is gone"},
        # It is the one that holds where none is given.
        "style": {GONE},
    },
    ("answer schema", "schema"): {
        **OF_ANSWERS,
        "maxItems": {"less"},
        "nullable": {"True is False", "True is gone"},
        # No list goes without it (OpenAPI 3.0.3, Schema Object), so codegen refuses that.
        "items": {GONE},
        "x-extensible-enum": {"True is False", "True is gone"},
    },
    # A header is a text, whatever else it is; that a number becomes a text is noticed.
    ("header", "schema"): {**OF_ANSWERS, "type": {"another", GONE}},
    ("operation", "body"): {"required": {"True is False", "True is gone", "False is gone"}},
    # Of a body; that an answer loses it is noticed.
    ("operation", "media type"): {"schema": {GONE}},
    ("operation", "draw"): {"also": {GONE}},
    ("the document", "bucket"): {"limit": {"more"}, "window_seconds": {"less"}},
    # Whoever has a token may still send it.
    ("the document", "document"): {"security": {"fewer"}},
    ("the socket", "close code"): {"after_seconds": {"less"}},
    # A frame that comes besides is one of those to be ignored.
    ("the socket", "frame"): {"allowed": {"False is True"}, "answers": {"longer"}},
    ("the socket", "state"): {"sends": {"longer"}},
    ("the socket", "handshake refusal"): {"headers": {"longer"}},
    ("the socket", "limit"): {"value": {"more"}},
    ("the socket", "given"): {
        word: how
        for word, how in OF_REQUESTS.items()
        if word in {"maxLength", "minLength", "pattern", "type"}
    },
}
LISTED = {
    f"{side}, {part}, {word}: {how}"
    for (side, part), words in HARMLESS.items()
    for word, ways in words.items()
    for how in ways
}


def listed(*sides: str) -> set[str]:
    return {each for each in LISTED if each.partition(",")[0] in sides}


@pytest.mark.parametrize(("parts", "document"), [(REST, RELEASED.openapi), (SOCKET, RELEASED.asyncapi)])
def test_every_word_is_known(parts: Parts, document: Document) -> None:
    """One that is not stops the gate as soon as it differs, so nobody would know before what it is about."""
    assert list(unknown_words(parts, document)) == []


def test_no_operation_or_component_differs_unseen() -> None:
    """But in what breaks nobody."""
    tools()
    sides = ("operation", "parameter", "header", "answer", "request schema", "answer schema")
    assert set(unnoticed_of_parts()) == listed(*sides)


def test_no_document_differs_unseen() -> None:
    """But in what breaks nobody."""
    tools()
    assert {*unnoticed_of_rest(), *unnoticed_of_socket()} == listed("the document", "the socket")


@pytest.mark.parametrize("document", ["openapi", "asyncapi"])
def test_unknown_word_is_told(document: str) -> None:
    """Whoever adds one says whether clients rely on it, and who compares it."""
    other = {**getattr(RELEASED, document), "x-mood": "good"}
    present = replace(RELEASED, **{document: other})
    (said,) = compat.broken_by_rules(RELEASED, present)
    assert said.startswith("x-mood: was nothing and is 'good'")
    assert "scripts/compat_words.py" in said
    assert said.endswith("[word-unknown]")


def unnoticed_of_parts() -> Iterator[str]:
    """All parts are shown to oasdiff at once, each as a path of its own."""
    pairs = list(
        {str(each): (anchor, each) for anchor, each in reversed([*of_parts(RELEASED.openapi)])}.values()
    )
    before = {f"/n{i}": anchor.as_path(i, anchor.node) for i, (anchor, _) in enumerate(pairs)}
    now = {f"/n{i}": anchor.as_path(i, each.planted(anchor.node)) for i, (anchor, each) in enumerate(pairs)}
    shown = [
        as_operations({**RELEASED.openapi, "paths": paths}, RELEASED.asyncapi) for paths in (before, now)
    ]
    noticed = {number for each in breaks_between(*shown) for number in re.findall(r"n(\d+)", each["path"])}
    for i, (anchor, each) in enumerate(pairs):
        if str(i) not in noticed:
            changed = replace(each, path=(*anchor.path, *each.path)).planted(RELEASED.openapi)
            if not compat.broken_by_rules(RELEASED, Contract(changed, RELEASED.asyncapi)):
                yield str(each)


def unnoticed_of_rest() -> Iterator[str]:
    for each in one_of_each(of_rest(RELEASED.openapi)):
        if not noticed(each.planted(RELEASED.openapi), RELEASED.asyncapi):
            yield str(each)


def unnoticed_of_socket() -> Iterator[str]:
    for each in one_of_each(of_socket(RELEASED.asyncapi)):
        if not noticed(RELEASED.openapi, each.planted(RELEASED.asyncapi)):
            yield str(each)


def noticed(rest: Document, socket: Document) -> bool:
    """Ask our own rules, and the tools only where these say nothing; one operation is enough for oasdiff."""
    if compat.broken_by_rules(RELEASED, Contract(rest, socket)):
        return True
    if broken_by_asyncapi_diff(RELEASED.asyncapi, socket):
        return True
    shown = [
        as_operations({**document, "paths": {"/me": document["paths"]["/me"]}}, other)
        for document, other in ((RELEASED.openapi, RELEASED.asyncapi), (rest, socket))
    ]
    return shown[0] != shown[1] and bool(breaks_between(*shown))
