"""The documents of the contract as servers have them: the bundles say what the YAML says, and are read at once."""

import json
from pathlib import Path

from parley.contract.document import Document

# `answers.py` is imported before pytest has rewritten what else knows this.
ROOT = Path(__file__).resolve().parents[2]


def read_document(name: str = "openapi") -> Document:
    """Return one of those in generated/."""
    document: Document = json.loads((ROOT / "generated" / f"{name}.json").read_text(encoding="utf-8"))
    return document
