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
    action = version.overlaid.blamed(_place(version.document, sentence.partition(": ")[0]))
    return f"{action.place if action else version.overlay.place}: makes of v1 what breaks a rule: {sentence}"


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
