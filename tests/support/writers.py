"""Conversations to write into, without the services above the log, and what must be true of any log."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

import asyncpg

from parley.events import EventKind
from parley.ids import uuid7
from parley.model import GroupSettings, Role
from parley.storage import conversations, groups
from parley.storage.database import Database
from parley.storage.log import Log
from parley.storage.send_queue import Draft, SendQueue, Sent

Postgres = asyncpg.Connection

OPEN_GROUP = GroupSettings(is_private=False, allow_invites=True, message_retention_days=None)


@dataclass
class Writer:
    """What one process has of the log, and how large the batches were that it has appended."""

    database: Database
    log: Log
    queue: SendQueue
    batches: list[int]

    async def send(self, drafts: Sequence[Draft]) -> list[Sent | BaseException]:
        """Hand all drafts in at the same time, and return what became of each."""
        return await asyncio.gather(*(self.queue.send(draft) for draft in drafts), return_exceptions=True)


@asynccontextmanager
async def writer(dsn: str, *, pool_size: int = 6, queue_size: int = 10_000) -> AsyncIterator[Writer]:
    """Run one process's part of the log on a database."""
    database = await Database.open(dsn, pool_size=pool_size)
    log = Log(database)
    batches: list[int] = []
    queue = SendQueue(database, log, size=queue_size, observe=lambda size, _: batches.append(size))
    try:
        await queue.start()
        yield Writer(database, log, queue, batches)
    finally:
        await queue.stop()
        await database.close()


@asynccontextmanager
async def observer(dsn: str) -> AsyncIterator[Postgres]:
    """A connection of the test's own, in UTC and without any timeout."""
    conn = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    try:
        yield conn
    finally:
        await conn.close()


async def make_group(log: Log, owner: UUID, *others: UUID) -> UUID:
    """Make a group; nobody in it needs an account."""
    group_id = uuid7()
    members: list[tuple[UUID, Role]] = [(owner, "owner"), *((user_id, "member") for user_id in others)]
    async with log.append() as entry:
        position = entry.add(
            EventKind.CONVERSATION_CREATED, stream_id=group_id, subject_id=group_id, actor_id=owner
        )
        await groups.create(entry.conn, group_id, "Group", None, OPEN_GROUP, position, entry.at)
        await conversations.add_members(entry.conn, group_id, members, position, entry.at)
    return group_id


async def remove(log: Log, group_id: UUID, user_id: UUID) -> int:
    """Remove somebody from a group and return the position of that event."""
    async with log.append() as entry:
        position = entry.add(
            EventKind.MEMBER_REMOVED,
            stream_id=group_id,
            subject_id=user_id,
            actor_id=user_id,
            facts={"role": "member"},
        )
        await conversations.remove_member(entry.conn, group_id, user_id, position)
    return position


def draft(conversation_id: UUID, sender_id: UUID, content: str = "Hello, world!", **more: Any) -> Draft:
    """Return a draft of a text message."""
    if more.get("key") is not None:
        more.setdefault("request_hash", content.encode(errors="surrogatepass"))
    return Draft(
        more.pop("message_id", None) or uuid7(),
        conversation_id,
        sender_id,
        "text",
        content,
        more.pop("metadata", "{}"),
        **more,
    )


async def check_log(conn: Postgres) -> list[Any]:
    """Assert what is true of every log that was never trimmed, and return its rows in order."""
    log = await conn.fetch("SELECT * FROM events ORDER BY position")
    assert [row["position"] for row in log] == list(range(1, len(log) + 1)), "positions are gapless from 1"
    assert all(a["created_at"] <= b["created_at"] for a, b in pairwise(log)), "time never goes back"
    stored = await conn.fetch("SELECT * FROM messages ORDER BY conversation_id, position")
    assert len({row["message_id"] for row in stored}) == len(stored), "a message is there once"
    seqs: dict[UUID, int] = {}
    for row in stored:
        seqs[row["conversation_id"]] = seqs.get(row["conversation_id"], 0) + 1
        assert row["seq"] == seqs[row["conversation_id"]], "seqs are gapless from 1"
    sent = {row["position"]: row for row in log if row["kind"] == "message"}
    assert {row["position"] for row in stored} == sent.keys(), (
        "a message has its event, and the other way round"
    )
    for row in stored:
        event = sent[row["position"]]
        assert (event["stream_id"], event["subject_id"], event["seq"], event["created_at"]) == (
            row["conversation_id"],
            row["message_id"],
            row["seq"],
            row["created_at"],
        )
    return log


async def wait_until_blocked(conn: Postgres, count: int = 1) -> list[int]:
    """Return the backends that wait for the head, once there are as many as are expected.

    What is waited for is the server's own word, not a time.
    """
    async with asyncio.timeout(30):
        while True:
            pids = await conn.fetch(
                """
                SELECT l.pid
                FROM pg_locks l
                JOIN pg_database d ON d.oid = l.database
                WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted
                ORDER BY l.waitstart
                """
            )
            if len(pids) >= count:
                return [row["pid"] for row in pids]
            await asyncio.sleep(0.002)


async def wait_until_gone(conn: Postgres, pid: int) -> None:
    """Return when a backend has ended, of which nobody is told otherwise."""
    async with asyncio.timeout(30):
        while await conn.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", pid):
            await asyncio.sleep(0.002)
