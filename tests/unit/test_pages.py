"""Pages: what is shown of what was found, and where a list goes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.errors import Invalid
from parley.services.pages import check_direction, cut


def test_both_directions_are_refused() -> None:
    """A page lies before one item or after another, not both."""
    check_direction(None, None)
    check_direction("a", None)
    check_direction(None, "a")
    with pytest.raises(Invalid) as refused:
        check_direction("a", "b")
    assert refused.value.details["field"] == "after"


def test_towards_the_old_end() -> None:
    """The last item shown says where older ones go on; at the old end nothing does."""
    page = cut([5, 4, 3], 2, None, str)
    assert (list(page.items), page.has_more, page.next_cursor, page.per_page) == ([5, 4], True, "4", 2)
    page = cut([5, 4], 2, None, str)
    assert (list(page.items), page.has_more, page.next_cursor) == ([5, 4], False, None)
    page = cut([], 2, None, str)
    assert (list(page.items), page.has_more, page.next_cursor) == ([], False, None)


def test_towards_newer_items() -> None:
    """After a cursor the next newer items are shown, newest first, and there is always a cursor to go on with."""
    page = cut([5, 4, 3], 2, "2", str)
    assert (list(page.items), page.has_more, page.next_cursor) == ([4, 3], True, "4")
    page = cut([4, 3], 2, "2", str)
    assert (list(page.items), page.has_more, page.next_cursor) == ([4, 3], False, "4")
    page = cut([], 2, "4", str)
    assert (list(page.items), page.has_more, page.next_cursor) == ([], False, "4")


@given(st.integers(0, 30), st.integers(1, 12))
def test_walks_see_each_item_once(length: int, limit: int) -> None:
    """Following the cursor in either direction shows every item once, in order."""
    items = list(range(length, 0, -1))
    seen: list[int] = []
    cursor: str | None = str(length + 1)
    while cursor is not None:
        older = [item for item in items if item < int(cursor)]
        page = cut(older[: limit + 1], limit, None, str)
        seen += page.items
        cursor = page.next_cursor
    assert seen == items

    seen, after, has_more = [], "0", True
    while has_more:
        newer = [item for item in items if item > int(after)]
        page = cut(newer[-limit - 1 :], limit, after, str)
        seen += reversed(page.items)
        assert page.next_cursor is not None
        after, has_more = page.next_cursor, page.has_more
    assert seen == items[::-1]
