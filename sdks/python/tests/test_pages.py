"""Walks through lists, with pages that a test makes."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from parley_sdk import UnknownEvent, models
from parley_sdk.history import history_since
from parley_sdk.pages import Walk, walk, walk_async


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


def test_a_walk_forth_begins_somewhere() -> None:
    pages = Pages(users("a"))
    for begun in (walk, walk_async):
        with pytest.raises(ValueError, match="begin after"):
            begun(pages, (), {"after": None})
        with pytest.raises(ValueError, match="begin after"):
            begun(pages, (), {"after": None, "before": None})
    assert pages.asked == []
    assert [user.username for user in walk(pages, (), {"after": None, "before": "b"})] == ["a"]


def test_the_history_has_what_moved_while_it_was_read() -> None:
    def at(minute: int) -> datetime:
        return datetime(2026, 11, 22, 12, minute, tzinfo=UTC)

    def conversations(*listed: tuple[int, int]) -> models.ConversationPage:
        made = [
            models.Conversation.model_construct(id=UUID(int=number), last_activity_at=at(minute))
            for number, minute in listed
        ]
        return models.ConversationPage.model_construct(conversations=made, has_more=False, next_cursor=None)

    def messages(*minutes: int) -> models.MessagePage:
        made = [models.Message.model_construct(content=str(each), created_at=at(each)) for each in minutes]
        return models.MessagePage.model_construct(messages=made, has_more=False, next_cursor=None)

    class Walked:
        # Meanwhile somebody wrote to the third, which had been too old.
        list_conversations = Pages(
            conversations((1, 30), (2, 20), (3, 5)),
            conversations((3, 40), (1, 30), (2, 20)),
            conversations((3, 40), (1, 30), (2, 20)),
        )
        list_messages = Pages(messages(30, 20, 9), messages(20, 10), messages(40, 5))

        def each(self, operation: Pages, **query: Any) -> Any:
            return walk(operation, (), query)

    client: Any = Walked()
    assert [message.content for message in history_since(client, at(10))] == ["30", "20", "20", "10", "40"]
