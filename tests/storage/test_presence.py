"""Presence on a real database: who is online, and what of it is written when."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from structlog.testing import capture_logs

from accounts import Process, caller_of, process
from parley.errors import Unavailable
from parley.model import Tokens, UserStatus
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
        await write(*args)  # type: ignore[arg-type]  # passed on as they came
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


async def test_the_task_outlives_every_fault(
    parley: Process, ada: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage is told once, and a deadlock each time; both are over at some time, and then all is written."""
    faults: list[Exception] = [Unavailable(), Unavailable(), asyncpg.DeadlockDetectedError("planted")]
    written = asyncio.Event()
    write = storage.write

    async def stumbling(*args: object) -> None:
        if faults:
            raise faults.pop(0)
        await write(*args)  # type: ignore[arg-type]  # passed on as they came
        written.set()

    monkeypatch.setattr(storage, "write", stumbling)
    monkeypatch.setattr("parley.services.presence.FLUSH_EVERY", 0.01)
    await parley.accounts.authenticate(ada.access_token)
    with capture_logs() as lines:
        await parley.presence.start()
        async with asyncio.timeout(10):
            await written.wait()
        await parley.presence.stop()
    assert [line["event"] for line in lines] == [
        "presence is not written for now",
        "presence could not be written",
    ]
    assert await parley.fetchval("SELECT count(*) FROM presence") == 1


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


async def listed(parley: Process, user_id: UUID) -> set[str]:
    """Return under which statuses a user is listed."""
    found = set[str]()
    statuses: tuple[UserStatus, ...] = ("online", "offline")
    for status in statuses:
        page = await parley.users.list_page(ids=[user_id], status=status)
        assert {user.status for user in page.items} <= {status}
        found |= {user.status for user in page.items}
    return found


async def seen_by(processes: list[Process], user: Tokens) -> tuple[str, datetime | None]:
    """Return what all processes and lists agree on, once all is written."""
    for parley in processes:
        await parley.presence.flush()
    shown = {(me.status, me.last_seen) for me in [await p.users.me(caller_of(user)) for p in processes]}
    assert len(shown) == 1
    [(status, last_seen)] = shown
    for parley in processes:
        assert await listed(parley, user.user_id) == {status}
    return status, last_seen


async def test_open_socket_keeps_online(database_dsn: str) -> None:
    """For hours without a request, in all processes and lists, with a last sign of life that is never old."""
    async with process(database_dsn) as one, process(database_dsn) as two:
        ada = await one.enter("ada")
        one.presence.shown(ada.user_id)
        for _ in range(4):
            one.clock.ahead += timedelta(seconds=50)
            two.clock.ahead = one.clock.ahead
            # A process that asks alone hears of it from the table.
            await one.presence.flush()
            assert await listed(two, ada.user_id) == {"online"}
            status, last_seen = await seen_by([one, two], ada)
            assert status == "online"
            assert last_seen is not None
            assert one.clock.now() - last_seen < timedelta(seconds=30)


async def test_open_sockets_are_written_seldom(parley: Process, ada: Tokens) -> None:
    """Writing and listing again and again costs no row per socket each time."""
    parley.presence.shown(ada.user_id)
    await parley.presence.flush()
    stored = "SELECT last_seen FROM presence"
    before = await parley.fetchval(stored)
    parley.clock.ahead = timedelta(seconds=20)
    await listed(parley, ada.user_id)
    assert await parley.fetchval(stored) == before
    parley.clock.ahead = timedelta(seconds=30)
    await listed(parley, ada.user_id)
    assert await parley.fetchval(stored) != before


async def test_last_socket_leaves_at_once(database_dsn: str) -> None:
    """Offline from that moment on, everywhere; a request after it makes online again, one before it does not."""
    async with process(database_dsn) as one, process(database_dsn) as two:
        ada = await one.enter("ada")
        one.presence.shown(ada.user_id)
        assert (await seen_by([one, two], ada))[0] == "online"
        two.presence.seen(caller_of(ada))
        one.clock.ahead = two.clock.ahead = timedelta(seconds=5)
        one.presence.closed(ada.user_id)
        left = one.clock.now()
        assert (await one.users.me(caller_of(ada))).status == "offline"
        status, last_seen = await seen_by([one, two], ada)
        assert (status, last_seen is not None) == ("offline", True)
        assert last_seen is not None
        assert abs(last_seen - left) < timedelta(seconds=1)
        one.clock.ahead = two.clock.ahead = timedelta(seconds=10)
        two.presence.seen(caller_of(ada))
        assert (await seen_by([two, one], ada))[0] == "online"


