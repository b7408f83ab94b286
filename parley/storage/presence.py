"""When each user was last seen."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from parley.storage.database import Connection


async def write(conn: Connection, seen: Mapping[UUID, datetime]) -> None:
    """Note when users were seen. A time never goes back, whichever process writes last."""
    # Sorted, so that two processes that write the same users take the rows in the same order.
    user_ids = sorted(seen)
    await conn.execute(
        """
        INSERT INTO presence AS p (user_id, last_seen)
        SELECT * FROM unnest($1::uuid[], $2::timestamptz[])
        ON CONFLICT (user_id) DO UPDATE
        SET last_seen = excluded.last_seen
        WHERE p.last_seen < excluded.last_seen
        """,
        user_ids,
        [seen[user_id] for user_id in user_ids],
    )
