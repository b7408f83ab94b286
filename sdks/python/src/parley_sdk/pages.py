"""Iterators over lists, which fetch the next page when it is needed, in both directions.

Lists are newest first, and so is a walk back. A walk forth from `newer_than` is oldest first, and ends where the
list ends at the moment: what is added meanwhile is seen, too.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any


class Walk:
    """Where a walk stands: the query of its next page, or None when it is done."""

    def __init__(self, newer_than: object, query: Mapping[str, Any]) -> None:
        query = dict(query)
        older_than = query.pop("older_than", None)
        if newer_than is not None and older_than is not None:
            raise ValueError("A walk goes back from `older_than` or forth from `newer_than`, not both")
        self._forth = newer_than is not None
        start = {"after": newer_than} if self._forth else {"before": older_than}
        self.query: dict[str, Any] | None = {**query, **start}

    def take(self, page: Any, name: str) -> Sequence[Any]:
        """Return the items of a page in the order of the walk, and move on."""
        assert self.query is not None
        items: Sequence[Any] = getattr(page, name)
        more = page.has_more and items and page.next_cursor is not None
        cursor = {"after" if self._forth else "before": page.next_cursor}
        self.query = {**self.query, **cursor} if more else None
        return items[::-1] if self._forth else items


def each(
    operation: Callable[..., Any], name: str, newer_than: object, query: Mapping[str, Any]
) -> Iterator[Any]:
    """Walk through a list."""
    walk = Walk(newer_than, query)
    while walk.query is not None:
        yield from walk.take(operation(**walk.query), name)


async def each_async(
    operation: Callable[..., Awaitable[Any]], name: str, newer_than: object, query: Mapping[str, Any]
) -> AsyncIterator[Any]:
    """Walk through a list."""
    walk = Walk(newer_than, query)
    while walk.query is not None:
        for item in walk.take(await operation(**walk.query), name):
            yield item
