"""Conversations and who is in them: what both direct ones and groups have."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from parley.model import Conversation, ConversationKind, Receipt, Role
from parley.storage.database import Connection, Row, direction, fetch_one
from parley.storage.messages import MESSAGE_COLUMNS, message_of_row


async def find_direct(conn: Connection, one: UUID, other: UUID) -> UUID | None:
    """Return the direct conversation of two people, if they have one. Their order does not matter."""
    low, high = sorted((one, other))
    found: UUID | None = await conn.fetchval(
        """
        SELECT conversation_id
        FROM conversations
        WHERE kind = 'direct' AND low_user_id = $1 AND high_user_id = $2
        """,
        low,
        high,
    )
    return found


async def shape(conn: Connection, conversation_id: UUID) -> tuple[ConversationKind, tuple[UUID, ...]] | None:
    """Return a conversation's kind and, of a direct one, both people in their stored order."""
    row = await conn.fetchrow(
        "SELECT kind, low_user_id, high_user_id FROM conversations WHERE conversation_id = $1",
        conversation_id,
    )
    if row is None:
        return None
    return row["kind"], () if row["kind"] == "group" else (row["low_user_id"], row["high_user_id"])


async def create_direct(
    conn: Connection, conversation_id: UUID, one: UUID, other: UUID, position: int, at: datetime
) -> None:
    """Make a direct conversation and put both people in it. The caller holds the head and found none."""
    low, high = sorted((one, other))
    await conn.execute(
        """
        INSERT INTO conversations (conversation_id, kind, low_user_id, high_user_id, created_position, created_at)
        VALUES ($1, 'direct', $2, $3, $4, $5)
        """,
        conversation_id,
        low,
        high,
        position,
        at,
    )
    await add_members(conn, conversation_id, [(low, "member"), (high, "member")], position, at)


async def add_members(
    conn: Connection, conversation_id: UUID, members: Sequence[tuple[UUID, Role]], position: int, at: datetime
) -> None:
    """Let people in from `position` on, with everything that was written before counted as read."""
    users, roles = [user_id for user_id, _ in members], [role for _, role in members]
    await conn.execute(
        """
        WITH joined AS (
            INSERT INTO members (conversation_id, user_id, role, joined_position, joined_at)
            SELECT $1, j.user_id, j.role, $4, $5
            FROM unnest($2::uuid[], $3::text[]) AS j (user_id, role)
        ), read AS (
            INSERT INTO receipts (conversation_id, user_id, delivered_seq, read_seq)
            SELECT $1, j.user_id, last_seq($1), last_seq($1)
            FROM unnest($2::uuid[]) AS j (user_id)
        )
        INSERT INTO memberships (conversation_id, user_id, from_position)
        SELECT $1, user_id, $4
        FROM unnest($2::uuid[]) AS j (user_id)
        """,
        conversation_id,
        users,
        roles,
        position,
        at,
    )


async def remove_member(conn: Connection, conversation_id: UUID, user_id: UUID, position: int) -> None:
    """Let one person out: what is at `position` and after is not theirs to read."""
    await conn.execute(
        """
        WITH gone AS (
            DELETE FROM members
            WHERE conversation_id = $1 AND user_id = $2
        ), forgotten AS (
            DELETE FROM receipts
            WHERE conversation_id = $1 AND user_id = $2
        )
        UPDATE memberships
        SET to_position = $3
        WHERE conversation_id = $1 AND user_id = $2 AND to_position IS NULL
        """,
        conversation_id,
        user_id,
        position,
    )


async def remove_everybody(conn: Connection, conversation_id: UUID, position: int) -> None:
    """Let everybody out: what is at `position` and after is nobody's to read."""
    await conn.execute(
        """
        WITH gone AS (
            DELETE FROM members
            WHERE conversation_id = $1
        ), forgotten AS (
            DELETE FROM receipts
            WHERE conversation_id = $1
        )
        UPDATE memberships
        SET to_position = $2
        WHERE conversation_id = $1 AND to_position IS NULL
        """,
        conversation_id,
        position,
    )


