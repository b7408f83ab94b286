"""Two servers of one database: people are online at both or at neither, wherever their sockets are."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from uuid import UUID

import asyncpg
import httpx
import pytest

from people import KEYS, Person, client, made, register
from servers import StartServer
from sockets import listening


@pytest.fixture
def servers(database_dsn: str, start_server: StartServer) -> Iterator[list[httpx.Client]]:
    env = {"PARLEY_DATABASE_URL": database_dsn, **KEYS}
    started = [start_server(env=env, temporary=False) for _ in range(2)]
    with ExitStack() as stack:
        yield [stack.enter_context(client(server.url)) for server in started]
    for server in started:
        server.stop()


def at(person: Person, http: httpx.Client) -> Person:
    """The same person with the same session, at another server."""
    return replace(person, http=http)


def statuses(of: Person, asked_by: Person, servers: list[httpx.Client]) -> set[str]:
    """Return what each server says of somebody: alone, and in a list of those who are online."""
    said = set[str]()
    for http in servers:
        asker = at(asked_by, http)
        said.add(made(asker.get(f"/users/{of.id}"))["status"])
        online = made(asker.get("/users", username=of.username, status="online"))["users"]
        said.add("online" if [user["id"] for user in online] == [of.id] else "offline")
    return said


def places(dsn: str, of: Person) -> int:
    """Return at how many servers somebody is, as these have written it down."""

    async def read() -> int:
        conn = await asyncpg.connect(dsn)
        try:
            count: int = await conn.fetchval(
                "SELECT count(*) FROM places WHERE user_id = $1 AND state = 'shown'", UUID(of.id)
            )
            return count
        finally:
            await conn.close()

    return asyncio.run(read())


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_presence(servers: list[httpx.Client], database_dsn: str) -> None:
    """Who comes at one is told at the other, and is online until the last socket of either has closed."""
    one, two = servers
    ada, bob = register(one, "ada"), register(one, "bob")
    made(ada.post("/conversations", {"user_id": bob.id}))
    with listening(at(bob, two)) as there, ExitStack() as second:
        with listening(ada):
            assert there.until("presence", user_id=ada.id)["data"]["status"] == "online"
            until(lambda: statuses(ada, bob, servers) == {"online"})
            with listening(at(bob, two)) as late:
                # Whoever comes now is told who is there, wherever that is.
                assert late.until("presence", user_id=ada.id)["data"]["status"] == "online"
            second.enter_context(listening(at(ada, two)))
            # Bob hears nothing of that: a message tells where his socket stands.
            ada.say(bob)
            there.until("message")
            until(lambda: places(database_dsn, ada) == 2)
        # The one that is left keeps her online everywhere.
        assert statuses(ada, bob, servers) == {"online"}
        second.close()
        until(lambda: statuses(ada, bob, servers) == {"offline"})
        assert there.until("presence", user_id=ada.id)["data"]["status"] == "offline"
        assert [frame["data"]["status"] for frame in there.heard("presence")] == ["online", "offline"]
