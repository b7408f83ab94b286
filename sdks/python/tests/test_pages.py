"""Walks through lists, with pages that a test makes."""

from typing import Any

import pytest
from parley_sdk import UnknownEvent, models
from parley_sdk.pages import Walk, walk


def users(*names: str, following: str | None = None) -> models.UserPage:
    listed = [models.User.model_construct(username=name) for name in names]
    return models.UserPage.model_construct(
        users=listed, has_more=following is not None, next_cursor=following
    )


class Pages:
    """An operation that answers with one page after the other, and knows how it was asked."""

    def __init__(self, *pages: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        self._pages = list(pages)

    def __call__(self, **query: Any) -> Any:
        self.asked.append(query)
        return self._pages.pop(0)


def test_a_walk_back_is_newest_first() -> None:
    pages = Pages(users("d", "c", following="c"), users("b", "a"))
    assert [user.username for user in walk(pages, (), {"limit": 2})] == ["d", "c", "b", "a"]
    assert pages.asked == [{"limit": 2}, {"limit": 2, "before": "c"}]


def test_a_walk_forth_is_oldest_first() -> None:
    pages = Pages(users("b", "a", following="b"), users("d", "c"))
    assert [user.username for user in walk(pages, (), {"after": "0"})] == ["a", "b", "c", "d"]
    assert pages.asked == [{"after": "0"}, {"after": "b"}]


def test_events_go_forth_by_themselves() -> None:
    first = {"type": "moon.landed", "data": {}, "cursor": "c1"}
    page = {"events": [first, {**first, "cursor": "c2"}], "next_cursor": "c2", "has_more": True}
    last = {"events": [{**first, "type": "message", "cursor": "c3"}], "next_cursor": "c3", "has_more": False}
    pages = Pages(models.EventPage.model_validate(page), models.EventPage.model_validate(last))
    events = list(walk(pages, (), {}))
    assert [event.cursor for event in events] == ["c1", "c2", "c3"]
    assert pages.asked == [{}, {"after": "c2"}]
    assert isinstance(events[0], UnknownEvent)
    # A message without what belongs to one.
    assert isinstance(events[2], UnknownEvent)
    assert (events[0].name, events[2].name) == ("moon.landed", "message")


def test_a_walk_has_one_direction() -> None:
    with pytest.raises(ValueError, match="not both"):
        Walk({"before": "a", "after": "b"})
