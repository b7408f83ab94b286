-- Which of a webhook's secrets is in force
-- depends: 20261122_04_webhooks

-- migrate: apply

-- The first is called as the webhook is, and each later one anew: so a request that is repeated can tell whether the
-- secret that it made is still the one, without the secret being kept for that.
ALTER TABLE webhooks ADD COLUMN secret_id uuid NOT NULL DEFAULT gen_random_uuid();

-- migrate: rollback
