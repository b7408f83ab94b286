-- Webhooks, what is to be delivered to them, and how far the log was read for it
-- depends: 20261122_03_presence_and_receipts

-- migrate: apply

-- Where somebody wants to be told what happens. Secrets are kept as they are, because each request is signed with
-- them. It hears of positions after `hears_after`: the head when it was made, or when it last became active.
CREATE TABLE webhooks (
    webhook_id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    url text NOT NULL,
    events text[] NOT NULL,
    conversation_id uuid,
    ordered boolean NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
    disabled_reason text,
    disabled_at timestamptz,
    secret text NOT NULL,
    previous_secret text,
    previous_secret_until timestamptz,
    created_at timestamptz NOT NULL,
    hears_after bigint NOT NULL,
    -- Since when there was nothing but failures; null after a success.
    failing_since timestamptz,
    -- Seconds between requests to an endpoint that asked for less, and when the next may go.
    pace double precision NOT NULL DEFAULT 0,
    resume_at timestamptz,
    -- An ordered webhook is claimed as a whole, until then.
    lane_until timestamptz,
    CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL))
);
CREATE INDEX webhooks_by_user ON webhooks (user_id, webhook_id);
CREATE INDEX webhooks_active ON webhooks (user_id, webhook_id) WHERE status = 'active';

-- One event for one webhook: a reference, never content. Without a position it is a test, which refers to nothing.
-- `attempts` counts claims, and so tells a worker whose lease was taken from the one that has it now; the first
-- `spent` of them belong to earlier rounds, before somebody asked for the delivery again.
-- The id of an event's delivery follows from webhook and event (`delivery_id`), so that it cannot exist twice.
-- There are no references to webhooks: what is left of a deleted one goes in steps.
CREATE TABLE deliveries (
    webhook_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    position bigint,
    event text NOT NULL,
    stream_id uuid,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'succeeded', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    spent integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    leased_until timestamptz,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (webhook_id, delivery_id),
    CHECK ((status = 'pending') = (finished_at IS NULL)),
    CHECK (status <> 'pending' OR next_attempt_at IS NOT NULL)
) WITH (fillfactor = 50);
CREATE INDEX deliveries_due ON deliveries (webhook_id, next_attempt_at) WHERE status = 'pending';
CREATE INDEX deliveries_in_order ON deliveries (webhook_id, position NULLS FIRST) WHERE status = 'pending';
CREATE INDEX deliveries_failed ON deliveries (webhook_id, delivery_id) WHERE status = 'failed';

-- What came of each attempt. Without a status there was no answer, and `error` says why.
CREATE TABLE delivery_attempts (
    webhook_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    status integer,
    error text,
    latency_ms integer NOT NULL,
    response_excerpt text,
    -- Of the message that the receiver was told, and may have repeated in its answer.
    message_position bigint,
    PRIMARY KEY (webhook_id, delivery_id, number)
);
CREATE INDEX delivery_attempts_excerpts ON delivery_attempts (message_position)
WHERE message_position IS NOT NULL AND response_excerpt IS NOT NULL;

-- One row: up to where the log was read for webhooks. The position is the key, so that under a long snapshot the
-- newest version is found at the end of the index, past all the dead ones.
CREATE TABLE webhook_dispatcher (
    position bigint PRIMARY KEY
);
INSERT INTO webhook_dispatcher
SELECT coalesce((SELECT max(e.position) FROM events e), s.trimmed_to) FROM log_state s;

-- Forget what receivers answered to messages that are deleted, by whoever deletes them and has their rows.
CREATE FUNCTION forget_excerpts(positions bigint[]) RETURNS void
LANGUAGE sql VOLATILE SET enable_seqscan = off AS $$
    UPDATE delivery_attempts a SET response_excerpt = NULL
    FROM unnest(positions) AS p (position)
    WHERE a.message_position = p.position AND a.response_excerpt IS NOT NULL
$$;

