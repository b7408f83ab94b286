"""Sessions: log-ins that can be refreshed, listed and ended.

Whatever ends a session says so on the channel `SESSIONS_ENDED`, in the same transaction: each process keeps
what it knows of sessions only as long as it hears that channel.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from asyncpg import Record

from parley.storage.database import Connection

SESSIONS_ENDED = "sessions_ended"
# How long a refresh may be repeated with its Idempotency-Key.
REPEAT_WITHIN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session that has not expired. Its refresh token is number `generation`, issued at `rotated_at`."""

    id: UUID
    user_id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str | None
    address: str | None
    generation: int
    rotated_at: datetime


def _record(row: Record) -> SessionRecord:
    return SessionRecord(**dict(row))


async def insert(
    conn: Connection,
    session_id: UUID,
    user_id: UUID,
    user_agent: str | None,
    address: str | None,
    lifetime: timedelta,
) -> SessionRecord:
    """Begin a session that lives for `lifetime` unless it is refreshed."""
    row = await conn.fetchrow(
        """
        INSERT INTO sessions
            (id, user_id, created_at, last_used_at, rotated_at, expires_at, user_agent, address)
        VALUES ($1, $2, now(), now(), now(), now() + $5, $3, $4)
        RETURNING id, user_id, created_at, last_used_at, expires_at, user_agent, address,
                  generation, rotated_at
        """,
        session_id,
        user_id,
        user_agent,
        address,
        lifetime,
    )
    assert row is not None, "INSERT … RETURNING gives a row or raises"
    return _record(row)


async def rotate(
    conn: Connection, session_id: UUID, generation: int, lifetime: timedelta
) -> SessionRecord | None:
    """Replace refresh token number `generation` by the next one; None if it is not the newest, or too old.

    Of two that come at the same time the second waits for the first and then finds that it is not the newest.
    """
    row = await conn.fetchrow(
        """
        UPDATE sessions
        SET generation = generation + 1,
            rotated_at = now(),
            last_used_at = now(),
            expires_at = now() + $3
        WHERE id = $1 AND generation = $2 AND expires_at > now()
        RETURNING id, user_id, created_at, last_used_at, expires_at, user_agent, address,
                  generation, rotated_at
        """,
        session_id,
        generation,
        lifetime,
    )
    return None if row is None else _record(row)


async def keep_rotation(conn: Connection, made: SessionRecord, repeat_key: bytes, most: int) -> None:
    """Note that `rotate` made this with a key, so that it can be repeated; keep the `most` latest of a session."""
    await conn.execute(
        """
        WITH outdone AS (
            DELETE FROM session_rotations
            WHERE session_id = $1 AND generation <= $2::integer - $6::integer
        )
        INSERT INTO session_rotations (session_id, generation, repeat_key, rotated_at, expires_at)
        VALUES ($1, $2, $3, $4, $5)
        """,
        made.id,
        made.generation - 1,
        repeat_key,
        made.rotated_at,
        made.expires_at,
        most,
    )


async def find_rotated(
    conn: Connection, session_id: UUID, generation: int, repeat_key: bytes
) -> SessionRecord | None:
    """Return the session as it was when number `generation` was replaced, if that was with this very key and is
    not longer ago than `REPEAT_WITHIN`.
    """
    row = await conn.fetchrow(
        """
        SELECT s.id, s.user_id, s.created_at, s.last_used_at, r.expires_at, s.user_agent, s.address,
               r.generation + 1 AS generation, r.rotated_at
        FROM session_rotations r
        JOIN sessions s ON s.id = r.session_id
        WHERE r.session_id = $1 AND r.generation = $2 AND r.repeat_key = $3
          AND r.rotated_at > clock_timestamp() - $4::interval AND s.expires_at > now()
        """,
        session_id,
        generation,
        repeat_key,
        REPEAT_WITHIN,
    )
    return None if row is None else _record(row)


async def alive(conn: Connection, session_ids: Collection[UUID]) -> set[UUID]:
    """Return those of these sessions that have neither ended nor expired."""
    rows = await conn.fetch(
        "SELECT id FROM sessions WHERE id = ANY($1::uuid[]) AND expires_at > now()", list(session_ids)
    )
    return {row["id"] for row in rows}


async def which_alive(conn: Connection, asked: Sequence[tuple[UUID, UUID]]) -> Sequence[bool]:
    """Tell of each of these sessions whether it is that user's and has neither ended nor expired."""
    rows = await conn.fetch(
        """
        SELECT s.id IS NOT NULL AS alive
        FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS a (session_id, user_id, number)
        LEFT JOIN sessions s ON s.id = a.session_id AND s.user_id = a.user_id AND s.expires_at > now()
        ORDER BY a.number
        """,
        [session_id for session_id, _ in asked],
        [user_id for _, user_id in asked],
    )
    return [row["alive"] for row in rows]


