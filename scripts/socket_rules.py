"""What the document of the socket must keep to before anything is made from it.

As in `contract_rules.py`: a rule yields a sentence for each place where it is broken, each has a test that plants
a violation, and they come in stages. The document of REST, on which this one builds, is judged before.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs

from scripts import rules_of_frames, rules_of_handshake, rules_of_webhooks
from scripts.socket_document import REST, Socket, references_in
from scripts.specification import SCHEMAS, resolvable, walk

Rule = Callable[[Socket], Iterator[str]]

_ROOT = Path(__file__).resolve().parent.parent
_ASYNCAPI = _ROOT / "scripts" / "asyncapi-3.0.0.schema.json"
_MUST_BE_THERE = ("x-close-codes", "x-handshake", "x-limits")


def references_resolve(socket: Socket) -> Iterator[str]:
    """References lead into the document itself, or to a schema of the REST document."""
    for place, reference in references_in(socket.document):
        document = socket.rest if reference.startswith(REST + SCHEMAS) else socket.document
        if not resolvable(document, reference.removeprefix(REST)):
            yield f"{place}: there is no {reference}"


def document_is_asyncapi(socket: Socket) -> Iterator[str]:
    if socket.document.get("asyncapi") != "3.0.0":
        yield "asyncapi: must be 3.0.0"
    if list(socket.document.get("channels", ())) != ["socket", "webhook"]:
        yield "channels: must be two, called socket and webhook"
    yield from _broken_by(_ASYNCAPI, socket.document)


def version_is_that_of_rest(socket: Socket) -> Iterator[str]:
    """Both documents are one contract, of which clients know one version."""
    own, other = (document["info"]["version"] for document in (socket.document, socket.rest))
    if own != other:
        yield f"info/version: is {own} in asyncapi.yaml and {other} in openapi.yaml, and must be one and the same"


def extensions_are_described(socket: Socket) -> Iterator[str]:
    """Each of our own words has a JSON Schema in spec/, and is what that says."""
    for place, node in walk(socket.document):
        name = place.rpartition("/")[2]
        if not name.startswith("x-"):
            continue
        schema = _ROOT / "spec" / f"{name}.schema.json"
        if not schema.exists():
            yield f"{place}: there is no spec/{schema.name} that says what it is"
        else:
            yield from _broken_by(schema, node, place)
    for name in _MUST_BE_THERE:
        if name not in socket.document:
            yield f"{name}: is missing"


def _broken_by(schema: Path, value: Any, place: str = "") -> Iterator[str]:
    validator = jsonschema_rs.Draft7Validator(json.loads(schema.read_text(encoding="utf-8")))
    for error in validator.iter_errors(value):
        where = "/".join(part for part in (place, *map(str, error.instance_path)) if part)
        # The message may quote the whole document.
        yield f"{where or 'document'}: {error.message[-500:]}"


STAGES: tuple[tuple[Rule, ...], ...] = (
    (references_resolve,),
    (document_is_asyncapi, extensions_are_described),
    (version_is_that_of_rest, *rules_of_frames.FIRST, *rules_of_webhooks.FIRST),
    (*rules_of_frames.RULES, *rules_of_handshake.RULES, *rules_of_webhooks.RULES),
)


def violations(socket: Socket) -> list[str]:
    """Return a sentence for everything that is wrong, of the first stage that finds something."""
    for rules in STAGES:
        found = [sentence for rule in rules for sentence in rule(socket)]
        if found:
            return found
    return []
