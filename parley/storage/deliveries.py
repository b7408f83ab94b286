"""The queue of webhooks: filled from the log, claimed by workers, finished with what came of it.

A delivery holds a reference, and what it is about is read when it is sent. Nothing here waits for the disk: whatever
a crash of the database takes with it is dispatched again from the log, under the same ids.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from parley.storage.database import Connection, Row, fetch_one
from parley.storage.events import CONTENT, CONVERSATIONS, COVERS, EVENT_COLUMNS
from parley.storage.messages import MESSAGE_COLUMNS

State = Literal["succeeded", "failed", "pending", "unsent"]

# Clocks differ: what is so far away by the caller's is as far away by the database's, which judges what is due.
_MOVED = """ARRAY(
    SELECT m.at + (coalesce({now}::timestamptz, clock_timestamp()) - coalesce({here}, {now}, clock_timestamp()))
    FROM unnest({times}::timestamptz[]) WITH ORDINALITY AS m (at, place)
    ORDER BY m.place
)"""

# Counting what waits stops here.
COUNT_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What one reading of the log came to: up to `cursor` of `head`, `seen` events that are `made` deliveries.

    `behind_since` is the time of the first event that is left to read.
    """

    cursor: int
    head: int
    seen: int
    made: int
    behind_since: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is the caller's for the time of its lease, as attempt `number`, with its webhook as it is now.

    `spent` attempts belong to earlier rounds. A claim of an ordered webhook's lane tells until when it is held. Where
    it goes is a `Destination`.
    """

    webhook_id: UUID
    delivery_id: UUID
    position: int | None
    event: str
    number: int
    spent: int
    created_at: datetime
    user_id: UUID
    ordered: bool
    failing_since: datetime | None
    pace: float
    lane_until: datetime | None
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Destination:
    """Where and how a webhook is told now. What is signed is signed by all of the `secrets`, the present one first."""

    url: str
    ordered: bool
    secrets: Sequence[str]


@dataclass(frozen=True, slots=True)
class Known:
    """A webhook that a caller knows: how many it takes for it, whether it is well, and where it found the last ones.

    One that is `silent` gave no answer the last time, or none yet after a while.
    """

    room: int
    well: bool
    silent: bool = False
    due_from: datetime | None = None
    position_from: int = 0


@dataclass(frozen=True, slots=True)
class Holding:
    """How many deliveries a caller holds for somebody's webhooks that are not well, and whether one is silent."""

    number: int
    silent: bool


@dataclass(frozen=True, slots=True)
class Room:
    """How many deliveries a caller can take: for all webhooks that are well, for all others, and for those it knows.

    Of the others no more than `silent` are for those that are, and nobody holds more than `each` of them. Of any
    webhook that it does not know it takes one. Without `everything` it looks for those that it knows alone, and only
    from where it found the last ones.
    """

    well: int
    others: int
    known: Mapping[UUID, Known]
    silent: int
    each: int
    owners: Mapping[UUID, Holding] = field(default_factory=dict)
    everything: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a claim: 'pending' is tried again at `next_at`, 'unsent' as if it had not been claimed."""

    claim: Claim
    state: State
    at: datetime
    next_at: datetime | None = None
    status: int | None = None
    error: str | None = None
    latency_ms: int = 0
    excerpt: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """What a webhook's answers say of it: whether there was a success, and since when there was none after it.

    `pace` None leaves the pace as it is.
    """

    webhook_id: UUID
    recovered: bool = False
    failed_at: datetime | None = None
    pace: float | None = None
    resume_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many deliveries wait, counted up to COUNT_LIMIT, and since when the oldest does."""

    number: int
    oldest: datetime | None


async def dispatch(conn: Connection, most: int, now: datetime | None = None) -> Dispatched | None:
    """Read the log on for at most so many events and write what they are for webhooks; None if another does."""
    row = await fetch_one(
        conn, "SELECT cursor, head, seen, made, behind_since FROM dispatch_events($1, $2)", most, now
    )
    return None if row["cursor"] is None else Dispatched(*row)


async def dispatched_to(conn: Connection) -> int:
    """Return up to where the log was read for webhooks, also while somebody is at it."""
    position: int = await conn.fetchval(
        "SELECT d.position FROM webhook_dispatcher d ORDER BY d.position DESC LIMIT 1"
    )
    return position


