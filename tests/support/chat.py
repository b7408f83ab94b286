"""People who talk to each other through the services of one process, on a real database and without HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Protocol, cast
from uuid import UUID

import orjson

from parley.ids import uuid7
from parley.model import Caller, Conversation, Group, GroupSettings, Member, Message, Page, Receipt
from parley.services.conversations import Conversations, Directory
from parley.services.events import EventPage, Events
from parley.services.groups import Groups
from parley.services.idempotency import Idempotency
from parley.services.messages import Messages, NewMessage
from parley.services.presence import Presence
from parley.services.receipts import Receipts
from parley.services.retention import Retention
from parley.services.sessions import Sessions
from parley.services.users import Users
from parley.storage import users
from parley.storage.database import Database
from parley.storage.history import HistoryReader
from parley.storage.log import Log
from parley.storage.messages import Filter, MessageJson
from parley.storage.send_queue import SendQueue

_numbers = count(1)


class Named(Protocol):
    """Whatever has an id: a person, a group, a conversation, a message."""

    @property
    def id(self) -> UUID: ...


@dataclass
class Chat:
    """The services of one process, and a clock for retention that starts at the real time."""

    database: Database
    log: Log
    users: Users
    conversations: Conversations
    messages: Messages
    groups: Groups
    events: Events
    queue: SendQueue
    ahead: timedelta = field(default_factory=timedelta)

    async def person(self, name: str = "person") -> "Person":
        """Return somebody new, whose username begins with `name`."""
        user_id, username = uuid7(), f"{name}{next(_numbers)}"
        async with self.database.read() as conn:
            await users.insert(conn, user_id, f"{username}@example.com", username, name.title())
        return Person(self, user_id)

    async def people(self, number: int) -> list["Person"]:
        """Return so many new people."""
        return [await self.person() for _ in range(number)]

    async def retain(
        self, *, after: timedelta = timedelta(), keep_events: timedelta = timedelta(days=7)
    ) -> None:
        """Let retention do one round, as if so much time had passed since the test began."""
        self.ahead = max(self.ahead, after)
        await Retention(
            self.database, keep_events=keep_events, now=lambda: datetime.now(UTC) + self.ahead
        ).round()

    async def execute(self, statement: str, *values: object) -> None:
        async with self.database.transaction() as conn:
            await conn.execute(statement, *values)

    async def fetchval(self, query: str, *values: object) -> Any:
        async with self.database.read() as conn:
            return await conn.fetchval(query, *values)

    async def head(self) -> int:
        """Return the last position, asked of the database; those who wait are woken if it moved."""
        position: int = await self.fetchval("SELECT head FROM read_head($1)", self.log.head.position)
        self.log.head.advance(position)
        return position


@dataclass(frozen=True)
class Person:
    """Somebody with an account, and what they do."""

    chat: Chat = field(repr=False)
    id: UUID

    @property
    def caller(self) -> Caller:
        return Caller(self.id, self.id)

    async def say(self, to: Named, content: str = "Hello, world!", **more: Any) -> Message:
        """Send a message to a person, to a group or into a conversation."""
        message, _ = await self.send(to, content, **more)
        return message

    async def send(
        self, to: Named, content: str = "Hello, world!", *, key: str | None = None, **more: Any
    ) -> tuple[Message, bool]:
        """The same, and tell whether it is a replay."""
        if isinstance(to, Conversation):
            new = NewMessage(content, conversation_id=to.id, **more)
        else:
            new = NewMessage(content, receiver_id=to.id, **more)
        return await self.chat.messages.send(self.caller, new, key)

    async def edit(self, message: Message, content: str) -> Message:
        return await self.chat.messages.edit(self.caller, message.id, content)

    async def delete(self, message: Message) -> None:
        await self.chat.messages.delete(self.caller, message.id)

    async def see(self, message: Message) -> Message:
        """Read one message."""
        return await self.chat.messages.get(self.caller, message.id)

    async def status(self, message: Message) -> str:
        return (await self.see(message)).status

    async def history(
        self,
        where: Named | UUID | None = None,
        *,
        limit: int = 100,
        before: UUID | None = None,
        after: UUID | None = None,
        **only: Any,
    ) -> Page[Message]:
        """Read a page of one conversation's messages, or of all."""
        conversation_id = where if where is None or isinstance(where, UUID) else where.id
        wanted = Filter(conversation_id, **only)
        page = await self.chat.messages.list_page(
            self.caller, wanted, limit=limit, before=before, after=after
        )
        shown = [message_of(written) for written in page.items]
        return Page(
            shown,
            page.has_more,
            page.next_cursor,
            page.per_page,
            page.total,
            page.total_exact,
            page.current_page,
        )

    async def direct(self, other: "Person") -> Conversation:
        """Open the conversation with somebody."""
        conversation, _, _ = await self.chat.conversations.open_direct(self.caller, other.id)
        return conversation

    async def conversation(self, where: UUID) -> Conversation:
        return await self.chat.conversations.get(self.caller, where)

    async def conversations(
        self, *, limit: int = 100, before: str | None = None, after: str | None = None
    ) -> Page[Conversation]:
        return await self.chat.conversations.list_page(self.caller, limit=limit, before=before, after=after)

    async def read(self, message: Message) -> Receipt:
        """Say that one has read up to a message."""
        return await self.chat.conversations.mark(self.caller, message.conversation_id, message.id, read=True)

    async def receive(self, message: Message) -> Receipt:
        """Say that one has received up to a message."""
        return await self.chat.conversations.mark(
            self.caller, message.conversation_id, message.id, read=False
        )

    async def found(
        self,
        *members: "Person",
        name: str = "Book club",
        description: str | None = None,
        is_private: bool = False,
        allow_invites: bool = True,
        days: int | None = None,
    ) -> Group:
        """Make a group with these members."""
        ids = [member.id for member in members]
        settings = GroupSettings(is_private, allow_invites, days)
        group, _ = await self.chat.groups.create(self.caller, name, description, ids, settings)
        return group

    async def look_at(self, group: Group) -> Group:
        return await self.chat.groups.get(self.caller, group.id)

    async def add(self, group: Group, other: "Person") -> Member:
        member, _ = await self.chat.groups.add_member(self.caller, group.id, other.id)
        return member

    async def remove(self, group: Group, other: "Person") -> None:
        await self.chat.groups.remove_member(self.caller, group.id, other.id)

    async def join(self, group: Group) -> Member:
        member, _, _ = await self.chat.groups.join(self.caller, group.id)
        return member

    async def leave(self, group: Group) -> None:
        await self.chat.groups.remove_member(self.caller, group.id, self.id)

    async def promote(self, group: Group, other: "Person", role: Any) -> Member:
        return await self.chat.groups.change_role(self.caller, group.id, other.id, role)

    async def change(self, group: Group, **changes: Any) -> Group:
        return await self.chat.groups.update(self.caller, group.id, changes)

    async def dissolve(self, group: Group) -> None:
        await self.chat.groups.delete(self.caller, group.id)

    async def describe_oneself(self, **changes: str | None) -> None:
        await self.chat.users.update(self.caller, self.id, changes)

    async def events(self, after: str | None = "0", *, limit: int = 100, wait: float = 0) -> EventPage:
        return await self.chat.events.read(self.caller, after, limit=limit, wait=wait)

    async def news(self, after: str | None = "0") -> list[tuple[str, Any]]:
        """Read the log to its end and return types and data."""
        found: list[tuple[str, Any]] = []
        while True:
            page = await self.events(after)
            found += [(event.type, event.data) for event in page.events]
            if not page.has_more:
                return found
            after = page.next_cursor


