"""Lists over HTTP: the numbers of their pages, and walking through them with nothing but what they answer."""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import Any

import asyncpg
import httpx
import pytest

from as_v1 import links_of
from calls import CALLS, OPERATIONS
from people import Person, made, register
from tests.contract.conftest import NOWHERE, Watched, only_v1, only_v2
from versions import V1, Version
from webhook_calls import webhook

Fill = Callable[[Person, int], dict[str, Any]]


def users(ada: Person, count: int) -> dict[str, Any]:
    """Make so many users; return the query that lists just these."""
    return {"ids": ",".join(register(ada.http).id for _ in range(count))}


def conversations(ada: Person, count: int) -> dict[str, Any]:
    for _ in range(count):
        made(ada.post("/conversations", {"user_id": register(ada.http).id}))
    return {}


def messages(ada: Person, count: int) -> dict[str, Any]:
    other = register(ada.http)
    return {"conversation_id": [ada.say(other) for _ in range(count)][-1]["conversation_id"]}


def groups(ada: Person, count: int) -> dict[str, Any]:
    for _ in range(count):
        ada.found()
    return {}


def members(ada: Person, count: int) -> dict[str, Any]:
    """Make a group of so many with Ada, and return its id for the path."""
    return {"group_id": ada.found(*(register(ada.http) for _ in range(count - 1)))["id"]}


def webhooks(ada: Person, count: int) -> dict[str, Any]:
    for _ in range(count):
        webhook(ada, NOWHERE)
    return {}


def deliveries(ada: Person, count: int) -> dict[str, Any]:
    """Test a webhook so many times, and return its id for the path."""
    webhook_id = webhook(ada, NOWHERE)["id"]
    for _ in range(count):
        made(ada.post(f"/webhooks/{webhook_id}/test"))
    return {"webhook_id": webhook_id}


# How to fill each list; what is returned are its parameters.
LISTS: Mapping[str, Fill] = {
    "list_users": users,
    "list_conversations": conversations,
    "list_messages": messages,
    "list_groups": groups,
    "list_members": members,
    "list_webhooks": webhooks,
    "list_deliveries": deliveries,
}
EVERY_LIST = pytest.mark.parametrize("operation", LISTS)
COUNT, LIMIT = 7, 3


def path_of(operation: str, query: dict[str, Any]) -> str:
    """Return the path of a list, with what the query had for it, which is taken out of there."""
    path = CALLS[operation].documented.path
    return re.sub(r"\{(\w+)\}", lambda found: str(query.pop(found[1])), path)


def page(ada: Person, operation: str, parameters: Mapping[str, Any], **more: Any) -> httpx.Response:
    query = {**parameters, **more}
    answer = ada.get(path_of(operation, query), **query)
    assert answer.status_code == 200, answer.text
    return answer


def items_of(answer: httpx.Response) -> list[str]:
    """Return the ids of what a page shows."""
    (found,) = (value for value in answer.json().values() if isinstance(value, list))
    return [item.get("id") or item["user_id"] for item in found]


def numbers_of(answer: httpx.Response) -> tuple[int | None, ...]:
    """Return total, pages, current page and items per page, as the headers say."""
    names = ("Total", "Pages", "Current-Page", "Per-Page")
    values = (answer.headers.get(f"X-Pagination-{name}") for name in names)
    return tuple(None if value is None else int(value) for value in values)


def told(version: Version, total: int | None, *others: int | None) -> tuple[int | None, ...]:
    """Return what of these numbers a version tells: v2 tells the total alone."""
    return (total, *(others if version is V1 else (None, None, None)))


def test_every_list_is_tested() -> None:
    """Whatever documents the header has a test here."""
    paged = {
        name
        for name, operation in OPERATIONS.items()
        if "X-Pagination-Per-Page" in operation.raw["responses"].get("200", {}).get("headers", {})
    }
    assert paged == LISTS.keys()


@EVERY_LIST
def test_walk_to_the_old_end(ada: Person, version: Version, operation: str) -> None:
    """Each item once, newest first; the numbers count along, and the last page says that it is the last."""
    parameters = LISTS[operation](ada, COUNT)
    everything = items_of(page(ada, operation, parameters))
    walked: list[str] = []
    cursor: dict[str, str] = {}
    for number in range(1, ceil(COUNT / LIMIT) + 1):
        answer = page(ada, operation, parameters, limit=LIMIT, **cursor)
        walked += items_of(answer)
        # Conversations move while one walks, so their pages have no number.
        current = None if operation == "list_conversations" else number
        assert numbers_of(answer) == told(version, COUNT, ceil(COUNT / LIMIT), current, LIMIT)
        assert answer.json()["has_more"] == (len(walked) < COUNT)
        cursor = {"before": answer.json()["next_cursor"]}
    assert cursor == {"before": None}
    assert walked == everything
    assert len(set(walked)) == COUNT


