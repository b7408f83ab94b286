-- Who has sockets at which process
-- depends: 20261123_02_webhook_secrets

-- migrate: apply

-- A process that serves beside others. One that is gone without a word is known by `seen_at`; each change of its
-- places has the next `revision`, so that others read only what is new to them.
CREATE TABLE nodes (
    node_id uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL,
    revision bigint NOT NULL
) WITH (fillfactor = 50);

-- Whom a process shows, or hides since they ask for it; `gone` stands for a moment where they were.
CREATE TABLE places (
    node_id uuid NOT NULL REFERENCES nodes ON DELETE CASCADE,
    user_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('shown', 'hidden', 'gone')),
    revision bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, node_id)
);
CREATE INDEX places_by_revision ON places (node_id, revision);

-- migrate: rollback
