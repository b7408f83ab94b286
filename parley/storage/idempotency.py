"""What requests with an `Idempotency-Key` made, kept for a day."""

from uuid import UUID

from parley.storage.database import Connection


class KeyTaken(Exception):
    """Another request wrote this key meanwhile; nothing of this one is to be kept."""


async def find(conn: Connection, user_id: UUID, key: str) -> tuple[bytes, UUID, bool] | None:
    """Return the hash of the request that used this key in the last 24 hours, the id of what it made or found made,
    and whether it made it.
    """
    row = await conn.fetchrow(
        """
        SELECT request_hash, resource_id, is_new
        FROM idempotency_keys
        WHERE user_id = $1 AND key = $2 AND created_at > now() - interval '24 hours'
        """,
        user_id,
        key,
    )
    return None if row is None else (row["request_hash"], row["resource_id"], row["is_new"])


async def keep(
    conn: Connection,
    user_id: UUID,
    key: str,
    request_hash: bytes,
    resource_kind: str,
    resource_id: UUID,
    is_new: bool,
) -> None:
    """Note what a request made, in the transaction that makes it. A key older than a day is used anew."""
    kept = await conn.fetchval(
        """
        INSERT INTO idempotency_keys AS k
            (user_id, key, request_hash, resource_kind, resource_id, is_new, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, now())
        ON CONFLICT (user_id, key) DO UPDATE
        SET request_hash = excluded.request_hash,
            resource_kind = excluded.resource_kind,
            resource_id = excluded.resource_id,
            is_new = excluded.is_new,
            created_at = excluded.created_at
        WHERE k.created_at <= now() - interval '24 hours'
        RETURNING true
        """,
        user_id,
        key,
        request_hash,
        resource_kind,
        resource_id,
        is_new,
    )
    if not kept:
        raise KeyTaken


async def delete_expired(conn: Connection, limit: int) -> int:
    """Delete up to `limit` keys older than a day and return how many there were."""
    deleted: int = await conn.fetchval(
        """
        WITH expired AS (
            SELECT user_id, key
            FROM idempotency_keys
            WHERE created_at <= now() - interval '24 hours'
            ORDER BY created_at
            LIMIT $1
            FOR UPDATE SKIP LOCKED
        ), deleted AS (
            DELETE FROM idempotency_keys k
            USING expired e
            WHERE k.user_id = e.user_id AND k.key = e.key
            RETURNING 1
        )
        SELECT count(*) FROM deleted
        """,
        limit,
    )
    return deleted
