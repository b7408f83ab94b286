"""What is removed in time: messages of groups that keep them for some days, deleted groups, old events.

Each function does one bounded step and says how much it did, so that nobody waits long and a server that dies in
between goes on where it was.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from parley.storage.database import Connection, fetch_one

# Positions in one partition of the log, and how many partitions are made ahead of the head.
PARTITION_SIZE = 1_000_000
PARTITIONS_AHEAD = 2

# The advisory lock of whoever tidies up; the number is arbitrary. It goes with the connection, which the server
# closes when the process says nothing for so long: a frozen one must not keep all others from their work.
TURN = 7236837127
TURN_ENDS_AFTER = "30s"


async def groups_to_purge(conn: Connection, now: datetime) -> list[tuple[UUID, datetime | None]]:
    """Return conversations with something to purge: (id, keep what is younger than; None: keep nothing)."""
    rows = await conn.fetch(
        """
        WITH limited AS (
            SELECT g.conversation_id, $1::timestamptz - make_interval(days => g.message_retention_days) AS keep_since
            FROM groups g
            WHERE g.message_retention_days IS NOT NULL
            OFFSET 0
        )
        SELECT c.conversation_id, NULL AS keep_since
        FROM conversations c
        WHERE c.deleted_at IS NOT NULL
          AND EXISTS (SELECT FROM messages m WHERE m.conversation_id = c.conversation_id)
        UNION ALL
        SELECT l.conversation_id, l.keep_since
        FROM limited l
        JOIN conversations c USING (conversation_id)
        WHERE c.deleted_at IS NULL
          AND l.keep_since > (
            SELECT m.created_at FROM messages m
            WHERE m.conversation_id = l.conversation_id
            ORDER BY m.position LIMIT 1
          )
        """,
        now,
    )
    return [(row["conversation_id"], row["keep_since"]) for row in rows]


async def purge_messages(
    conn: Connection, conversation_id: UUID, keep_since: datetime | None, now: datetime, limit: int
) -> int:
    """Purge up to `limit` of a conversation's oldest messages and return how many went.

    What goes is always a prefix, and its end is noted in the same statement: totals and reads agree at any moment.
    The head is not needed: only these rows, one row of `conversations` and that of `log_state` are locked.
    """
    purged: int = await conn.fetchval(
        """
        WITH old AS (
            SELECT m.position FROM messages m
            WHERE m.conversation_id = $1
              AND m.position < (
                SELECT position_since(ARRAY[$1::uuid], coalesce($2::timestamptz, 'infinity'))
              )
            ORDER BY m.position
            LIMIT $4
            FOR UPDATE
        ), gone AS (
            DELETE FROM messages m
            USING old
            WHERE m.conversation_id = $1 AND m.position = old.position
            RETURNING m.position, m.seq, m.message_id, m.sender_id, m.type, m.created_at
        ), noted AS (
            INSERT INTO purged_messages (
                conversation_id, position, seq, message_id, sender_id, type, created_at, purged_at
            )
            SELECT $1, position, seq, message_id, sender_id, type, created_at, $3
            FROM gone
        ), ended AS (
            UPDATE conversations
            SET purged_seq = last.seq, purged_position = last.position, purged_until = last.created_at
            FROM (SELECT seq, position, created_at FROM gone ORDER BY position DESC LIMIT 1) last
            WHERE conversation_id = $1 AND purged_seq < last.seq
        ), counted AS (
            -- Last, and by whoever may wait for it: this row is everybody's.
            UPDATE log_state SET purges = purges + 1 WHERE EXISTS (SELECT FROM gone)
        )
        -- A function sees what was committed while this waited for rows, as a part of the statement would not.
        SELECT count(*), forget_excerpts(array_agg(position)) FROM gone
        """,
        conversation_id,
        keep_since,
        now,
        limit,
    )
    return purged


@dataclass(frozen=True, slots=True)
class Trimmed:
    """Where the log begins now, and where it would if its events had been read for webhooks; and since when it goes."""

    to: int
    wanted: int
    begins_at: datetime | None


async def trim_log(conn: Connection, keep_since: datetime, wait_since: datetime | None = None) -> Trimmed:
    """Move the beginning of the log past everything older than `keep_since`.

    But not past what is still to be read for webhooks, where there are any, nor, where there is a `wait_since` and of
    what is younger than that, past what one of them has still to be told.
    """
    row = await fetch_one(
        conn,
        """
        WITH awaited AS MATERIALIZED (
            -- The first event that a webhook has still to be told.
            SELECT e.position, e.created_at
            FROM (
                SELECT min(o.position) AS position
                FROM webhooks h
                CROSS JOIN LATERAL (
                    SELECT d.position FROM deliveries d
                    WHERE d.webhook_id = h.webhook_id AND d.status = 'pending'
                      AND d.position > (SELECT s.trimmed_to FROM log_state s)
                    ORDER BY d.position LIMIT 1
                ) o
                WHERE h.status = 'active'
            ) first
            JOIN events e ON e.position = first.position
        ), wanted AS MATERIALIZED (
            SELECT CASE WHEN a.created_at >= $2::timestamptz AND a.created_at < $1::timestamptz
            THEN a.position - 1
            ELSE coalesce(
                (SELECT e.position - 1 FROM events e
                 WHERE e.position > s.trimmed_to
                   AND e.created_at >= CASE WHEN a.created_at < $2 THEN $2 ELSE $1 END
                 ORDER BY e.position LIMIT 1),
                (SELECT e.position FROM events e ORDER BY e.position DESC LIMIT 1),
                0
            ) END AS position
            FROM log_state s
            LEFT JOIN awaited a ON true
        )
        UPDATE log_state
        SET trimmed_to = greatest(trimmed_to, least(w.position, CASE
            WHEN EXISTS (SELECT FROM webhooks h WHERE h.status = 'active')
            THEN (SELECT d.position FROM webhook_dispatcher d ORDER BY d.position DESC LIMIT 1)
        END))
        FROM wanted w
        RETURNING trimmed_to, greatest(trimmed_to, w.position) AS wanted,
                  (SELECT e.created_at FROM events e
                   WHERE e.position > trimmed_to ORDER BY e.position LIMIT 1) AS begins_at
        """,
        keep_since,
        wait_since or keep_since,
    )
    return Trimmed(*row)


async def trimmed_partitions(conn: Connection) -> list[tuple[str, str]]:
    """Return the partitions that lie wholly before the log's beginning: (name, "attached", "pending" or "detached").

    The latter two are what a server that died while dropping them left behind.
    """
    rows = await conn.fetch(
        """
        SELECT c.relname,
               CASE WHEN i.inhrelid IS NULL THEN 'detached'
                    WHEN i.inhdetachpending THEN 'pending'
                    ELSE 'attached' END AS state
        FROM pg_class c
        CROSS JOIN log_state s
        LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhparent = 'events'::regclass
        WHERE c.relkind = 'r' AND c.relname ~ '^events_[0-9]+$' AND c.relnamespace = 'public'::regnamespace
          AND (substring(c.relname FROM '[0-9]+$')::bigint + 1) * $1 <= s.trimmed_to + 1
        ORDER BY c.oid
        """,
        PARTITION_SIZE,
    )
    return [(row["relname"], row["state"]) for row in rows]


async def drop_partition(conn: Connection, name: str, state: str) -> None:
    """Drop one partition of the log, without making readers or writers wait. Not inside a transaction."""
    if state != "detached":
        how = "FINALIZE" if state == "pending" else "CONCURRENTLY"
        await conn.execute(f'ALTER TABLE events DETACH PARTITION "{name}" {how}')
    await conn.execute(f'DROP TABLE "{name}"')


async def extend_log(conn: Connection) -> int:
    """Make the partitions that the log will need next; return how many are new."""
    made: int = await conn.fetchval("SELECT extend_log($1, $2)", PARTITION_SIZE, PARTITIONS_AHEAD)
    return made


async def forget_purged(conn: Connection, before: datetime, limit: int) -> int:
    """Forget where messages stood that were purged before a time; return how many."""
    forgotten: int = await conn.fetchval(
        """
        WITH old AS (
            SELECT conversation_id, position FROM purged_messages
            WHERE purged_at < $1
            ORDER BY purged_at
            LIMIT $2
        ), gone AS (
            DELETE FROM purged_messages p
            USING old
            WHERE p.conversation_id = old.conversation_id AND p.position = old.position
            RETURNING 1
        )
        SELECT count(*) FROM gone
        """,
        before,
        limit,
    )
    return forgotten


async def forget_deleted_groups(conn: Connection, before: datetime) -> int:
    """Forget groups deleted before a time, once nothing of them is left to purge; return how many."""
    forgotten: int = await conn.fetchval(
        """
        WITH old AS (
            SELECT c.conversation_id FROM conversations c
            WHERE c.deleted_at < $1
              AND NOT EXISTS (SELECT FROM messages m WHERE m.conversation_id = c.conversation_id)
        ), periods AS (
            DELETE FROM memberships p USING old WHERE p.conversation_id = old.conversation_id
        ), details AS (
            DELETE FROM groups g USING old WHERE g.conversation_id = old.conversation_id
        ), gone AS (
            DELETE FROM conversations c USING old WHERE c.conversation_id = old.conversation_id RETURNING 1
        )
        SELECT count(*) FROM gone
        """,
        before,
    )
    return forgotten


async def take_turn(conn: Connection) -> bool:
    """Become the one process that tidies up, on this connection until `end_turn`; False if another is."""
    taken: bool = await conn.fetchval("SELECT pg_try_advisory_lock($1)", TURN)
    if taken:
        await _close_when_idle(conn, TURN_ENDS_AFTER)
    return taken


async def end_turn(conn: Connection) -> None:
    """Let another process tidy up."""
    await conn.execute("SELECT pg_advisory_unlock($1)", TURN)
    await _close_when_idle(conn, "0")


async def _close_when_idle(conn: Connection, after: str) -> None:
    await conn.execute("SELECT set_config('idle_session_timeout', $1, false)", after)
