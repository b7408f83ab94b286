"""Webhooks as their owners made them, and what the owners see and repeat of their deliveries.

What is delivered to whom, and what comes of it, is written in `parley.storage.deliveries`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from parley import cursors
from parley.cursors import Cursor
from parley.model import Delivery, DeliveryAttempt, DeliveryStatus, Webhook, WebhookStatus
from parley.storage.database import Connection, Row, direction
from parley.storage.events import HEAD

# Counting deliveries stops here.
COUNT_LIMIT = 10_000
# How many attempts a delivery shows.
SHOWN_ATTEMPTS = 20
# Before and after all identifiers.
_NO_ID = "'00000000-0000-0000-0000-000000000000'::uuid"
_LAST_ID = "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid"
# The first half of the key of a lock, arbitrary and for this alone.
_MAKING = 72368
# How many deliveries go with their webhook at once.
DELETED_AT_ONCE = 10_000

_COLUMNS = """
    w.webhook_id, w.url, w.events, w.conversation_id, w.ordered, w.status, w.disabled_reason, w.failing_since,
    CASE WHEN w.previous_secret_until > now() THEN w.previous_secret_until END AS previous_secret_until,
    w.created_at, w.secret, w.secret_id
"""
_HEAD_NOW = f"(SELECT {HEAD} FROM log_state s)"


@dataclass(frozen=True, slots=True)
class Record:
    """A webhook with its secret, of which `secret_id` tells which one it is.

    Secrets before it are valid until the times in `old_until`, the first that ends first.
    """

    webhook: Webhook
    secret: str
    secret_id: UUID
    old_until: Sequence[datetime]


async def lock_owner(conn: Connection, user_id: UUID) -> None:
    """Let nobody else make webhooks for a user until the transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", _MAKING, str(user_id))


async def insert(
    conn: Connection,
    user_id: UUID,
    webhook_id: UUID,
    *,
    url: str,
    events: Sequence[str],
    conversation_id: UUID | None,
    ordered: bool,
    secret: str,
) -> None:
    """Make a webhook that hears of what happens from now on. Its first secret is called as it is itself."""
    await conn.execute(
        f"""
        INSERT INTO webhooks (
            webhook_id, user_id, url, events, conversation_id, ordered, secret, secret_id, created_at, hears_after
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $1, clock_timestamp(), {_HEAD_NOW})
        """,
        webhook_id,
        user_id,
        url,
        events,
        conversation_id,
        ordered,
        secret,
    )


async def find(conn: Connection, user_id: UUID, webhook_id: UUID, *, lock: bool = False) -> Record | None:
    """Return one of a user's webhooks; with `lock` nobody else changes it until the transaction ends."""
    row = await conn.fetchrow(
        f"""
        SELECT {_COLUMNS},
               ARRAY(
                   SELECT o.until FROM unnest(w.older_secrets_until || w.previous_secret_until) AS o (until)
                   WHERE o.until > now() ORDER BY o.until
               ) AS old_until
        FROM webhooks w
        WHERE w.webhook_id = $1 AND w.user_id = $2
        {"FOR NO KEY UPDATE" if lock else ""}
        """,
        webhook_id,
        user_id,
    )
    if row is None:
        return None
    return Record(_webhook_of(row), row["secret"], row["secret_id"], row["old_until"])


async def is_member(conn: Connection, user_id: UUID, conversation_id: UUID) -> bool:
    """Tell whether a user is in a conversation."""
    found: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM members WHERE conversation_id = $1 AND user_id = $2)",
        conversation_id,
        user_id,
    )
    return found