-- The id of the delivery of one event to one webhook: a UUID of version 7 that begins with the time of the event
-- and the end of its position, and is the same whenever it is made, also after a restore.
CREATE FUNCTION delivery_id(webhook uuid, event_position bigint, happened_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(
        substring(int8send(floor(extract(epoch FROM happened_at) * 1000)::bigint) FROM 3)
        || int2send((28672 | (event_position & 4095))::smallint)
        || set_bit(set_bit(substring(sha256(uuid_send(webhook) || int8send(event_position)) FROM 1 FOR 8), 7, 1), 6, 0),
        'hex'
    )::uuid
$$;

-- How webhooks call what the log calls otherwise. Opening a direct conversation has no name there.
CREATE FUNCTION webhook_event(kind text, stream uuid) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE kind
        WHEN 'message' THEN 'message.created'
        WHEN 'receipt' THEN 'receipt.updated'
        WHEN 'conversation.created' THEN
            (SELECT 'group.created' FROM conversations c WHERE c.conversation_id = stream AND c.kind = 'group')
        ELSE kind
    END
$$;

-- A webhook's queue may be lost with the last instants before a crash of the database, as long as all of it is lost:
-- the dispatcher then reads the same events again and makes deliveries with the same ids. So nothing here waits for
-- the disk, and nobody who sends a message waits behind it.
CREATE FUNCTION without_waiting_for_the_disk() RETURNS void
LANGUAGE sql VOLATILE AS $$
    SELECT set_config('synchronous_commit', 'off', true)
$$;

-- For whom events are deliveries: reads `first` < position <= `last` in the log for these owners of webhooks, or for
-- all (null), and writes what is missing. Returns how many deliveries are new.
-- `kinds` are those of the log that any of them wants.
CREATE FUNCTION collect_deliveries(
    first bigint,
    last bigint,
    kinds text[],
    owners uuid[],
    at timestamptz,
    OUT made integer
)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    never constant bigint := 9223372036854775807;
    streams uuid[];
    -- Who reads which stream, from where to where.
    readers uuid[];
    read_streams uuid[];
    starts bigint[];
    ends bigint[];
BEGIN
    made := 0;
    SELECT array_agg(DISTINCT e.stream_id) INTO streams
    FROM events e
    WHERE e.position > first AND e.position <= last AND e.kind = ANY (kinds);
    IF streams IS NULL THEN
        RETURN;
    END IF;

    IF owners IS NOT NULL THEN
        SELECT array_agg(r.reader), array_agg(r.stream), array_agg(r.start), array_agg(r.past)
        INTO readers, read_streams, starts, ends
        FROM (
            SELECT m.user_id AS reader, m.conversation_id AS stream, m.from_position AS start, m.to_position AS past
            FROM unnest(streams) AS s (id)
            CROSS JOIN unnest(owners) AS o (id)
            JOIN memberships m ON m.conversation_id = s.id AND m.user_id = o.id
            WHERE m.from_position <= last AND coalesce(m.to_position, never) > first
            UNION ALL
            SELECT o.id, o.id, 0, NULL FROM unnest(owners) AS o (id)
        ) r;
    ELSE
        SELECT array_agg(r.reader), array_agg(r.stream), array_agg(r.start), array_agg(r.past)
        INTO readers, read_streams, starts, ends
        FROM (
            SELECT m.user_id AS reader, m.conversation_id AS stream, m.from_position AS start, m.to_position AS past
            FROM unnest(streams) AS s (id)
            JOIN memberships m ON m.conversation_id = s.id
            WHERE m.from_position <= last AND coalesce(m.to_position, never) > first
              AND EXISTS (SELECT FROM webhooks w WHERE w.user_id = m.user_id AND w.status = 'active')
            UNION ALL
            SELECT s.id, s.id, 0, NULL FROM unnest(streams) AS s (id)
            WHERE EXISTS (SELECT FROM webhooks w WHERE w.user_id = s.id AND w.status = 'active')
        ) r;
    END IF;

    IF 'user.updated' = ANY (kinds) THEN
        -- Other people's profiles, for those with whom they shared a conversation then, not a large one.
        SELECT readers || array_agg(r.reader), read_streams || array_agg(r.stream),
               starts || array_agg(r.position), ends || array_agg(r.position + 1)
        INTO readers, read_streams, starts, ends
        FROM (
            SELECT DISTINCT other.user_id AS reader, e.stream_id AS stream, e.position
            FROM events e
            CROSS JOIN LATERAL (
                SELECT o.conversation_id FROM memberships o
                WHERE o.user_id = e.stream_id
                  AND o.from_position <= e.position AND coalesce(o.to_position, never) > e.position
                  AND (SELECT count(*) FROM (
                        SELECT FROM memberships n
                        WHERE n.conversation_id = o.conversation_id
                          AND n.from_position <= e.position AND coalesce(n.to_position, never) > e.position
                        LIMIT 101
                      ) counted) <= 100
                OFFSET 0
            ) shared
            JOIN memberships other ON other.conversation_id = shared.conversation_id
                                  AND other.from_position <= e.position
                                  AND coalesce(other.to_position, never) > e.position
            WHERE e.kind = 'user.updated' AND e.position > first AND e.position <= last
              AND other.user_id <> e.stream_id
              AND EXISTS (SELECT FROM webhooks w WHERE w.user_id = other.user_id AND w.status = 'active')
        ) r;
    END IF;

    INSERT INTO deliveries (
        webhook_id, delivery_id, position, event, stream_id, next_attempt_at, created_at
    )
    SELECT w.webhook_id, delivery_id(w.webhook_id, e.position, e.created_at), e.position, n.event, e.stream_id, at, at
    FROM unnest(readers, read_streams, starts, ends) AS r (reader, stream, start, past)
    CROSS JOIN LATERAL (
        SELECT v.position, v.stream_id, v.kind, v.facts, v.created_at
        FROM events v
        WHERE v.stream_id = r.stream AND v.kind = ANY (kinds)
          AND v.position > greatest(first, r.start - 1) AND v.position < least(last + 1, coalesce(r.past, never))
        OFFSET 0
    ) e
    CROSS JOIN LATERAL (SELECT webhook_event(e.kind, e.stream_id) AS event OFFSET 0) n
    JOIN webhooks w ON w.user_id = r.reader AND w.status = 'active'
    WHERE w.events && ARRAY[n.event, '*'] AND n.event IS NOT NULL
      AND (w.conversation_id IS NULL OR w.conversation_id = e.stream_id
           OR w.conversation_id::text = e.facts ->> 'conversation_id')
      AND e.position > w.hears_after
      AND NOT EXISTS (SELECT FROM credentials c WHERE c.user_id = w.user_id AND c.suspended_at IS NOT NULL)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS made = ROW_COUNT;
END
$$;

-- The kinds of the log that webhooks with these names want.
CREATE FUNCTION wanted_kinds(names text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(k.kind)
    FROM (VALUES
        ('message', 'message.created'), ('message.updated', 'message.updated'), ('message.deleted', 'message.deleted'),
        ('receipt', 'receipt.updated'), ('conversation.created', 'group.created'),
        ('member.added', 'member.added'), ('member.removed', 'member.removed'), ('member.updated', 'member.updated'),
        ('group.updated', 'group.updated'), ('group.deleted', 'group.deleted'), ('user.updated', 'user.updated'),
        ('webhook.disabled', 'webhook.disabled')
    ) AS k (kind, name)
    WHERE k.name = ANY (names) OR '*' = ANY (names)
$$;

-- Read the log on, for up to `most` events, write the deliveries they are, and move the cursor: one commit, so that
-- nothing is lost or there twice. Nothing is returned where somebody else is at it.
-- `behind_since` is the time of the first event that is left; null, when none is.
CREATE FUNCTION dispatch_events(
    most integer,
    now timestamptz,
    OUT cursor bigint,
    OUT head bigint,
    OUT seen integer,
    OUT made integer,
    OUT behind_since timestamptz
)
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    few constant integer := 8;
    old bigint;
    start bigint;
    owners uuid[];
    names text[];
BEGIN
    PERFORM without_waiting_for_the_disk();
    SELECT d.position INTO old FROM webhook_dispatcher d ORDER BY d.position DESC LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- From here on statements see what was committed before the lock was taken.
    SELECT greatest(old, s.trimmed_to) INTO start FROM log_state s;
    SELECT e.position INTO head FROM events e WHERE e.position > start ORDER BY e.position DESC LIMIT 1;
    head := coalesce(head, start);
    SELECT array_agg(w.user_id) INTO owners
    FROM (
        SELECT DISTINCT o.user_id FROM webhooks o WHERE o.status = 'active' LIMIT few + 1
    ) w;
    -- Without webhooks there is nothing to read.
    cursor := CASE WHEN owners IS NULL THEN head ELSE least(head, start + most) END;
    seen := cursor - start;
    made := 0;
    IF cursor > start AND owners IS NOT NULL THEN
        SELECT array_agg(DISTINCT n.name) INTO names
        FROM webhooks w CROSS JOIN unnest(w.events) AS n (name) WHERE w.status = 'active';
        -- Few owners are looked up in each stream; of many, those who are in it.
        made := collect_deliveries(start, cursor, wanted_kinds(names),
                                   CASE WHEN cardinality(owners) <= few THEN owners END,
                                   coalesce(now, clock_timestamp()));
    END IF;
    -- A webhook that is made hears of nothing before, so without any it does not matter where exactly this stands.
    IF cursor > old AND (owners IS NOT NULL OR cursor - old >= 1000) THEN
        UPDATE webhook_dispatcher d SET position = dispatch_events.cursor WHERE d.position = old;
    END IF;
    IF cursor < head THEN
        SELECT e.created_at INTO behind_since FROM events e WHERE e.position = cursor + 1;
    END IF;
END
$$;

-- Claim what is due for the time of a lease. Each webhook in `known` gets up to its `rooms`, any other one delivery; all
-- that are `well` together `well_room`, all others together `other_room`.
-- One that asked for less gets one at a time, and is not asked again before its pace allows it.
-- An ordered webhook is claimed as a whole: its first deliveries, up to the first that is not due, and tests.
-- Under a long snapshot what was delivered stays in the indexes, before what is due. Then one does not look for
-- `everything`, but only at known webhooks, from where there was something the last time (`due_from`, `positions_from`).
CREATE FUNCTION claim_deliveries(
    at timestamptz,
    lease interval,
    known uuid[],
    rooms integer[],
    well boolean[],
    due_from timestamptz[],
    positions_from bigint[],
    everything boolean,
    well_room integer,
    other_room integer
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
        SELECT w.webhook_id, w.ordered, w.pace, coalesce(well[k.place], false) AS well,
               coalesce(rooms[k.place], 1) AS room, k.due_from
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
    )
    SELECT array_agg(r.webhook_id) FILTER (WHERE NOT r.ordered AND r.pace = 0),
           array_agg(r.room) FILTER (WHERE NOT r.ordered AND r.pace = 0),
           array_agg(r.well) FILTER (WHERE NOT r.ordered AND r.pace = 0),
           array_agg(r.due_from) FILTER (WHERE NOT r.ordered AND r.pace = 0),
           coalesce((array_agg(r.webhook_id) FILTER (WHERE r.ordered AND r.well))[:well_room], '{}')
           || (array_agg(r.webhook_id) FILTER (WHERE r.ordered AND NOT r.well))[:other_room],
           (array_agg(r.webhook_id) FILTER (WHERE NOT r.ordered AND r.pace > 0))[:other_room]
    INTO open_ids, open_rooms, open_well, open_from, lanes, paced
    FROM ready r
    WHERE r.room > 0;

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
        SET attempts = d.attempts + 1, leased_until = until
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
        SELECT t.webhook_id, t.delivery_id, t.attempts - 1, t.last_lease - lease,
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

-- Note what came of attempts, where they are still those of the caller: whose lease was taken writes nothing.
-- Of each (`states`): 'succeeded', 'failed', 'pending' (again at `nexts`) or 'unsent' (as if it had not been claimed).
-- Lets go of lanes (`lane_ids`) that are still held as they were claimed (`lane_times`). Returns how many were noted.
CREATE FUNCTION finish_deliveries(
    at timestamptz,
    webhook_ids uuid[],
    ids uuid[],
    numbers integer[],
    states text[],
    nexts timestamptz[],
    times timestamptz[],
    statuses integer[],
    errors text[],
    latencies integer[],
    excerpts text[],
    lane_ids uuid[],
    lane_times timestamptz[],
    OUT number_noted integer
)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    now constant timestamptz := coalesce(at, clock_timestamp());
BEGIN
    PERFORM without_waiting_for_the_disk();
    WITH outcome AS MATERIALIZED (
        SELECT *
        FROM unnest(webhook_ids, ids, numbers, states, nexts, times, statuses, errors, latencies, excerpts)
             AS o (webhook_id, delivery_id, number, state, next_at, at, status, error, latency_ms, excerpt)
    ), noted AS (
        UPDATE deliveries d
        SET status = CASE WHEN o.state IN ('succeeded', 'failed') THEN o.state ELSE 'pending' END,
            attempts = d.attempts - CASE WHEN o.state = 'unsent' THEN 1 ELSE 0 END,
            next_attempt_at = CASE o.state WHEN 'unsent' THEN now ELSE coalesce(o.next_at, d.next_attempt_at) END,
            leased_until = NULL,
            finished_at = CASE WHEN o.state IN ('succeeded', 'failed') THEN now END
        FROM outcome o
        WHERE d.webhook_id = o.webhook_id AND d.delivery_id = o.delivery_id
          AND d.attempts = o.number AND d.finished_at IS NULL AND d.leased_until IS NOT NULL
        RETURNING d.webhook_id, d.delivery_id, d.position, d.stream_id, d.event, o.number, o.state, o.at, o.status,
                  o.error, o.latency_ms, o.excerpt
    ), content AS MATERIALIZED (
        -- The messages that are there and stay until this is committed: whoever deletes one then finds the answer.
        -- One that is being changed at this moment may be deleted.
        SELECT n.webhook_id, n.delivery_id, m.position
        FROM noted n
        JOIN events e ON e.position = n.position AND e.stream_id = n.stream_id
        JOIN messages m ON m.conversation_id = e.stream_id AND m.position = e.message_position
        WHERE n.excerpt IS NOT NULL AND n.event IN ('message.created', 'message.updated') AND m.deleted_at IS NULL
        FOR SHARE OF m SKIP LOCKED
    ), told AS (
        INSERT INTO delivery_attempts (
            webhook_id, delivery_id, number, at, status, error, latency_ms, response_excerpt, message_position
        )
        SELECT n.webhook_id, n.delivery_id, n.number, n.at, n.status, n.error, n.latency_ms,
               CASE WHEN c.position IS NOT NULL OR n.event NOT IN ('message.created', 'message.updated')
                    THEN n.excerpt END,
               c.position
        FROM noted n
        LEFT JOIN content c ON c.webhook_id = n.webhook_id AND c.delivery_id = n.delivery_id
        WHERE n.state <> 'unsent'
        ON CONFLICT DO NOTHING
    )
    SELECT count(*) INTO number_noted FROM noted n;
    UPDATE webhooks w SET failing_since = NULL
    FROM (
        SELECT DISTINCT s.webhook_id FROM unnest(webhook_ids, states) AS s (webhook_id, state)
        WHERE s.state = 'succeeded'
    ) well
    WHERE w.webhook_id = well.webhook_id AND w.failing_since IS NOT NULL;
    -- After the results, so that whoever claims the lane next finds them.
    UPDATE webhooks w SET lane_until = NULL
    FROM unnest(lane_ids, lane_times) AS l (webhook_id, lane_until)
    WHERE w.webhook_id = l.webhook_id AND w.lane_until = l.lane_until;
END
$$;

-- migrate: rollback
