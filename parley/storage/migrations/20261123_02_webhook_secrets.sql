-- The secrets of a webhook that are still valid, however often it was rotated
-- depends: 20261123_01_beta

-- migrate: apply

-- `previous_secret` is the newest one before the present; those before it are here, with the time until which each is
-- valid, in the same order. A server that does not know these columns signs by the present and the previous one.
ALTER TABLE webhooks
    ADD COLUMN older_secrets text[] NOT NULL DEFAULT '{}',
    ADD COLUMN older_secrets_until timestamptz[] NOT NULL DEFAULT '{}',
    ADD CHECK (cardinality(older_secrets) = cardinality(older_secrets_until));

-- migrate: rollback