async def page(
    conn: Connection,
    user_id: UUID,
    status: WebhookStatus | None,
    *,
    limit: int,
    before: UUID | None = None,
    after: UUID | None = None,
) -> list[Webhook]:
    """Return up to `limit` of a user's webhooks, newest first."""
    rows = await conn.fetch(
        f"""
        SELECT * FROM (
            SELECT {_COLUMNS}
            FROM webhooks w
            WHERE w.user_id = $1 AND ($2::text IS NULL OR w.status = $2)
              AND ($3::uuid IS NULL OR w.webhook_id < $3) AND ($4::uuid IS NULL OR w.webhook_id > $4)
            ORDER BY w.webhook_id {direction(after)}
            LIMIT $5
        ) w
        ORDER BY w.webhook_id DESC
        """,
        user_id,
        status,
        before,
        after,
        limit,
    )
    return [_webhook_of(row) for row in rows]


async def count(
    conn: Connection, user_id: UUID, status: WebhookStatus | None = None, newer_than: UUID | None = None
) -> int:
    """Count a user's webhooks, or of those the ones newer than one."""
    number: int = await conn.fetchval(
        """
        SELECT count(*)
        FROM webhooks w
        WHERE w.user_id = $1 AND ($2::text IS NULL OR w.status = $2)
          AND ($3::uuid IS NULL OR w.webhook_id > $3)
        """,
        user_id,
        status,
        newer_than,
    )
    return number


async def update(conn: Connection, webhook_id: UUID, changes: Mapping[str, Any]) -> None:
    """Set columns of a webhook to new values. The caller has locked it and chose the names."""
    assignments = ", ".join(f"{column} = ${n}" for n, column in enumerate(changes, 2))
    await conn.execute(
        f"UPDATE webhooks SET {assignments} WHERE webhook_id = $1", webhook_id, *changes.values()
    )


async def told_until(conn: Connection, webhook_id: UUID) -> int:
    """Let nobody read the log for webhooks until the transaction ends, and return after what this one is to hear."""
    position: int = await conn.fetchval(
        """
        SELECT greatest(d.position, w.hears_after)
        FROM webhook_dispatcher d
        CROSS JOIN webhooks w
        WHERE w.webhook_id = $1
        ORDER BY d.position DESC LIMIT 1
        FOR UPDATE OF d
        """,
        webhook_id,
    )
    return position


async def disable(conn: Connection, webhook_id: UUID, reason: str, at: datetime) -> None:
    """Let a webhook hear nothing more. What waits for it goes on waiting."""
    await conn.execute(
        """
        UPDATE webhooks
        SET status = 'disabled', disabled_reason = $2, disabled_at = $3
        WHERE webhook_id = $1
        """,
        webhook_id,
        reason,
        at,
    )


async def enable(conn: Connection, webhook_id: UUID) -> None:
    """Let a webhook be sent to again, as if it had never failed. From where it hears is the caller's to say."""
    await conn.execute(
        """
        UPDATE webhooks
        SET status = 'active', disabled_reason = NULL, disabled_at = NULL, failing_since = NULL,
            pace = 0, resume_at = NULL
        WHERE webhook_id = $1
        """,
        webhook_id,
    )


async def write_secret(
    conn: Connection, webhook_id: UUID, secret_id: UUID, secret: str, until: datetime
) -> None:
    """Give a webhook another secret; the one it has stays valid until a time, and those before it until theirs."""
    await conn.execute(
        """
        UPDATE webhooks w
        SET older_secrets = old.secrets, older_secrets_until = old.times,
            previous_secret = w.secret, previous_secret_until = $4, secret = $3, secret_id = $2
        FROM (
            SELECT coalesce(array_agg(o.secret ORDER BY o.until), '{}') AS secrets,
                   coalesce(array_agg(o.until ORDER BY o.until), '{}') AS times
            FROM webhooks v
            CROSS JOIN LATERAL unnest(
                v.older_secrets || v.previous_secret, v.older_secrets_until || v.previous_secret_until
            ) AS o (secret, until)
            WHERE v.webhook_id = $1 AND o.until > clock_timestamp()
        ) old
        WHERE w.webhook_id = $1
        """,
        webhook_id,
        secret_id,
        secret,
        until,
    )


