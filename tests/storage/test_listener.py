"""The listener: what it hears, and how soon it notices that it hears nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from structlog.testing import capture_logs

from parley.storage.database import Database
from parley.storage.listener import Connect, Listener

pytestmark = pytest.mark.anyio

NOT_YET = 10.0


class Ear:
    """Notes what a listener tells."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[str | bool] = asyncio.Queue()

    async def next(self) -> str | bool:
        async with asyncio.timeout(NOT_YET):
            return await self.told.get()


class Relay:
    """Stands between a listener and its server, and can swallow whatever either says."""

    def __init__(self) -> None:
        self.swallows = False
        self._pumps: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def running(self, server: str, directory: Path) -> AsyncIterator[None]:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            from_server, to_server = await asyncio.open_unix_connection(server)
            self._pumps += [
                asyncio.create_task(self._pump(reader, to_server)),
                asyncio.create_task(self._pump(from_server, writer)),
            ]

        listening = await asyncio.start_unix_server(accept, directory / ".s.PGSQL.5432")
        try:
            yield
        finally:
            listening.close()
            for pump in self._pumps:
                pump.cancel()
            await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                if not self.swallows:
                    target.write(data)
        finally:
            target.close()


@asynccontextmanager
async def listening(connect: Connect) -> AsyncIterator[Ear]:
    ear = Ear()
    listener = Listener(connect, "test_channel", heard=ear.told.put_nowait, turned=ear.told.put_nowait)
    listener.start()
    try:
        yield ear
    finally:
        await listener.stop()


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_dsn, pool_size=3)
    yield opened
    await opened.close()


async def notify(database: Database, payload: str) -> None:
    async with database.transaction() as conn:
        await conn.execute("SELECT pg_notify('test_channel', $1)", payload)


async def test_hears_in_order(database: Database) -> None:
    """It says when it listens, hears what is committed in order, and says when it has stopped."""
    async with listening(database.connect) as ear:
        assert await ear.next() is True
        for payload in ("one", "two", "three"):
            await notify(database, payload)
        assert [await ear.next() for _ in range(3)] == ["one", "two", "three"]
    assert await ear.next() is False


async def test_connects_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its connection was cut, and while the database refuses, it tries on."""
    monkeypatch.setattr("parley.storage.listener.RETRY", 0.01)
    failures = [ConnectionRefusedError("not yet"), TimeoutError(), asyncpg.CannotConnectNowError("starting")]

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        if failures:
            raise failures.pop()
        return await database.connect()

    async with listening(connect) as ear:
        assert await ear.next() is True
        failures.append(ConnectionRefusedError("again"))
        async with database.read() as conn:
            await conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'parley-listener'"
            )
        assert await ear.next() is False
        assert await ear.next() is True
        await notify(database, "still here")
        assert await ear.next() == "still here"


async def test_outlives_whoever_is_called(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of whoever hears of a turn is told, and does not end the listening."""
    monkeypatch.setattr("parley.storage.listener.RETRY", 0.01)
    ear = Ear()
    faults = [RuntimeError("planted")]

    def turned(listening: bool) -> None:
        if faults:
            raise faults.pop()
        ear.told.put_nowait(listening)

    listener = Listener(database.connect, "test_channel", heard=ear.told.put_nowait, turned=turned)
    with capture_logs() as lines:
        listener.start()
        assert await ear.next() is False
        assert await ear.next() is True
        await listener.stop()
    assert [line["event"] for line in lines] == ["listening to the database failed"]


async def test_an_outage_is_told_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with every attempt; and again where it comes again."""
    monkeypatch.setattr("parley.storage.listener.RETRY", 0.01)
    failures: list[Exception] = [TimeoutError(), TimeoutError()]

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        if failures:
            raise failures.pop()
        return await database.connect()

    with capture_logs() as lines:
        async with listening(connect) as ear:
            assert await ear.next() is True
            async with database.read() as conn:
                await conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'parley-listener'"
                )
            assert await ear.next() is False
            assert await ear.next() is True
    assert [line["event"] for line in lines] == ["not listening to the database"] * 2
    assert lines[0]["reason"] == "TimeoutError"
    assert "closed" in lines[1]["reason"]


async def test_notices_silence(
    database: Database, database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is neither closed nor alive, as after a cable was pulled, is given up."""
    monkeypatch.setattr("parley.storage.listener.HEARTBEAT", 0.05)
    monkeypatch.setattr("parley.storage.listener.ANSWER", 0.5)
    where = parse_qs(urlsplit(database_dsn).query)
    server = f"{where['host'][0]}/.s.PGSQL.{where.get('port', ['5432'])[0]}"

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(database_dsn, host=str(tmp_path), port=5432)

    relay = Relay()
    async with relay.running(server, tmp_path), listening(connect) as ear:
        assert await ear.next() is True
        # Heartbeats pass: it goes on listening for many of them.
        await notify(database, "alive")
        assert await ear.next() == "alive"
        relay.swallows = True
        await notify(database, "unheard")
        assert await ear.next() is False


async def test_stops_without_having_started(database: Database) -> None:
    """Stopping what never ran is harmless."""
    ear = Ear()
    await Listener(
        database.connect, "test_channel", heard=ear.told.put_nowait, turned=ear.told.put_nowait
    ).stop()
    assert ear.told.empty()
