"""What one process owns, and the order in which it begins and ends.

Start: the database (embedded, or the one of PARLEY_DATABASE_URL) → its schema → the pools → the services and
their background tasks → ready. Stop is the same backwards. `drain` comes before: the node says that it is not
ready, so that nobody sends it more, and lets go of those who only wait.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
from pydantic import SecretStr

from parley import metrics
from parley.errors import Unavailable
from parley.realtime.edge import HANDSHAKES, Realtime
from parley.realtime.shared import ClientFrames
from parley.services import Services
from parley.services.accounts import Accounts
from parley.services.conversations import Conversations, Directory
from parley.services.egress import Egress
from parley.services.events import Events
from parley.services.groups import Groups
from parley.services.idempotency import Idempotency
from parley.services.messages import Messages
from parley.services.passwords import Passwords
from parley.services.presence import Presence
from parley.services.receipts import Receipts
from parley.services.retention import Retention
from parley.services.sessions import Sessions
from parley.services.tokens import Tokens, kept_keys
from parley.services.users import Users
from parley.services.webhooks import Webhooks
from parley.settings import JwtKey, Rate, Settings
from parley.storage import schema
from parley.storage.database import Database
from parley.storage.embedded import EmbeddedPostgres
from parley.storage.history import HistoryReader
from parley.storage.log import Log
from parley.storage.send_queue import SendQueue
from parley.webhooks.delivery import Delivery
from parley.webhooks.options import DeliveryOptions
from parley.webhooks.pressure import Pressure
from parley.webhooks.sender import Observe

# Seconds that /readyz waits for the database; whoever asks has a timeout of their own, seldom below this.
_READY_TIMEOUT = 2.0

# The file in the data directory that tells where the server listens.
_ADDRESS = "server.url"


class NodeError(Exception):
    """This process cannot have what it needs to run. `str(error)` is one whole sentence."""


class Startable(Protocol):
    """A background task with a beginning and an end."""

    def start(self) -> Awaitable[None]: ...

    def stop(self) -> Awaitable[None]: ...


class Storage:
    """The database of one process, ready to be asked: started here, visited, or at a given address.

    A process that is `visiting` uses the embedded database of a server that runs in the same data directory,
    and starts it for a moment only where none runs. With `must_exist` no new one is made.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        temporary: bool = False,
        visiting: bool = True,
        must_exist: bool = False,
        migrate: bool = True,
    ) -> None:
        if temporary and settings.database_url is not None:
            raise NodeError("PARLEY_DATABASE_URL is set, and a temporary server makes a database of its own.")
        self._settings = settings
        self._temporary = temporary
        self._visiting = visiting
        self._must_exist = must_exist
        self._migrate_at_start = migrate
        self.visited = self.started = False
        self._stack = AsyncExitStack()
        self._embedded: EmbeddedPostgres | None = None
        self.data_dir = settings.data_dir
        self.dsn = ""
        self.database: Database

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self.dsn = await self._address(stack)
            if self._migrate_at_start:
                await self._prepare_schema()
            self.database = await Database.open(self.dsn, pool_size=self._settings.database_pool_size)
            stack.push_async_callback(self.database.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def migrate(self) -> list[str]:
        """Bring the schema up to date and return the names of what that took."""
        return await self._reached(schema.apply(self.dsn))

    async def obstacle(self) -> str | None:
        """Return why the database cannot be asked, or takes nothing, at the moment, or None. It is really asked.

        Where nothing can be written nobody can log in or send: a server with room shall get what comes.
        """
        if self._embedded is not None and self._embedded.problem is not None:
            return self._embedded.problem
        try:
            async with asyncio.timeout(_READY_TIMEOUT):
                if await self.database.is_full():
                    return "The disk of the database is full."
        except (Unavailable, TimeoutError):
            return "The database does not answer."
        return None

    async def _address(self, stack: AsyncExitStack) -> str:
        if self._settings.database_url is not None:
            return self._settings.database_url.get_secret_value()
        if self._visiting and (dsn := EmbeddedPostgres.running_dsn(self.data_dir)) is not None:
            self.visited = True
            return dsn
        return await self._start_embedded(stack)

    async def _start_embedded(self, stack: AsyncExitStack) -> str:
        if self._must_exist and not (self.data_dir / "postgres").exists():
            raise NodeError(f"There is no database in {self.data_dir}; `parley serve` makes one.")
        if self._temporary:
            self._embedded = EmbeddedPostgres.temporary()
            self.data_dir = self._embedded.data_dir
        else:
            self._embedded = EmbeddedPostgres(self.data_dir)
        stack.push_async_callback(self._embedded.stop)
        self.started = True
        return await self._embedded.start()

    async def _prepare_schema(self) -> None:
        if not self.visited:
            await self.migrate()
        elif await schema.pending(self.dsn):
            # Migrating under a server that runs would change the tables it knows.
            raise NodeError(
                f"The server that runs in {self.data_dir} is of an older Parley; restart it first."
            )

    async def _reached(self, work: Awaitable[list[str]]) -> list[str]:
        """Say which database could not be reached, and why, but not with what password."""
        try:
            return await work
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            url = urlsplit(self.dsn)
            where = f"{url.hostname or 'a socket'}{url.path}"
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise NodeError(f"The database {where} cannot be used: {reason}.") from error


class Node:
    """Everything that serves: storage and services. `async with Node(settings) as node` frames its life.

    A `visiting` node is a command's: it shares the database with a server and leaves all standing work to it.
    `observe_webhooks` is for tests, and hears of what webhooks are sent.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        temporary: bool = False,
        visiting: bool = False,
        must_exist: bool = False,
        observe_webhooks: Observe | None = None,
    ) -> None:
        self._settings = settings
        self._observe_webhooks = observe_webhooks
        self._storage = Storage(settings, temporary=temporary, visiting=visiting, must_exist=must_exist)
        self._visiting = visiting
        self._stack = AsyncExitStack()
        self._draining = False
        # What has no service around it: the log, and what is sent on its way there.
        self.log: Log
        self.queue: SendQueue
        self.services: Services

    @property
    def database(self) -> Database:
        """Where all of it is stored."""
        return self._storage.database

    @property
    def data_dir(self) -> Path:
        """Where the database and the keys of this node lie."""
        return self._storage.data_dir

    @property
    def is_alone(self) -> bool:
        """Whether this node started the embedded database itself: no server runs beside it."""
        return self._storage.started

    @property
    def address(self) -> str:
        """The URL of the server that is visited, or at which one would listen."""
        published = self.data_dir / _ADDRESS
        # Without a server beside us the file is what a killed one left.
        if self._storage.visited and published.exists():
            return published.read_text()
        return self._settings.url(self._settings.port)

    def publish(self, url: str) -> None:
        """Let commands that share the data directory know where this node's server listens, until it stops."""
        if self._settings.database_url is not None:
            return
        path = self.data_dir / _ADDRESS
        path.write_text(url)
        self._stack.callback(path.unlink, missing_ok=True)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._storage)
            self.services = await self._start_services(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start_services(self, stack: AsyncExitStack) -> Services:
        """Build the services from what each needs, and start what works in the background."""
        chosen, database = self._settings, self._storage.database
        log = Log(database)
        idempotency = Idempotency()
        presence = Presence(database, alone=self.is_alone)
        sessions = Sessions(
            database,
            Tokens(self._keys()),
            presence,
            database.connect,
            access_lifetime=timedelta(seconds=chosen.access_token_seconds),
            refresh_lifetime=timedelta(days=chosen.refresh_token_days),
        )
        users = Users(database, log, presence)
        passwords = Passwords(chosen.password_hashing_concurrency, chosen.password_queue_size)
        stack.callback(passwords.close)
        directory = Directory(database)
        conversations = Conversations(database, log, directory, idempotency)
        delivery = Delivery(
            database,
            log,
            users,
            _egress(chosen),
            DeliveryOptions(
                concurrency=chosen.webhook_concurrency,
                per_endpoint=chosen.webhook_concurrency_per_endpoint,
                rate=chosen.webhook_rate,
                alone=self.is_alone,
            ),
            observe=self._observe_webhooks,
        )
        queue = SendQueue(
            database, log, size=chosen.send_queue_size, observe=partial(_observe_batch, delivery.pressure)
        )
        history = HistoryReader(database)
        receipts = Receipts(database, log)
        retention = Retention(database, keep_events=timedelta(days=chosen.event_retention_days))
        standing: list[Startable] = [] if self._visiting else [presence, sessions, retention]
        if standing and chosen.webhook_concurrency:
            standing.append(delivery)
        await self._start(stack, [*standing, queue, history])
        _watch(log, queue, history, database)
        metrics.watch(
            "parley_log_held_back_events",
            "Old events that are kept only because they were not read for webhooks yet.",
            lambda: retention.held_back,
        )
        self.log, self.queue, self._presence = log, queue, presence
        return Services(
            accounts=Accounts(database, passwords, sessions, users, idempotency),
            sessions=sessions,
            users=users,
            conversations=conversations,
            messages=Messages(database, log, queue, history, directory, conversations, idempotency),
            receipts=receipts,
            groups=Groups(database, log, idempotency, max_members=chosen.group_max_members),
            events=Events(database, log, receipts, users, sessions),
            webhooks=Webhooks(
                database,
                log,
                idempotency,
                _egress(chosen),
                max_per_user=chosen.webhooks_per_user,
                wake=delivery.wake,
            ),
        )

    async def _start(self, stack: AsyncExitStack, tasks: Sequence[Startable]) -> None:
        for task in tasks:
            await task.start()
            stack.push_async_callback(task.stop)

    async def open_sockets(
        self,
        frames: ClientFrames,
        *,
        allowed: Callable[[str, str | None], bool],
        count: Callable[[UUID], Awaitable[bool]],
        handshakes: Rate | None = HANDSHAKES,
        now: Callable[[], float] = time.time,
    ) -> Realtime:
        """Begin to feed sockets, until the node ends; the parameters are those of `Realtime`."""
        realtime = Realtime(
            self._storage.database,
            self.log,
            self.services,
            self._presence,
            frames,
            allowed=allowed,
            count=count,
            handshakes=handshakes,
            sockets_per_user=self._settings.sockets_per_user,
            now=now,
        )
        await self._start(self._stack, [realtime])
        self.queue.publish = realtime.relay.offer
        return realtime

    def _keys(self) -> Sequence[JwtKey]:
        if self._visiting:
            # A command hands out no tokens, and must not leave a key where it happens to be called.
            return [JwtKey("unused", SecretStr(secrets.token_urlsafe(48)))]
        try:
            return kept_keys(self._settings.jwt_keys, self.data_dir)
        except ValueError as error:
            raise NodeError(f"{error}.") from error
        except OSError as error:
            raise NodeError(
                f"The key of the tokens cannot be kept in {self.data_dir}: {error.strerror}."
            ) from error

    def drain(self) -> None:
        """Say from now on that this node is not ready, and let nobody wait for events any longer."""
        self._draining = True
        self.services.events.end_waiting()

    async def obstacle(self) -> str | None:
        """Return why requests cannot be served at the moment, as a sentence, or None when they can."""
        if self._draining:
            return "The server is shutting down."
        return await self._storage.obstacle()


def _observe_batch(pressure: Pressure, events: int, seconds: float) -> None:
    metrics.observe_batch(events, seconds)
    pressure.observe(events, seconds)


def _egress(chosen: Settings) -> Egress:
    return Egress(
        chosen.webhook_allow_networks, ports=chosen.webhook_ports, https_only=chosen.webhook_https_only
    )


def _watch(log: Log, queue: SendQueue, history: HistoryReader, database: Database) -> None:
    metrics.watch(
        "parley_log_position", "Last position of the log that is known here.", lambda: log.head.position
    )
    metrics.watch("parley_send_queue", "Messages that wait to be appended.", lambda: len(queue))
    metrics.watch("parley_history_queue", "Pages of history that wait to be read.", lambda: len(history))
    metrics.watch(
        "parley_database_connections_busy",
        "Connections for reading that are lent out.",
        lambda: database.pool_in_use[0],
    )
    metrics.watch(
        "parley_database_connections_max",
        "How many connections for reading there may be.",
        lambda: database.pool_in_use[1],
    )
