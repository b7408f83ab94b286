"""The relay on a real log: every kind of event reaches those who may read it, whichever process wrote it."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import pytest

from chat import Chat, Person, running
from house import House, open_house, told
from parley.errors import Unavailable
from parley.realtime import relay
from parley.realtime.bus import InProcessBus
from parley.storage import feed
from parley.storage.database import Connection, Row
from writers import observer

pytestmark = pytest.mark.anyio

T = TypeVar("T")


@pytest.fixture
async def chats(database_dsn: str) -> AsyncIterator[list[Chat]]:
    """Two processes on one database."""
    async with running(database_dsn) as one, running(database_dsn) as other:
        yield [one, other]


def of(chat: Chat, person: Person) -> Person:
    """The same person, served by another process."""
    return Person(chat, person.id)


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the connections that were cut are made anew."""
    while True:
        with suppress(Unavailable):
            return await ask()


async def live_through_everything(chats: list[Chat], people: list[Person]) -> None:
    """Let each kind of event happen, some in one process and some in the other."""
    ada, bob, eve = people
    there = [of(chats[1], person) for person in people]
    message = await ada.say(bob)
    await there[1].read(message)
    await there[0].edit(message, "Hello?")
    await ada.delete(message)
    await there[1].say(ada)
    group = await ada.found(bob)
    await there[0].say(group)
    await there[0].add(group, eve)
    await eve.say(group)
    await ada.promote(group, bob, "admin")
    await there[1].change(group, name="Film club")
    await there[1].remove(group, eve)
    await ada.say(group)
    await there[2].join(group)
    await eve.describe_oneself(display_name="Evelyn")
    await there[0].describe_oneself(display_name="Ada L.")
    await eve.leave(group)
    await ada.dissolve(group)
    await there[1].say(ada)


