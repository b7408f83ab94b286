"""The log as one user reads it: their own stream, and each conversation for as long as they were in it."""

from dataclasses import dataclass
from uuid import UUID

from parley.model import Message
from parley.storage.database import Connection, Row, fetch_one
from parley.storage.messages import MESSAGE_COLUMNS, message_of

# A change of somebody's profile is told in conversations of at most so many members.
SMALL_CONVERSATION = 100


@dataclass(frozen=True, slots=True)
class LogState:
    """Which log it is, where it begins (events up to `trimmed_to` are gone) and where it ends."""

    epoch: str
    trimmed_to: int
    head: int


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some rows of the log in order, with the state of the log in the same snapshot."""

    state: LogState
    rows: list[Row]


async def read_state(conn: Connection) -> LogState:
    """Return the state of the log."""
    row = await fetch_one(
        conn,
        "SELECT log_epoch() AS epoch, trimmed_to, (SELECT head FROM read_head(0)) AS head FROM log_state",
    )
    return LogState(row["epoch"], row["trimmed_to"], row["head"])


async def read(conn: Connection, user_id: UUID, after: int, limit: int) -> Excerpt:
    """Return up to `limit` events after a position that were the user's to read at their position.

    One statement: state and rows are of one snapshot, so whatever is committed up to `head` and theirs is seen.
    """
    rows = await conn.fetch(
        f"""
        WITH state AS MATERIALIZED (
            SELECT log_epoch() AS epoch, trimmed_to, (SELECT head FROM read_head($2)) AS head FROM log_state
        ), companions AS (
            -- People whose profile the user may follow: they share a conversation that is not large.
            SELECT DISTINCT theirs.user_id
            FROM memberships mine
            JOIN memberships theirs USING (conversation_id)
            WHERE mine.user_id = $1 AND theirs.user_id <> $1
              AND (SELECT count(*) FROM (
                    SELECT FROM members n WHERE n.conversation_id = mine.conversation_id
                    LIMIT {SMALL_CONVERSATION + 1}
                  ) counted) <= {SMALL_CONVERSATION}
        ), theirs AS (
            (
                SELECT e.*, p.to_position
                FROM memberships p
                CROSS JOIN LATERAL (
                    SELECT e.* FROM events e
                    WHERE e.stream_id = p.conversation_id
                      AND e.position > $2
                      AND e.position >= p.from_position
                      AND e.position < coalesce(p.to_position, 9223372036854775807)
                    ORDER BY e.position LIMIT $3
                ) e
                WHERE p.user_id = $1
                ORDER BY e.position LIMIT $3
            ) UNION ALL (
                SELECT e.*, NULL::bigint FROM events e
                WHERE e.stream_id = $1 AND e.position > $2
                ORDER BY e.position LIMIT $3
            ) UNION ALL (
                SELECT e.*, NULL::bigint
                FROM companions w
                CROSS JOIN LATERAL (
                    SELECT e.* FROM events e
                    WHERE e.stream_id = w.user_id AND e.position > $2 AND e.kind = 'user.updated'
                      AND EXISTS (
                        SELECT FROM memberships mine
                        JOIN memberships other USING (conversation_id)
                        WHERE mine.user_id = $1 AND other.user_id = w.user_id
                          AND e.position >= mine.from_position
                          AND e.position < coalesce(mine.to_position, 9223372036854775807)
                          AND e.position >= other.from_position
                          AND e.position < coalesce(other.to_position, 9223372036854775807)
                      )
                    ORDER BY e.position LIMIT $3
                ) e
                ORDER BY e.position LIMIT $3
            )
        ), chosen AS MATERIALIZED (
            SELECT * FROM theirs ORDER BY position LIMIT $3
        ), c AS MATERIALIZED (
            SELECT v.*, low_watermarks(v.conversation_id) AS low
            FROM (SELECT DISTINCT stream_id FROM chosen) d
            JOIN conversations v ON v.conversation_id = d.stream_id
        ), m AS (
            SELECT e.position AS event_position, w.conversation_id, w.position, w.seq, w.message_id, w.sender_id,
                   w.type, v.content, v.metadata, w.created_at, w.edited_at, v.deleted_at
            FROM chosen e
            JOIN messages w ON w.conversation_id = e.stream_id AND w.position = e.message_position
            CROSS JOIN LATERAL (
                -- What was edited after somebody left is not theirs to read, and what it was before is gone.
                SELECT w.content, w.metadata, w.deleted_at
                WHERE w.edited_position < coalesce(e.to_position, 9223372036854775807) OR w.edited_at IS NULL
                UNION ALL
                SELECT NULL, NULL, w.edited_at
                WHERE w.edited_position >= e.to_position
            ) v
            UNION ALL
            SELECT e.position, w.conversation_id, w.position, w.seq, w.message_id, w.sender_id,
                   w.type, NULL, NULL, w.created_at, NULL, w.purged_at
            FROM chosen e
            JOIN purged_messages w ON w.conversation_id = e.stream_id AND w.position = e.message_position
        )
        SELECT {MESSAGE_COLUMNS},
               s.epoch, s.trimmed_to, s.head,
               e.position AS event_position, e.stream_id, e.kind, e.subject_id, e.actor_id, e.seq AS event_seq,
               e.facts, c.kind AS conversation_kind,
               g.name, g.description, g.is_private, g.allow_invites, g.message_retention_days,
               (SELECT o.user_id FROM members o WHERE o.conversation_id = e.stream_id AND o.role = 'owner') AS owner_id,
               CASE WHEN e.kind = 'conversation.created' THEN ARRAY(
                   SELECT p.user_id FROM memberships p
                   WHERE p.conversation_id = e.stream_id AND p.from_position = e.position
                   ORDER BY p.user_id LIMIT {SMALL_CONVERSATION}
               ) END AS user_ids
        FROM state s
        LEFT JOIN chosen e ON true
        LEFT JOIN c ON c.conversation_id = e.stream_id
        LEFT JOIN groups g ON g.conversation_id = e.stream_id
        LEFT JOIN m ON m.event_position = e.position
        ORDER BY e.position
        """,
        user_id,
        after,
        limit,
    )
    state = LogState(rows[0]["epoch"], rows[0]["trimmed_to"], rows[0]["head"])
    return Excerpt(state, [row for row in rows if row["event_position"] is not None])


def message_in(row: Row) -> Message:
    """The message that an event's row refers to, a tombstone where it was deleted or purged."""
    return message_of(row)
