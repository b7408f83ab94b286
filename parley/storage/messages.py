"""Messages as they are read. They are written by `send_queue` (new ones) and by `change` (edits, deletions)."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import orjson

from parley.model import Message
from parley.storage.database import Connection, Row, direction, fetch_one

# Later than every position.
PAST_THE_END = 2**63 - 1

# Whether an id is as old as what was purged from the `conversations c`. Ids are made by servers and tell when; their
# clocks may differ a little from the database's.
PERHAPS_PURGED = "uuid_extract_timestamp({}) <= c.purged_until + interval '1 minute'"

# Counting a filtered list stops here.
COUNT_LIMIT = 10_000

# Whom a message is for and how far it has come, from `messages m`, `conversations c` and the low watermarks `c.low`.
_RECEIVER = """
    CASE WHEN c.kind = 'group' THEN m.conversation_id
         WHEN c.low_user_id = m.sender_id THEN c.high_user_id
         ELSE c.low_user_id END
"""
_STATUS = "message_status(m.seq, m.sender_id, c.low)"

# The fields of a Message in their order, from the same. They come first in a row.
MESSAGE_COLUMNS = f"""
    m.message_id AS id, m.conversation_id, m.seq, m.position, m.sender_id, {_RECEIVER} AS receiver_id,
    m.content, m.type, {_STATUS} AS status, m.metadata, m.created_at, m.edited_at, m.deleted_at
"""


def _time(column: str) -> str:
    """Return the SQL of a time as JSON. The session's time zone is UTC, and no zeros follow whole seconds."""
    written = rf"""to_char({column}, '\"YYYY-MM-DD"T"HH24:MI:SS.US"Z"\"')"""
    return f"coalesce(replace({written}, '.000000', ''), 'null')"


# The same message as JSON, to the byte as a reply writes a Message: a test compares them. Lists are written here,
# because taking fifty messages apart into values took four times as long as all else that a page needs.
MESSAGE_JSON = f"""
    concat(
        '{{"id":"', m.message_id, '","conversation_id":"', m.conversation_id,
        '","seq":', m.seq, ',"position":', m.position,
        ',"sender_id":"', m.sender_id, '","receiver_id":"', {_RECEIVER},
        '","content":', coalesce(to_json(m.content), 'null'), ',"type":"', m.type,
        '","status":"', {_STATUS}, '","metadata":', coalesce(m.metadata, 'null'),
        ',"created_at":', {_time("m.created_at")}, ',"edited_at":', {_time("m.edited_at")},
        ',"deleted_at":', {_time("m.deleted_at")}, '}}'
    )
"""

# A message as JSON; a reply takes it as it is.
MessageJson: TypeAlias = orjson.Fragment


@dataclass(slots=True)
class Listed:
    """A message of a list: what a cursor names, where it stands, and the message itself."""

    id: UUID
    position: int
    json: MessageJson


@dataclass(frozen=True, slots=True)
class Filter:
    """Which messages a list shows; None leaves a criterion out. `since` is inclusive, `until` exclusive."""

    conversation_id: UUID | None = None
    status: str | None = None
    type: str | None = None
    sender_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def counts_are_free(self) -> bool:
        """Whether totals follow from sequence numbers, without counting rows."""
        return (self.status, self.type, self.sender_id, self.since, self.until) == (None,) * 5


_WIDTH = len(fields(Message))


def message_of_row(row: Row) -> Message:
    """Build a message from a row that begins with MESSAGE_COLUMNS."""
    return Message(*row[:_WIDTH])


async def find(conn: Connection, message_id: UUID, user_id: UUID) -> Message | None:
    """Return a message of one of the user's conversations, tombstones included."""
    row = await conn.fetchrow(
        f"""
        SELECT {MESSAGE_COLUMNS}
        -- The message comes first, whatever the planner knows of the members.
        FROM (SELECT * FROM messages WHERE message_id = $1 OFFSET 0) m
        JOIN LATERAL (
            SELECT v.kind, v.low_user_id, v.high_user_id, low_watermarks(v.conversation_id) AS low
            FROM conversations v
            WHERE v.conversation_id = m.conversation_id
            OFFSET 0
        ) c ON true
        WHERE (SELECT true FROM members WHERE conversation_id = m.conversation_id AND user_id = $2)
        """,
        message_id,
        user_id,
    )
    return None if row is None else message_of_row(row)


