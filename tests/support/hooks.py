"""Webhooks without HTTP: put into the database, and receivers that are functions."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from chat import Chat, Person
from parley.ids import uuid7
from parley.storage.database import Row
from parley.webhooks.sender import Outcome, Renew, Withdrawn

OK = Outcome(200, None, 1, "ok")


async def make_webhook(
    owner: Person,
    *events: str,
    url: str = "http://receiver.example/",
    conversation_id: UUID | None = None,
    ordered: bool = False,
) -> UUID:
    """Make a webhook as the service does: under the head, so that it hears of exactly what comes after."""
    webhook_id = uuid7()
    async with owner.chat.log.append() as entry:
        await entry.conn.execute(
            """
            INSERT INTO webhooks (
                webhook_id, user_id, url, events, conversation_id, ordered, secret, created_at, hears_after
            )
            VALUES ($1, $2, $3, $4, $5, $6, 'a secret of the tests', $7, $8)
            """,
            webhook_id,
            owner.id,
            url,
            list(events) or ["*"],
            conversation_id,
            ordered,
            entry.at,
            entry.head,
        )
    return webhook_id


async def set_active(chat: Chat, webhook_id: UUID, active: bool) -> int:
    """Disable a webhook or make it active again, and return the head at which that was."""
    async with chat.log.append() as entry:
        await entry.conn.execute(
            """
            UPDATE webhooks
            SET status = CASE WHEN $2 THEN 'active' ELSE 'disabled' END,
                hears_after = CASE WHEN $2 THEN $3 ELSE hears_after END
            WHERE webhook_id = $1
            """,
            webhook_id,
            active,
            entry.head,
        )
        return entry.head


async def put_test(chat: Chat, webhook_id: UUID, at: datetime) -> UUID:
    """Ask for a test of a webhook."""
    delivery_id = uuid7()
    await chat.execute(
        """
        INSERT INTO deliveries (webhook_id, delivery_id, event, next_attempt_at, created_at)
        VALUES ($1, $2, 'webhook.test', $3, $3)
        """,
        webhook_id,
        delivery_id,
        at,
    )
    return delivery_id


async def queue_of(chat: Chat, webhook_id: UUID) -> list[Row]:
    """Return all deliveries of a webhook in the order of their events."""
    async with chat.database.read() as conn:
        return await conn.fetch(
            "SELECT * FROM deliveries WHERE webhook_id = $1 ORDER BY position", webhook_id
        )


async def attempts_of(chat: Chat, webhook_id: UUID) -> list[Row]:
    """Return all attempts for a webhook in the order of events and numbers."""
    async with chat.database.read() as conn:
        return await conn.fetch(
            """
            SELECT a.*, d.position
            FROM delivery_attempts a JOIN deliveries d USING (webhook_id, delivery_id)
            WHERE webhook_id = $1 ORDER BY position, number
            """,
            webhook_id,
        )


@dataclass(frozen=True)
class Request:
    """What a receiver got."""

    delivery_id: str
    payload: Mapping[str, Any]

    @property
    def content(self) -> Any:
        return self.payload["data"].get("content")


Answer = Callable[[Request], Awaitable[Outcome] | Outcome]


@dataclass
class Receivers:
    """A sender whose receivers are functions by URL; who has none says 200. It keeps what was sent to each.

    What is in `connecting` happens until a connection is there; what is sent by then is written anew.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    connecting: dict[str, Callable[[], Awaitable[object]]] = field(default_factory=dict)
    got: dict[str, list[Request]] = field(default_factory=lambda: defaultdict(list))
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(
        self, url: str, body: bytes, headers: Mapping[str, str], renew: Renew | None = None
    ) -> Outcome:
        if url in self.connecting:
            await self.connecting[url]()
            written = None if renew is None else await renew()
            if written is None:
                raise Withdrawn
            body, headers = written
        request = Request(headers["webhook-id"], orjson.loads(body))
        self.got[url].append(request)
        self.came.set()
        answer = self.answers.get(url)
        if answer is None:
            return OK
        outcome = answer(request)
        return outcome if isinstance(outcome, Outcome) else await outcome

    def contents(self, url: str) -> Sequence[Any]:
        return [request.content for request in self.got[url]]

    async def wait_for(self, number: int, url: str) -> None:
        """Wait until a receiver has got so many requests."""
        async with asyncio.timeout(30):
            while len(self.got[url]) < number:
                self.came.clear()
                await self.came.wait()