async def test_sockets_elsewhere_count(database_dsn: str) -> None:
    """Whoever closes the last socket of one process and has one open in another is back with its next sign."""
    async with process(database_dsn) as one, process(database_dsn) as two:
        ada = await one.enter("ada")
        one.presence.shown(ada.user_id)
        two.presence.shown(ada.user_id)
        one.clock.ahead = two.clock.ahead = timedelta(seconds=5)
        one.presence.closed(ada.user_id)
        assert (await two.users.me(caller_of(ada))).status == "online"
        one.clock.ahead = two.clock.ahead = timedelta(seconds=35)
        assert (await seen_by([two, one], ada))[0] == "online"


async def test_hidden_sockets(database_dsn: str) -> None:
    """Who hides is offline everywhere, whatever they request, until a socket shows them or none is left."""
    async with process(database_dsn) as one, process(database_dsn) as two:
        ada = await one.enter("ada")
        one.presence.shown(ada.user_id)
        one.presence.hidden(ada.user_id)
        one.clock.ahead = two.clock.ahead = timedelta(seconds=5)
        await one.accounts.authenticate(ada.access_token)
        assert (await seen_by([one, two], ada))[0] == "offline"
        # The session was used all the same.
        used = await one.fetchval("SELECT last_used_at > created_at + interval '4 seconds' FROM sessions")
        assert used
        one.presence.shown(ada.user_id)
        assert (await seen_by([one, two], ada))[0] == "online"
        one.presence.hidden(ada.user_id)
        one.presence.closed(ada.user_id)
        one.clock.ahead = two.clock.ahead = timedelta(seconds=10)
        assert (await seen_by([one, two], ada))[0] == "offline"
        await one.accounts.authenticate(ada.access_token)
        assert (await seen_by([one, two], ada))[0] == "online"


async def test_open_sockets_stay_in_memory(parley: Process, ada: Tokens) -> None:
    """Who has a socket is not forgotten as idle, and who has none any more is."""
    parley.presence.shown(ada.user_id)
    for _ in range(3):
        parley.clock.ahead += timedelta(hours=1)
        await parley.presence.flush()
        assert len(parley.presence) == 1
    parley.presence.closed(ada.user_id)
    parley.clock.ahead += timedelta(hours=1)
    await parley.presence.flush()
    assert len(parley.presence) == 0
    assert (await parley.users.me(caller_of(ada))).status == "offline"


