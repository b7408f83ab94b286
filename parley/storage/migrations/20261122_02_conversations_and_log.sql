-- Conversations, their members and messages, and the one log
-- depends: 20261122_01_accounts

-- migrate: apply

-- A conversation is direct (two people, told apart by their sorted ids) or a group's.
-- No index here is unique across conversations: whoever holds the head checks first (docs/design).
-- What retention purges is a prefix of the messages; `purged_*` say where its last one stood.
CREATE TABLE conversations (
    conversation_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('direct', 'group')),
    low_user_id uuid,
    high_user_id uuid,
    created_position bigint NOT NULL,
    created_at timestamptz NOT NULL,
    purged_seq bigint NOT NULL DEFAULT 0,
    purged_position bigint NOT NULL DEFAULT 0,
    purged_until timestamptz,
    deleted_at timestamptz,
    CHECK ((kind = 'direct') = (low_user_id IS NOT NULL AND high_user_id IS NOT NULL AND low_user_id < high_user_id))
);
CREATE INDEX conversations_by_pair ON conversations (low_user_id, high_user_id) WHERE kind = 'direct';
CREATE INDEX conversations_deleted ON conversations (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE groups (
    conversation_id uuid PRIMARY KEY,
    created_position bigint NOT NULL,
    name text NOT NULL,
    description text,
    is_private boolean NOT NULL,
    allow_invites boolean NOT NULL,
    message_retention_days integer CHECK (message_retention_days > 0)
);
CREATE INDEX groups_public ON groups (created_position) WHERE NOT is_private;
CREATE INDEX groups_with_retention ON groups (conversation_id) WHERE message_retention_days IS NOT NULL;

-- Who is in a conversation now. Sending looks here, so nothing here changes often.
CREATE TABLE members (
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    joined_position bigint NOT NULL,
    joined_at timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
);
CREATE INDEX members_by_user ON members (user_id, conversation_id);
CREATE INDEX members_by_join ON members (conversation_id, joined_position);
CREATE UNIQUE INDEX members_one_owner ON members (conversation_id) WHERE role = 'owner';

-- How far each member has received and read, one row for each. What a member sent counts as read by them, but is
-- derived from their last message: sending updates no row. The numbers only grow and are part of the key, so the
-- newest version of a row lies at the end of its place in the index: whoever begins there never meets the versions
-- before it, which stay for as long as anybody holds an older snapshot.
CREATE TABLE receipts (
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    delivered_seq bigint NOT NULL,
    read_seq bigint NOT NULL,
    PRIMARY KEY (conversation_id, user_id, delivered_seq, read_seq)
);

-- Who was in a conversation when: a period covers the positions from_position <= p < to_position.
-- Every reader of the log joins on these.
CREATE TABLE memberships (
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    from_position bigint NOT NULL,
    to_position bigint,
    PRIMARY KEY (conversation_id, user_id, from_position)
);
CREATE INDEX memberships_by_user ON memberships (user_id, conversation_id);

-- `position` orders all messages, `seq` those of one conversation; both grow together, without gaps in `seq`.
CREATE TABLE messages (
    conversation_id uuid NOT NULL,
    position bigint NOT NULL,
    seq bigint NOT NULL,
    message_id uuid NOT NULL,
    sender_id uuid NOT NULL,
    type text NOT NULL,
    content text,
    metadata json,
    created_at timestamptz NOT NULL,
    edited_at timestamptz,
    edited_position bigint,
    deleted_at timestamptz,
    PRIMARY KEY (conversation_id, position)
);
-- Unique, so that a call that arrives after its batch was settled under the same ids writes nothing.
CREATE UNIQUE INDEX messages_by_id ON messages (message_id, conversation_id);
-- The sender comes first, so that nobody who asks for a conversation alone is led to this index.
CREATE INDEX messages_by_sender ON messages (sender_id, conversation_id, position);
-- Most messages are text and cost nothing here; whoever looks for the few others does not read all of them.
CREATE INDEX messages_by_type ON messages (conversation_id, type, position) WHERE type <> 'text';

-- Where purged messages stood, so that a cursor that names one still continues there. No content.
CREATE TABLE purged_messages (
    conversation_id uuid NOT NULL,
    position bigint NOT NULL,
    seq bigint NOT NULL,
    message_id uuid NOT NULL,
    sender_id uuid NOT NULL,
    type text NOT NULL,
    created_at timestamptz NOT NULL,
    purged_at timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, position)
);
CREATE INDEX purged_messages_by_id ON purged_messages (message_id);
CREATE INDEX purged_messages_by_age ON purged_messages (purged_at);

