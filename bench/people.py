"""People in numbers: written into the database of a server, each with a session and a token, because logging ten
thousand people in takes minutes of hashing passwords. What they do is done by the server's own services.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
from pydantic import SecretStr

from parley.ids import uuid7
from parley.model import Caller, GroupSettings
from parley.node import Node
from parley.services.messages import NewMessage
from parley.services.tokens import Claims, Tokens
from parley.settings import JwtKey, load
from parley.storage.embedded import EmbeddedPostgres

# A key that a server is given, so that tokens can be signed here.
KEY = JwtKey("bench", SecretStr(secrets.token_urlsafe(48)))
VALID_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token."""

    id: UUID
    token: str


def settle(data_dir: Path, number: int) -> list[Person]:
    """Add so many people to the database that runs in a data directory."""
    dsn = EmbeddedPostgres.running_dsn(data_dir)
    assert dsn is not None, "a server runs there"
    return asyncio.run(_settle(dsn, number))


async def _settle(dsn: str, number: int) -> list[Person]:
    now = datetime.now(UTC)
    user_ids = [uuid7() for _ in range(number)]
    session_ids = [uuid4() for _ in range(number)]
    conn = await asyncpg.connect(dsn)
    try:
        names = [user_id.hex for user_id in user_ids]
        await conn.copy_records_to_table(
            "users",
            columns=["id", "email", "email_key", "username", "username_key", "display_name"],
            records=[
                (user_id, f"{name}@example.com", f"{name}@example.com", name, name, f"Person {name[-4:]}")
                for user_id, name in zip(user_ids, names, strict=True)
            ],
        )
        await conn.copy_records_to_table(
            "sessions",
            columns=["id", "user_id", "created_at", "last_used_at", "rotated_at", "expires_at"],
            records=[
                (session_id, user_id, now, now, now, now + VALID_FOR)
                for session_id, user_id in zip(session_ids, user_ids, strict=True)
            ],
        )
        await conn.execute("ANALYZE users, sessions")
    finally:
        await conn.close()
    signer, issued = Tokens([KEY]), int(time.time())
    expires = issued + int(VALID_FOR.total_seconds())
    return [
        Person(user_id, signer.sign(Claims("access", user_id, session_id, uuid4(), issued, expires)))
        for user_id, session_id in zip(user_ids, session_ids, strict=True)
    ]


async def gather(data_dir: Path, circles: Sequence[Sequence[Person]]) -> list[UUID]:
    """Return the conversation of each circle of the server that runs there: a direct one of two, else a group's."""
    async with Node(load(data_dir=data_dir), visiting=True) as node:
        return [await _gather(node, circle) for circle in circles]


async def _gather(node: Node, circle: Sequence[Person]) -> UUID:
    first, *others = circle
    caller = Caller(first.id, first.id)
    if len(others) == 1:
        conversation, _, _ = await node.services.conversations.open_direct(caller, others[0].id)
        return conversation.id
    member_ids = [person.id for person in others]
    group, _ = await node.services.groups.create(
        caller, "Everybody", None, member_ids, GroupSettings(True, True, None)
    )
    return group.id


async def speak(
    data_dir: Path, circles: Sequence[Sequence[Person]], conversation_ids: Sequence[UUID], times: int
) -> None:
    """Let the first of each circle say something, so many times, while the server there goes on."""
    async with Node(load(data_dir=data_dir), visiting=True) as node:
        for number in range(times):
            async with asyncio.TaskGroup() as everybody:
                for circle, conversation_id in zip(circles, conversation_ids, strict=True):
                    new = NewMessage(f"Hello, world! {number}", conversation_id=conversation_id)
                    caller = Caller(circle[0].id, circle[0].id)
                    everybody.create_task(node.services.messages.send(caller, new))
