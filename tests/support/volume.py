"""A database with much in it, made by SQL: what a query costs there is what it costs in earnest.

Ada has 5,000 direct conversations with ten messages each, and a group with Bob that holds 200,000 messages. The
messages alternate: one in five is in one of the small conversations. There is one every ten seconds.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

START = datetime(2026, 1, 1, tzinfo=UTC)
CONVERSATIONS = 5_000
LONG_HISTORY = 200_000
MESSAGES = LONG_HISTORY * 5 // 4
EVERY = timedelta(seconds=10)

ADA = UUID(int=0xADA)
BOB = UUID(int=0xB0B)
LONG = UUID(int=0x10000000)
FIRST_MESSAGE = 0x40000000


@dataclass(frozen=True)
class Place:
    """Where a message of the long history stands."""

    seq: int

    @property
    def position(self) -> int:
        # Of five positions the first is a small conversation's.
        return CONVERSATIONS + 1 + (self.seq - 1) // 4 * 5 + (self.seq - 1) % 4 + 2

    @property
    def message_id(self) -> UUID:
        return UUID(int=FIRST_MESSAGE + self.position - CONVERSATIONS - 2)

    @property
    def time(self) -> datetime:
        return START + (self.position - CONVERSATIONS - 2) * EVERY


async def fill(dsn: str) -> None:
    """Make the people, conversations and messages, and the events of all that."""
    conn = await asyncpg.connect(dsn)
    try:
        # Nothing but the test decides what the planner knows.
        for table in ("conversations", "members", "memberships", "receipts", "messages", "events_0"):
            await conn.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        await conn.execute(_PEOPLE)
        await conn.execute(_SMALL_CONVERSATIONS)
        await conn.execute(_LONG_CONVERSATION)
        await conn.execute(_MESSAGES)
        await conn.execute(_EVENTS)
    finally:
        await conn.close()


async def analyze(dsn: str) -> None:
    """Let the planner know what is there, as autovacuum does in time."""
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute("VACUUM (ANALYZE)")
    finally:
        await conn.close()


def _id(number: int) -> str:
    """The SQL of a UUID that is so much and a column `n`."""
    return f"lpad(to_hex({number} + n), 32, '0')::uuid"


_OTHERS = f"generate_series(1, {CONVERSATIONS}) AS n"
_AT = f"timestamptz '{START.isoformat()}'"

_PEOPLE = f"""
    INSERT INTO users (id, email, email_key, username, username_key, display_name)
    SELECT id, id || '@example.com', id || '@example.com', id, id, 'Somebody'
    FROM (
        SELECT {_id(0x20000000)} AS id FROM {_OTHERS}
        UNION ALL VALUES ('{ADA}'::uuid), ('{BOB}'::uuid)
    ) people
"""

_SMALL_CONVERSATIONS = f"""
    WITH made AS (
        INSERT INTO conversations (conversation_id, kind, low_user_id, high_user_id, created_position, created_at)
        SELECT {_id(0x30000000)}, 'direct', '{ADA}', {_id(0x20000000)}, n, {_AT} FROM {_OTHERS}
    ), joined AS (
        INSERT INTO members (conversation_id, user_id, role, joined_position, joined_at)
        SELECT {_id(0x30000000)}, unnest(ARRAY['{ADA}', {_id(0x20000000)}]), 'member', n, {_AT} FROM {_OTHERS}
    )
    INSERT INTO memberships (conversation_id, user_id, from_position)
    SELECT {_id(0x30000000)}, unnest(ARRAY['{ADA}', {_id(0x20000000)}]), n FROM {_OTHERS}
"""

_LONG_CONVERSATION = f"""
    WITH made AS (
        INSERT INTO conversations (conversation_id, kind, created_position, created_at)
        VALUES ('{LONG}', 'group', {CONVERSATIONS + 1}, {_AT})
    ), described AS (
        INSERT INTO groups (conversation_id, created_position, name, is_private, allow_invites)
        VALUES ('{LONG}', {CONVERSATIONS + 1}, 'Book club', false, true)
    ), joined AS (
        INSERT INTO members (conversation_id, user_id, role, joined_position, joined_at)
        VALUES ('{LONG}', '{ADA}', 'owner', {CONVERSATIONS + 1}, {_AT}),
               ('{LONG}', '{BOB}', 'member', {CONVERSATIONS + 1}, {_AT})
    )
    INSERT INTO memberships (conversation_id, user_id, from_position)
    VALUES ('{LONG}', '{ADA}', {CONVERSATIONS + 1}), ('{LONG}', '{BOB}', {CONVERSATIONS + 1})
"""

# Everything is sent by the others; every hundredth message of the long history is an image, and Bob has only
# received it up to ten messages before its end.
_MESSAGES = f"""
    WITH told AS (
        SELECT i, i % 5 = 0 AS small, i / 5 % {CONVERSATIONS} + 1 AS n
        FROM generate_series(0, {MESSAGES - 1}) AS i
    )
    INSERT INTO messages (conversation_id, position, seq, message_id, sender_id, type, content, metadata, created_at)
    SELECT CASE WHEN small THEN {_id(0x30000000)} ELSE '{LONG}' END,
           {CONVERSATIONS + 2} + i,
           CASE WHEN small THEN i / 5 / {CONVERSATIONS} + 1 ELSE i - i / 5 END,
           lpad(to_hex({FIRST_MESSAGE} + i), 32, '0')::uuid,
           CASE WHEN small THEN {_id(0x20000000)} WHEN i % 2 = 0 THEN '{ADA}' ELSE '{BOB}' END,
           CASE WHEN i % 100 = 1 THEN 'image' ELSE 'text' END,
           'This is what somebody said to somebody as number ' || i,
           '{{}}',
           {_AT} + i * interval '{EVERY.seconds} seconds'
    FROM told
"""

_EVENTS = f"""
    INSERT INTO events (position, stream_id, kind, subject_id, created_at)
    SELECT created_position, conversation_id, 'conversation.created', conversation_id, created_at FROM conversations;
    INSERT INTO events (position, stream_id, kind, subject_id, actor_id, message_position, seq, created_at)
    SELECT position, conversation_id, 'message', message_id, sender_id, position, seq, created_at FROM messages;
    INSERT INTO receipts (conversation_id, user_id, delivered_seq, read_seq)
    VALUES ('{LONG}', '{BOB}', {LONG_HISTORY - 10}, {LONG_HISTORY - 20});
"""