-- The log. A row says what happened in which stream (a conversation, or one user's own) and refers to it;
-- it never holds content.
CREATE TABLE events (
    position bigint NOT NULL,
    stream_id uuid NOT NULL,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    actor_id uuid,
    message_position bigint,
    seq bigint,
    facts jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (position, stream_id)
) PARTITION BY RANGE (position);
CREATE INDEX events_by_stream ON events (stream_id, position);
-- Whom a profile concerns is judged by memberships when it is read, so these are found by position alone.
CREATE INDEX events_of_profiles ON events (position, stream_id) WHERE kind = 'user.updated';

-- One row. The log is kept after trimmed_to; epoch_bumps makes old cursors foreign after a restore.
CREATE TABLE log_state (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    trimmed_to bigint NOT NULL DEFAULT 0,
    epoch_bumps integer NOT NULL DEFAULT 0
);
INSERT INTO log_state DEFAULT VALUES;

-- Make the partitions of the log for the next `ahead` times `size` positions. A partition is built beside the
-- log and then attached, which disturbs neither readers nor writers. Returns how many are new.
CREATE FUNCTION extend_log(size bigint, ahead integer) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    first bigint;
    made integer := 0;
    partition text;
BEGIN
    PERFORM pg_advisory_xact_lock(7236837126);
    SELECT (greatest((SELECT max(e.position) FROM events e), s.trimmed_to) + 1) / size INTO first FROM log_state s;
    FOR n IN first .. first + ahead LOOP
        partition := format('events_%s', n);
        IF to_regclass(partition) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING ALL)', partition);
            EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                           partition, n * size, (n + 1) * size);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;
SELECT extend_log(1000000, 2);

-- What tells one history of positions from another: the database, its timeline, and how often somebody said
-- that it was set back.
CREATE FUNCTION log_epoch() RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT concat_ws('/',
        (SELECT c.system_identifier FROM pg_control_system() c),
        CASE WHEN pg_is_in_recovery() THEN (SELECT c.timeline_id FROM pg_control_checkpoint() c)::text
             ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END,
        current_database(),
        (SELECT s.epoch_bumps FROM log_state s)
    )
$$;

-- The functions below switch scans off: their plans are kept, and one that was made while a table was empty, or
-- while most of it was dead under an old snapshot, would read all of it for ever.

-- The head: whoever appends holds it until commit. The key is arbitrary, and the log's alone.
CREATE FUNCTION take_head() RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7236837125);
    -- The clock starts here and not at BEGIN, so that waiting for the head costs nobody their own time.
    PERFORM set_config('transaction_timeout', '2000', true);
END
$$;

-- The last position and its time. Call it in the statement after take_head(): a statement's snapshot is older
-- than the lock it waited for. `hint` is a position known to exist, which spares reading older partitions.
CREATE FUNCTION read_head(hint bigint, OUT head bigint, OUT at timestamptz)
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    SELECT e.position, e.created_at INTO head, at
    FROM events e WHERE e.position >= hint ORDER BY e.position DESC LIMIT 1;
    IF head IS NULL AND hint > 0 THEN
        SELECT e.position, e.created_at INTO head, at FROM events e ORDER BY e.position DESC LIMIT 1;
    END IF;
    IF head IS NULL THEN
        SELECT trimmed_to, '-infinity'::timestamptz INTO head, at FROM log_state;
    END IF;
    -- Time never goes back in the log, whatever the clock does.
    at := greatest(clock_timestamp(), at);
END
$$;

-- The seq of the newest message that ever was in a conversation: purging removes a prefix and notes its end.
CREATE FUNCTION last_seq(conversation uuid) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT greatest(
        (SELECT m.seq FROM messages m WHERE m.conversation_id = conversation ORDER BY m.position DESC LIMIT 1),
        (SELECT c.purged_seq FROM conversations c WHERE c.conversation_id = conversation)
    )
$$;