async def delete(conn: Connection, user_id: UUID, webhook_id: UUID) -> bool:
    """Delete a webhook with its deliveries, and tell whether it was there.

    Of very many deliveries some are left, which nobody finds any more and retention deletes.
    """
    found = await conn.fetchval(
        "DELETE FROM webhooks WHERE webhook_id = $1 AND user_id = $2 RETURNING true", webhook_id, user_id
    )
    if found:
        await conn.execute(
            f"""
            WITH gone AS (
                DELETE FROM deliveries
                WHERE (webhook_id, delivery_id) IN (
                    SELECT webhook_id, delivery_id FROM deliveries WHERE webhook_id = $1 LIMIT {DELETED_AT_ONCE}
                )
                RETURNING delivery_id
            )
            DELETE FROM delivery_attempts a USING gone g
            WHERE a.webhook_id = $1 AND a.delivery_id = g.delivery_id
            """,
            webhook_id,
        )
    return bool(found)


# ---- deliveries, as their webhook's owner sees them

_DELIVERY = f"""
    d.webhook_id, d.delivery_id, d.position, d.event, d.status, d.created_at, d.finished_at, d.attempts,
    CASE WHEN d.status = 'pending' THEN d.next_attempt_at END AS next_attempt_at,
    log_epoch() AS epoch,
    ARRAY(
        SELECT jsonb_build_array(a.number, a.at, a.status, a.error, a.latency_ms, a.response_excerpt)
        FROM (
            SELECT * FROM delivery_attempts t
            WHERE t.webhook_id = d.webhook_id AND t.delivery_id = d.delivery_id
            ORDER BY t.number DESC LIMIT {SHOWN_ATTEMPTS}
        ) a
        ORDER BY a.number
    ) AS shown_attempts
"""
# Written out, so that the few that wait or failed among very many are found by the indexes that have only those.
_WITH_STATUS: Mapping[DeliveryStatus | None, str] = {
    None: "",
    "pending": "AND d.status = 'pending'",
    "succeeded": "AND d.status = 'succeeded'",
    "failed": "AND d.status = 'failed'",
}
# What the log no longer keeps cannot be delivered again, and is about to be deleted here too.
_KEPT = "(d.position IS NULL OR d.position > (SELECT s.trimmed_to FROM log_state s))"


async def insert_test(conn: Connection, webhook_id: UUID, delivery_id: UUID) -> None:
    """Let a test be delivered."""
    await conn.execute(
        """
        INSERT INTO deliveries (webhook_id, delivery_id, event, next_attempt_at, created_at)
        SELECT $1, $2, 'webhook.test', n.now, n.now FROM clock_timestamp() AS n (now)
        """,
        webhook_id,
        delivery_id,
    )


async def find_delivery(conn: Connection, webhook_id: UUID, delivery_id: UUID) -> Delivery | None:
    """Return a delivery of a webhook."""
    row = await conn.fetchrow(
        f"SELECT {_DELIVERY} FROM deliveries d WHERE d.webhook_id = $1 AND d.delivery_id = $2 AND {_KEPT}",
        webhook_id,
        delivery_id,
    )
    return None if row is None else _delivery_of(row)


async def delivery_page(
    conn: Connection,
    webhook_id: UUID,
    status: DeliveryStatus | None,
    *,
    limit: int,
    before: UUID | None = None,
    after: UUID | None = None,
    few: bool = False,
) -> list[Delivery]:
    """Return up to `limit` deliveries of a webhook, newest first.

    That there are but `few` with this status (COUNT_LIMIT) lets them be gathered before they are put in order: those
    that wait have no index in this order, for that would cost every delivery.
    """
    rows = await conn.fetch(
        f"""
        SELECT {_DELIVERY}
        FROM (
            SELECT * FROM (
                SELECT * FROM deliveries d
                WHERE d.webhook_id = $1 {_WITH_STATUS[status]}
                {"OFFSET 0" if few and status == "pending" else ""}
            ) d
            WHERE d.delivery_id < coalesce($2, {_LAST_ID}) AND d.delivery_id > coalesce($3, {_NO_ID}) AND {_KEPT}
            ORDER BY d.delivery_id {direction(after)}
            LIMIT $4
        ) d
        ORDER BY d.delivery_id DESC
        """,
        webhook_id,
        before,
        after,
        limit,
    )
    return [_delivery_of(row) for row in rows]