async def locate(conn: Connection, message_id: UUID, user_id: UUID) -> tuple[UUID, int] | None:
    """Return the conversation and position of a message that the user may see or could see once.

    Where it stood is enough to go on in a list, though it was purged or the user has left since.
    """
    row = await conn.fetchrow(
        """
        SELECT s.conversation_id, s.position
        FROM (
            SELECT conversation_id, position FROM messages WHERE message_id = $1
            UNION ALL
            SELECT conversation_id, position FROM purged_messages WHERE message_id = $1
        ) s
        WHERE (
            SELECT true FROM memberships p
            WHERE p.conversation_id = s.conversation_id AND p.user_id = $2
              AND coalesce(p.to_position, $3) > s.position
            LIMIT 1
        )
        """,
        message_id,
        user_id,
        PAST_THE_END,
    )
    return None if row is None else (row["conversation_id"], row["position"])


async def locate_by_age(
    conn: Connection, message_id: UUID, user_id: UUID, conversation_id: UUID | None
) -> int | None:
    """Return where the user's messages, in one conversation or in all, begin that are younger than one which was
    purged so long ago that nothing but its id is known of it. None where nothing as old was purged.
    """
    position: int | None = await conn.fetchval(
        f"""
        WITH mine AS (
            SELECT conversation_id FROM members
            WHERE user_id = $2 AND ($3::uuid IS NULL OR conversation_id = $3)
        )
        SELECT position_since(ARRAY(SELECT conversation_id FROM mine), uuid_extract_timestamp($1))
        WHERE EXISTS (
            SELECT FROM mine JOIN conversations c USING (conversation_id)
            WHERE {PERHAPS_PURGED.format("$1")}
        )
        """,
        message_id,
        user_id,
        conversation_id,
    )
    return position


async def page(
    conn: Connection,
    user_id: UUID,
    only: Filter,
    *,
    limit: int,
    before: int | None = None,
    after: int | None = None,
) -> list[Listed]:
    """Return up to `limit` messages, newest first: those before a position, or those next after one."""
    query = _Query(user_id, only)
    if before is not None:
        query.where(f"m.position < {query.value(before)}")
    if after is not None:
        query.where(f"m.position > {query.value(after)}")
    order = direction(after)
    count = query.value(limit)
    mine = query.mine()
    if only.conversation_id is None:
        # What is on the page lies in those of the conversations whose own next message comes first.
        mine = f"""
            SELECT mine.*
            FROM ({mine}) mine
            CROSS JOIN LATERAL (
                SELECT m.position FROM messages m
                WHERE {query.conditions()}
                ORDER BY m.position {order} LIMIT 1
            ) m
            ORDER BY m.position {order} LIMIT {count}
        """
    rows = await conn.fetch(
        f"""
        WITH mine AS ({mine}), chosen AS MATERIALIZED (
            SELECT m.*
            FROM mine
            CROSS JOIN LATERAL (
                SELECT m.* FROM messages m
                WHERE {query.conditions()}
                ORDER BY m.position {order} LIMIT {count}
            ) m
            ORDER BY m.position {order} LIMIT {count}
        ), c AS MATERIALIZED (
            SELECT v.*, low_watermarks(v.conversation_id) AS low
            FROM (SELECT DISTINCT conversation_id FROM chosen) d
            JOIN conversations v USING (conversation_id)
        )
        SELECT m.message_id, m.position, {MESSAGE_JSON} AS json
        FROM chosen m
        JOIN c USING (conversation_id)
        ORDER BY m.position DESC
        """,
        *query.values,
    )
    return [Listed(row[0], row[1], MessageJson(row[2])) for row in rows]


async def count(conn: Connection, user_id: UUID, only: Filter, *, after: int) -> int:
    """Count the messages after a position, up to COUNT_LIMIT + 1 where they have to be counted one by one."""
    query = _Query(user_id, only)
    if only.counts_are_free:
        return await _count_by_seq(conn, query, after)
    query.where(f"m.position > {query.value(after)}")
    number: int = await conn.fetchval(
        f"""
        SELECT count(*) FROM (
            SELECT FROM ({query.mine()}) mine
            CROSS JOIN LATERAL (
                SELECT FROM messages m
                WHERE {query.conditions()}
                LIMIT {COUNT_LIMIT + 1}
            ) m
            LIMIT {COUNT_LIMIT + 1}
        ) counted
        """,
        *query.values,
    )
    return number


