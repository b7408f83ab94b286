-- When people went, and many receipts in one commit
-- depends: 20261122_02_conversations_and_log

-- migrate: apply

-- When somebody's last socket was closed, or hid them. Whoever gave no sign of life since is not there, however
-- recent the last one is. Both times only grow, so it does not matter which process writes first.
ALTER TABLE presence ADD COLUMN left_at timestamptz;

-- Move the watermarks of many members, one after the other under one head, and pass over who is none any more.
CREATE FUNCTION move_many_watermarks(
    hint bigint,
    conversations uuid[],
    members uuid[],
    delivered bigint[],
    reads bigint[],
    audience integer,
    OUT head bigint
)
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
BEGIN
    head := hint;
    FOR i IN 1 .. cardinality(members) LOOP
        SELECT w.head INTO head
        FROM move_watermarks(head, conversations[i], members[i], delivered[i], reads[i], audience) w;
    END LOOP;
END
$$;

-- migrate: rollback
