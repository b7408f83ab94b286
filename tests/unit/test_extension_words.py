"""Our own words in the documents: each stands in the page that says what they mean, and no other does."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.specification import read_specification
from servers import ROOT

DESIGN = ROOT / "docs" / "design"
PAGES = [DESIGN / "contract-says-it-all.md", DESIGN / "v2-is-a-difference.md"]
SPECIFICATIONS = ("openapi.yaml", "asyncapi.yaml", "v2.overlay.yaml")


def extensions(node: Any) -> Iterator[str]:
    """Yield the names of a document's members that no standard knows."""
    if isinstance(node, dict):
        yield from (name for name in node if str(name).startswith("x-"))
        for each in node.values():
            yield from extensions(each)
    elif isinstance(node, list):
        for each in node:
            yield from extensions(each)


WORDS = {
    # What nothing is at the moment, a rule says all the same.
    *("x-deprecated-since", "x-sunset"),
    *(word for name in SPECIFICATIONS for word in extensions(read_specification(ROOT / "spec" / name))),
}
TOLD = {word for page in PAGES for word in re.findall(r"`(x-[a-z-]+)", page.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("word", sorted(WORDS | TOLD))
def test_word_is_told_and_used(word: str) -> None:
    assert (word in WORDS, word in TOLD) == (True, True)