async def count_deliveries(
    conn: Connection, webhook_id: UUID, status: DeliveryStatus | None, newer_than: UUID | None = None
) -> int:
    """Count what `delivery_page` would show, or of that the newer than one; up to COUNT_LIMIT + 1."""
    number: int = await conn.fetchval(
        f"""
        SELECT count(*) FROM (
            SELECT FROM deliveries d
            WHERE d.webhook_id = $1 AND d.delivery_id > coalesce($2, {_NO_ID}) {_WITH_STATUS[status]} AND {_KEPT}
            LIMIT {COUNT_LIMIT + 1}
        ) counted
        """,
        webhook_id,
        newer_than,
    )
    return number


_ONCE_MORE = """
    SET status = 'pending', spent = d.attempts, next_attempt_at = clock_timestamp(), leased_until = NULL,
        finished_at = NULL
"""


# What failed in this round and waits for its time; what is being sent has a lease.
_WAITS_AFTER_FAILURE = """
    d.status = 'pending' AND d.attempts > d.spent AND d.next_attempt_at > clock_timestamp()
    AND (d.leased_until IS NULL OR d.leased_until < clock_timestamp())
"""


async def redeliver(conn: Connection, webhook_id: UUID, delivery_id: UUID) -> bool:
    """Let a delivery be sent now that is finished, or failed and waits; tell whether it was such a one."""
    done = await conn.fetchval(
        f"""
        UPDATE deliveries d
        {_ONCE_MORE}
        WHERE d.webhook_id = $1 AND d.delivery_id = $2
          AND (d.status <> 'pending' OR {_WAITS_AFTER_FAILURE})
        RETURNING true
        """,
        webhook_id,
        delivery_id,
    )
    return bool(done)


async def redeliver_failed(conn: Connection, webhook_id: UUID, since: datetime, limit: int) -> int:
    """Let up to `limit` deliveries be sent again that were given up since a time; return how many there were."""
    failed = "d.status = 'failed' AND d.finished_at >= $2"
    return await _send_again(conn, failed, "d.delivery_id", webhook_id, since, limit)


async def hurry(conn: Connection, webhook_id: UUID, since: datetime, limit: int) -> int:
    """Let up to `limit` deliveries be sent now that failed since a time and wait; return how many there were."""
    waits = f"""{_WAITS_AFTER_FAILURE}
        AND EXISTS (
            SELECT FROM delivery_attempts a
            WHERE a.webhook_id = d.webhook_id AND a.delivery_id = d.delivery_id AND a.number = d.attempts
              AND a.at >= $2
        )
    """
    return await _send_again(conn, waits, "d.next_attempt_at", webhook_id, since, limit)


async def _send_again(
    conn: Connection, which: str, order: str, webhook_id: UUID, since: datetime, limit: int
) -> int:
    """Let up to `limit` deliveries, `which` is a condition of, be sent again; `$2` in it is `since`."""
    number: int = await conn.fetchval(
        # Only fragments of this file are put together here; values travel apart.
        f"""
        WITH chosen AS (
            SELECT d.delivery_id FROM deliveries d
            WHERE d.webhook_id = $1 AND {which} AND {_KEPT}
            ORDER BY {order}
            LIMIT $3
            FOR NO KEY UPDATE SKIP LOCKED
        ), changed AS (
            UPDATE deliveries d
            {_ONCE_MORE}
            FROM chosen c
            WHERE d.webhook_id = $1 AND d.delivery_id = c.delivery_id
            RETURNING 1
        )
        SELECT count(*) FROM changed
        """,
        webhook_id,
        since,
        limit,
    )
    return number


