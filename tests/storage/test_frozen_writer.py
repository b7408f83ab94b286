"""A writer that is frozen at any point stops the others for two seconds at most, and leaves nothing half done."""

import asyncio
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from cutting import Network, broken_network
from parley.ids import uuid7
from parley.model import Caller, GroupSettings
from parley.services.groups import Groups
from parley.services.idempotency import Idempotency
from writers import Postgres, check_log, draft, make_group, observer, wait_until_blocked, writer

pytestmark = pytest.mark.anyio

# What the server allows whoever has the head, and what it may take to end a transaction and pass the head on. The
# database's clock measures both, so a test that is slow to notice adds nothing.
# By the tolerance one who waits for nobody is told from one who waits for the whole time, also on a busy machine.
ALLOWED, TOLERANCE = 2.0, 1.5

UNDER_THE_HEAD = [
    "SELECT head, at",  # right after BEGIN and take_head
    "WITH gone",  # before the effect
    "INSERT INTO events",  # between the effect and the event
    "COMMIT",
    "statement",  # in the middle of sending a large statement
]

# Whoever takes the head does so with the statement that begins the transaction.
HELD_SINCE = """
    SELECT a.xact_start
    FROM pg_locks l
    JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
"""

PUBLIC = GroupSettings(is_private=False, allow_invites=True, message_retention_days=None)
PROGRAM = Path(__file__).parents[1] / "support" / "freezing.py"
ROOT = PROGRAM.parents[2]


@asynccontextmanager
async def frozen(dsn: str, point: str, group_id: UUID, user_id: UUID) -> AsyncIterator[Process]:
    """Run a process that freezes itself."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROGRAM), dsn, point, str(group_id), str(user_id)),
        stdin=PIPE,
        stdout=PIPE,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{PROGRAM.parent}"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_frozen(process: Process) -> None:
    async with asyncio.timeout(60):
        while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            await asyncio.sleep(0.005)


async def thawed(process: Process) -> str:
    """Let the process go on, and return what it says in the end."""
    os.kill(process.pid, signal.SIGCONT)
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    return said.decode().strip()


async def time_to_send(
    conn: Postgres, dsn: str, group_id: UUID, sender_id: UUID, since: datetime | None = None
) -> float:
    """Return how many seconds it takes until another process has the head, by the database's clock.

    They count from `since` or from when it is asked for; a message's time is read when the head was taken.
    """
    async with writer(dsn) as other:
        async with other.database.appending() as ready:
            await ready.execute("SELECT 1")  # connecting is not what is measured
        asked = since or await conn.fetchval("SELECT clock_timestamp()")
        sent = await other.queue.send(draft(group_id, sender_id, "meanwhile"))
        assert sent.verdict == "sent"
        assert sent.created_at is not None
        waited: timedelta = sent.created_at - asked
        return waited.total_seconds()


async def members(conn: Postgres, group_id: UUID) -> int:
    count: int = await conn.fetchval("SELECT count(*) FROM members WHERE conversation_id = $1", group_id)
    return count


@pytest.mark.parametrize("point", UNDER_THE_HEAD)
async def test_frozen_under_the_head(database_dsn: str, point: str) -> None:
    """Whoever freezes with the head in hand loses it; woken, it gets an error, and its work is not there."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, owner := uuid7(), leaver := uuid7())
        async with frozen(database_dsn, point, group_id, leaver) as process:
            await until_frozen(process)
            held_since = await conn.fetchval(HELD_SINCE)
            assert held_since is not None
            waited = await time_to_send(conn, database_dsn, group_id, owner, held_since)
            assert await thawed(process) == "Unavailable"
        assert 0.5 < waited < ALLOWED + TOLERANCE
        assert await members(conn, group_id) == 2
        assert [event["kind"] for event in await check_log(conn)] == ["conversation.created", "message"]


async def test_frozen_while_sending(database_dsn: str) -> None:
    """Whoever freezes in the middle of sending a batch holds nothing; woken, it sends all of it once."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, owner := uuid7())
        async with frozen(database_dsn, "request", group_id, owner) as process:
            await until_frozen(process)
            assert not await conn.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
            waited = await time_to_send(conn, database_dsn, group_id, owner)
            assert await thawed(process) == "done"
        assert waited < TOLERANCE
        assert len(await check_log(conn)) == 2 + 256


async def test_frozen_in_line(database_dsn: str) -> None:
    """A process that freezes while several of its requests wait for the head has it once, and not once for each."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, owner := uuid7(), leaver := uuid7())
        async with frozen(database_dsn, "waiting", group_id, leaver) as process:
            async with alone.log.append():
                await wait_until_blocked(conn)
                assert process.stdin is not None
                process.stdin.write(b"freeze\n")
                await until_frozen(process)
            waited = await time_to_send(conn, database_dsn, group_id, owner)
            assert await thawed(process) == "Unavailable done done done done"
        assert waited < ALLOWED + TOLERANCE
        await check_log(conn)


async def test_nothing_large_is_owed_under_the_head(database_dsn: str) -> None:
    """What the head's holder is sent fits into the buffers of a socket, however large a group is.

    The server cannot end a transaction while it waits for a frozen client to take an answer.
    """
    network = Network()
    with tempfile.TemporaryDirectory() as directory:
        async with (
            observer(database_dsn) as conn,
            broken_network(database_dsn, network, Path(directory)) as dsn,
            writer(dsn) as alone,
        ):
            people = [uuid7() for _ in range(1000)]
            await conn.executemany(
                """
                INSERT INTO users (id, email, email_key, username, username_key, display_name, bio, avatar_url)
                VALUES ($1, $2, $2, $2, $2, $2, repeat('é', 500), repeat('x', 2048))
                """,
                [(user_id, str(user_id)) for user_id in people],
            )
            groups = Groups(alone.database, alone.log, Idempotency(), max_members=1000)
            owner = Caller(people[0], people[0])
            group, _ = await groups.create(owner, "Group", None, people[1:], PUBLIC, key="k")
            await groups.update(owner, group.id, {"description": "é" * 500})
            await groups.change_role(owner, group.id, people[1], "admin")
            await groups.remove_member(owner, group.id, people[2])
            await groups.add_member(owner, group.id, people[2])
            drafts = [draft(group.id, people[0], "é" * 4000, key=f"k{n}") for n in range(256)]
            await alone.send(drafts)
            # Sent again under the same keys, each comes back with a reference.
            await alone.send([replace(one, message_id=uuid7()) for one in drafts])
            await groups.delete(owner, group.id)
    owed = owed_under_the_head(network.answers)
    assert len(owed) == 6 + 2
    assert max(owed) < 64 << 10


def owed_under_the_head(answers: list[tuple[str, int]]) -> list[int]:
    """Return the bytes of all answers in each transaction that holds the head."""
    owed: list[int] = []
    inside = False
    for statement, size in answers:
        if statement.startswith("BEGIN"):
            owed.append(0)
            inside = True
        if inside:
            owed[-1] += size
        elif "append_messages" in statement:
            owed.append(size)
        inside = inside and statement != "COMMIT"
    return owed
