"""What strangers wrote, on somebody's terminal."""

import json

import pytest

from parley.cli import printable

# Ends of lines, commands of terminals, and what turns a line around.
HARMFUL = [
    "\n",
    "\r",
    "\x0b",
    "\x85",
    "\u2028",
    "\x1b[2J",
    "\x9b2J",
    "\x07",
    "\x08",
    "\x7f",
    "\u202e",
    "\ud800",
    "\U000e0001",
]
HARMLESS = ["Grüße", "👩\u200d🚀", "می\u200cخواهم", "a b", "\\n"]


@pytest.mark.parametrize("text", HARMFUL)
def test_harmful_text_is_spelled_out(text: str) -> None:
    """In a line and in JSON, which still means the same."""
    shown = printable.line(f"one{text}two")
    assert shown.isprintable()
    assert shown.startswith("one\\")
    for indent in (None, 2):
        as_json = printable.as_json({f"key{text}": [text]}, indent=indent)
        assert as_json.replace("\n", "").isprintable()
        assert as_json.count("\n") == (0 if indent is None else 4)
        assert json.loads(as_json) == {f"key{text}": [text]}


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays(text: str) -> None:
    assert printable.line(text) == text
    assert json.loads(printable.as_json(text)) == text
    assert text.replace("\\", "\\\\") in printable.as_json(text)
