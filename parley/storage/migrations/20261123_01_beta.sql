-- Who may use what is not released yet
-- depends: 20261122_06_purges

-- migrate: apply

-- Without a default no row is written, and what does not know the column goes on as it was.
ALTER TABLE users ADD COLUMN beta_since timestamptz;

-- migrate: rollback
