"""What is about to be sent is read for many at once, and nobody is kept waiting for others who are not there."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from parley.storage.database import Database
from parley.storage.deliveries import Claim
from parley.webhooks import letters
from parley.webhooks.letters import AT_ONCE, Letter, Letters
from parley.webhooks.payloads import Payload

pytestmark = pytest.mark.anyio

NOW = datetime.now(UTC)
# Longer than any test.
LONG = 3600.0


class NoDatabase:
    """One in which there are no webhooks."""

    @asynccontextmanager
    async def read(self) -> AsyncIterator["NoDatabase"]:
        yield self

    async def fetch(self, *_: Any) -> list[Any]:
        return []


class Payloads:
    """Builds empty payloads, and notes for how many at once."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    async def read(self, claims: Sequence[Claim]) -> Mapping[UUID, Payload | None]:
        self.sizes.append(len(claims))
        return {claim.delivery_id: {} for claim in claims}


class Readers:
    """So many requests are expected to ask."""

    def __init__(self, expected: int) -> None:
        self.payloads = Payloads()
        self._letters = Letters(cast(Database, NoDatabase()), self.payloads, lambda: expected)

    def ask(self) -> "asyncio.Task[Letter]":
        claim = Claim(uuid4(), uuid4(), 1, "message.created", 1, 0, NOW, uuid4(), False, None, 0.0, None, NOW)
        return asyncio.create_task(self._letters.read(claim))


async def test_who_is_alone_is_not_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else may come, so there is nothing to wait for."""
    monkeypatch.setattr(letters, "GATHER_FOR", LONG)
    readers = Readers(1)
    for _ in range(3):
        await readers.ask()
    assert readers.payloads.sizes == [1, 1, 1]


async def test_when_all_have_asked_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many they are."""
    monkeypatch.setattr(letters, "GATHER_FOR", LONG)
    readers = Readers(5)
    await asyncio.gather(*(readers.ask() for _ in range(5)))
    readers = Readers(1000)
    await asyncio.gather(*(readers.ask() for _ in range(AT_ONCE)))
    assert readers.payloads.sizes == [AT_ONCE]


async def test_nobody_waits_once_the_last_has_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The moment is over for all of them when nobody else may come."""
    monkeypatch.setattr(letters, "GATHER_FOR", LONG)
    readers = Readers(4)
    for _ in range(2):
        asked: list[asyncio.Task[Letter]] = []
        for _ in range(4):
            assert not any(one.done() for one in asked)
            asked.append(readers.ask())
            for _ in range(5):
                await asyncio.sleep(0)
        await asyncio.gather(*asked)
    assert readers.payloads.sizes == [4, 4]


async def test_those_who_come_a_moment_later_are_read_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """While others may come it waits for a moment, and reads for all who came."""
    monkeypatch.setattr(letters, "GATHER_FOR", 0.2)
    readers = Readers(4)
    asked = []
    for _ in range(3):
        asked.append(readers.ask())
        await asyncio.sleep(0)  # Lets it begin to read, if it does not wait.
        await asyncio.sleep(0)
    await asyncio.gather(*asked)
    assert readers.payloads.sizes == [3]