async def claim(conn: Connection, lease: timedelta, room: Room, now: datetime | None = None) -> list[Claim]:
    """Claim what is due; of each webhook in the order of positions."""
    known = room.known.values()
    rows = await conn.fetch(
        """
        SELECT webhook_id, delivery_id, position, event, number, spent, created_at, user_id, ordered,
               failing_since, pace, lane_until, due_at
        FROM claim_deliveries($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        """,
        now,
        lease,
        list(room.known),
        [one.room for one in known],
        [one.well for one in known],
        [one.silent for one in known],
        [one.due_from for one in known],
        [one.position_from for one in known],
        room.everything,
        room.well,
        room.others,
        room.silent,
        room.each,
        list(room.owners),
        [one.number for one in room.owners.values()],
        [one.silent for one in room.owners.values()],
    )
    return [Claim(*row) for row in rows]


async def end_leases(conn: Connection) -> None:
    """Let all leases end now, for whoever knows that nobody is left who has one."""
    await conn.execute(
        """
        UPDATE deliveries SET leased_until = clock_timestamp()
        WHERE status = 'pending' AND leased_until > clock_timestamp()
        """
    )
    await conn.execute("UPDATE webhooks SET lane_until = NULL WHERE lane_until IS NOT NULL")


async def read(conn: Connection, wanted: Sequence[tuple[int, UUID]]) -> list[Row]:
    """Return what stands at positions of the log as their readers may see it now; each row names its `readers`.

    A row is what `parley.services.events.data_of` reads, with `happened_at` and the log's `epoch`. What was trimmed
    is missing.
    """
    return await conn.fetch(
        f"""
        WITH asked AS MATERIALIZED (
            SELECT * FROM unnest($1::bigint[], $2::uuid[]) AS a (position, user_id)
        ), allowed AS MATERIALIZED (
            SELECT e.position, e.stream_id, a.user_id,
                   -- Whoever is a member again may read everything that is kept.
                   CASE WHEN NOT EXISTS (
                       SELECT FROM members n WHERE n.conversation_id = e.stream_id AND n.user_id = a.user_id
                   ) THEN (
                       SELECT p.to_position FROM memberships p
                       WHERE p.conversation_id = e.stream_id AND p.user_id = a.user_id AND {COVERS.format("p")}
                   ) END AS left_at
            FROM asked a
            JOIN events e ON e.position = a.position
            WHERE a.position > (SELECT trimmed_to FROM log_state)
        ), chosen AS MATERIALIZED (
            SELECT e.*, d.left_at, d.readers
            FROM (
                SELECT position, stream_id, left_at, array_agg(user_id) AS readers
                FROM allowed
                GROUP BY position, stream_id, left_at
                OFFSET 0
            ) d
            CROSS JOIN LATERAL (
                SELECT * FROM events v WHERE v.position = d.position AND v.stream_id = d.stream_id
            ) e
        ), c AS MATERIALIZED ({CONVERSATIONS})
        SELECT {MESSAGE_COLUMNS}, {EVENT_COLUMNS}, e.created_at AS happened_at, e.readers,
               (SELECT log_epoch()) AS epoch
        FROM chosen e
        {CONTENT}
        """,
        [position for position, _ in wanted],
        [user_id for _, user_id in wanted],
    )


async def destinations(conn: Connection, webhook_ids: Iterable[UUID]) -> dict[UUID, Destination]:
    """Return where webhooks are to be told; those that are to hear nothing now are missing."""
    rows = await conn.fetch(
        """
        SELECT w.webhook_id, w.url, w.ordered, w.secret,
               -- The one before the present is valid for longest.
               CASE WHEN w.previous_secret_until > clock_timestamp() THEN ARRAY(
                   SELECT o.secret
                   FROM unnest(
                       w.older_secrets || w.previous_secret, w.older_secrets_until || w.previous_secret_until
                   ) AS o (secret, until)
                   WHERE o.until > clock_timestamp() ORDER BY o.until DESC
               ) ELSE '{}' END AS old_secrets
        FROM unnest($1::uuid[]) AS a (webhook_id)
        JOIN webhooks w ON w.webhook_id = a.webhook_id
        WHERE w.status = 'active'
          AND NOT EXISTS (SELECT FROM credentials c WHERE c.user_id = w.user_id AND c.suspended_at IS NOT NULL)
        """,
        list(webhook_ids),
    )
    return {
        row["webhook_id"]: Destination(
            row["url"],
            row["ordered"],
            [row["secret"], *row["old_secrets"]],
        )
        for row in rows
    }


