-- A claim that is lost with its server does not count as an attempt
-- depends: 20261123_05_filters

-- migrate: apply

-- As before, but a claim whose server has ended is no attempt of the schedule: most of what is claimed then had not
-- been sent at all. It is `spent`, as what belongs to earlier rounds, and stays in the list of attempts.
CREATE OR REPLACE FUNCTION claim_deliveries(
    at timestamptz,
    lease interval,
    known uuid[],
    rooms integer[],
    well boolean[],
    silent boolean[],
    due_from timestamptz[],
    positions_from bigint[],
    everything boolean,
    well_room integer,
    other_room integer,
    silent_room integer,
    owner_most integer,
    owners uuid[],
    owners_held integer[],
    owners_silent boolean[]
)
RETURNS TABLE (
    webhook_id uuid,
    delivery_id uuid,
    "position" bigint,
    event text,
    number integer,
    spent integer,
    created_at timestamptz,
    user_id uuid,
    ordered boolean,
    failing_since timestamptz,
    pace double precision,
    lane_until timestamptz,
    due_at timestamptz
)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    now constant timestamptz := coalesce(at, clock_timestamp());
    until constant timestamptz := now + lease;
    open_ids uuid[];
    open_rooms integer[];
    open_well boolean[];
    open_from timestamptz[];
    lanes uuid[];
    paced uuid[];