async def seq_of(conn: Connection, conversation_id: UUID, message_id: UUID, user_id: UUID) -> int | None:
    """Return the seq of a message of this conversation, purged ones included, for a member of it."""
    seq: int | None = await conn.fetchval(
        """
        SELECT s.seq
        FROM (
            SELECT conversation_id, seq FROM messages WHERE message_id = $2
            UNION ALL
            SELECT conversation_id, seq FROM purged_messages WHERE message_id = $2
        ) s
        WHERE s.conversation_id = $1
          AND (SELECT true FROM members WHERE conversation_id = $1 AND user_id = $3)
        """,
        conversation_id,
        message_id,
        user_id,
    )
    return seq


async def count(conn: Connection, user_id: UUID) -> int:
    """Count a person's conversations."""
    number: int = await conn.fetchval("SELECT count(*) FROM members WHERE user_id = $1", user_id)
    return number


async def move_watermarks(conn: Connection, hint: int, receipt: Receipt, audience: int) -> Row:
    """Move a member's watermarks up to those of `receipt`; the row says how they stand (null: no member)."""
    return await fetch_one(
        conn,
        "SELECT delivered_seq, read_seq, head FROM move_watermarks($1, $2, $3, $4, $5, $6)",
        hint,
        receipt.conversation_id,
        receipt.user_id,
        receipt.delivered_seq,
        receipt.read_seq,
        audience,
    )


async def page(
    conn: Connection,
    user_id: UUID,
    *,
    limit: int,
    before: int | None = None,
    after: int | None = None,
    conversation_id: UUID | None = None,
) -> list[tuple[int, Conversation]]:
    """Return up to `limit` conversations of a person with the position of their latest activity, newest first.

    `before` and `after` are such positions; with `after`, the ones next newer than it. With `conversation_id`
    only that one, if it is theirs.
    """
    rows = await conn.fetch(
        f"""
        WITH mine AS (
            SELECT m.conversation_id,
                   coalesce(latest.position, (
                       -- Activity never goes back, also when the messages that it was are purged.
                       SELECT greatest(p.created_position, p.purged_position) FROM conversations p
                       WHERE p.conversation_id = m.conversation_id
                   )) AS activity
            FROM members m
            LEFT JOIN LATERAL (
                SELECT l.position FROM messages l
                WHERE l.conversation_id = m.conversation_id
                ORDER BY l.position DESC LIMIT 1
            ) latest ON true
            WHERE m.user_id = $1 AND ($5::uuid IS NULL OR m.conversation_id = $5)
            OFFSET 0
        ), chosen AS MATERIALIZED (
            SELECT conversation_id, activity
            FROM mine
            WHERE activity < coalesce($2, activity + 1) AND activity > coalesce($3, 0)
            ORDER BY activity {direction(after)}
            LIMIT $4
        ), c AS MATERIALIZED (
            SELECT v.*, chosen.activity, low_watermarks(v.conversation_id) AS low
            FROM chosen
            JOIN conversations v USING (conversation_id)
        )
        SELECT {MESSAGE_COLUMNS},
               c.conversation_id AS chosen_id, c.kind, c.created_at AS began_at, c.purged_until, c.activity,
               CASE WHEN c.low_user_id = $1 THEN c.high_user_id ELSE c.low_user_id END AS other_id,
               g.name, w.read_seq, w.delivered_seq, last_seq(c.conversation_id) AS last_seq
        FROM c
        LEFT JOIN groups g ON g.conversation_id = c.conversation_id
        LEFT JOIN messages m ON m.conversation_id = c.conversation_id AND m.position = c.activity
        CROSS JOIN LATERAL (SELECT * FROM watermarks(c.conversation_id) w WHERE w.user_id = $1) w
        ORDER BY c.activity DESC
        """,
        user_id,
        before,
        after,
        limit,
        conversation_id,
    )
    return [(row["activity"], _conversation_of(row)) for row in rows]


def _conversation_of(row: Row) -> Conversation:
    last_message = None if row["id"] is None else message_of_row(row)
    quiet_since = row["purged_until"] or row["began_at"]
    return Conversation(
        id=row["chosen_id"],
        kind=row["kind"],
        user_id=row["other_id"],
        group_id=row["chosen_id"] if row["kind"] == "group" else None,
        name=row["name"],
        created_at=row["began_at"],
        last_activity_at=quiet_since if last_message is None else last_message.created_at,
        last_message=last_message,
        unread_count=row["last_seq"] - row["read_seq"],
        last_seq=row["last_seq"],
        read_seq=row["read_seq"],
        delivered_seq=row["delivered_seq"],
    )