def message_of(written: MessageJson) -> Message:
    """Read a message that is written as JSON."""
    fields = orjson.loads(orjson.dumps(written))
    for name in ("id", "conversation_id", "sender_id", "receiver_id"):
        fields[name] = UUID(fields[name])
    for name in ("created_at", "edited_at", "deleted_at"):
        fields[name] = fields[name] and datetime.fromisoformat(fields[name])
    return Message(**fields)


class EverybodyIsIn:
    """Stands for sessions where nobody logs in: callers are made up, and a long poll asks whether one still is."""

    async def confirm(self, caller: Caller) -> None:
        """Confirm everybody."""


@asynccontextmanager
async def running(dsn: str, *, max_members: int = 1000) -> AsyncIterator[Chat]:
    """Run the services of one process on this database, assembled as a node assembles them."""
    database = await Database.open(dsn, pool_size=6)
    log, idempotency = Log(database), Idempotency()
    directory = Directory(database)
    conversations = Conversations(database, log, directory, idempotency)
    everybody = Users(database, log, Presence(database))
    queue, history = SendQueue(database, log, size=1000), HistoryReader(database)
    await queue.start()
    await history.start()
    try:
        yield Chat(
            database,
            log,
            everybody,
            conversations,
            Messages(database, log, queue, history, directory, conversations, idempotency),
            Groups(database, log, idempotency, max_members=max_members),
            Events(database, log, Receipts(database, log), everybody, cast(Sessions, EverybodyIsIn())),
            queue,
        )
    finally:
        await history.stop()
        await queue.stop()
        await database.close()
