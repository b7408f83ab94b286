"""Pages of lists, newest first, cut from what storage found."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from parley.errors import Invalid
from parley.model import Page

Item = TypeVar("Item")


def check_direction(before: object, after: object) -> None:
    """Raise Invalid where a list is asked for in both directions at once."""
    if before is not None and after is not None:
        raise Invalid("after", "Use either before or after, not both")


def cut(found: Sequence[Item], limit: int, after: str | None, cursor: Callable[[Item], str]) -> Page[Item]:
    """Make a page of up to `limit` of the items, of which storage was asked for one more, newest first.

    `next_cursor` goes on in the direction asked: it is None at the old end, and never None after `after`, where
    newer items can always come.
    """
    has_more = len(found) > limit
    if after is None:
        shown = found[:limit]
        next_cursor = cursor(shown[-1]) if has_more else None
    else:
        shown = found[-limit:]
        next_cursor = cursor(shown[0]) if shown else after
    return Page(
        items=shown,
        has_more=has_more,
        next_cursor=next_cursor,
        per_page=limit,
        newest_cursor=cursor(shown[0]) if shown else None,
        oldest_cursor=cursor(shown[-1]) if shown else None,
    )
