"""What strangers wrote, as a terminal may show it: nothing in it commands the terminal or looks like a line of ours."""

import json
from typing import Any

# They show nothing by themselves, and words and signs of several languages need them.
_JOINERS = "\u200c\u200d"


def line(text: str) -> str:
    """Return a text as a part of one line: what cannot be printed, also the end of a line, is spelled out."""
    return "".join(each if _is_harmless(each) else _spelled(each) for each in text)


def as_json(value: Any, *, indent: int | None = None) -> str:
    """Return JSON that means the value, on one line unless it is indented."""
    # A line only ends between values here; within a text JSON spells it out.
    lines = json.dumps(value, ensure_ascii=False, indent=indent).split("\n")
    return "\n".join(
        "".join(
            each if _is_harmless(each) else json.dumps(each)[1:-1].replace("\x7f", "\\u007f") for each in part
        )
        for part in lines
    )


def _is_harmless(character: str) -> bool:
    return character.isprintable() or character in _JOINERS


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode()
