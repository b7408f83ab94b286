"""Presence on a real database: who is online, and what of it is written when."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from accounts import Process, caller_of, process
from parley.errors import Unavailable
from parley.model import Tokens
from parley.storage import presence as storage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def parley(database_dsn: str) -> AsyncIterator[Process]:
    async with process(database_dsn) as running:
        yield running


@pytest.fixture
async def ada(parley: Process) -> Tokens:
    return await parley.enter("ada")


async def test_request_makes_online(parley: Process, ada: Tokens) -> None:
    """Whoever makes an authenticated request is online at once, and for a minute."""
    assert (await parley.users.me(caller_of(ada))).status == "offline"
    await parley.accounts.authenticate(ada.access_token)
    seen = parley.clock.now()
    me = await parley.users.me(caller_of(ada))
    assert me.status == "online"
    assert me.last_seen is not None
    assert abs(me.last_seen - seen) < timedelta(seconds=1)
    parley.clock.ahead = timedelta(seconds=61)
    later = await parley.users.me(caller_of(ada))
    assert (later.status, later.last_seen) == ("offline", me.last_seen)


async def test_known_token_counts_too(parley: Process, ada: Tokens) -> None:
    """A request that asks no database is a sign of life as well."""
    await parley.accounts.authenticate(ada.access_token)
    parley.clock.ahead = timedelta(seconds=61)
    await parley.accounts.authenticate(ada.access_token)
    assert (await parley.users.me(caller_of(ada))).status == "online"


async def test_refused_request_does_not_count(parley: Process, ada: Tokens) -> None:
    """A token that no longer works makes nobody online."""
    await parley.sessions.log_out(caller_of(ada))
    with pytest.raises(Exception, match="Invalid or expired token"):
        await parley.accounts.authenticate(ada.access_token)
    assert (await parley.users.me(caller_of(ada))).status == "offline"


async def test_others_know_after_flush(database_dsn: str) -> None:
    """What one process saw the others know once it is written."""
    async with process(database_dsn) as one, process(database_dsn) as two:
        ada = await one.enter("ada")
        await one.accounts.authenticate(ada.access_token)
        assert (await two.users.me(caller_of(ada))).status == "offline"
        await one.presence.flush()
        assert await two.users.me(caller_of(ada)) == await one.users.me(caller_of(ada))
        assert (await two.users.me(caller_of(ada))).status == "online"


async def test_task_writes_and_stop_writes_the_rest(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task writes by itself, and stopping writes what it had not come to."""
    written = asyncio.Event()
    write = storage.write

    async def noticed(*args: object) -> None:
        await write(*args)  # type: ignore[arg-type]
        written.set()

    monkeypatch.setattr(storage, "write", noticed)
    monkeypatch.setattr("parley.services.presence.FLUSH_EVERY", 0.01)
    async with process(database_dsn) as parley:
        ada, bob = await parley.enter("ada"), await parley.enter("bob")
        await parley.presence.start()
        await parley.accounts.authenticate(ada.access_token)
        async with asyncio.timeout(10):
            await written.wait()
        monkeypatch.setattr("parley.services.presence.FLUSH_EVERY", 3600)
        await parley.accounts.authenticate(bob.access_token)
        await parley.presence.stop()
        assert await parley.fetchval("SELECT count(*) FROM presence") == 2


async def test_time_never_goes_back(parley: Process, ada: Tokens) -> None:
    """A process that writes late, or whose clock is behind, does not make anybody older."""
    await parley.accounts.authenticate(ada.access_token)
    await parley.presence.flush()
    before = await parley.fetchval("SELECT last_seen FROM presence")
    parley.clock.ahead = timedelta(seconds=-30)
    await parley.accounts.authenticate(ada.access_token)
    await parley.presence.flush()
    assert await parley.fetchval("SELECT last_seen FROM presence") == before
    session = "SELECT last_used_at FROM sessions"
    assert await parley.fetchval(session) == before


async def test_outage_loses_nothing(parley: Process, ada: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written is written the next time."""
    await parley.accounts.authenticate(ada.access_token)

    async def away(*_: object) -> None:
        raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(storage, "write", away)
        with pytest.raises(Unavailable):
            await parley.presence.flush()
    assert (await parley.users.me(caller_of(ada))).status == "online"
    await parley.presence.flush()
    assert await parley.fetchval("SELECT count(*) FROM presence") == 1
    assert await parley.fetchval("SELECT last_used_at > created_at FROM sessions")


async def test_many_processes_write_at_once(database_dsn: str) -> None:
    """Processes that saw the same people write at the same time without a deadlock."""
    async with process(database_dsn, listening=False) as one, process(database_dsn, listening=False) as two:
        everybody = [await one.enter(f"user{number}") for number in range(10)]
        for _ in range(10):
            for tokens in everybody:
                one.presence.seen(caller_of(tokens))
            for tokens in reversed(everybody):
                two.presence.seen(caller_of(tokens))
            await asyncio.gather(one.presence.flush(), two.presence.flush())
        assert await one.fetchval("SELECT count(*) FROM presence") == 10


async def test_memory_forgets_the_idle(parley: Process, ada: Tokens) -> None:
    """Who is offline and written down takes no memory here."""
    await parley.accounts.authenticate(ada.access_token)
    await parley.presence.flush()
    assert len(parley.presence) == 1
    parley.clock.ahead = timedelta(seconds=61)
    await parley.presence.flush()
    assert len(parley.presence) == 0
    assert (await parley.users.me(caller_of(ada))).last_seen is not None