@pytest.mark.parametrize("way", ["one bus", "no bus", "nothing offered"])
async def test_every_kind_reaches_whose_it_is(
    chats: list[Chat], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is live is what `GET /v1/events` says, for each reader on each process."""
    monkeypatch.setattr(relay, "LOOK_EVERY", 0.05)
    people = [await chats[0].person(name) for name in ("ada", "bob", "eve")]
    shared = InProcessBus()
    async with AsyncExitStack() as stack:
        houses: list[House] = []
        for chat in chats:
            bus = shared if way == "one bus" else None
            houses.append(await stack.enter_async_context(open_house(chat, bus=bus)))
            if way == "nothing offered":
                chat.queue.publish = None
        clients = {
            (number, person.id): await house.live(person)
            for number, house in enumerate(houses)
            for person in people
        }
        await live_through_everything(chats, people)
        for house in houses:
            await house.settle()
        kinds = set()
        for person in people:
            expected = await told(person)
            kinds |= {kind for kind, _, _ in expected}
            for number in range(2):
                assert clients[number, person.id].events == expected
        assert len(kinds) == 11


async def test_what_the_writer_says_is_what_is_read(chats: list[Chat]) -> None:
    """A message that came by the bus is, letter by letter, the one that another process reads from the log."""
    ada, bob = await chats[0].people(2)
    async with open_house(chats[0]) as one, open_house(chats[1]) as other:
        here, there = await one.live(bob), await other.live(bob)
        first = await ada.say(bob, 'Ünï"cödé \\ \n', metadata={"custom": {"b": 1, "a": [1.5, None]}})
        await ada.say(bob, metadata={"reply_to": first.id, "mentions": [bob.id]})
        await one.settle()
        await other.settle()
        assert here.frames[1:] == there.frames[1:]
        assert here.types == ["ready", "conversation.created", "message", "message"]


async def test_others_are_heard_soon(chats: list[Chat]) -> None:
    """A process that is told of by the bus does not look for it: it takes no second."""
    ada, bob = await chats[0].people(2)
    await ada.say(bob)
    shared = InProcessBus()
    async with open_house(chats[0], bus=shared), open_house(chats[1], bus=shared) as other:
        client = await other.live(bob)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(1, 11):
            await ada.say(bob)
            await client.until("message", number)
        assert loop.time() - began < 1


async def test_the_database_goes_away(chats: list[Chat], database_dsn: str, seed: int) -> None:
    """Connections break at any moment, the relay's too: nothing is missed, and nothing comes twice."""
    chance = random.Random(seed)
    ada, bob, eve = await chats[0].people(3)
    group = await ada.found(bob, eve)
    async with open_house(chats[0]) as house:
        clients = [(person, await house.live(person, "0")) for person in (ada, bob, eve)]
        done = asyncio.Event()

        async def cut() -> None:
            async with observer(database_dsn) as conn:
                while not done.is_set():
                    await asyncio.sleep(0.05 + chance.random() / 10)
                    await conn.execute(
                        """
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE datname = current_database() AND pid <> pg_backend_pid()
                        """
                    )

        async def write(act: Callable[[], Awaitable[object]]) -> None:
            for _ in range(15):
                with suppress(Unavailable):
                    await act()

        cutting = asyncio.create_task(cut())
        await asyncio.gather(
            write(lambda: ada.say(group)),
            write(lambda: bob.say(group)),
            write(lambda: ada.change(group, name=f"{chance.random()}")),
            write(lambda: eve.describe_oneself(bio=f"{chance.random()}")),
        )
        done.set()
        await cutting
        await patiently(house.settle)
        for person, client in clients:
            expected = await patiently(partial(told, person))
            assert client.events == expected
            assert len(client.events) > 10


async def test_what_was_before_is_read_back(chats: list[Chat], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes back to a process that has just begun asks the database for nothing that is still in the log."""
    chat = chats[0]
    people = [await chat.person(name) for name in ("ada", "bob", "eve")]
    monkeypatch.setattr(relay, "REMEMBERED_PAGE", 3)
    await live_through_everything(chats, people)
    async with open_house(chat) as house:
        await house.relay._remembering
        assert house.hub.window.start == 0
        newcomer = await chat.person("newcomer")
        group = await people[0].found(newcomer)
        for _ in range(3):
            await people[0].say(group)
        await house.settle()
        for person in (*people, newcomer):
            client = await house.live(person, "0")
            assert client.events == await told(person)

        async def nobody(*_: object) -> None:
            raise AssertionError("the log is read")

        monkeypatch.setattr(house.shared.events, "missed", nobody)
        await house.live(newcomer, "0")


async def test_what_was_trimmed_is_not_read_back(chats: list[Chat], monkeypatch: pytest.MonkeyPatch) -> None:
    """The window begins where the log does."""
    ada, bob = await chats[0].people(2)
    monkeypatch.setattr(relay, "REMEMBERED_PAGE", 3)
    for _ in range(5):
        await ada.say(bob)
    await chats[0].retain(after=timedelta(days=8))
    for _ in range(5):
        await ada.say(bob)
    trimmed_to = await chats[0].fetchval("SELECT trimmed_to FROM log_state")
    assert trimmed_to > 0
    async with open_house(chats[0]) as house:
        await house.relay._remembering
        assert house.hub.window.start == trimmed_to
        client = await house.live(bob, "0")
        assert client.events == await told(bob)


async def test_who_left_before_reads_nothing_of_later(chats: list[Chat]) -> None:
    """What was read back is the content of now; whoever had left before an edit gets what the log has for them."""
    ada, bob, eve = await chats[0].people(3)
    group = await ada.found(bob, eve)
    message = await ada.say(group, "Hello")
    await ada.remove(group, eve)
    await ada.edit(message, "Only for those who are still here")
    async with open_house(chats[0]) as house:
        await house.relay._remembering
        assert house.hub.window.start == 0
        contents = {}
        for person in (bob, eve):
            client = await house.live(person, "0")
            contents[person.id] = [
                frame["data"]["content"] for frame in client.frames if frame["type"] == "message"
            ]
    assert contents == {bob.id: ["Only for those who are still here"], eve.id: [None]}


async def test_what_is_edited_meanwhile_ends_the_reading_back(
    chats: list[Chat], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit that the sockets hear of themselves is in none of the events before it."""
    ada, bob = await chats[0].people(2)
    messages = [await ada.say(bob, f"Hello {number}") for number in range(4)]
    read = feed.read

    async def edit_and_read(conn: Connection, after: int, end: int, limit: int) -> list[Row]:
        if limit == relay.REMEMBERED_PAGE:
            await ada.edit(messages[1], "Goodbye")
        return await read(conn, after, end, limit)

    monkeypatch.setattr(feed, "read", edit_and_read)
    async with open_house(chats[0]) as house:
        await house.relay._remembering
        assert house.hub.window.start == messages[1].position
        await house.settle()
        client = await house.live(bob, "0")
        assert client.events == await told(bob)


@pytest.mark.parametrize("how", ["live", "window", "rejoined"])
async def test_who_left_before_an_edit_is_not_told_of_it(
    chats: list[Chat], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A process that reads an event only after the message was edited gives its content to nobody who had left."""
    ada, bob, eve = await chats[0].people(3)
    group = await ada.found(bob, eve)
    there = of(chats[1], ada)
    gate = asyncio.Event()
    read = feed.read

    async def read_late(*arguments: Any) -> list[Row]:
        await gate.wait()
        return await read(*arguments)

    async with open_house(chats[0]) as house:
        await house.relay._remembering
        cursor = house.relay.cursor(await house.settle())
        clients = {person.id: await house.live(person, cursor) for person in (bob, eve) if how == "live"}
        monkeypatch.setattr(feed, "read", read_late)
        first = await there.say(group, "Hello", metadata={"custom": {"a": 1}})
        await there.edit(first, "Hello, both")
        second = await there.say(group, "Hello again")
        await there.remove(group, eve)
        await there.edit(first, "A secret")
        await there.edit(second, "Another secret")
        await there.say(group, "The last secret")
        gate.set()
        await house.settle()
        if how == "rejoined":
            await there.add(group, eve)
            await house.settle()
        clients = clients or {person.id: await house.live(person, cursor) for person in (bob, eve)}
        for person in (bob, eve):
            frames = [frame for frame in clients[person.id].frames if "cursor" in frame]
            page = await person.events(cursor)
            assert [frame["data"].get("content") for frame in frames] == [
                getattr(event.data, "content", None) for event in page.events
            ]
            assert [frame["data"].get("deleted_at") is None for frame in frames] == [
                getattr(event.data, "deleted_at", None) is None for event in page.events
            ]
            assert [frame["type"] for frame in frames] == [event.type for event in page.events]
            assert (how != "rejoined" and person is eve) == ("secret" not in str(frames))