@EVERY_LIST
def test_walk_to_the_new_end(ada: Person, operation: str) -> None:
    """The same the other way, where the cursor never ends: something newer may come."""
    parameters = LISTS[operation](ada, COUNT)
    everything = items_of(page(ada, operation, parameters))
    last = page(ada, operation, parameters, limit=COUNT - 1)
    oldest = everything[-1]
    if operation == "list_conversations":
        # Its cursors are opaque: the second page begins where the first one's cursor stands.
        oldest, everything = last.json()["next_cursor"], everything[: COUNT - 1]
    walked: list[str] = []
    cursor = oldest
    while True:
        answer = page(ada, operation, parameters, limit=LIMIT, after=cursor)
        walked = items_of(answer) + walked
        cursor = answer.json()["next_cursor"]
        assert cursor is not None
        if not answer.json()["has_more"]:
            break
    expected = everything[:-1]
    assert walked == expected
    assert items_of(page(ada, operation, parameters, after=cursor)) == []


def follow(ada: Person, answer: httpx.Response, relation: str) -> Iterator[httpx.Response]:
    """Go from page to page of v2, with nothing but the links."""
    while (target := links_of(answer).get(relation)) is not None:
        answer = ada.http.get(target, headers=ada.headers)
        assert answer.status_code == 200, answer.text
        yield answer


@only_v2
@EVERY_LIST
def test_links_lead_through_everything(ada: Person, version: Version, operation: str) -> None:
    """There and back again, each item once; and from anywhere to the first page."""
    parameters = LISTS[operation](ada, COUNT)
    first = version.sent(page(ada, operation, parameters, limit=LIMIT))
    pages = [first, *follow(ada, first, "next")]
    assert [len(shown.json()["items"]) for shown in pages] == [LIMIT, LIMIT, COUNT - 2 * LIMIT]
    there = [item for shown in pages for item in items_of(shown)]
    assert len(set(there)) == COUNT
    back = [item for shown in (pages[-1], *follow(ada, pages[-1], "prev")) for item in items_of(shown)[::-1]]
    assert back == there[::-1]
    assert items_of(next(follow(ada, pages[-1], "first"))) == items_of(first)


@only_v2
def test_links_lead_through_the_log(ada: Person, bob: Person, version: Version) -> None:
    """From its beginning to its end, in order."""
    said = [ada.say(bob)["id"] for _ in range(COUNT)]
    first = next(follow(ada, version.sent(ada.get("/events", limit=LIMIT)), "first"))
    pages = [first, *follow(ada, first, "next")]
    events = [event for shown in pages for event in shown.json()["items"]]
    assert [event["data"]["id"] for event in events if event["type"] == "message"] == said
    assert len({event["cursor"] for event in events}) == len(events)


@only_v1
@EVERY_LIST
def test_default_and_largest_page(ada: Person, operation: str) -> None:
    """Fifty unless one says otherwise, a hundred at the most."""
    parameters = LISTS[operation](ada, 2)
    assert numbers_of(page(ada, operation, parameters))[3] == 50
    assert numbers_of(page(ada, operation, parameters, limit=100))[3] == 100


@EVERY_LIST
def test_both_directions_at_once_are_an_error(ada: Person, operation: str) -> None:
    """Nobody can mean that."""
    parameters = LISTS[operation](ada, 2)
    cursors = {"before": "activity-9", "after": "activity-9"}
    if operation != "list_conversations":
        item = items_of(page(ada, operation, parameters))[0]
        cursors = {"before": item, "after": item}
    answer = ada.get(path_of(operation, parameters), **parameters, **cursors)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == "after"


def test_prefix_has_no_total(ada: Person, version: Version) -> None:
    """Who is found by the beginning of a name is not counted over all users."""
    answer = page(ada, "list_users", {"username": ada.username[:3]})
    assert numbers_of(answer) == told(version, None, None, None, 50)


def test_totals_are_exact_where_they_are_free(ada: Person, bob: Person) -> None:
    """The header that says otherwise is not there."""
    conversation = ada.say(bob)["conversation_id"]
    for query in ({}, {"type": "text"}):
        answer = page(ada, "list_messages", {"conversation_id": conversation, **query})
        assert numbers_of(answer)[0] == 1
        assert "X-Pagination-Total-Exact" not in answer.headers


async def copy_message(dsn: str, message_id: str, times: int) -> None:
    """Let a history be long without sending each message of it."""
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(
            """
            INSERT INTO messages (
                conversation_id, position, seq, message_id, sender_id, type, content, metadata, created_at
            )
            SELECT conversation_id, position + n, seq + n, gen_random_uuid(), sender_id, type, content, metadata,
                   created_at
            FROM messages, generate_series(1, $2::integer) AS n
            WHERE message_id = $1
            """,
            message_id,
            times,
        )
    finally:
        await conn.close()


def test_filtered_total_stops_counting(watched: Watched, version: Version) -> None:
    """At ten thousand, and a header says so; the unfiltered history is counted to its end."""
    ada, bob = register(watched.http, "ada"), register(watched.http, "bob")
    message = ada.say(bob)
    asyncio.run(copy_message(watched.dsn, message["id"], 10_000))
    parameters = {"conversation_id": message["conversation_id"]}
    filtered = page(ada, "list_messages", {**parameters, "type": "text"})
    assert numbers_of(filtered) == told(version, 10_000, 200, 1, 50)
    assert filtered.headers["X-Pagination-Total-Exact"] == "false"
    whole = page(ada, "list_messages", parameters)
    assert numbers_of(whole)[0] == 10_001
    assert "X-Pagination-Total-Exact" not in whole.headers
