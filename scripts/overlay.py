"""Applies an overlay to a document, as the OpenAPI Overlay Specification 1.0.0 says.

Two things are stricter here than there, because a contract is made by it: a target that finds nothing is an
error (what it was written for has another name now), and an action either updates or removes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonpath_rfc9535 as jsonpath
import yaml

from scripts.specification import BrokenDocument, line_of, read_marked

VERSION = "1.0.0"
_OVERLAY = frozenset(("overlay", "info", "extends", "actions"))
_INFO = frozenset(("title", "version"))
_ACTION = frozenset(("target", "description", "update", "remove"))
_REQUIRED = ("overlay", "info", "actions")

Step = str | int
Place = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """One change: what it finds, and what it does to each of these. `place` is its line and column."""

    place: str
    target: str
    query: jsonpath.JSONPathQuery
    description: str
    remove: bool
    update: Any
    extensions: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Overlay:
    """A file of changes, in the order in which they are applied."""

    place: str
    extends: str | None
    actions: Sequence[Action]


@dataclass(frozen=True, slots=True)
class Overlaid:
    """A document with its changes, which action was the last to touch a place, and how many places each found."""

    document: dict[str, Any]
    touched: Mapping[Place, Action]
    found: Mapping[str, int]


def read_overlay(path: Path) -> Overlay:
    """Read an overlay. Raises BrokenDocument with the line."""
    document, node = read_marked(path)
    fields = _fields(node)
    _refuse_unknown(fields, _OVERLAY, "an overlay")
    for name in _REQUIRED:
        if name not in fields:
            raise BrokenDocument(f"{line_of(node)}: an overlay needs {name}")
    if document["overlay"] != VERSION:
        raise BrokenDocument(f"{line_of(fields['overlay'])}: overlay must be {VERSION}")
    info = _fields(_mapping(fields["info"], "info"))
    _refuse_unknown(info, _INFO, "info")
    for name in sorted(_INFO - info.keys()):
        raise BrokenDocument(f"{line_of(fields['info'])}: info needs {name}")
    actions = fields["actions"]
    if not isinstance(actions, yaml.SequenceNode) or not actions.value:
        raise BrokenDocument(f"{line_of(actions)}: actions must be a list with something in it")
    return Overlay(
        place=line_of(node),
        extends=document.get("extends"),
        actions=[_action(*each) for each in zip(actions.value, document["actions"], strict=True)],
    )


def _action(node: yaml.Node, raw: Mapping[str, Any]) -> Action:
    fields = _fields(_mapping(node, "an action"))
    _refuse_unknown(fields, _ACTION, "an action")
    if "target" not in fields:
        raise BrokenDocument(f"{line_of(node)}: an action needs target")
    if not isinstance(raw.get("remove", False), bool):
        raise BrokenDocument(f"{line_of(fields['remove'])}: remove must be true or false")
    if ("update" in raw) == raw.get("remove", False):
        raise BrokenDocument(f"{line_of(node)}: an action has either update or remove: true")
    if not isinstance(raw["target"], str):
        raise BrokenDocument(f"{line_of(fields['target'])}: target must be a string")
    try:
        query = jsonpath.compile(raw["target"])
    except jsonpath.JSONPathError as error:
        place = line_of(fields["target"])
        raise BrokenDocument(f"{place}: {raw['target']} is no JSONPath (RFC 9535): {error}") from error
    return Action(
        place=line_of(node),
        target=raw["target"],
        query=query,
        description=raw.get("description", ""),
        remove=raw.get("remove", False),
        update=raw.get("update"),
        extensions={name: value for name, value in raw.items() if name.startswith("x-")},
    )


def _mapping(node: yaml.Node, name: str) -> yaml.MappingNode:
    if not isinstance(node, yaml.MappingNode):
        raise BrokenDocument(f"{line_of(node)}: {name} must be a mapping")
    return node


def _fields(node: yaml.MappingNode) -> dict[str, yaml.Node]:
    return {key.value: value for key, value in node.value}


def _refuse_unknown(fields: Mapping[str, yaml.Node], known: frozenset[str], name: str) -> None:
    for odd, node in fields.items():
        if odd not in known and not odd.startswith("x-"):
            raise BrokenDocument(f"{line_of(node)}: {name} of {VERSION} has no {odd}")


def apply(overlay: Overlay, document: Mapping[str, Any]) -> Overlaid:
    """Return a copy of the document with all changes. Raises BrokenDocument with the line of an action."""
    result = _plain(document)
    touched: dict[Place, Action] = {}
    counted: dict[str, int] = {}
    for action in overlay.actions:
        found = {node.location: node.value for node in action.query.find(result)}
        if not found:
            raise BrokenDocument(f"{action.place}: {action.target} finds nothing")
        for place, value in found.items():
            if not isinstance(value, dict | list):
                where = _shown(place)
                raise BrokenDocument(
                    f"{action.place}: {where} is neither an object nor a list; only those can be changed"
                )
        counted[action.place] = len(found)
        changed = _removed(action, result, found) if action.remove else _updated(action, found)
        touched.update((place, action) for place in changed)
    return Overlaid(result, touched, counted)


def _plain(node: Any) -> Any:
    """Return a copy in which nothing is shared: what is an alias in YAML is changed apart from the original."""
    if isinstance(node, Mapping):
        return {name: _plain(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node


def _removed(action: Action, document: dict[str, Any], found: Mapping[Place, Any]) -> Iterator[Place]:
    # From behind, so that the numbers of those that are still to go stay right.
    for place in sorted(found, key=_order, reverse=True):
        if not place:
            raise BrokenDocument(f"{action.place}: a document cannot be removed from itself")
        holder: Any = document
        for step in place[:-1]:
            holder = holder[step]
        del holder[place[-1]]
        yield place[:-1]


def _order(place: Place) -> tuple[tuple[bool, int, str], ...]:
    """Return what places are ordered by; names and numbers do not compare with each other."""
    return tuple((True, step, "") if isinstance(step, int) else (False, 0, step) for step in place)


def _updated(action: Action, found: Mapping[Place, Any]) -> Iterator[Place]:
    for place, value in found.items():
        if isinstance(value, list):
            value.append(_plain(action.update))
            yield (*place, len(value) - 1)
        elif isinstance(action.update, Mapping):
            yield from _merged(action, value, action.update, place)
        else:
            raise BrokenDocument(f"{action.place}: {_shown(place)} is an object, so update must be one")


def _merged(
    action: Action, target: dict[str, Any], update: Mapping[str, Any], place: Place
) -> Iterator[Place]:
    """Merge an object into another one: objects recursively, lists one behind the other, the rest replaced."""
    for name, value in update.items():
        here = (*place, name)
        old = target.get(name)
        if name not in target or (not isinstance(old, dict | list) and not isinstance(value, Mapping | list)):
            target[name] = _plain(value)
            yield here
        elif isinstance(old, dict) and isinstance(value, Mapping):
            yield from _merged(action, old, value, here)
        elif isinstance(old, list) and isinstance(value, list):
            old.extend(_plain(value))
            yield here
        else:
            raise BrokenDocument(
                f"{action.place}: {_shown(here)} is {_kind(old)} and cannot become {_kind(value)}; "
                "remove it first"
            )


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, list) else "a value"


def _shown(place: Place) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f"[{step!r}]" for step in place)
