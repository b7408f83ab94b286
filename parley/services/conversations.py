"""Conversations: finding them, opening direct ones, and how far their members have read."""

import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

from parley.errors import Invalid, NotFound
from parley.events import EventKind
from parley.ids import uuid7
from parley.model import SMALL_CONVERSATION, Caller, Conversation, ConversationKind, Page, Receipt
from parley.services.idempotency import Idempotency, request_hash
from parley.services.pages import check_direction, cut
from parley.storage import conversations, users
from parley.storage.database import Database
from parley.storage.log import Entry, Log

Key = TypeVar("Key")
Value = TypeVar("Value")

_ACTIVITY_PATTERN = re.compile(r"activity-([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class Shape:
    """What never changes about a conversation: its kind and, of a direct one, both people."""

    kind: ConversationKind
    people: tuple[UUID, ...]

    def receiver(self, conversation_id: UUID, sender_id: UUID) -> UUID:
        """Whom a message goes to: the group, or the other person."""
        if self.kind == "group":
            return conversation_id
        return self.people[1] if self.people[0] == sender_id else self.people[0]


class Directory:
    """Remembers the shapes of conversations and which is whose direct one: facts that never change."""

    def __init__(self, database: Database, size: int = 100_000) -> None:
        self._database = database
        self._size = size
        self._shapes: OrderedDict[UUID, Shape] = OrderedDict()
        self._direct: OrderedDict[tuple[UUID, UUID], UUID] = OrderedDict()

    async def shape(self, conversation_id: UUID) -> Shape:
        """Return the shape of a conversation that exists or existed. Raises NotFound."""
        shape = self._shapes.get(conversation_id)
        if shape is None:
            async with self._database.read() as conn:
                found = await conversations.shape(conn, conversation_id)
            if found is None:
                raise NotFound("conversation")
            shape = Shape(*found)
            _remember(self._shapes, conversation_id, shape, self._size)
        return shape

    def direct(self, one: UUID, other: UUID) -> UUID | None:
        """Return the direct conversation of two people if it is remembered."""
        return self._direct.get(_pair(one, other))

    def remember_direct(self, conversation_id: UUID, one: UUID, other: UUID) -> None:
        """Remember the direct conversation of two people, once it is committed."""
        pair = _pair(one, other)
        _remember(self._direct, pair, conversation_id, self._size)
        _remember(self._shapes, conversation_id, Shape("direct", pair), self._size)


def _pair(one: UUID, other: UUID) -> tuple[UUID, UUID]:
    return (one, other) if one < other else (other, one)


def _remember(known: OrderedDict[Key, Value], key: Key, value: Value, size: int) -> None:
    known[key] = value
    if len(known) > size:
        known.popitem(last=False)


class Conversations:
    """The conversations of a caller."""

    def __init__(self, database: Database, log: Log, directory: Directory, idempotency: Idempotency) -> None:
        self._database = database
        self._log = log
        self._directory = directory
        self._idempotency = idempotency

    async def list_page(
        self, caller: Caller, *, limit: int, before: str | None = None, after: str | None = None
    ) -> Page[Conversation]:
        """Return a page of the caller's conversations, latest activity first.

        Cursors are opaque. Since activity moves a conversation to the front, a walk sees none twice.
        """
        check_direction(before, after)
        async with self._database.read() as conn:
            found = await conversations.page(
                conn,
                caller.user_id,
                limit=limit + 1,
                before=_activity("before", before),
                after=_activity("after", after),
            )
            total = await conversations.count(conn, caller.user_id)
        page: Page[Any] = cut(found, limit, after, lambda item: f"activity-{item[0]}")
        return replace(page, items=[conversation for _, conversation in page.items], total=total)

    async def get(self, caller: Caller, conversation_id: UUID) -> Conversation:
        """Return one of the caller's conversations. Raises NotFound."""
        async with self._database.read() as conn:
            found = await conversations.page(conn, caller.user_id, limit=1, conversation_id=conversation_id)
        if not found:
            raise NotFound("conversation")
        return found[0][1]

    async def open_direct(
        self, caller: Caller, other_id: UUID, key: str | None = None
    ) -> tuple[Conversation, bool, bool]:
        """Return the caller's direct conversation with another user, whether it is new, and whether a replay.

        Raises Invalid for oneself and NotFound for nobody.
        """
        wanted = request_hash("POST", "/conversations", {"user_id": other_id})
        async with self._idempotency.claim(caller.user_id, key, wanted) as claim, self._log.append() as entry:
            before = await claim.outcome(entry.conn)
            if before is None:
                found = await conversations.find_direct(entry.conn, caller.user_id, other_id)
                conversation_id = found or await self._create_direct(entry, caller.user_id, other_id)
                is_new = found is None
                await claim.keep(entry.conn, "conversation", conversation_id, is_new=is_new)
            else:
                conversation_id, is_new = before.resource_id, before.is_new
        self._directory.remember_direct(conversation_id, caller.user_id, other_id)
        return await self.get(caller, conversation_id), is_new, before is not None

    async def direct_id(self, caller: Caller, other_id: UUID) -> UUID:
        """Return the caller's direct conversation with another user, made if need be.

        Raises Invalid for oneself and NotFound for nobody.
        """
        known = self._directory.direct(caller.user_id, other_id)
        if known is not None:
            return known
        async with self._database.read() as conn:
            conversation_id = await conversations.find_direct(conn, caller.user_id, other_id)
        if conversation_id is None:
            async with self._log.append() as entry:
                # Somebody may have made it since.
                conversation_id = await conversations.find_direct(entry.conn, caller.user_id, other_id)
                if conversation_id is None:
                    conversation_id = await self._create_direct(entry, caller.user_id, other_id)
        self._directory.remember_direct(conversation_id, caller.user_id, other_id)
        return conversation_id

    async def mark(self, caller: Caller, conversation_id: UUID, message_id: UUID, *, read: bool) -> Receipt:
        """Note that the caller has received, or also read, everything up to a message. It never moves back."""
        async with self._database.read() as conn:
            seq = await conversations.seq_of(conn, conversation_id, message_id, caller.user_id)
        if seq is None:
            raise NotFound("message")
        return await self._move(Receipt(conversation_id, caller.user_id, seq, seq if read else 0))

    async def _move(self, receipt: Receipt) -> Receipt:
        row = await self._log.call(
            lambda conn, hint: conversations.move_watermarks(conn, hint, receipt, SMALL_CONVERSATION)
        )
        if row["read_seq"] is None:
            raise NotFound("conversation")
        return replace(receipt, delivered_seq=row["delivered_seq"], read_seq=row["read_seq"])

    async def _create_direct(self, entry: Entry, one: UUID, other: UUID) -> UUID:
        if one == other:
            raise Invalid("user_id", "This is yourself")
        if await users.find(entry.conn, other) is None:
            raise NotFound("user")
        conversation_id = uuid7()
        position = entry.add(
            EventKind.CONVERSATION_CREATED,
            stream_id=conversation_id,
            subject_id=conversation_id,
            actor_id=one,
        )
        await conversations.create_direct(entry.conn, conversation_id, one, other, position, entry.at)
        return conversation_id


def _activity(field: str, cursor: str | None) -> int | None:
    """Return the position that a cursor of this list stands for."""
    if cursor is None:
        return None
    matched = _ACTIVITY_PATTERN.fullmatch(cursor)
    if matched is None:
        raise Invalid(field, "This is not a cursor of this list")
    return int(matched[1])
