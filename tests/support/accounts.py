"""What one process of Parley has of accounts, on a real database; several make a cluster."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import asyncpg
from argon2 import PasswordHasher
from pydantic import SecretStr

from parley.model import Caller, Me, Tokens
from parley.services.accounts import Accounts, Registration
from parley.services.idempotency import Idempotency
from parley.services.passwords import Passwords
from parley.services.presence import Presence
from parley.services.sessions import Sessions
from parley.services.tokens import Tokens as TokenSigner
from parley.services.users import Users
from parley.settings import JwtKey
from parley.storage.database import Database
from parley.storage.log import Log

KEYS = [JwtKey("test", SecretStr("a secret of at least thirty-two bytes"))]
PASSWORD = "secure_password"
# argon2id all the same, but cheap enough for hundreds of log-ins.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class Clock:
    """A clock that tests can move; it starts at the real time."""

    ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def seconds(self) -> float:
        return self.now().timestamp()


@dataclass
class Process:
    """The services of accounts, assembled as a node assembles them."""

    database: Database
    clock: Clock
    passwords: Passwords
    presence: Presence
    sessions: Sessions
    users: Users
    accounts: Accounts

    async def register(self, name: str) -> Me:
        me, _ = await self.accounts.register(registration(name))
        return me

    async def log_in(self, name: str, password: str = PASSWORD) -> Tokens:
        return await self.accounts.log_in(
            f"{name}@example.com", password, user_agent="curl/8", address="192.0.2.7"
        )

    async def enter(self, name: str) -> Tokens:
        """Register and log in."""
        await self.register(name)
        return await self.log_in(name)

    async def execute(self, statement: str, *values: object) -> None:
        async with self.database.transaction() as conn:
            await conn.execute(statement, *values)

    async def fetchval(self, query: str, *values: object) -> object:
        async with self.database.read() as conn:
            return await conn.fetchval(query, *values)


def registration(name: str, password: str = PASSWORD) -> Registration:
    return Registration(f"{name}@example.com", name, password, name.title())


def caller_of(tokens: Tokens) -> Caller:
    return Caller(tokens.user_id, tokens.session_id)


@asynccontextmanager
async def process(
    dsn: str, *, hasher: PasswordHasher = CHEAP, listening: bool = True, alone: bool = True
) -> AsyncIterator[Process]:
    """Run a process on this database; with `listening` it hears of ended sessions from the start.

    One that is not `alone` counts sockets together with others.
    """
    database = await Database.open(dsn, pool_size=4)
    clock = Clock()
    passwords = Passwords(concurrency=2, queue_size=64, hasher=hasher)
    presence = Presence(database, clock.now, alone=alone)
    sessions = Sessions(
        database, TokenSigner(KEYS, clock.seconds), presence, database.connect, now=clock.seconds
    )
    users = Users(database, Log(database), presence)
    accounts = Accounts(database, passwords, sessions, users, Idempotency())
    try:
        if listening:
            await sessions.start()
            await sessions.listener.started.wait()
        yield Process(database, clock, passwords, presence, sessions, users, accounts)
    finally:
        await sessions.stop()
        passwords.close()
        await database.close()


async def cut_listeners(dsn: str) -> None:
    """Cut the connections on which processes listen, as a broken network would."""
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(
            """
            SELECT pg_terminate_backend(pid)
            FROM pg_stat_activity
            WHERE application_name = 'parley-listener' AND datname = current_database()
            """
        )
    finally:
        await conn.close()