async def finish(
    conn: Connection,
    results: Sequence[Result],
    lanes: Mapping[UUID, datetime],
    now: datetime | None = None,
    *,
    here: datetime | None = None,
) -> int:
    """Note results where the claims are still the caller's, and let go of the lanes; return how many were noted.

    `here` is the time by the clock that the results' times are of; without it that is the database's.
    """
    noted: int = await conn.fetchval(
        f"""
        SELECT finish_deliveries(
            $1, $2, $3, $4, $5, {_MOVED.format(times="$6", now="$1", here="$14")},
            {_MOVED.format(times="$7", now="$1", here="$14")}, $8, $9, $10, $11, $12, $13
        )
        """,
        now,
        [result.claim.webhook_id for result in results],
        [result.claim.delivery_id for result in results],
        [result.claim.number for result in results],
        [result.state for result in results],
        [result.next_at for result in results],
        [result.at for result in results],
        [result.status for result in results],
        [result.error for result in results],
        [result.latency_ms for result in results],
        [result.excerpt for result in results],
        list(lanes),
        list(lanes.values()),
        here,
    )
    return noted


async def note_health(
    conn: Connection, health: Sequence[Health], now: datetime | None = None, *, here: datetime | None = None
) -> dict[UUID, datetime]:
    """Note how webhooks fare, and return since when those fail that do.

    `here` is the time by the clock that the times in `health` are of; without it that is the database's.
    """
    rows = await conn.fetch(
        f"""
        UPDATE webhooks w
        SET failing_since = CASE WHEN h.recovered THEN h.failed_at ELSE coalesce(w.failing_since, h.failed_at) END,
            pace = coalesce(h.pace, w.pace),
            resume_at = CASE WHEN h.pace IS NULL THEN w.resume_at ELSE h.resume_at END
        FROM unnest(
            $1::uuid[], $2::boolean[], {_MOVED.format(times="$3", now="$6", here="$7")}, $4::float8[],
            {_MOVED.format(times="$5", now="$6", here="$7")}
        ) AS h (webhook_id, recovered, failed_at, pace, resume_at)
        WHERE w.webhook_id = h.webhook_id
        RETURNING w.webhook_id, w.failing_since
        """,
        [one.webhook_id for one in health],
        [one.recovered for one in health],
        [one.failed_at for one in health],
        [one.pace for one in health],
        [one.resume_at for one in health],
        now,
        here,
    )
    return {row["webhook_id"]: row["failing_since"] for row in rows if row["failing_since"] is not None}


async def disable(conn: Connection, webhook_id: UUID, reason: str, at: datetime) -> UUID | None:
    """Disable a webhook that is active and return whose it is."""
    owner: UUID | None = await conn.fetchval(
        """
        UPDATE webhooks
        SET status = 'disabled', disabled_reason = $2, disabled_at = $3
        WHERE webhook_id = $1 AND status = 'active'
        RETURNING user_id
        """,
        webhook_id,
        reason,
        at,
    )
    return owner


async def waiting(conn: Connection) -> Waiting:
    """Return how much there is to deliver."""
    row = await fetch_one(
        conn,
        f"""
        WITH RECURSIVE webhook AS (
            (SELECT d.webhook_id FROM deliveries d WHERE d.status = 'pending' ORDER BY d.webhook_id LIMIT 1)
            UNION ALL
            SELECT (
                SELECT d.webhook_id FROM deliveries d
                WHERE d.status = 'pending' AND d.webhook_id > w.webhook_id
                ORDER BY d.webhook_id LIMIT 1
            )
            FROM webhook w
            WHERE w.webhook_id IS NOT NULL
        )
        SELECT (SELECT count(*) FROM (
                   SELECT FROM deliveries d WHERE d.status = 'pending' LIMIT {COUNT_LIMIT}
               ) counted) AS number,
               (SELECT min(o.created_at)
                FROM webhook w
                CROSS JOIN LATERAL (
                    SELECT d.created_at FROM deliveries d
                    WHERE d.webhook_id = w.webhook_id AND d.status = 'pending'
                    ORDER BY d.position NULLS FIRST LIMIT 1
                ) o) AS oldest
        """,
    )
    return Waiting(row["number"], row["oldest"])