BEGIN
    PERFORM without_waiting_for_the_disk();
    WITH RECURSIVE waiting AS (
        (SELECT d.webhook_id FROM deliveries d
         WHERE everything AND d.status = 'pending' ORDER BY d.webhook_id LIMIT 1)
        UNION ALL
        SELECT (
            SELECT d.webhook_id FROM deliveries d
            WHERE d.status = 'pending' AND d.webhook_id > p.webhook_id
            ORDER BY d.webhook_id LIMIT 1
        )
        FROM waiting p
        WHERE p.webhook_id IS NOT NULL
    ), candidates AS (
        SELECT p.webhook_id FROM waiting p
        UNION ALL
        SELECT k.id FROM unnest(known) AS k (id) WHERE NOT everything
    ), ready AS (
        SELECT w.webhook_id, w.user_id, w.ordered, w.pace, coalesce(well[k.place], false) AS well,
               coalesce(rooms[k.place], 1) AS room, k.due_from,
               coalesce(silent[k.place], w.failing_since IS NOT NULL) AS silent
        FROM candidates p
        JOIN webhooks w ON w.webhook_id = p.webhook_id
        CROSS JOIN LATERAL (
            SELECT i.place,
                   CASE WHEN everything THEN '-infinity' ELSE coalesce(due_from[i.place], '-infinity') END AS due_from,
                   CASE WHEN everything THEN 0 ELSE coalesce(positions_from[i.place], 0) END AS positions_from
            FROM (SELECT array_position(known, w.webhook_id) AS place) i
            OFFSET 0
        ) k
        WHERE w.status = 'active'
          AND (w.resume_at IS NULL OR w.resume_at <= now)
          AND NOT EXISTS (SELECT FROM credentials c WHERE c.user_id = w.user_id AND c.suspended_at IS NOT NULL)
          AND CASE
            WHEN w.ordered THEN (w.lane_until IS NULL OR w.lane_until <= now) AND (
                (
                    SELECT d.next_attempt_at <= now AND (d.leased_until IS NULL OR d.leased_until <= now)
                    FROM deliveries d
                    WHERE d.webhook_id = w.webhook_id AND d.status = 'pending' AND d.position >= k.positions_from
                    ORDER BY d.position NULLS FIRST LIMIT 1
                ) OR EXISTS (
                    SELECT FROM deliveries d
                    WHERE d.webhook_id = w.webhook_id AND d.status = 'pending' AND d.position IS NULL
                      AND d.next_attempt_at <= now AND (d.leased_until IS NULL OR d.leased_until <= now)
                )
            )
            WHEN w.pace > 0 THEN EXISTS (
                SELECT FROM deliveries d
                WHERE d.webhook_id = w.webhook_id AND d.status = 'pending'
                  AND d.next_attempt_at >= k.due_from AND d.next_attempt_at <= now
                  AND (d.leased_until IS NULL OR d.leased_until <= now)
            )
            ELSE true
          END
    ), due AS (
        SELECT r.*, coalesce(owners_held[o.place], 0) AS held,
               r.silent OR coalesce(owners_silent[o.place], false) AS last,
               -- Of those who are well it does not matter, and may be far to look for.
               CASE WHEN NOT r.well THEN (
                   SELECT d.next_attempt_at FROM deliveries d
                   WHERE d.webhook_id = r.webhook_id AND d.status = 'pending'
                     AND d.next_attempt_at >= r.due_from AND d.next_attempt_at <= now
                     AND (d.leased_until IS NULL OR d.leased_until <= now)
                   ORDER BY d.next_attempt_at LIMIT 1
               ) END AS due_at
        FROM ready r
        CROSS JOIN LATERAL (SELECT array_position(owners, r.user_id) AS place OFFSET 0) o
        WHERE r.room > 0
    ), shared AS (
        SELECT d.*, d.held + row_number() OVER (PARTITION BY d.well, d.user_id ORDER BY d.last, d.due_at) AS share
        FROM due d
        WHERE d.well OR d.due_at IS NOT NULL
    ), ranked AS (
        SELECT s.*, row_number() OVER (PARTITION BY s.well, s.last ORDER BY s.share, s.due_at) AS rank
        FROM shared s
        WHERE s.well OR s.share <= owner_most
    ), turns AS (
        SELECT r.*, row_number() OVER (PARTITION BY r.well ORDER BY r.last, r.share, r.due_at) AS turn
        FROM ranked r
        WHERE r.well OR NOT r.last OR r.rank <= silent_room
    )
    SELECT array_agg(r.webhook_id) FILTER (WHERE NOT r.ordered AND r.pace = 0),
           array_agg(r.room) FILTER (WHERE NOT r.ordered AND r.pace = 0),
           array_agg(r.well) FILTER (WHERE NOT r.ordered AND r.pace = 0),
           array_agg(r.due_from) FILTER (WHERE NOT r.ordered AND r.pace = 0),
           coalesce((array_agg(r.webhook_id) FILTER (WHERE r.ordered AND r.well))[:well_room], '{}')
           || array_agg(r.webhook_id) FILTER (WHERE r.ordered AND NOT r.well),
           array_agg(r.webhook_id) FILTER (WHERE NOT r.ordered AND r.pace > 0)
    INTO open_ids, open_rooms, open_well, open_from, lanes, paced
    FROM turns r
    WHERE r.well OR r.turn <= other_room;

    -- Whoever has the lock of such a webhook judges alone, in the statements after this one.
    SELECT array_agg(l.webhook_id) INTO lanes
    FROM (
        SELECT w.webhook_id FROM webhooks w
        WHERE w.webhook_id = ANY (lanes) AND (w.lane_until IS NULL OR w.lane_until <= now)
        FOR NO KEY UPDATE SKIP LOCKED
    ) l;
    SELECT array_agg(l.webhook_id) INTO paced
    FROM (
        SELECT w.webhook_id FROM webhooks w
        WHERE w.webhook_id = ANY (paced) AND (w.resume_at IS NULL OR w.resume_at <= now)
        FOR NO KEY UPDATE SKIP LOCKED
    ) l;

    RETURN QUERY
    WITH found AS MATERIALIZED (
        SELECT o.webhook_id, o.well, d.delivery_id, d.ord
        FROM unnest(open_ids || paced, open_rooms || array_fill(1, ARRAY[coalesce(cardinality(paced), 0)]),
                    open_well || array_fill(false, ARRAY[coalesce(cardinality(paced), 0)]),
                    open_from || array_fill('-infinity'::timestamptz, ARRAY[coalesce(cardinality(paced), 0)]))
             AS o (webhook_id, room, well, due_from)
        CROSS JOIN LATERAL (
            SELECT q.delivery_id, row_number() OVER () AS ord
            FROM (
                SELECT v.delivery_id FROM deliveries v
                WHERE v.webhook_id = o.webhook_id AND v.status = 'pending'
                  AND v.next_attempt_at >= o.due_from AND v.next_attempt_at <= now
                  AND (v.leased_until IS NULL OR v.leased_until <= now)
                ORDER BY v.next_attempt_at
                LIMIT o.room
                FOR NO KEY UPDATE SKIP LOCKED
            ) q
        ) d
    ), chosen AS MATERIALIZED (
        SELECT c.webhook_id, c.delivery_id, NULL::timestamptz AS lane_until
        FROM (
            SELECT f.*, row_number() OVER (PARTITION BY f.well ORDER BY f.ord) AS place FROM found f
        ) c
        WHERE c.place <= CASE WHEN c.well THEN well_room ELSE other_room END
        UNION ALL
        SELECT f.webhook_id, f.delivery_id, until
        FROM unnest(lanes) AS l (webhook_id)
        CROSS JOIN LATERAL (SELECT array_position(known, l.webhook_id) AS place OFFSET 0) k
        CROSS JOIN LATERAL (
            SELECT o.webhook_id, o.delivery_id, bool_and(o.due) OVER (ORDER BY o.position) AS due
            FROM (
                -- What was claimed before the webhook was ordered is waited for.
                SELECT v.webhook_id, v.delivery_id, v.position,
                       v.next_attempt_at <= now AND (v.leased_until IS NULL OR v.leased_until <= now) AS due
                FROM deliveries v
                WHERE v.webhook_id = l.webhook_id AND v.status = 'pending'
                  AND v.position >= CASE WHEN everything THEN 0 ELSE coalesce(positions_from[k.place], 0) END
                ORDER BY v.position NULLS FIRST
                LIMIT coalesce(rooms[k.place], 1)
            ) o
            UNION ALL
            -- Tests are in nobody's way.
            SELECT v.webhook_id, v.delivery_id, true
            FROM deliveries v
            WHERE v.webhook_id = l.webhook_id AND v.status = 'pending' AND v.position IS NULL
              AND v.next_attempt_at <= now AND (v.leased_until IS NULL OR v.leased_until <= now)
        ) f
        WHERE f.due
    ), taken AS (
        UPDATE deliveries d
        SET attempts = d.attempts + 1, leased_until = until,
            spent = d.spent + (was.leased_until IS NOT NULL)::integer
        FROM chosen c, deliveries was
        -- Said without its status, a delivery is looked up by its key and never among all that wait.
        WHERE d.webhook_id = c.webhook_id AND d.delivery_id = c.delivery_id AND d.finished_at IS NULL
          AND was.webhook_id = c.webhook_id AND was.delivery_id = c.delivery_id
        RETURNING d.webhook_id, d.delivery_id, d.position, d.event, d.attempts, d.spent, d.created_at,
                  d.next_attempt_at, was.leased_until AS last_lease, c.lane_until
    ), occupied AS (
        UPDATE webhooks w SET lane_until = until
        WHERE w.webhook_id = ANY (lanes) AND EXISTS (SELECT FROM chosen c WHERE c.webhook_id = w.webhook_id)
    ), slowed AS (
        UPDATE webhooks w SET resume_at = now + make_interval(secs => w.pace)
        WHERE w.pace > 0 AND w.webhook_id IN (SELECT c.webhook_id FROM chosen c)
    ), abandoned AS (
        INSERT INTO delivery_attempts (webhook_id, delivery_id, number, at, error, latency_ms)
        -- Where leases were ended sooner, it is not known when they began.
        SELECT t.webhook_id, t.delivery_id, t.attempts - 1, greatest(t.last_lease - lease, t.created_at),
               'The server ended before it knew what came of this', 0
        FROM taken t
        WHERE t.last_lease IS NOT NULL
        ON CONFLICT DO NOTHING
    )
    SELECT t.webhook_id, t.delivery_id, t.position, t.event, t.attempts, t.spent, t.created_at,
           w.user_id, w.ordered, w.failing_since, w.pace, t.lane_until, t.next_attempt_at
    FROM taken t
    JOIN webhooks w ON w.webhook_id = t.webhook_id
    ORDER BY t.webhook_id, t.position NULLS FIRST;
END
$$;

-- migrate: rollback
