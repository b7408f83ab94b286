"""What the seed prints, `tests/seed/api-documentation.md`: the document that Parley exists to fulfil."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

SEED = (Path(__file__).parents[1] / "seed" / "api-documentation.md").read_text(encoding="utf-8")

# The only thing in the seed that is not taken letter for letter: words that stand for ids.
IDS = {
    "user_id1": "019d0a68-d8c7-7351-9df2-ab0b5f6a1a54",
    "user_id2": "019d0a6b-4f42-7c0f-8c5c-2e7c6f7ba1a7",
    "optional_message_id": "019d0b0d-2a00-7b8f-8a48-6d5a6f6b7c8d",
    "next_message_id": "019d0b0d-2a00-7b8f-8a48-6d5a6f6b7c8d",
    "message_id": "019d0b0d-5a11-7aaa-8888-0f0e0d0c0b0a",
    "sender_id": "019d0a68-d8c7-7351-9df2-ab0b5f6a1a54",
    "receiver_id": "019d0a6b-4f42-7c0f-8c5c-2e7c6f7ba1a7",
    "user_id": "019d0a6b-4f42-7c0f-8c5c-2e7c6f7ba1a7",
    "group_id": "019d0b60-0c0d-7111-9222-333344445555",
    "owner_id": "019d0a68-d8c7-7351-9df2-ab0b5f6a1a54",
    "conversation_id": "019d0b05-1f1e-7444-8555-666677778888",
}


def with_ids(value: Any) -> Any:
    """Replace the placeholders, where they are values and not names."""
    if isinstance(value, Mapping):
        return {name: with_ids(part) for name, part in value.items()}
    if isinstance(value, list):
        return [with_ids(part) for part in value]
    return IDS.get(value, value) if isinstance(value, str) else value


def without_required(node: Any) -> Any:
    """The seed prints a part of what is answered: what is there must be right, not all must be there."""
    if isinstance(node, list):
        return [without_required(part) for part in node]
    if not isinstance(node, Mapping):
        return node
    return {name: without_required(part) for name, part in node.items() if name != "required"}