async def give_up_disabled(conn: Connection, limit: int) -> int:
    """Let what still waits for disabled webhooks fail, up to a limit; return how many."""
    given_up: int = await conn.fetchval(
        """
        WITH old AS (
            SELECT d.webhook_id, d.delivery_id
            FROM webhooks w
            CROSS JOIN LATERAL (
                SELECT v.webhook_id, v.delivery_id FROM deliveries v
                WHERE v.webhook_id = w.webhook_id AND v.status = 'pending'
                  AND (v.leased_until IS NULL OR v.leased_until < clock_timestamp())
                LIMIT $1
                FOR UPDATE SKIP LOCKED
            ) d
            WHERE w.status = 'disabled'
            LIMIT $1
        ), gone AS (
            UPDATE deliveries d
            SET status = 'failed', finished_at = clock_timestamp(), leased_until = NULL
            FROM old
            WHERE d.webhook_id = old.webhook_id AND d.delivery_id = old.delivery_id
            RETURNING 1
        )
        SELECT count(*) FROM gone
        """,
        limit,
    )
    return given_up


# The webhooks that have any deliveries, also such as are deleted themselves.
_DELIVERED_TO = """
    WITH RECURSIVE webhook AS (
        (SELECT d.webhook_id FROM deliveries d ORDER BY d.webhook_id LIMIT 1)
        UNION ALL
        SELECT (SELECT d.webhook_id FROM deliveries d WHERE d.webhook_id > w.webhook_id ORDER BY d.webhook_id LIMIT 1)
        FROM webhook w
        WHERE w.webhook_id IS NOT NULL
    )
"""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many deliveries were deleted, and how many of them were still to be sent to somebody."""

    number: int
    waiting: int


async def forget(conn: Connection, before: datetime, limit: int) -> Forgotten:
    """Delete deliveries that were made before a time, and those of deleted webhooks, with their attempts.

    Up to a limit; return how many. What is being sent stays, and what waits as long as the log has its event.
    """
    row = await fetch_one(
        conn,
        f"""
        {_DELIVERED_TO}, old AS (
            SELECT d.webhook_id, d.delivery_id, d.status = 'pending' AND live.webhook_id IS NOT NULL AS waiting
            FROM webhook w
            LEFT JOIN webhooks live ON live.webhook_id = w.webhook_id
            CROSS JOIN LATERAL (
                SELECT v.webhook_id, v.delivery_id, v.status FROM deliveries v
                WHERE v.webhook_id = w.webhook_id
                  AND v.delivery_id < CASE WHEN live.webhook_id IS NULL THEN $4::uuid ELSE $1::uuid END
                  -- What was dispatched late is younger than its id.
                  AND (live.webhook_id IS NULL OR v.created_at < $2)
                  AND (live.webhook_id IS NULL OR v.status <> 'pending' OR v.position IS NULL
                       OR v.position <= (SELECT s.trimmed_to FROM log_state s))
                  AND (v.leased_until IS NULL OR v.leased_until < clock_timestamp())
                ORDER BY v.delivery_id
                LIMIT $3
            ) d
            LIMIT $3
        ), attempts AS (
            DELETE FROM delivery_attempts a
            USING old
            WHERE a.webhook_id = old.webhook_id AND a.delivery_id = old.delivery_id
        ), gone AS (
            DELETE FROM deliveries d
            USING old
            WHERE d.webhook_id = old.webhook_id AND d.delivery_id = old.delivery_id
            RETURNING old.waiting
        )
        SELECT count(*) AS number, count(*) FILTER (WHERE g.waiting) AS waiting FROM gone g
        """,
        # Identifiers begin with their time, so these are older.
        UUID(int=int(before.timestamp() * 1000) << 80),
        before,
        limit,
        UUID(int=2**128 - 1),
    )
    return Forgotten(*row)
