"""How far people have received and read their conversations: many of them at once."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from parley.model import Receipt
from parley.storage.database import Connection, Row, fetch_one

# Somebody who names a message of a conversation.
Named = tuple[UUID, UUID, UUID]


async def locate(conn: Connection, named: Sequence[Named]) -> list[tuple[int, int, int] | None]:
    """Return for each (user, conversation, message) the message's seq and how far the user is known to have
    received and read the conversation; None where there is no such message, or nothing that the user may know of.

    Purged messages are still there in that sense, as for `conversations.seq_of`.
    """
    rows = await conn.fetch(
        """
        SELECT found.seq, coalesce(noted.delivered_seq, 0) AS delivered_seq, coalesce(noted.read_seq, 0) AS read_seq
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[])
             WITH ORDINALITY AS i (user_id, conversation_id, message_id, ord)
        LEFT JOIN LATERAL (
            SELECT m.seq FROM messages m
            WHERE m.message_id = i.message_id AND m.conversation_id = i.conversation_id
            UNION ALL
            SELECT p.seq FROM purged_messages p
            WHERE p.message_id = i.message_id AND p.conversation_id = i.conversation_id
        ) found ON (
            SELECT true FROM members m
            WHERE m.conversation_id = i.conversation_id AND m.user_id = i.user_id
        )
        LEFT JOIN LATERAL receipt_of(i.conversation_id, i.user_id) noted ON true
        ORDER BY i.ord
        """,
        [user_id for user_id, _, _ in named],
        [conversation_id for _, conversation_id, _ in named],
        [message_id for _, _, message_id in named],
    )
    return [
        None if row["seq"] is None else (row["seq"], row["delivered_seq"], row["read_seq"]) for row in rows
    ]


async def undelivered(conn: Connection, positions: Mapping[UUID, int], limit: int) -> list[Receipt]:
    """Return what users would have received, had each received everything up to a position: for each user up to
    `limit` conversations in which that is more than is known.
    """
    rows = await conn.fetch(
        """
        SELECT u.user_id, p.conversation_id, p.seq
        FROM unnest($1::uuid[], $2::bigint[]) AS u (user_id, position)
        CROSS JOIN LATERAL (
            SELECT m.conversation_id, s.seq
            FROM members m
            CROSS JOIN LATERAL (
                SELECT l.seq FROM messages l
                WHERE l.conversation_id = m.conversation_id AND l.position <= u.position
                ORDER BY l.position DESC LIMIT 1
            ) s
            LEFT JOIN LATERAL receipt_of(m.conversation_id, m.user_id) noted ON true
            WHERE m.user_id = u.user_id AND s.seq > coalesce(noted.delivered_seq, 0)
              -- What one sent oneself was not noted, and is looked up for those few.
              AND s.seq > coalesce((
                  SELECT own.seq FROM messages own
                  WHERE own.conversation_id = m.conversation_id AND own.sender_id = u.user_id
                  ORDER BY own.position DESC LIMIT 1
              ), 0)
            LIMIT $3
        ) p
        """,
        list(positions),
        list(positions.values()),
        limit,
    )
    return [Receipt(row["conversation_id"], row["user_id"], row["seq"], 0) for row in rows]


async def move(conn: Connection, hint: int, receipts: Sequence[Receipt], audience: int) -> Row:
    """Move watermarks up to those of `receipts`, where they belong to members; the row has the head."""
    return await fetch_one(
        conn,
        "SELECT head FROM move_many_watermarks($1, $2, $3, $4, $5, $6)",
        hint,
        [receipt.conversation_id for receipt in receipts],
        [receipt.user_id for receipt in receipts],
        [receipt.delivered_seq for receipt in receipts],
        [receipt.read_seq for receipt in receipts],
        audience,
    )
