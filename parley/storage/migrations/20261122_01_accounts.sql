-- Users, their sessions and presence, and the keys of requests that must not count twice
-- depends:

-- migrate: apply

-- `email_key` and `username_key` are what is compared: NFKC and casefolded. Under COLLATE "C" the one index
-- on a name serves equality and prefixes, and no upgrade of the system's collations can spoil it.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    email_key text COLLATE "C" NOT NULL,
    username text NOT NULL,
    username_key text COLLATE "C" NOT NULL,
    display_name text NOT NULL,
    bio text,
    avatar_url text,
    location text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_email_taken UNIQUE (email_key),
    CONSTRAINT users_username_taken UNIQUE (username_key)
);

-- Apart from the users, because log-ins lock these rows: whoever changes a profile holds the head of the log, and
-- must not wait for a log-in. `password_version` counts changes of the password, not the rehashing of one.
CREATE TABLE credentials (
    user_id uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    password_hash text NOT NULL,
    password_version integer NOT NULL DEFAULT 1,
    suspended_at timestamptz
);

-- A session is a log-in. Its refresh token is number `generation`, made at `rotated_at`. A session that was ended
-- is deleted.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    user_agent text,
    address text,
    generation integer NOT NULL DEFAULT 1,
    rotated_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- For a minute: how refresh token number `generation` was replaced by the next one, which lives until `expires_at`.
-- `repeat_key` is the hash of the Idempotency-Key with which that was asked for, and may be again.
CREATE TABLE session_rotations (
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    generation integer NOT NULL,
    repeat_key bytea NOT NULL,
    rotated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, generation)
);
CREATE INDEX session_rotations_by_age ON session_rotations (rotated_at);

-- Written often, therefore narrow and without a second index.
CREATE TABLE presence (
    user_id uuid PRIMARY KEY,
    last_seen timestamptz NOT NULL
) WITH (fillfactor = 50);

-- What a request with an Idempotency-Key made, or found made already (`is_new` is false): a reference, never an
-- answer. Registrations have no user yet and lie under the zero id.
CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    request_hash bytea NOT NULL,
    resource_kind text NOT NULL,
    resource_id uuid NOT NULL,
    is_new boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- migrate: rollback