async def read_all(conn: Connection, user_id: UUID) -> Sequence[SessionRecord]:
    """Return the user's sessions, newest first."""
    rows = await conn.fetch(
        """
        SELECT id, user_id, created_at, last_used_at, expires_at, user_agent, address,
               generation, rotated_at
        FROM sessions
        WHERE user_id = $1 AND expires_at > now()
        ORDER BY id DESC
        """,
        user_id,
    )
    return [_record(row) for row in rows]


async def end(conn: Connection, session_id: UUID, user_id: UUID) -> bool:
    """End one session of the user, and tell whether there was one that had not expired."""
    rows = await conn.fetch(
        """
        WITH ended AS (
            DELETE FROM sessions
            WHERE id = $1 AND user_id = $2
            RETURNING id, expires_at
        )
        SELECT expires_at > now() AS alive, pg_notify($3, id::text)
        FROM ended
        """,
        session_id,
        user_id,
        SESSIONS_ENDED,
    )
    return any(row["alive"] for row in rows)


async def end_all(conn: Connection, user_id: UUID, but: UUID | None = None) -> Sequence[UUID]:
    """End the user's sessions, all `but` one, and return their ids."""
    rows = await conn.fetch(
        """
        WITH ended AS (
            DELETE FROM sessions
            WHERE user_id = $1 AND id IS DISTINCT FROM $2
            RETURNING id
        )
        SELECT id, pg_notify($3, id::text)
        FROM ended
        """,
        user_id,
        but,
        SESSIONS_ENDED,
    )
    return [row["id"] for row in rows]


async def end_oldest(conn: Connection, user_id: UUID, keep: int) -> Sequence[UUID]:
    """End all but the user's `keep` newest sessions and return their ids.

    Whoever calls holds the user's credentials, so that no session begins meanwhile.
    """
    rows = await conn.fetch(
        """
        WITH ended AS (
            DELETE FROM sessions
            WHERE id IN (
                SELECT id
                FROM sessions
                WHERE user_id = $1
                ORDER BY created_at DESC, id DESC
                OFFSET $2
            )
            RETURNING id
        )
        SELECT id, pg_notify($3, id::text)
        FROM ended
        """,
        user_id,
        keep,
        SESSIONS_ENDED,
    )
    return [row["id"] for row in rows]


async def write_use(conn: Connection, used: Mapping[UUID, datetime]) -> None:
    """Note when sessions were last used. A time never goes back."""
    session_ids = sorted(used)
    await conn.execute(
        """
        UPDATE sessions s
        SET last_used_at = u.used_at
        FROM (
            SELECT s.id, u.used_at
            FROM unnest($1::uuid[], $2::timestamptz[]) AS u (id, used_at)
            JOIN sessions s ON s.id = u.id
            ORDER BY s.id
            FOR UPDATE OF s
        ) u
        WHERE s.id = u.id AND s.last_used_at < u.used_at
        """,
        session_ids,
        [used[session_id] for session_id in session_ids],
    )


async def delete_expired(conn: Connection, limit: int) -> int:
    """Delete up to `limit` sessions that have expired and return how many there were."""
    deleted: int = await conn.fetchval(
        """
        WITH deleted AS (
            DELETE FROM sessions
            WHERE id IN (
                SELECT id
                FROM sessions
                WHERE expires_at <= now()
                ORDER BY expires_at
                LIMIT $1
                FOR UPDATE SKIP LOCKED
            )
            RETURNING 1
        )
        SELECT count(*) FROM deleted
        """,
        limit,
    )
    return deleted


async def forget_rotations(conn: Connection, limit: int) -> int:
    """Delete up to `limit` rotations that are too old to be repeated and return how many there were."""
    deleted: int = await conn.fetchval(
        """
        WITH old AS (
            SELECT session_id, generation
            FROM session_rotations
            WHERE rotated_at <= now() - $2::interval
            ORDER BY rotated_at
            LIMIT $1
            FOR UPDATE SKIP LOCKED
        ), deleted AS (
            DELETE FROM session_rotations r
            USING old
            WHERE r.session_id = old.session_id AND r.generation = old.generation
            RETURNING 1
        )
        SELECT count(*) FROM deleted
        """,
        limit,
        REPEAT_WITHIN,
    )
    return deleted
