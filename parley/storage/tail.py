"""The whole log as whoever runs the server reads it: what happened to what, and never what was said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from parley.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the log. `stream_id` is a conversation's, or a user's own."""

    position: int
    created_at: datetime
    kind: str
    stream_id: UUID
    subject_id: UUID
    actor_id: UUID | None
    seq: int | None
    facts: Any


async def read(conn: Connection, after: int, limit: int) -> Sequence[Record]:
    """Return up to `limit` events after a position, in order."""
    rows = await conn.fetch(
        """
        SELECT position, created_at, kind, stream_id, subject_id, actor_id, seq, facts
        FROM events
        WHERE position > $1
        ORDER BY position
        LIMIT $2
        """,
        after,
        limit,
    )
    return [Record(**dict(row)) for row in rows]
