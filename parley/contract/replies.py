"""What an operation answers: a status, a body, some headers.

A handler returns a `Reply`; bodies are values of `parley.model`, dicts and lists of such, and are written as
JSON in one place (`encode`), so that an identifier or a time looks the same everywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

from parley.model import JSON_OPTIONS, Page, write_identifier


# Not frozen, both: they are made per request.
@dataclass(slots=True)
class Listing:
    """The list in a body: the name under which it stands there, and which page it is where the list has pages."""

    name: str
    page: Page[Any] | None = None


@dataclass(slots=True)
class Reply:
    """A status with a body. `body=None` means that there is none, not that it is null."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    listing: Listing | None = None
    content_type: ClassVar[bytes] = b"content-type: application/json\r\n"


NO_CONTENT = Reply(204)
_REPLAYED = {"Idempotency-Replayed": "true"}


def ok(body: Any, replayed: bool = False) -> Reply:
    """200: here it is. `replayed` says that an earlier request asked for it."""
    return Reply(200, body, _REPLAYED if replayed else {})


def created(body: Any, location: str | None = None, replayed: bool = False) -> Reply:
    """201: it was made, and is read at `location`. `replayed` says that an earlier request made it."""
    headers = {} if location is None else {"Location": location}
    return Reply(201, body, headers | _REPLAYED if replayed else headers)


def listed(name: str, items: Sequence[Any], **more: Any) -> Reply:
    """200 with a list called `name`, and what else is told beside it."""
    return Reply(200, {name: items, **more}, listing=Listing(name))


def paged(name: str, page: Page[Any]) -> Reply:
    """200 with a page of a list called `name`, and the seed's pagination headers as far as they are known."""
    headers = {"X-Pagination-Per-Page": str(page.per_page)}
    if page.total is not None:
        headers["X-Pagination-Total"] = str(page.total)
        headers["X-Pagination-Pages"] = str(-(-page.total // page.per_page))
        if not page.total_exact:
            headers["X-Pagination-Total-Exact"] = "false"
    if page.current_page is not None:
        headers["X-Pagination-Current-Page"] = str(page.current_page)
    body = {name: page.items, "has_more": page.has_more, "next_cursor": page.next_cursor}
    return Reply(200, body, headers, Listing(name, page))


def encode(body: Any) -> bytes:
    """Write a body as JSON: times in UTC with `Z`, identifiers as strings, property names as they are."""
    return orjson.dumps(body, default=write_identifier, option=JSON_OPTIONS)
