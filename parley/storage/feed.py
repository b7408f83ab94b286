"""The whole log as a process relays it, and what a reader needs in order to join: the state and the own periods."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from parley.model import SMALL_CONVERSATION
from parley.storage.database import Connection, Row
from parley.storage.events import (
    CONTENT,
    CONVERSATIONS,
    COVERS,
    EVENT_COLUMNS,
    STATE_COLUMNS,
    LogState,
    state_of,
)
from parley.storage.messages import MESSAGE_COLUMNS


@dataclass(frozen=True, slots=True)
class Period:
    """Somebody's membership: it covers the positions `start <= p`, and `p < end` where it has ended."""

    conversation_id: UUID
    start: int
    end: int | None


def _read(condition: str) -> str:
    return f"""
    WITH chosen AS MATERIALIZED (
        SELECT e.*, NULL::bigint AS left_at
        FROM events e
        WHERE {condition}
        ORDER BY e.position LIMIT $3
    ), c AS MATERIALIZED ({CONVERSATIONS})
    SELECT {MESSAGE_COLUMNS}, {EVENT_COLUMNS}, m.edited_position, e.created_at AS appended_at,
           CASE WHEN m.edited_position > e.position THEN ARRAY(
               SELECT p.user_id FROM memberships p
               WHERE p.conversation_id = e.stream_id AND {COVERS.format("p")}
                 AND p.to_position <= m.edited_position
                 AND NOT EXISTS (
                     SELECT FROM members n
                     WHERE n.conversation_id = p.conversation_id AND n.user_id = p.user_id
                 )
           ) END AS withheld,
           CASE WHEN e.kind = 'conversation.created' THEN ARRAY(
               SELECT p.user_id FROM memberships p
               WHERE p.conversation_id = e.stream_id AND p.from_position = e.position
           ) END AS joined,
           CASE WHEN e.kind = 'user.updated' THEN ARRAY(
               SELECT DISTINCT other.user_id
               FROM (
                   SELECT o.conversation_id FROM memberships o
                   WHERE o.user_id = e.stream_id AND {COVERS.format("o")}
                     AND (SELECT count(*) FROM (
                           SELECT FROM memberships n
                           WHERE n.conversation_id = o.conversation_id AND {COVERS.format("n")}
                           LIMIT {SMALL_CONVERSATION + 1}
                         ) counted) <= {SMALL_CONVERSATION}
                   OFFSET 0
               ) shared
               JOIN memberships other ON other.conversation_id = shared.conversation_id
                                     AND {COVERS.format("other")}
           ) END AS companions
    FROM chosen e
    {CONTENT}
    ORDER BY e.position
    """


async def read(conn: Connection, after: int, end: int, limit: int) -> list[Row]:
    """Return up to `limit` events after a position and up to another, of all streams, in order.

    Beside what `parley.services.events.data_of` reads, a row of a new conversation has `joined`, everybody who is
    in it, and one of a changed profile `companions`, those who hear of it. `edited_position` is where the message
    was last edited; the row has what it is now, and where that was after the event, `withheld` are those who had left
    by then and are no members again: it is not theirs to read. All have `appended_at`.
    """
    return await conn.fetch(_read("e.position > $1 AND e.position <= $2"), after, end, limit)


async def read_again(conn: Connection, positions: Sequence[int]) -> list[Row]:
    """Return the events at some positions, as `read` does, with what they tell of as it is now."""
    return await conn.fetch(_read("e.position = ANY ($1::bigint[]) AND $2"), positions, True, len(positions))


async def purged_to(conn: Connection, conversation_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return up to which position messages are purged, of those conversations where any are."""
    rows = await conn.fetch(
        """
        SELECT conversation_id, purged_position FROM conversations
        WHERE conversation_id = ANY ($1::uuid[]) AND purged_position > 0
        """,
        conversation_ids,
    )
    return {row["conversation_id"]: row["purged_position"] for row in rows}


async def read_periods(
    conn: Connection, wanted: Sequence[tuple[UUID, int | None]]
) -> Sequence[tuple[LogState, Sequence[Period]]]:
    """Return the state of the log, and the memberships of each user that reach beyond a position, in one snapshot.

    Without a position: beyond the head, which is to say the present ones.
    """
    rows = await conn.fetch(
        f"""
        WITH state AS MATERIALIZED (
            SELECT {STATE_COLUMNS} FROM log_state s
        )
        SELECT s.epoch, s.trimmed_to, s.head, s.purges, p.conversation_ids, p.starts, p.ends
        FROM state s
        CROSS JOIN unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY AS w (user_id, after, number)
        CROSS JOIN LATERAL (
            SELECT array_agg(m.conversation_id) AS conversation_ids,
                   array_agg(m.from_position) AS starts, array_agg(m.to_position) AS ends
            FROM memberships m
            WHERE m.user_id = w.user_id AND (m.to_position IS NULL OR m.to_position > w.after)
        ) p
        ORDER BY w.number
        """,
        [user_id for user_id, _ in wanted],
        [2**63 - 1 if after is None else after for _, after in wanted],
    )
    state = state_of(rows[0])
    return [(state, _periods(row)) for row in rows]


def _periods(row: Row) -> Sequence[Period]:
    if row["conversation_ids"] is None:
        return ()
    return [*map(Period, row["conversation_ids"], row["starts"], row["ends"])]
