-- How often something was purged
-- depends: 20261122_05_webhook_secrets

-- migrate: apply

-- Whoever keeps messages in memory looks here, and asks what is gone only where the number is another one. Each purge
-- holds the row until commit: whoever sees a number sees all that was purged up to it.
ALTER TABLE log_state ADD COLUMN purges bigint NOT NULL DEFAULT 0;

-- migrate: rollback
