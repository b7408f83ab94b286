"""Identifiers are of the standard's form, and in the order in which they were made."""

import time
from uuid import RFC_4122

from parley.ids import uuid7


def test_form() -> None:
    """The version and the variant are those of RFC 9562, and the time is now."""
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000 + 1


def test_order() -> None:
    """Each is greater than the one before, also within a millisecond."""
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(set(made))
