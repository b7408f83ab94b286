"""Iterators over lists, which fetch as they go, in both directions."""

import pytest

from drivers import Driver
from people import Person


@pytest.fixture
def history(ada: Person, bob: Person) -> list[dict[str, str]]:
    """A conversation of 25 messages, oldest first."""
    return [bob.say(ada, f"message {number}") for number in range(25)]


def test_older_goes_back_to_the_first(driver: Driver, client: str, history: list[dict[str, str]]) -> None:
    """Each message once, newest first, over several pages."""
    ids = driver.do(
        "pages", client=client, conversation_id=history[0]["conversation_id"], direction="older", limit=7
    )
    assert ids["ids"] == [entry["id"] for entry in reversed(history)]


def test_older_starts_where_it_is_told(driver: Driver, client: str, history: list[dict[str, str]]) -> None:
    """What is older than the start."""
    ids = driver.do(
        "pages",
        client=client,
        conversation_id=history[0]["conversation_id"],
        direction="older",
        start=history[10]["id"],
        limit=4,
    )
    assert ids["ids"] == [entry["id"] for entry in reversed(history[:10])]


def test_newer_sees_what_was_written_meanwhile(
    driver: Driver, client: str, ada: Person, bob: Person, history: list[dict[str, str]]
) -> None:
    """Oldest first, from the start on; the history grows between two pages, and each message comes once."""
    arguments = {
        "client": client,
        "conversation_id": history[0]["conversation_id"],
        "direction": "newer",
        "limit": 5,
    }
    some = driver.do("pages", **arguments, start=history[2]["id"], stop_after=8)["ids"]
    grown = [*history, *(bob.say(ada, f"later {number}") for number in range(12))]
    assert some == [entry["id"] for entry in grown[3:11]]
    rest = driver.do("pages", **arguments, start=some[-1])["ids"]
    assert rest == [entry["id"] for entry in grown[11:]]


def test_older_is_not_disturbed_by_newer_ones(
    driver: Driver, client: str, ada: Person, bob: Person, history: list[dict[str, str]]
) -> None:
    """Messages that arrive while somebody reads back are not seen twice, and none is left out."""
    arguments = {
        "client": client,
        "conversation_id": history[0]["conversation_id"],
        "direction": "older",
        "limit": 3,
    }
    walk = driver.begin("pages", **arguments)
    for number in range(10):
        bob.say(ada, f"later {number}")
    ids = walk.result(timeout=60)["ids"]
    assert len(ids) == len(set(ids))
    assert ids[-25:] == [entry["id"] for entry in reversed(history)]
