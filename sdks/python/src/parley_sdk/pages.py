"""Iterators over lists, which fetch the next page when it is needed, in both directions.

Lists are newest first, and so is a walk back. A walk forth, from `after`, is oldest first, and ends where the list
ends at the moment: what is added meanwhile is seen, too.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from parley_sdk.generated.facts import LISTINGS


class Walk:
    """Where a walk stands: the query of its next page, or None when it is done."""

    def __init__(self, query: Mapping[str, Any]) -> None:
        self._forth = query.get("after") is not None
        goes_back = query.get("before") is not None
        if self._forth and goes_back:
            raise ValueError("A walk goes back from `before` or forth from `after`, not both")
        if "after" in query and not self._forth and not goes_back:
            raise ValueError("A walk forth needs something to begin after: `after` is None")
        self.query: dict[str, Any] | None = dict(query)

    def take(self, page: Any) -> Sequence[Any]:
        """Return the items of a page in the order of the walk, and move on."""
        assert self.query is not None
        listing = LISTINGS[type(page)]
        items: Sequence[Any] = getattr(page, listing.items)
        forth = self._forth or not listing.newest_first
        more = page.has_more and items and page.next_cursor is not None
        self.query = {**self.query, "after" if forth else "before": page.next_cursor} if more else None
        return items[::-1] if forth and listing.newest_first else items


def walk(operation: Callable[..., Any], arguments: Sequence[Any], query: Mapping[str, Any]) -> Iterator[Any]:
    """Walk through a list. Raises ValueError at once where it has no direction."""
    return _walk(Walk(query), operation, arguments)


def walk_async(
    operation: Callable[..., Awaitable[Any]], arguments: Sequence[Any], query: Mapping[str, Any]
) -> AsyncIterator[Any]:
    """Walk through a list. Raises ValueError at once where it has no direction."""
    return _walk_async(Walk(query), operation, arguments)


def _walk(at: Walk, operation: Callable[..., Any], arguments: Sequence[Any]) -> Iterator[Any]:
    while at.query is not None:
        yield from at.take(operation(*arguments, **at.query))


async def _walk_async(
    at: Walk, operation: Callable[..., Awaitable[Any]], arguments: Sequence[Any]
) -> AsyncIterator[Any]:
    while at.query is not None:
        for item in at.take(await operation(*arguments, **at.query)):
            yield item