async def test_many_are_written_in_parts(
    parley: Process, ada: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short statements, after which everything is there, and an outage between them loses nothing."""
    monkeypatch.setattr("parley.services.presence.ROWS_AT_ONCE", 2)
    everybody = [ada, *[await parley.enter(f"user{number}") for number in range(4)]]
    for tokens in everybody:
        await parley.accounts.authenticate(tokens.access_token)
    write = storage.write
    calls = 0

    async def cut(*args: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Unavailable
        await write(*args)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(storage, "write", cut)
    with pytest.raises(Unavailable):
        await parley.presence.flush()
    await parley.presence.flush()
    assert calls == 5
    assert await parley.fetchval("SELECT count(*) FROM presence") == 5
    assert await parley.fetchval("SELECT count(*) FROM sessions WHERE last_used_at > created_at") == 5


class TestSeveralProcesses:
    """Sockets are counted over all processes of a database. What their tasks do is done by hand here."""

    @pytest.fixture
    async def both(self, database_dsn: str) -> AsyncIterator[tuple[Process, Process]]:
        async with process(database_dsn, alone=False) as one, process(database_dsn, alone=False) as two:
            for each in (one, two, one):
                await each.presence._look_around()
            yield one, two

    async def exchange(self, *processes: Process) -> None:
        """Let each write what it knows and read what the others wrote, after a second."""
        for each in processes:
            await each.presence.flush()
        for each in processes:
            each.clock.ahead += timedelta(seconds=2)
            await each.presence._look_around()
            await each.presence.flush()

    async def said(self, of: Tokens, *processes: Process) -> list[UserStatus]:
        return [(await each.users.me(caller_of(of))).status for each in processes]

    async def test_the_last_socket_of_all_counts(self, both: tuple[Process, Process]) -> None:
        """Whoever has two at two processes is online at both until both are closed."""
        one, two = both
        ada = await one.enter("ada")
        for each in both:
            each.presence.shown(ada.user_id)
        await self.exchange(*both)
        one.presence.closed(ada.user_id)
        assert await self.said(ada, *both) == ["online", "online"]
        await self.exchange(*both)
        assert await self.said(ada, *both) == ["online", "online"]
        two.presence.closed(ada.user_id)
        await self.exchange(*both)
        assert await self.said(ada, *both) == ["offline", "offline"]

    async def test_both_close_at_once(self, both: tuple[Process, Process]) -> None:
        """Though each believes for a moment that there is one left at the other."""
        one, _ = both
        ada = await one.enter("ada")
        for each in both:
            each.presence.shown(ada.user_id)
        await self.exchange(*both)
        for each in both:
            each.presence.closed(ada.user_id)
        await self.exchange(*both)
        assert await self.said(ada, *both) == ["offline", "offline"]

    async def test_requests_elsewhere_do_not_show_who_hides(self, both: tuple[Process, Process]) -> None:
        one, two = both
        ada = await one.enter("ada")
        one.presence.hidden(ada.user_id)
        await self.exchange(*both)
        two.presence.seen(caller_of(ada))
        await self.exchange(*both)
        assert await self.said(ada, *both) == ["offline", "offline"]
        one.presence.closed(ada.user_id)
        await self.exchange(*both)
        two.presence.seen(caller_of(ada))
        await self.exchange(*both)
        assert await self.said(ada, *both) == ["online", "online"]

    async def test_who_was_there_before_is_told(self, database_dsn: str) -> None:
        """A process that begins learns whom the others show already."""
        async with process(database_dsn, alone=False) as one, process(database_dsn, alone=False) as two:
            ada = await one.enter("ada")
            await one.presence._look_around()
            one.presence.shown(ada.user_id)
            await one.presence.flush()
            assert await one.fetchval("SELECT count(*) FROM places") == 0
            await two.presence._look_around()
            await self.exchange(one, two)
            assert set(two.presence.shown_elsewhere) == {ada.user_id}

    async def test_places_of_a_dead_process_do_not_count(self, both: tuple[Process, Process]) -> None:
        """Once it has said nothing for a while; if it lives it says all of it again."""
        one, two = both
        ada = await one.enter("ada")
        moved: set[UUID] = set()
        two.presence.watchers.append(moved.update)
        one.presence.shown(ada.user_id)
        await self.exchange(*both)
        assert set(two.presence.shown_elsewhere) == moved == {ada.user_id}
        moved.clear()
        await one.execute(
            "UPDATE nodes SET seen_at = now() - interval '1 day' WHERE node_id = $1",
            one.presence._places.node_id,
        )
        await two.presence._look_around()
        assert moved == {ada.user_id}
        assert not two.presence.shown_elsewhere
        await two.presence._places.tidy()
        assert await one.fetchval("SELECT count(*) FROM places") == 0
        await self.exchange(*both)
        await self.exchange(*both)
        assert set(two.presence.shown_elsewhere) == {ada.user_id}

    async def test_who_ends_takes_its_places_along(self, database_dsn: str) -> None:
        async with process(database_dsn, alone=False) as one, process(database_dsn, alone=False) as two:
            ada = await one.enter("ada")
            await one.presence.start()
            await two.presence.start()
            one.presence.shown(ada.user_id)
            async with asyncio.timeout(20):
                while not two.presence.shown_elsewhere:
                    await asyncio.sleep(0.01)
            await one.presence.stop()
            await two.presence.stop()
            assert await one.fetchval("SELECT count(*) FROM nodes") == 0
            assert await one.fetchval("SELECT count(*) FROM places") == 0
