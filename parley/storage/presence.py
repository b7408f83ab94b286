"""When each user was last seen, and who may know."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from parley.storage.database import Connection
from parley.storage.places import SHOWN_ELSEWHERE


async def write(
    conn: Connection, seen: Mapping[UUID, datetime], left: Mapping[UUID, datetime], node_id: UUID
) -> None:
    """Note when users were seen, and when those of them left who are in `left`, and at no process but this one.

    A time never goes back, whichever process writes last.
    """
    # Sorted, so that two processes that write the same users take the rows in the same order.
    user_ids = sorted(seen)
    await conn.execute(
        f"""
        INSERT INTO presence AS p (user_id, last_seen, left_at)
        SELECT w.user_id, w.seen_at,
               CASE WHEN w.left_at IS NOT NULL AND NOT {SHOWN_ELSEWHERE.format("w.user_id", "$4")}
                    THEN w.left_at END
        FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) AS w (user_id, seen_at, left_at)
        ON CONFLICT (user_id) DO UPDATE
        SET last_seen = greatest(p.last_seen, excluded.last_seen), left_at = greatest(p.left_at, excluded.left_at)
        WHERE p.last_seen < excluded.last_seen OR coalesce(p.left_at < excluded.left_at, excluded.left_at IS NOT NULL)
        """,
        user_ids,
        [seen[user_id] for user_id in user_ids],
        [left.get(user_id) for user_id in user_ids],
        node_id,
    )


async def small_conversations(conn: Connection, conversation_ids: Sequence[UUID], audience: int) -> set[UUID]:
    """Return those of some conversations that have at most `audience` members."""
    rows = await conn.fetch(
        """
        SELECT c.id
        FROM unnest($1::uuid[]) AS c (id)
        WHERE (
            SELECT count(*) FROM (
                SELECT FROM members m
                WHERE m.conversation_id = c.id
                LIMIT $2 + 1
            ) counted
        ) <= $2
        """,
        conversation_ids,
        audience,
    )
    return {row["id"] for row in rows}
