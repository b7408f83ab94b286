"""v2's document: v1's with the overlay applied, judged, and each violation told with the line that caused it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts import contract_rules
from scripts.overlay import Action, Overlaid, Overlay, Place, apply, read_overlay
from scripts.specification import BrokenDocument, Document

# As `name_of` says it: `get_user (GET /users/{user_id})`.
_OPERATION = re.compile(r"\w+ \((?P<method>[A-Z]+) (?P<path>/\S*)\)")
_WORD = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class SecondVersion:
    """The overlay, and what it makes of the first version."""

    overlay: Overlay
    overlaid: Overlaid

    @property
    def document(self) -> dict[str, Any]:
        return self.overlaid.document

    @property
    def actions(self) -> Sequence[Action]:
        return self.overlay.actions


def read_v2(path: Path, first: Document, first_name: str) -> SecondVersion:
    """Apply the overlay at a path to the first version. Raises BrokenDocument with the line."""
    overlay = read_overlay(path)
    if overlay.extends != first_name:
        raise BrokenDocument(f"{overlay.place}: extends must be {first_name}")
    return SecondVersion(overlay, apply(overlay, first))


def violations(version: SecondVersion) -> list[str]:
    """Return what is wrong with the document, each with the line of the action that has last touched the place."""
    return [_with_line(version, sentence) for sentence in contract_rules.violations(version.document)]


def _with_line(version: SecondVersion, sentence: str) -> str:
    place = _place(version.document, sentence.partition(": ")[0])
    action = _blamed(version.overlaid.touched, place, sentence)
    return f"{action.place if action else version.overlay.place}: makes of v1 what breaks a rule: {sentence}"


def _blamed(touched: Mapping[Place, Action], place: Place, sentence: str) -> Action | None:
    """Return the action that made what stands at a place, or around it, or in it; None where no action did.

    Several may have made something in it, an operation say. Then it is the last of those whose own place has most
    steps in common with the sentence: "200", or the name of a link.
    """
    for length in range(len(place), 0, -1):
        if place[:length] in touched:
            return touched[place[:length]]
    words = set(_WORD.findall(sentence))
    inside = [each for each in touched if place and each[: len(place)] == place]
    closest = max(
        enumerate(inside),
        key=lambda each: (len(words.intersection(map(str, each[1]))), each[0]),
        default=None,
    )
    return None if closest is None else touched[closest[1]]


def _place(document: Mapping[str, Any], told: str) -> Place:
    """Return the place that a sentence begins with, as far as the document has it."""
    operation = _OPERATION.fullmatch(told)
    if operation is not None:
        return ("paths", operation["path"], operation["method"].lower())
    place: list[str | int] = []
    node: Any = document
    for step in (each.replace("~1", "/").replace("~0", "~") for each in told.split("/")):
        if isinstance(node, Mapping) and step in node:
            place.append(step)
            node = node[step]
        elif isinstance(node, list) and step.isdigit() and int(step) < len(node):
            place.append(int(step))
            node = node[int(step)]
        else:
            break
    return tuple(place)