async def position_before(conn: Connection, time: datetime) -> int:
    """Return the last position that is older than a time, or where the log begins.

    Positions have no gaps and times never go back, so it is found by halving.
    """
    position: int = await conn.fetchval(
        f"""
        WITH RECURSIVE search (low, high) AS (
            SELECT s.trimmed_to, {HEAD} FROM log_state s
            UNION ALL
            SELECT CASE WHEN m.older THEN m.position ELSE s.low END,
                   CASE WHEN m.older THEN s.high ELSE m.position - 1 END
            FROM search s
            CROSS JOIN LATERAL (
                SELECT e.position, e.created_at < $1 AS older
                FROM events e
                WHERE e.position = (s.low + s.high + 1) / 2
            ) m
            WHERE s.low < s.high
        )
        SELECT s.low FROM search s WHERE s.low >= s.high
        """,
        time,
    )
    return position


async def event_names(conn: Connection, positions: Sequence[int]) -> list[Row]:
    """Return position, stream and webhooks' name of events, oldest first; those that have no such name are left out."""
    rows: list[Row] = await conn.fetch(
        """
        SELECT e.position, e.stream_id, e.subject_id, n.name, e.facts, e.created_at
        FROM unnest($1::bigint[]) AS p (position)
        JOIN events e ON e.position = p.position
        CROSS JOIN LATERAL (SELECT webhook_event(e.kind, e.stream_id) AS name OFFSET 0) n
        WHERE n.name IS NOT NULL
        ORDER BY e.position
        """,
        positions,
    )
    return rows


async def deliver(conn: Connection, webhook_id: UUID, events: Sequence[Row]) -> int:
    """Let events of `event_names` be delivered to a webhook, but those that were; return how many are new."""
    number: int = await conn.fetchval(
        """
        WITH made AS (
            INSERT INTO deliveries (
                webhook_id, delivery_id, position, event, stream_id, next_attempt_at, created_at
            )
            SELECT $1, delivery_id($1, e.position, e.happened_at), e.position, e.name, e.stream_id, n.now, n.now
            FROM unnest($2::bigint[], $3::text[], $4::uuid[], $5::timestamptz[])
                 AS e (position, name, stream_id, happened_at)
            CROSS JOIN (SELECT clock_timestamp() AS now) n
            ON CONFLICT DO NOTHING
            RETURNING 1
        )
        SELECT count(*) FROM made
        """,
        webhook_id,
        *([row[column] for row in events] for column in ("position", "name", "stream_id", "created_at")),
    )
    return number


def _webhook_of(row: Row) -> Webhook:
    return Webhook(
        id=row["webhook_id"],
        url=row["url"],
        events=row["events"],
        conversation_id=row["conversation_id"],
        ordered=row["ordered"],
        status=row["status"],
        disabled_reason=row["disabled_reason"],
        failing_since=row["failing_since"],
        previous_secret_until=row["previous_secret_until"],
        created_at=row["created_at"],
    )


def _delivery_of(row: Row) -> Delivery:
    position = row["position"]
    return Delivery(
        id=row["delivery_id"],
        webhook_id=row["webhook_id"],
        event=row["event"],
        cursor=None if position is None else Cursor(cursors.epoch_of(row["epoch"]), position).encode(),
        status=row["status"],
        created_at=row["created_at"],
        next_attempt_at=row["next_attempt_at"],
        finished_at=row["finished_at"],
        attempt_count=row["attempts"],
        attempts=[
            DeliveryAttempt(number, datetime.fromisoformat(at), *rest)
            for number, at, *rest in row["shown_attempts"]
        ],
    )