async def _count_by_seq(conn: Connection, query: "_Query", after: int) -> int:
    """Count whole histories after a position by their first and last seqs, since there are no holes between."""
    start, older = "c.purged_seq", ""
    if after > 0:
        start = "greatest(older.seq, c.purged_seq)"
        older = f"""
            LEFT JOIN LATERAL (
                SELECT m.seq FROM messages m
                WHERE m.conversation_id = c.conversation_id AND m.position <= {query.value(after)}
                ORDER BY m.position DESC LIMIT 1
            ) older ON true
        """
    number: int | None = await conn.fetchval(
        f"""
        SELECT sum(newest.seq - {start})::bigint
        FROM ({query.mine()}) mine
        JOIN conversations c USING (conversation_id)
        CROSS JOIN LATERAL (
            SELECT m.seq FROM messages m
            WHERE m.conversation_id = c.conversation_id
            ORDER BY m.position DESC LIMIT 1
        ) newest
        {older}
        """,
        *query.values,
    )
    return number or 0


class _Query:
    """The parts of a query over a user's messages that depend on what is filtered.

    Only what is asked for stands in the text, so that PostgreSQL plans it well; values are always parameters.
    Times and statuses are also said in positions, so that an index bounds what is read.
    """

    def __init__(self, user_id: UUID, only: Filter) -> None:
        self.values: list[Any] = []
        self._only = only
        self._conditions = ["m.conversation_id = mine.conversation_id"]
        user = self.value(user_id)
        self._members = f"members WHERE user_id = {user}"
        if only.conversation_id is not None:
            self._members += f" AND conversation_id = {self.value(only.conversation_id)}"
        if only.type is not None:
            self.where(f"m.type = {self.value(only.type)}")
            if only.type != "text":
                self.where("m.type <> 'text'")
        if only.sender_id is not None:
            self.where(f"m.sender_id = {self.value(only.sender_id)}")
        if only.since is not None:
            self.where(f"m.position >= {self._position_since(only.since)}")
        if only.until is not None:
            self.where(f"m.position < {self._position_since(only.until)}")
        if only.status is not None:
            self._status = self.value(only.status)
            self.where("m.position >= mine.first AND m.position < mine.past")
            self.where(f"message_status(m.seq, m.sender_id, mine.low) = {self._status}")

    def value(self, value: Any) -> str:
        """Add a parameter and return its name in the text."""
        self.values.append(value)
        return f"${len(self.values)}"

    def where(self, condition: str) -> None:
        """Add a condition on `messages m`."""
        self._conditions.append(condition)

    def conditions(self) -> str:
        """All conditions on `messages m`, whose conversation is one of `mine`."""
        return " AND ".join(self._conditions)

    def mine(self) -> str:
        """The query for the user's conversations, or the one that is asked for."""
        if self._only.status is None:
            return f"SELECT conversation_id FROM {self._members} OFFSET 0"
        return f"""
            SELECT p.conversation_id, p.low, r.first, r.past
            FROM (SELECT conversation_id, low_watermarks(conversation_id) AS low FROM {self._members} OFFSET 0) p
            CROSS JOIN LATERAL status_range(p.conversation_id, p.low, {self._status}) r
            OFFSET 0
        """

    def _position_since(self, when: datetime) -> str:
        # It names nothing of the rows around it, so it is found once for all of them.
        return (
            f"(SELECT position_since(ARRAY(SELECT conversation_id FROM {self._members}), {self.value(when)}))"
        )


async def change(conn: Connection, hint: int, message_id: UUID, actor_id: UUID, content: str | None) -> Row:
    """Edit a message, or (content None) delete it, in one call under the head.

    The row's `verdict` says what came of it: done, not_found, gone or forbidden.
    """
    return await fetch_one(
        conn,
        "SELECT verdict, head FROM change_message($1, $2, $3, $4)",
        hint,
        message_id,
        actor_id,
        content,
    )
