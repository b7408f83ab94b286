"""At which of the processes that serve one database people have sockets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from parley.storage.database import Connection

State = Literal["shown", "hidden", "gone"]

# A process that was not seen for so long is not there. It says every few seconds that it is.
SEEN_EVERY = "interval '4 seconds'"
SEEN_WITHIN = "interval '15 seconds'"
# For so long it can be read that somebody is gone, and after so long without a word a process is forgotten.
GONE_FOR = "interval '1 minute'"
FORGOTTEN_AFTER = "interval '1 hour'"

# Whether somebody `{0}` has a place that shows them at another process than `{1}`.
SHOWN_ELSEWHERE = f"""
    EXISTS (
        SELECT FROM places a
        JOIN nodes o ON o.node_id = a.node_id AND o.seen_at > now() - {SEEN_WITHIN}
        WHERE a.user_id = {{0}} AND a.node_id <> {{1}} AND a.state = 'shown'
    )
"""


@dataclass(frozen=True, slots=True)
class Place:
    """What a process says of somebody, and in which of its changes."""

    user_id: UUID
    state: State
    revision: int


@dataclass(frozen=True, slots=True)
class Companion:
    """Somebody in a conversation, and when they were seen last."""

    user_id: UUID
    conversation_id: UUID
    last_seen: datetime | None


# Of how many memberships one reader is shown who is elsewhere.
MAX_COMPANIONS = 2000


async def be_seen(conn: Connection, node_id: UUID) -> bool:
    """Say that a process is there. Return whether nobody knew of it, or not any more."""
    is_new: bool | None = await conn.fetchval(
        f"""
        INSERT INTO nodes AS n (node_id, seen_at, revision) VALUES ($1, now(), 0)
        ON CONFLICT (node_id) DO UPDATE SET seen_at = now() WHERE n.seen_at < now() - {SEEN_EVERY}
        RETURNING xmax = 0
        """,
        node_id,
    )
    return is_new is True


async def read_others(conn: Connection, node_id: UUID) -> dict[UUID, int]:
    """Return the other processes that are there, each with its last revision."""
    rows = await conn.fetch(
        f"SELECT node_id, revision FROM nodes WHERE node_id <> $1 AND seen_at > now() - {SEEN_WITHIN}",
        node_id,
    )
    return {row["node_id"]: row["revision"] for row in rows}


async def read(conn: Connection, node_id: UUID, after: int) -> Sequence[Place]:
    """Return the places of a process that changed after a revision."""
    rows = await conn.fetch(
        "SELECT user_id, state, revision FROM places WHERE node_id = $1 AND revision > $2", node_id, after
    )
    return [Place(row["user_id"], row["state"], row["revision"]) for row in rows]


async def write(conn: Connection, node_id: UUID, states: Mapping[UUID, State]) -> None:
    """Note what a process says of some people now, as one change."""
    user_ids = sorted(states)
    await conn.execute(
        """
        WITH mine AS (
            UPDATE nodes SET revision = revision + 1 WHERE node_id = $1 RETURNING revision
        )
        INSERT INTO places AS p (node_id, user_id, state, revision, changed_at)
        SELECT $1, said.user_id, said.state, mine.revision, now()
        FROM mine CROSS JOIN unnest($2::uuid[], $3::text[]) AS said (user_id, state)
        ON CONFLICT (user_id, node_id) DO UPDATE
        SET state = excluded.state, revision = excluded.revision, changed_at = excluded.changed_at
        """,
        node_id,
        user_ids,
        [states[user_id] for user_id in user_ids],
    )


async def tidy(conn: Connection, node_id: UUID) -> None:
    """Forget who has been gone from a process for a while, and processes that have been."""
    await conn.execute(
        f"DELETE FROM places WHERE node_id = $1 AND state = 'gone' AND changed_at < now() - {GONE_FOR}",
        node_id,
    )
    await conn.execute(f"DELETE FROM nodes WHERE seen_at < now() - {FORGOTTEN_AFTER}")


async def leave(conn: Connection, node_id: UUID) -> None:
    """Forget a process that ends, and all of its places."""
    await conn.execute("DELETE FROM nodes WHERE node_id = $1", node_id)


async def conversations_of(conn: Connection, user_ids: Collection[UUID]) -> Sequence[Companion]:
    """Return all conversations of some people."""
    rows = await conn.fetch(
        """
        SELECT m.user_id, m.conversation_id, p.last_seen
        FROM members m
        LEFT JOIN presence p ON p.user_id = m.user_id
        WHERE m.user_id = ANY ($1::uuid[])
        """,
        list(user_ids),
    )
    return [Companion(**dict(row)) for row in rows]


async def shown_elsewhere(
    conn: Connection, node_id: UUID, user_ids: Collection[UUID]
) -> dict[UUID, list[Companion]]:
    """Return for each of some people whom they share a conversation with, and another process than this one shows."""
    rows = await conn.fetch(
        f"""
        SELECT asked.user_id AS asked_by, c.*
        FROM unnest($1::uuid[]) AS asked (user_id)
        CROSS JOIN LATERAL (
            SELECT m.user_id, m.conversation_id, p.last_seen
            FROM members mine
            JOIN members m ON m.conversation_id = mine.conversation_id AND m.user_id <> mine.user_id
            LEFT JOIN presence p ON p.user_id = m.user_id
            WHERE mine.user_id = asked.user_id AND {SHOWN_ELSEWHERE.format("m.user_id", "$2")}
            LIMIT {MAX_COMPANIONS}
        ) c
        """,
        list(user_ids),
        node_id,
    )
    found: dict[UUID, list[Companion]] = {}
    for asked_by, *companion in rows:
        found.setdefault(asked_by, []).append(Companion(*companion))
    return found
