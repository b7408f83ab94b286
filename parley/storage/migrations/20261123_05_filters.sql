-- What every webhook of its reader leaves out is not read for it
-- depends: 20261123_04_turns

-- migrate: apply

-- For whom events are deliveries: reads `first` < position <= `last` in the log for these owners of webhooks, or for
-- all (null), and writes what is missing. Returns how many deliveries are new.
-- `kinds` are those of the log that any of them wants. A conversation is read for those alone who have a webhook for all
-- conversations or for this one.
CREATE OR REPLACE FUNCTION collect_deliveries(
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
              AND EXISTS (
                  SELECT FROM webhooks w
                  WHERE w.user_id = m.user_id AND w.status = 'active'
                    AND (w.conversation_id IS NULL OR w.conversation_id = m.conversation_id)
              )
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
              AND EXISTS (
                  SELECT FROM webhooks w
                  WHERE w.user_id = m.user_id AND w.status = 'active'
                    AND (w.conversation_id IS NULL OR w.conversation_id = m.conversation_id)
              )
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

-- migrate: rollback
