"""The log as one user reads it: their own stream, and each conversation for as long as they were in it."""

from dataclasses import dataclass
from uuid import UUID

from parley.model import SMALL_CONVERSATION
from parley.storage.database import Connection, Row, fetch_one
from parley.storage.groups import SHOWN_MEMBERS
from parley.storage.messages import MESSAGE_COLUMNS

# How many changes of profiles one reading looks at, of which few may concern the reader.
PROFILES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class LogState:
    """Which log it is, where it begins (events up to `trimmed_to` are gone) and where it ends.

    `purges` is how often something was purged: where it is as often as before, no more content is gone.
    """

    epoch: str
    trimmed_to: int
    head: int
    purges: int


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some rows of the log in order, with the state of the log in the same snapshot.

    Unless there are as many as were asked for, they are all that the user may read up to `end`.
    """

    state: LogState
    rows: list[Row]
    end: int


_NEVER = 2**63 - 1
# Whether a period of membership covers the position of an event.
COVERS = f"{{0}}.from_position <= e.position AND coalesce({{0}}.to_position, {_NEVER}) > e.position"

# Not read_head(), which is volatile: it may see more than the statement around it, and whoever went on from there
# would miss what was committed in between.
HEAD = "coalesce((SELECT e.position FROM events e ORDER BY e.position DESC LIMIT 1), s.trimmed_to)"

# The fields of a LogState, from `log_state s`.
STATE_COLUMNS = f"log_epoch() AS epoch, s.trimmed_to, {HEAD} AS head, s.purges"

# What an event refers to, joined to `chosen e`: the conversation `c`, and the message `m` as the reader may see it,
# which is not as it was edited after they left (`left_at`).
CONVERSATIONS = """
    SELECT v.*, low_watermarks(v.conversation_id) AS low
    FROM (SELECT DISTINCT stream_id FROM chosen) d
    JOIN conversations v ON v.conversation_id = d.stream_id
"""
EVENT_COLUMNS = f"""
    e.position AS event_position, e.stream_id, e.kind, e.subject_id, e.actor_id, e.seq AS event_seq,
    e.facts, c.kind AS conversation_kind,
    CASE WHEN e.kind = 'conversation.created' THEN ARRAY(
        SELECT p.user_id FROM memberships p
        WHERE p.conversation_id = e.stream_id AND p.from_position = e.position
        ORDER BY p.user_id LIMIT {SHOWN_MEMBERS}
    ) END AS user_ids
"""
CONTENT = f"""
    LEFT JOIN c AS known ON known.conversation_id = e.stream_id
    CROSS JOIN LATERAL (
        -- Who received or read a message after somebody left is not theirs to know: it is as it was when it was sent.
        SELECT known.kind, known.low_user_id, known.high_user_id,
               CASE WHEN e.left_at IS NULL THEN known.low END AS low
    ) c
    LEFT JOIN LATERAL (
        SELECT w.conversation_id, w.position, w.seq, w.message_id, w.sender_id,
               w.type, v.content, v.metadata, w.created_at, v.edited_at, v.deleted_at, w.edited_position
        FROM messages w
        CROSS JOIN LATERAL (
            -- What was edited after somebody left is not theirs to read, and what it was before is gone.
            SELECT w.content, w.metadata, w.edited_at, w.deleted_at
            WHERE w.edited_position < coalesce(e.left_at, {_NEVER}) OR w.edited_at IS NULL
            UNION ALL
            SELECT NULL, NULL, NULL, coalesce(w.deleted_at, w.edited_at)
            WHERE w.edited_position >= e.left_at
        ) v
        WHERE w.conversation_id = e.stream_id AND w.position = e.message_position
        UNION ALL
        SELECT w.conversation_id, w.position, w.seq, w.message_id, w.sender_id,
               w.type, NULL, NULL, w.created_at, NULL, w.purged_at, NULL
        FROM purged_messages w
        WHERE w.conversation_id = e.stream_id AND w.position = e.message_position
    ) m ON true
