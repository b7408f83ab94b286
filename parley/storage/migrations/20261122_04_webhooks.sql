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
CREATE INDEX deliveries_in_order ON deliveries (webhook_id, position) WHERE status = 'pending';
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
    PRIMARY KEY (webhook_id, delivery_id, number)
);

-- One row: up to where the log was read for webhooks. The position is the key, so that under a long snapshot the
-- newest version is found at the end of the index, past all the dead ones.
CREATE TABLE webhook_dispatcher (
    position bigint PRIMARY KEY
);
INSERT INTO webhook_dispatcher
SELECT coalesce((SELECT max(e.position) FROM events e), s.trimmed_to) FROM log_state s;

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

-- migrate: rollback