-- A position before which all messages of some conversations are older than `since`, and from which on none is.
-- Times grow with positions through the whole log. So halving finds it without an index on time, and what one
-- conversation tells narrows the search in the others, most of which have nothing left to tell then.
CREATE FUNCTION position_since(conversations uuid[], since timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    low bigint := 1;                        -- whatever stands before it is older
    high bigint := 9223372036854775807;     -- whatever stands there or after is not
    top bigint;                             -- the first conversation has nothing from here up to `high`
    middle bigint;
    probe record;
BEGIN
    WHILE cardinality(conversations) > 0 LOOP
        SELECT m.position, m.created_at INTO probe FROM messages m
        WHERE m.conversation_id = conversations[1] AND m.position >= low AND m.position < high
        ORDER BY m.position DESC LIMIT 1;
        IF probe.created_at < since THEN
            low := probe.position + 1;
        ELSIF probe.created_at >= since THEN
            high := probe.position;
            top := high;
            WHILE low < top LOOP
                middle := low + (top - low) / 2;
                SELECT m.position, m.created_at INTO probe FROM messages m
                WHERE m.conversation_id = conversations[1] AND m.position >= middle AND m.position < top
                ORDER BY m.position LIMIT 1;
                IF probe.created_at < since THEN
                    low := probe.position + 1;
                ELSE
                    high := coalesce(probe.position, high);
                    top := middle;
                END IF;
            END LOOP;
        END IF;
        SELECT coalesce(array_agg(c.id), '{}') INTO conversations
        FROM unnest(conversations[2:]) AS c (id)
        WHERE (
            SELECT true FROM messages m
            WHERE m.conversation_id = c.id AND m.position >= low AND m.position < high
            LIMIT 1
        );
    END LOOP;
    RETURN low;
END
$$;

-- The first position in a conversation whose message has a greater seq; past the end, when none has.
CREATE FUNCTION position_after_seq(conversation uuid, after bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    low bigint := 1;
    high bigint;
    middle bigint;
    probe record;
BEGIN
    IF coalesce(after, 0) <= 0 THEN
        RETURN low;
    END IF;
    SELECT m.position, m.seq INTO probe FROM messages m
    WHERE m.conversation_id = conversation ORDER BY m.position DESC LIMIT 1;
    IF probe.seq > after THEN
        high := probe.position;
    ELSE
        RETURN coalesce(probe.position + 1, low);
    END IF;
    WHILE low < high LOOP
        middle := low + (high - low) / 2;
        SELECT m.position, m.seq INTO probe FROM messages m
        WHERE m.conversation_id = conversation AND m.position >= middle ORDER BY m.position LIMIT 1;
        IF probe.seq > after THEN
            high := middle;
        ELSE
            low := probe.position + 1;
        END IF;
    END LOOP;
    RETURN low;
END
$$;

-- What is noted of one person's receipts in a conversation; no row where nothing is.
CREATE FUNCTION receipt_of(conversation uuid, person uuid)
RETURNS TABLE (delivered_seq bigint, read_seq bigint)
LANGUAGE sql STABLE AS $$
    SELECT r.delivered_seq, r.read_seq FROM receipts r
    WHERE r.conversation_id = conversation AND r.user_id = person
    ORDER BY r.delivered_seq DESC, r.read_seq DESC LIMIT 1
$$;

-- How far each member has received and read a conversation. What one sent oneself one has read; what was
-- purged nobody has to read any more; what is read was received.
CREATE FUNCTION watermarks(conversation uuid)
RETURNS TABLE (user_id uuid, delivered_seq bigint, read_seq bigint)
LANGUAGE sql STABLE AS $$
    SELECT m.user_id, greatest(r.delivered_seq, r.read_seq, own.seq, c.purged_seq),
           greatest(r.read_seq, own.seq, c.purged_seq)
    FROM members m
    JOIN conversations c ON c.conversation_id = m.conversation_id
    LEFT JOIN LATERAL receipt_of(m.conversation_id, m.user_id) r ON true
    LEFT JOIN LATERAL (
        SELECT s.seq FROM messages s
        WHERE s.conversation_id = m.conversation_id AND s.sender_id = m.user_id
        ORDER BY s.position DESC LIMIT 1
    ) own ON true
    WHERE m.conversation_id = conversation
$$;

-- The two lowest watermarks of a conversation, with whose the lowest is: enough for the status of every
-- message in it, since only the sender does not count. Null seqs: nobody else is there.
CREATE TYPE low_marks AS (
    reader_id uuid, read_seq bigint, next_read_seq bigint,
    receiver_id uuid, delivered_seq bigint, next_delivered_seq bigint
);
CREATE FUNCTION low_watermarks(conversation uuid) RETURNS low_marks
LANGUAGE plpgsql STABLE AS $$
DECLARE
    low low_marks;
    w record;
BEGIN
    FOR w IN SELECT * FROM watermarks(conversation) LOOP
        IF low.read_seq IS NULL OR w.read_seq < low.read_seq THEN
            low.next_read_seq := low.read_seq;
            low.read_seq := w.read_seq;
            low.reader_id := w.user_id;
        ELSIF low.next_read_seq IS NULL OR w.read_seq < low.next_read_seq THEN
            low.next_read_seq := w.read_seq;
        END IF;
        IF low.delivered_seq IS NULL OR w.delivered_seq < low.delivered_seq THEN
            low.next_delivered_seq := low.delivered_seq;
            low.delivered_seq := w.delivered_seq;
            low.receiver_id := w.user_id;
        ELSIF low.next_delivered_seq IS NULL OR w.delivered_seq < low.next_delivered_seq THEN
            low.next_delivered_seq := w.delivered_seq;
        END IF;
    END LOOP;
    RETURN low;
END
$$;

-- 'read' when every other member has read it, 'delivered' when every other member has received it, else 'sent'.
CREATE FUNCTION message_status(seq bigint, sender uuid, low low_marks) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN seq <= CASE WHEN low.reader_id = sender THEN low.next_read_seq ELSE low.read_seq END THEN 'read'
        WHEN seq <= CASE WHEN low.receiver_id = sender THEN low.next_delivered_seq ELSE low.delivered_seq END
        THEN 'delivered'
        ELSE 'sent'
    END
$$;

-- Where in a conversation messages of a status can be at all: positions from `first` up to and without `past`.
CREATE FUNCTION status_range(conversation uuid, low low_marks, status text, OUT first bigint, OUT past bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    first := position_after_seq(conversation, CASE status
        WHEN 'sent' THEN CASE WHEN low.next_delivered_seq IS NOT NULL THEN low.delivered_seq END
        WHEN 'delivered' THEN CASE WHEN low.next_read_seq IS NOT NULL THEN low.read_seq END
    END);
    past := CASE status
        WHEN 'sent' THEN 9223372036854775807
        WHEN 'delivered' THEN position_after_seq(conversation, greatest(low.delivered_seq, low.next_delivered_seq))
        ELSE position_after_seq(conversation, greatest(low.read_seq, low.next_read_seq))
    END;
END
$$;

-- Append a batch of messages: judge each, then write all that may be written. One call, one commit.
-- Item i belongs to conversations[item_conversations[i]]. Verdicts: 'sent', 'not_member', 'replayed',
-- 'mismatch', 'bad_reply', 'bad_mention', 'found' (settling: this very message was written before).
-- The n-th 'sent' item got position head + n, and seq base + k as the k-th of its conversation: the caller
-- counts, and no body travels back. No joins of sets: their order would be guessed from sizes that the
-- planner can't know, and was quadratic when tried.
CREATE FUNCTION append_messages(
    hint bigint,
    settle boolean,
    conversations uuid[],
    item_conversations integer[],
    message_ids uuid[],
    senders uuid[],
    types text[],
    contents text[],
    metadatas text[],
    keys text[],
    hashes bytea[],
    reply_items integer[],
    reply_ids uuid[],
    mention_items integer[],
    mention_ids uuid[],
    OUT verdicts text[],
    OUT head bigint,
    OUT bases bigint[],
    OUT created_at timestamptz,
    OUT replays uuid[],
    OUT found_positions bigint[],
    OUT found_seqs bigint[],
    OUT found_times timestamptz[]
)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    item integer;
    target uuid;
BEGIN
    PERFORM take_head();
    SELECT h.head, h.at INTO head, append_messages.created_at FROM read_head(hint) h;

    SELECT array_agg(
        CASE WHEN EXISTS (
            SELECT FROM members m
            WHERE m.conversation_id = conversations[i.conversation] AND m.user_id = i.sender
        ) THEN 'sent' ELSE 'not_member' END ORDER BY i.ord)
    INTO verdicts
    FROM unnest(item_conversations, senders) WITH ORDINALITY AS i (conversation, sender, ord);

    -- Replies and mentions are rare: a loop over just those.
    FOR item, target IN SELECT * FROM unnest(reply_items, reply_ids) LOOP
        IF verdicts[item] = 'sent' AND NOT EXISTS (
            SELECT FROM messages m
            WHERE m.message_id = target AND m.conversation_id = conversations[item_conversations[item]]
        ) THEN
            verdicts[item] := 'bad_reply';
        END IF;
    END LOOP;
    FOR item, target IN SELECT * FROM unnest(mention_items, mention_ids) LOOP
        IF verdicts[item] = 'sent' AND NOT EXISTS (
            SELECT FROM members m
            WHERE m.conversation_id = conversations[item_conversations[item]] AND m.user_id = target
        ) THEN
            verdicts[item] := 'bad_mention';
        END IF;
    END LOOP;

    -- A key that was used before decides before every rule: the caller gets the first answer again.
    IF array_length(keys, 1) IS NOT NULL THEN
        DELETE FROM idempotency_keys u
        USING unnest(senders, keys) AS i (sender, key)
        WHERE u.user_id = i.sender AND u.key = i.key AND u.created_at <= now() - interval '24 hours';

        SELECT array_agg(CASE WHEN k.request_hash IS NULL THEN verdicts[i.ord]
                              WHEN k.request_hash = i.hash THEN 'replayed'
                              ELSE 'mismatch' END ORDER BY i.ord),
               array_agg(k.resource_id ORDER BY i.ord)
        INTO verdicts, replays
        FROM unnest(senders, keys, hashes) WITH ORDINALITY AS i (sender, key, hash, ord)
        LEFT JOIN LATERAL (
            SELECT u.request_hash, u.resource_id
            FROM idempotency_keys u
            WHERE u.user_id = i.sender AND u.key = i.key
        ) k ON true;
    END IF;

    -- After an unknown outcome the same ids come again: what was written then is found, not written twice.
    IF settle THEN
        SELECT array_agg(CASE WHEN m.message_id IS NULL THEN verdicts[i.ord] ELSE 'found' END ORDER BY i.ord),
               array_agg(m.position ORDER BY i.ord),
               array_agg(m.seq ORDER BY i.ord),
               array_agg(m.created_at ORDER BY i.ord)
        INTO verdicts, found_positions, found_seqs, found_times
        FROM unnest(message_ids) WITH ORDINALITY AS i (message_id, ord)
        LEFT JOIN LATERAL (
            SELECT w.message_id, w.position, w.seq, w.created_at
            FROM messages w
            WHERE w.message_id = i.message_id
        ) m ON true;
    END IF;

    SELECT array_agg(last_seq(c.id) ORDER BY c.ord)
    INTO bases
    FROM unnest(conversations) WITH ORDINALITY AS c (id, ord);

    WITH accepted AS MATERIALIZED (
        SELECT i.*,
               conversations[i.conversation] AS conversation_id,
               head + row_number() OVER (ORDER BY i.ord) AS position,
               bases[i.conversation] + row_number() OVER (PARTITION BY i.conversation ORDER BY i.ord) AS seq
        FROM unnest(item_conversations, message_ids, senders, types, contents, metadatas, keys, hashes)
             WITH ORDINALITY AS i (conversation, message_id, sender_id, type, content, metadata, key, hash, ord)
        WHERE verdicts[i.ord] = 'sent'
    ), written AS (
        INSERT INTO messages (conversation_id, position, seq, message_id, sender_id, type, content, metadata, created_at)
        SELECT a.conversation_id, a.position, a.seq, a.message_id, a.sender_id, a.type, a.content,
               a.metadata::json, append_messages.created_at
        FROM accepted a
    ), remembered AS (
        INSERT INTO idempotency_keys (user_id, key, request_hash, resource_kind, resource_id, created_at)
        SELECT a.sender_id, a.key, a.hash, 'message', a.message_id, now()
        FROM accepted a
        WHERE a.key IS NOT NULL
    )
    INSERT INTO events (position, stream_id, kind, subject_id, actor_id, message_position, seq, created_at)
    SELECT a.position, a.conversation_id, 'message', a.message_id, a.sender_id, a.position, a.seq,
           append_messages.created_at
    FROM accepted a;
END
$$;

-- Change or delete one message. Verdicts: 'done', 'not_found' (also for whoever is no member), 'gone' (deleted
-- before), 'forbidden'. Without new content it is a deletion, which leaves the row without content and metadata.
-- Editing is the sender's; deleting is also an owner's or admin's.
CREATE FUNCTION change_message(
    hint bigint,
    message uuid,
    actor uuid,
    new_content text,
    OUT verdict text,
    OUT head bigint
)
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    deletion constant boolean := new_content IS NULL;
    old record;
    at timestamptz;
    role text;
BEGIN
    PERFORM take_head();
    SELECT h.head, h.at INTO head, at FROM read_head(hint) h;
    SELECT m.conversation_id, m.position, m.seq, m.sender_id, m.deleted_at INTO old
    FROM messages m WHERE m.message_id = message;
    SELECT m.role INTO role FROM members m WHERE m.conversation_id = old.conversation_id AND m.user_id = actor;

    verdict := CASE
        WHEN role IS NULL THEN 'not_found'
        WHEN old.deleted_at IS NOT NULL THEN 'gone'
        WHEN old.sender_id <> actor AND NOT (deletion AND role IN ('owner', 'admin')) THEN 'forbidden'
        ELSE 'done'
    END;
    IF verdict <> 'done' THEN
        RETURN;
    END IF;

    IF deletion THEN
        UPDATE messages m SET content = NULL, metadata = NULL, deleted_at = at
        WHERE m.conversation_id = old.conversation_id AND m.position = old.position;
    ELSE
        UPDATE messages m
        SET content = new_content, edited_at = at, edited_position = head + 1
        WHERE m.conversation_id = old.conversation_id AND m.position = old.position;
    END IF;
    IF NOT FOUND THEN
        -- Retention purged it between the reading and the writing.
        verdict := 'not_found';
        RETURN;
    END IF;
    IF deletion THEN
        PERFORM forget_excerpts(ARRAY[old.position]);
    END IF;
    head := head + 1;
    INSERT INTO events (position, stream_id, kind, subject_id, actor_id, message_position, seq, created_at)
    VALUES (head, old.conversation_id, CASE WHEN deletion THEN 'message.deleted' ELSE 'message.updated' END,
            message, actor, old.position, old.seq, at);
END
$$;

-- Move one member's watermarks up to the given seqs, never back and never past the end. Says how they stand
-- afterwards (null: no member) and whether an event tells the others, which it does up to `audience` members.
CREATE FUNCTION move_watermarks(
    hint bigint,
    conversation uuid,
    member uuid,
    delivered bigint,
    read bigint,
    audience integer,
    OUT delivered_seq bigint,
    OUT read_seq bigint,
    OUT head bigint
)
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    old record;
    noted record;
    at timestamptz;
BEGIN
    PERFORM take_head();
    SELECT h.head, h.at INTO head, at FROM read_head(hint) h;
    SELECT w.delivered_seq, w.read_seq INTO old
    FROM watermarks(conversation) w WHERE w.user_id = member;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    read_seq := greatest(old.read_seq, least(read, last_seq(conversation)));
    delivered_seq := greatest(old.delivered_seq, least(delivered, last_seq(conversation)), read_seq);
    IF read_seq = old.read_seq AND delivered_seq = old.delivered_seq THEN
        RETURN;
    END IF;
    SELECT r.delivered_seq, r.read_seq INTO noted FROM receipt_of(conversation, member) r;
    UPDATE receipts r
    SET delivered_seq = move_watermarks.delivered_seq, read_seq = move_watermarks.read_seq
    WHERE r.conversation_id = conversation AND r.user_id = member
      AND r.delivered_seq = noted.delivered_seq AND r.read_seq = noted.read_seq;
    IF NOT FOUND THEN
        INSERT INTO receipts (conversation_id, user_id, delivered_seq, read_seq)
        VALUES (conversation, member, move_watermarks.delivered_seq, move_watermarks.read_seq);
    END IF;
    IF (SELECT count(*) FROM members m WHERE m.conversation_id = conversation) <= audience THEN
        head := head + 1;
        INSERT INTO events (position, stream_id, kind, subject_id, actor_id, seq, facts, created_at)
        VALUES (head, conversation, 'receipt', member, member, read_seq,
                jsonb_build_object('delivered_seq', delivered_seq, 'read_seq', read_seq), at);
    END IF;
END
$$;

-- migrate: rollback
