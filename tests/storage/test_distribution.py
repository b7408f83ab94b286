"""The tables can be spread over machines by conversation: keys, unique indexes and references stay in one."""

import asyncio

import asyncpg
import pytest

# Tables that lie in one place for all conversations, each with the reason why it may.
GLOBAL = {
    "users": "people and their names are unique over everything",
    "credentials": "belongs to a user",
    "sessions": "belongs to a user; looked up by its own id",
    "session_rotations": "belongs to a session",
    "presence": "belongs to a user",
    "nodes": "a process",
    "places": "belongs to a user, at a process",
    "idempotency_keys": "belongs to a user, who may name any conversation with it",
    "log_state": "one row about the whole log",
    "webhooks": "belongs to a user, and hears of many conversations",
    "webhook_dispatcher": "one row about the whole log",
    "_pogo_migration": "the schema's own history",
    "_pogo_version": "the schema's own history",
}

# The column by which a table is spread, where it is not conversation_id.
STREAMS = {
    "events": "stream_id",  # a stream is a conversation or one user's own
    "deliveries": "webhook_id",
    "delivery_attempts": "webhook_id",
}

TABLES = """
    SELECT c.oid, c.relname AS name,
           coalesce((SELECT array_agg(a.attname)
                     FROM pg_index i
                     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
                     WHERE i.indrelid = c.oid AND i.indisprimary), '{}') AS key
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""

UNIQUE_INDEXES = """
    SELECT i.indexrelid::regclass::text AS name,
           (SELECT array_agg(a.attname)
            FROM pg_attribute a
            WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])) AS columns
    FROM pg_index i
    WHERE i.indrelid = $1 AND (i.indisunique OR i.indisexclusion)
"""

REFERENCES = """
    SELECT f.conname AS name, f.conrelid::regclass::text AS source, f.confrelid::regclass::text AS target,
           ARRAY(SELECT s.attname || ' ' || t.attname
                 FROM unnest(f.conkey, f.confkey) AS k (s, t)
                 JOIN pg_attribute s ON s.attrelid = f.conrelid AND s.attnum = k.s
                 JOIN pg_attribute t ON t.attrelid = f.confrelid AND t.attnum = k.t) AS columns
    FROM pg_constraint f
    WHERE f.contype = 'f' AND f.conparentid = 0 AND f.connamespace = 'public'::regnamespace
"""


async def faults(conn: asyncpg.Connection) -> list[str]:
    """Return a sentence for each table, index or reference that stands in the way."""
    tables = {row["name"]: row for row in await conn.fetch(TABLES)}
    spread = {name: STREAMS.get(name, "conversation_id") for name in tables.keys() - GLOBAL.keys()}
    found = [
        f"{name} is listed as global, but there is no such table" for name in GLOBAL.keys() - tables.keys()
    ]
    for name, column in spread.items():
        if column not in tables[name]["key"]:
            found.append(f"{name} has no {column} in its primary key, and is not listed as global")
        for index in await conn.fetch(UNIQUE_INDEXES, tables[name]["oid"]):
            if column not in (index["columns"] or ()):
                found.append(f"{index['name']} is unique across conversations")
    for reference in await conn.fetch(REFERENCES):
        source, target = spread.get(reference["source"]), spread.get(reference["target"])
        within = source and target and f"{source} {target}" in reference["columns"]
        if (source or target) and not within:
            found.append(f"{reference['name']} refers across conversations")
    return sorted(found)


def check(dsn: str, *statements: str) -> list[str]:
    async def run() -> list[str]:
        conn = await asyncpg.connect(dsn)
        try:
            for statement in statements:
                await conn.execute(statement)
            return await faults(conn)
        finally:
            await conn.close()

    return asyncio.run(run())


def test_ready_for_distribution(database_dsn: str) -> None:
    """Nothing in the schema keeps conversations from living on different machines."""
    assert check(database_dsn) == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            "CREATE TABLE pins (id uuid PRIMARY KEY, conversation_id uuid)",
            [
                "pins has no conversation_id in its primary key, and is not listed as global",
                "pins_pkey is unique across conversations",
            ],
        ),
        (
            "CREATE TABLE pins (conversation_id uuid)",
            ["pins has no conversation_id in its primary key, and is not listed as global"],
        ),
        (
            "CREATE UNIQUE INDEX twice ON messages (message_id)",
            ["twice is unique across conversations"],
        ),
        (
            "CREATE UNIQUE INDEX twice ON messages (message_id) INCLUDE (conversation_id)",
            ["twice is unique across conversations"],
        ),
        (
            "ALTER TABLE members ADD CONSTRAINT away FOREIGN KEY (user_id) REFERENCES users (id)",
            ["away refers across conversations"],
        ),
        (
            "ALTER TABLE groups ADD CONSTRAINT home FOREIGN KEY (conversation_id) "
            "REFERENCES conversations (conversation_id)",
            [],
        ),
    ],
)
def test_each_fault_is_found(database_dsn: str, statement: str, fault: list[str]) -> None:
    """What a migration could do wrong is told."""
    assert check(database_dsn, statement) == fault
