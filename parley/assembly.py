"""How the services of one process are put together, and in which order they begin and end."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from parley.services import Services
from parley.services.accounts import Accounts
from parley.services.conversations import Conversations, Directory
from parley.services.events import Events
from parley.services.groups import Groups
from parley.services.idempotency import Idempotency
from parley.services.messages import Messages
from parley.services.passwords import Passwords
from parley.services.presence import Presence
from parley.services.retention import Retention
from parley.services.sessions import Sessions
from parley.services.tokens import Tokens, kept_keys
from parley.services.users import Users
from parley.settings import Settings
from parley.storage.database import Database
from parley.storage.log import Log
from parley.storage.send_queue import SendQueue


@dataclass(frozen=True, slots=True)
class Assembly:
    """What serves requests, and what the operator's pages look into."""

    services: Services
    log: Log
    queue: SendQueue


@asynccontextmanager
async def assembled(
    database: Database,
    settings: Settings,
    data_dir: Path,
    *,
    observe_batch: Callable[[int, float], None] | None = None,
) -> AsyncIterator[Assembly]:
    """Build the services, start what runs beside them, and stop that in the opposite order at the end.

    `observe_batch` hears of every batch of messages: how many, and how many seconds it took.
    """
    log = Log(database)
    queue = SendQueue(database, log, size=settings.send_queue_size, observe=observe_batch)
    passwords = Passwords(settings.password_hashing_concurrency, settings.password_queue_size)
    presence = Presence(database)
    sessions = Sessions(
        database,
        Tokens(kept_keys(settings.jwt_keys, data_dir)),
        presence,
        database.connect,
        access_lifetime=timedelta(seconds=settings.access_token_seconds),
        refresh_lifetime=timedelta(days=settings.refresh_token_days),
    )
    retention = Retention(database, keep_events=timedelta(days=settings.event_retention_days))

    idempotency = Idempotency()
    users = Users(database, log, presence)
    directory = Directory(database)
    conversations = Conversations(database, log, directory, idempotency)
    services = Services(
        accounts=Accounts(database, passwords, sessions, users, idempotency),
        sessions=sessions,
        users=users,
        conversations=conversations,
        messages=Messages(database, log, queue, directory, conversations, idempotency),
        groups=Groups(database, log, idempotency, max_members=settings.group_max_members),
        events=Events(database, log, conversations, users),
    )
    async with AsyncExitStack() as stack:
        stack.callback(passwords.close)
        for background in (presence, sessions, retention, queue):
            await background.start()
            stack.push_async_callback(background.stop)
        yield Assembly(services, log, queue)
