"""What the storage tests share: the services of one process, and people who use them."""

from collections.abc import AsyncIterator

import pytest

from chat import Chat, Person, running


@pytest.fixture
async def chat(database_dsn: str) -> AsyncIterator[Chat]:
    async with running(database_dsn) as services:
        yield services


@pytest.fixture
async def people(chat: Chat) -> list[Person]:
    """Return Ada, Bob and Eve."""
    return [await chat.person(name) for name in ("ada", "bob", "eve")]