"""


async def read_state(conn: Connection) -> LogState:
    """Return the state of the log."""
    return state_of(await fetch_one(conn, f"SELECT {STATE_COLUMNS} FROM log_state s"))


def state_of(row: Row) -> LogState:
    """Build a state from a row that has STATE_COLUMNS."""
    return LogState(row["epoch"], row["trimmed_to"], row["head"], row["purges"])


async def read(conn: Connection, user_id: UUID, after: int, limit: int) -> Excerpt:
    """Return up to `limit` events after a position that were the user's to read at their position.

    One statement: state and rows are of one snapshot, so whatever is committed up to `head` and theirs is seen.
    What was trimmed is not read, though its partition may still be there.
    """
    rows = await conn.fetch(
        f"""
        WITH state AS MATERIALIZED (
            SELECT {STATE_COLUMNS}, greatest($2, s.trimmed_to) AS start
            FROM log_state s
        ), horizon AS MATERIALIZED (
            SELECT coalesce((
                SELECT e.position FROM events e
                WHERE e.kind = 'user.updated' AND e.position > (SELECT start FROM state)
                ORDER BY e.position OFFSET {PROFILES_AT_ONCE - 1} LIMIT 1
            ), s.head) AS position
            FROM state s
        ), soonest AS (
            -- What is chosen lies in those of the periods whose own next event comes first.
            SELECT p.*
            FROM (
                SELECT conversation_id, from_position, coalesce(to_position, {_NEVER}) AS past, to_position
                FROM memberships
                WHERE user_id = $1 AND coalesce(to_position, {_NEVER}) > (SELECT start + 1 FROM state)
                OFFSET 0
            ) p
            CROSS JOIN LATERAL (
                SELECT e.position FROM events e
                WHERE e.stream_id = p.conversation_id
                  AND e.position > (SELECT start FROM state)
                  AND e.position >= p.from_position AND e.position < p.past
                ORDER BY e.position LIMIT 1
            ) e
            ORDER BY e.position LIMIT $3
        ), theirs AS (
            (
                SELECT e.*, p.to_position
                FROM soonest p
                CROSS JOIN LATERAL (
                    SELECT e.* FROM events e
                    WHERE e.stream_id = p.conversation_id
                      AND e.position > (SELECT start FROM state)
                      AND e.position >= p.from_position AND e.position < p.past
                    ORDER BY e.position LIMIT $3
                ) e
                ORDER BY e.position LIMIT $3
            ) UNION ALL (
                SELECT e.*, NULL::bigint FROM events e
                WHERE e.stream_id = $1 AND e.position > (SELECT start FROM state)
                ORDER BY e.position LIMIT $3
            ) UNION ALL (
                -- Other people's profiles: theirs with whom the user shared a conversation then, not a large one.
                SELECT e.*, NULL::bigint FROM events e
                WHERE e.kind = 'user.updated'
                  AND e.position > (SELECT start FROM state)
                  AND e.position <= (SELECT position FROM horizon)
                  AND e.stream_id <> $1
                  AND EXISTS (
                    SELECT FROM (
                        SELECT o.conversation_id FROM memberships o
                        WHERE o.user_id = e.stream_id AND {COVERS.format("o")} AND EXISTS (
                            SELECT FROM memberships mine
                            WHERE mine.conversation_id = o.conversation_id AND mine.user_id = $1
                              AND {COVERS.format("mine")}
                        )
                        OFFSET 0
                    ) shared
                    WHERE (
                        SELECT count(*) FROM (
                            SELECT FROM memberships n
                            WHERE n.conversation_id = shared.conversation_id AND {COVERS.format("n")}
                            LIMIT {SMALL_CONVERSATION + 1}
                        ) counted
                    ) <= {SMALL_CONVERSATION}
                  )
                ORDER BY e.position LIMIT $3
            )
        ), chosen AS MATERIALIZED (
            SELECT t.*,
                   -- Whoever is a member again may read everything that is kept.
                   CASE WHEN NOT EXISTS (
                       SELECT FROM members n WHERE n.conversation_id = t.stream_id AND n.user_id = $1
                   ) THEN t.to_position END AS left_at
            FROM theirs t
            WHERE t.position <= (SELECT position FROM horizon)
            ORDER BY t.position LIMIT $3
        ), c AS MATERIALIZED ({CONVERSATIONS})
        SELECT {MESSAGE_COLUMNS},
               s.epoch, s.trimmed_to, s.head, s.purges, (SELECT position FROM horizon) AS excerpt_end,
               {EVENT_COLUMNS}
        FROM state s
        LEFT JOIN chosen e ON true
        {CONTENT}
        ORDER BY e.position
        """,
        user_id,
        after,
        limit,
    )
    state = state_of(rows[0])
    found = [row for row in rows if row["event_position"] is not None]
    return Excerpt(state, found, rows[0]["excerpt_end"])
