"""The embedded PostgreSQL: it survives what kills it, dies with its owner, and says why when it can't."""

import asyncio
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import psutil
import pytest
import uvloop

import users
from parley.storage.embedded import EmbeddedError, EmbeddedPostgres, cluster, keeper, remains

ROOT = Path(__file__).parents[2]
OWNER = ROOT / "tests" / "support" / "owner.py"


@pytest.fixture(scope="session")
def made_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose database was made and stopped, to be copied: making one takes half a second."""
    directory = tmp_path_factory.mktemp("made")

    async def make() -> None:
        async with EmbeddedPostgres(directory) as dsn:
            await execute(dsn, "CREATE TABLE notes (body text)")

    asyncio.run(make())
    return directory


@pytest.fixture
def data_dir(made_dir: Path, tmp_path: Path) -> Path:
    """A data directory of the test's own with a database in it, stopped."""
    return copy_data_dir(made_dir, tmp_path / "data")


def copy_data_dir(made: Path, place: Path) -> Path:
    shutil.copytree(made, place, ignore=shutil.ignore_patterns("*.lock", "*.log"))
    return place


async def execute(dsn: str, *statements: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await conn.execute(statement)
    finally:
        await conn.close()


async def fetch(dsn: str, query: str) -> Any:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(query)
    finally:
        await conn.close()


async def fetch_when_back(dsn: str, query: str, seconds: float = 20) -> Any:
    """Ask again and again, as a server's pool does, until the database answers."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await fetch(dsn, query)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.02)


async def until(true: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


def wait_until(true: Callable[[], object], seconds: float = 20) -> None:
    asyncio.run(until(true, seconds))


def processes(data_dir: Path) -> list[int]:
    return remains.processes(data_dir / cluster.CLUSTER)


def postmaster(data_dir: Path) -> int:
    found = remains.postmaster(data_dir / cluster.CLUSTER)
    assert found is not None
    return found


def keeper_of(data_dir: Path) -> int:
    return psutil.Process(postmaster(data_dir)).ppid()


def log_of(data_dir: Path) -> str:
    return (data_dir / cluster.LOG).read_text()


class Owner:
    """A process of its own that owns a database, and what it printed about it."""

    def __init__(self, process: subprocess.Popen[str], facts: dict[str, Any]) -> None:
        self.process = process
        self.dsn: str = facts["dsn"]
        self.data_dir = Path(facts["data_dir"])


def owner_command(where: Path | str) -> list[str]:
    return [sys.executable, str(OWNER), str(where)]


@contextmanager
def owner(where: Path | str, *prefix: str) -> Iterator[Owner]:
    process = subprocess.Popen(
        [*prefix, *owner_command(where)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None and process.stderr is not None
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            one = Owner(process, json.loads(line))
            yield one
        finally:
            process.kill()
    wait_until(lambda: not processes(one.data_dir))


def refusal(directory: Path) -> str:
    """Return the sentence with which a start in `directory` is refused."""

    async def start() -> None:
        async with EmbeddedPostgres(directory, grace=0.5):
            pass

    with pytest.raises(EmbeddedError) as caught:
        asyncio.run(start())
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
    return str(caught.value)


@asynccontextmanager
async def running(data_dir: Path) -> AsyncIterator[tuple[EmbeddedPostgres, str]]:
    database = EmbeddedPostgres(data_dir)
    dsn = await database.start()
    try:
        yield database, dsn
    finally:
        await database.stop()


# Start and stop


def test_made_once_and_kept(tmp_path: Path) -> None:
    """The first start makes the database, later ones find what was written."""
    place = tmp_path / "not" / "yet there"

    async def scenario() -> None:
        async with EmbeddedPostgres(place) as dsn:
            await execute(dsn, "CREATE TABLE notes (body text)", "INSERT INTO notes VALUES ('kept')")
        assert processes(place) == []
        async with EmbeddedPostgres(place) as dsn:
            assert await fetch(dsn, "SELECT body FROM notes") == "kept"

    asyncio.run(scenario())
    assert place.stat().st_mode & 0o777 == 0o700


def test_stop_is_clean(data_dir: Path) -> None:
    """After a stop nothing needs recovery, and nothing is left but the data and its log."""

    async def scenario() -> None:
        for _ in range(2):
            async with running(data_dir):
                pass

    asyncio.run(scenario())
    assert "not properly shut down" not in log_of(data_dir)
    assert EmbeddedPostgres.running_dsn(data_dir) is None
    assert not list((data_dir / "socket").iterdir())


def test_stop_does_not_wait_for_clients(data_dir: Path) -> None:
    """A client in the middle of a transaction is cut off, not waited for."""

    async def scenario() -> None:
        database = EmbeddedPostgres(data_dir, grace=60)
        conn = await asyncpg.connect(await database.start())
        await conn.execute("BEGIN; INSERT INTO notes VALUES ('unfinished')")
        started = time.monotonic()
        await database.stop()
        assert time.monotonic() - started < 20
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await conn.execute("COMMIT")
        conn.terminate()

    asyncio.run(scenario())


def test_others_find_it(data_dir: Path) -> None:
    """Another process finds the address of a running database, and none of one that is not running."""
    assert EmbeddedPostgres.running_dsn(data_dir) is None
    with owner(data_dir) as one:
        found = EmbeddedPostgres.running_dsn(data_dir)
        assert found == one.dsn
        assert asyncio.run(fetch(found, "SELECT 1")) == 1
        one.process.kill()
        one.process.wait()
        assert EmbeddedPostgres.running_dsn(data_dir) is None


def test_settings(data_dir: Path) -> None:
    """What is acknowledged is on the disk, nobody connects but through the socket, nothing is logged."""
    wanted = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "listen_addresses": "",
        "server_encoding": "UTF8",
        "jit": "off",
        "log_statement": "none",
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_error_verbosity": "terse",
    }

    async def scenario() -> None:
        async with running(data_dir) as (_, dsn):
            rows = await fetch(dsn, "SELECT json_object_agg(name, setting) FROM pg_settings")
            found = json.loads(rows)
            assert {name: found[name] for name in wanted} == wanted
            assert await fetch(dsn, "SELECT datlocale FROM pg_database WHERE datname = 'parley'") == "C.UTF-8"
            listening = psutil.Process(postmaster(data_dir)).net_connections(kind="inet")
            assert listening == []
        assert (data_dir / "postgres").stat().st_mode & 0o777 == 0o700
        assert (data_dir / "socket").stat().st_mode & 0o777 == 0o700

    asyncio.run(scenario())


AWKWARD = [
    "with space",
    "grüße-日本語",
    "a,b 'c' \"d\" @e",
    "per%20cent&x=y#z",
    "d" * 120,
    "deep/" * 30 + "end",
]


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_paths(made_dir: Path, tmp_path: Path, name: str) -> None:
    """Spaces, other alphabets, separators and paths longer than a socket's may be."""
    place = copy_data_dir(made_dir, tmp_path / name)

    async def scenario() -> None:
        async with running(place) as (_, dsn):
            assert await fetch(dsn, "SELECT count(*) FROM notes") == 0
            assert EmbeddedPostgres.running_dsn(place) == dsn
            address = await fetch(dsn, "SHOW unix_socket_directories")
        assert not Path(address.strip('"')).exists() or not os.listdir(address)

    asyncio.run(scenario())


def test_folder_without_sockets(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file system holds no sockets, the socket lies elsewhere and is found there."""
    monkeypatch.setattr(cluster, "_holds_sockets", lambda directory: False)

    async def scenario() -> None:
        async with running(data_dir) as (_, dsn):
            assert EmbeddedPostgres.running_dsn(data_dir) == dsn
            assert await fetch(dsn, "SELECT count(*) FROM notes") == 0
            assert str(data_dir) not in await fetch(dsn, "SHOW unix_socket_directories")

    asyncio.run(scenario())


def test_other_event_loop(data_dir: Path) -> None:
    """Under uvloop, which the server uses, it starts, comes back and stops just the same."""

    async def scenario() -> None:
        async with running(data_dir) as (database, dsn):
            os.kill(postmaster(data_dir), signal.SIGKILL)
            assert await fetch_when_back(dsn, "SELECT count(*) FROM notes") == 0
            await until(lambda: database.problem is None)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
    assert processes(data_dir) == []


def test_temporary_leaves_nothing() -> None:
    """A temporary database is gone after its end, even if its owner was killed."""

    async def scenario() -> Path:
        database = EmbeddedPostgres.temporary()
        async with database as dsn:
            assert await fetch(dsn, "SHOW fsync") == "off"
        return database.data_dir

    assert not asyncio.run(scenario()).exists()
    with owner("temporary") as one:
        assert one.data_dir.exists()
        one.process.kill()
        wait_until(lambda: not one.data_dir.exists())
        assert processes(one.data_dir) == []


# Death and return


def test_killed_postgres_comes_back(data_dir: Path) -> None:
    """After kill -9 of postgres it is there again at the same address, with all that was acknowledged."""

    async def scenario() -> None:
        async with running(data_dir) as (database, dsn):
            for round_ in range(3):
                await execute(dsn, f"INSERT INTO notes VALUES ('{round_}')")
                os.kill(postmaster(data_dir), signal.SIGKILL)
                assert await fetch_when_back(dsn, "SELECT count(*) FROM notes") == round_ + 1
                await until(lambda: database.problem is None)

    asyncio.run(scenario())


def test_killed_backend_comes_back(data_dir: Path) -> None:
    """After kill -9 of one backend postgres recovers by itself."""

    async def scenario() -> None:
        async with running(data_dir) as (_, dsn):
            await execute(dsn, "INSERT INTO notes VALUES ('kept')")
            conn = await asyncpg.connect(dsn)
            os.kill(conn.get_server_pid(), signal.SIGKILL)
            assert await fetch_when_back(dsn, "SELECT body FROM notes") == "kept"
            conn.terminate()

    asyncio.run(scenario())


def test_killed_keeper_comes_back(data_dir: Path) -> None:
    """The process between the server and postgres may be killed too."""

    async def scenario() -> None:
        async with running(data_dir) as (database, dsn):
            await execute(dsn, "INSERT INTO notes VALUES ('kept')")
            before = postmaster(data_dir)
            os.kill(keeper_of(data_dir), signal.SIGKILL)
            await until(lambda: database.problem is not None)
            assert await fetch_when_back(dsn, "SELECT body FROM notes") == "kept"
            await until(lambda: database.problem is None)
            assert postmaster(data_dir) != before

    asyncio.run(scenario())


def test_orphaned_backend_does_not_block(data_dir: Path) -> None:
    """A backend that cannot notice its postmaster's death is ended before the next postmaster starts."""

    async def scenario() -> None:
        async with running(data_dir) as (_, dsn):
            conn = await asyncpg.connect(dsn)
            orphan = conn.get_server_pid()
            os.kill(orphan, signal.SIGSTOP)
            os.kill(postmaster(data_dir), signal.SIGKILL)
            assert await fetch_when_back(dsn, "SELECT count(*) FROM notes") == 0
            assert orphan not in processes(data_dir)
            conn.terminate()

    asyncio.run(scenario())


def test_dies_with_its_owner(data_dir: Path) -> None:
    """After kill -9 of the server no postgres is left within seconds, and a new start finds the data."""
    with owner(data_dir) as one:
        asyncio.run(execute(one.dsn, "INSERT INTO notes VALUES ('kept')"))
        one.process.kill()
        wait_until(lambda: not processes(data_dir), seconds=5)

    async def scenario() -> None:
        async with running(data_dir) as (_, dsn):
            assert await fetch(dsn, "SELECT body FROM notes") == "kept"

    asyncio.run(scenario())


def test_start_right_after_the_owner_was_killed(data_dir: Path) -> None:
    """Whoever starts at once waits for the former postgres instead of failing or meeting it."""

    async def scenario(round_: int) -> None:
        async with running(data_dir) as (_, dsn):
            assert await fetch(dsn, "SELECT count(*) FROM notes") == round_ + 1

    for round_ in range(3):
        with owner(data_dir) as one:
            asyncio.run(execute(one.dsn, "INSERT INTO notes VALUES ('kept')"))
            one.process.kill()
            asyncio.run(scenario(round_))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_dies_with_owner_and_keeper(data_dir: Path) -> None:
    """Even when both are killed together, as by `pkill -9 python`, nothing is left."""
    with owner(data_dir) as one:
        os.kill(keeper_of(data_dir), signal.SIGKILL)
        one.process.kill()
        wait_until(lambda: not processes(data_dir), seconds=10)

    async def scenario() -> None:
        async with running(data_dir) as (_, dsn):
            assert await fetch(dsn, "SELECT count(*) FROM notes") == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_owner_only(data_dir: Path, number: signal.Signals) -> None:
    """Ctrl-C, which a terminal sends to the whole group, ends the server, which ends postgres in order."""
    with owner(data_dir) as one:
        assert os.getsid(postmaster(data_dir)) != os.getsid(one.process.pid)
        os.killpg(one.process.pid, number)
        assert one.process.wait(timeout=20) == 0
    assert processes(data_dir) == []
    assert "database system is shut down" in log_of(data_dir)


def test_problem_is_told_until_it_is_mended(data_dir: Path) -> None:
    """While postgres cannot start again, `problem` says so; when the cause is gone, it comes back."""
    control = data_dir / "postgres" / "global" / "pg_control"

    async def scenario() -> None:
        async with running(data_dir) as (database, dsn):
            saved = control.read_bytes()
            os.kill(postmaster(data_dir), signal.SIGKILL)
            control.unlink()
            await until(lambda: "did not start" in str(database.problem))
            control.write_bytes(saved)
            assert await fetch_when_back(dsn, "SELECT count(*) FROM notes") == 0
            await until(lambda: database.problem is None)

    asyncio.run(scenario())


def test_interrupted_making(tmp_path: Path) -> None:
    """A server killed while it makes its database leaves nothing that the next start could mistake for one."""
    place = tmp_path / "data"
    for _ in range(4):
        process = subprocess.Popen(
            owner_command(place), env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL
        )
        with process:
            wait_until(lambda: list(place.glob("postgres.new-*")) or (place / "postgres").exists())
            time.sleep(random.uniform(0, 0.4))
            process.kill()

    async def scenario() -> None:
        async with running(place) as (_, dsn):
            assert await fetch(dsn, "SELECT 1") == 1

    asyncio.run(scenario())
    assert list(place.glob("postgres.new-*")) == []


def test_stale_pid_file(data_dir: Path) -> None:
    """A pid file that names a living stranger, as after a restart of a container, does not stop the start."""
    home = data_dir / "postgres"
    (home / "postmaster.pid").write_text(f"{os.getpid()}\n{home}\n1\n5432\n\n\n\nready\n")

    async def scenario() -> None:
        async with running(data_dir) as (_, dsn):
            assert await fetch(dsn, "SELECT count(*) FROM notes") == 0

    asyncio.run(scenario())


# Refusals


def test_directory_in_use(data_dir: Path) -> None:
    """A second server on the same data is refused by a sentence that names the first."""
    with owner(data_dir) as one:
        assert refusal(data_dir) == (
            f"The data directory {data_dir} is in use by another Parley (process {one.process.pid})."
        )
        assert asyncio.run(fetch(one.dsn, "SELECT 1")) == 1


def test_postgres_of_somebody_else(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A postgres that was started by hand is neither joined nor killed."""
    monkeypatch.setattr(keeper, "FIRM_SECONDS", 0.2)

    async def scenario() -> None:
        async with running(data_dir) as (_, dsn):
            # From now on this postgres is a stranger's: its owner has forgotten the lock.
            (data_dir / "postgres.lock").unlink()
            stranger = postmaster(data_dir)
            with pytest.raises(EmbeddedError, match=rf"in use by PostgreSQL \(process {stranger}\)"):
                await EmbeddedPostgres(data_dir, grace=0.2).start()
            assert await fetch(dsn, "SELECT count(*) FROM notes") == 0

    asyncio.run(scenario())


def test_other_major_version(data_dir: Path) -> None:
    """A database of another PostgreSQL is not touched."""
    (data_dir / "postgres" / "PG_VERSION").write_text("16\n")
    assert "was made by PostgreSQL 16, and this Parley brings 18: make a backup" in refusal(data_dir)


def test_not_a_database(tmp_path: Path) -> None:
    """A directory in the database's place that is none is not touched."""
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "diary").touch()
    assert "is not a database of PostgreSQL" in refusal(tmp_path)
    assert (tmp_path / "postgres" / "diary").exists()


def test_not_a_directory(tmp_path: Path) -> None:
    """A file in the data directory's place is named."""
    (tmp_path / "data").touch()
    assert refusal(tmp_path / "data") == f"The data directory {tmp_path}/data is not a directory."
    assert refusal(tmp_path / "data" / "in") == f"The data directory {tmp_path}/data/in is not a directory."


def test_damaged_database(data_dir: Path) -> None:
    """A database that cannot start says why, and where more is written."""
    (data_dir / "postgres" / "global" / "pg_control").unlink()
    sentence = refusal(data_dir)
    assert "PostgreSQL did not start" in sentence and "pg_control" in sentence
    assert str(data_dir / "postgres.log") in sentence


@pytest.fixture
def open_path(tmp_path: Path) -> Iterator[Path]:
    """A directory that every user can reach and write to: pytest's own are closed to others."""
    users.needs_root()
    place = Path(subprocess.check_output(["mktemp", "-d", "/tmp/parley-test-XXXXXX"], text=True).strip())
    place.chmod(0o777)
    yield place
    shutil.rmtree(place)


def refused(where: Path, *prefix: str) -> str:
    """Return the sentence with which a process under `prefix` refuses to start in `where`."""
    done = subprocess.run(
        [*prefix, *owner_command(where)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.fixture
def not_executable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of PostgreSQL's programs, where none of them may be executed."""
    programs = tmp_path / "wheel" / "pginstall18" / "bin"
    programs.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (programs / name).touch(mode=0o644)
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path / "wheel")])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    return programs


@pytest.mark.parametrize("new", [True, False], ids=["new", "made before"])
def test_programs_that_may_not_be_executed(
    data_dir: Path, tmp_path: Path, not_executable: Path, new: bool
) -> None:
    """What cannot be run is named, and not the directory of the data."""

    async def scenario() -> None:
        with pytest.raises(EmbeddedError) as refused:
            await EmbeddedPostgres(tmp_path / "new" if new else data_dir).start()
        assert re.fullmatch(
            rf"PostgreSQL cannot be run: {not_executable}/\w+ is not to be executed by the user \w+\.",
            str(refused.value),
        )

    asyncio.run(scenario())


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_processes_that_cannot_be_started(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """The sentence is the same under uvloop, whose errors do not say what could not be run."""
    monkeypatch.setattr(sys, "executable", __file__)

    async def scenario() -> None:
        with pytest.raises(EmbeddedError) as refused:
            await EmbeddedPostgres(data_dir).start()
        assert str(refused.value) == f"PostgreSQL cannot be run: Permission denied ({__file__})."

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(scenario())


def test_directory_of_another_user(data_dir: Path) -> None:
    """Data that belong to somebody else are refused by name."""
    users.needs_root()
    os.chown(data_dir, 65534, 65534)
    assert "belongs to the user nobody, but Parley runs as the user root" in refusal(data_dir)


def test_directory_not_writable(open_path: Path) -> None:
    """A place where nothing can be made is named, with what to do."""
    open_path.chmod(0o755)
    sentence = refused(open_path / "data", *users.as_user(65534))
    assert f"The data directory {open_path}/data is closed to the user nobody" in sentence


@pytest.mark.parametrize("uid", [65534, 54321], ids=["nobody", "user without a name"])
def test_normal_user(open_path: Path, uid: int) -> None:
    """A normal user runs it as well, even one whom the machine knows only by number."""
    with owner(open_path / "data", *users.as_user(uid)) as one:
        assert psutil.Process(postmaster(one.data_dir)).uids().effective == uid
        asyncio.run(execute(one.dsn, "CREATE TABLE notes (body text)"))
        os.kill(postmaster(one.data_dir), signal.SIGKILL)
        assert asyncio.run(fetch_when_back(one.dsn, "SELECT count(*) FROM notes")) == 0
        one.process.terminate()
        assert one.process.wait(timeout=20) == 0


# In a chroot the kernel refuses user namespaces, as many containers do.
NO_NAMESPACES = 'mount --rbind / {root} && exec chroot {root} "$@"'


def test_root_without_user_namespaces(open_path: Path) -> None:
    """Where user namespaces are forbidden postgres runs as another user, whose the database then is."""
    root = open_path / "root"
    root.mkdir()
    prefix = users.opened(NO_NAMESPACES.format(root=root))
    for round_ in range(2):
        with owner(open_path / "data", *prefix) as one:
            assert psutil.Process(postmaster(one.data_dir)).uids().effective != 0
            asyncio.run(execute(one.dsn, f"CREATE TABLE round_{round_} (id int)"))
            one.process.terminate()
            assert one.process.wait(timeout=20) == 0
    with owner(open_path / "data") as one:  # and stays its owner's where they are allowed
        assert asyncio.run(fetch(one.dsn, "SELECT count(*) FROM round_1")) == 0


def test_full_disk(open_path: Path) -> None:
    """A disk without room is named before anything is made on it."""
    place = open_path / "small"
    place.mkdir()
    prefix = users.opened(f'mount -t tmpfs -o size=20m tmpfs {place} && exec "$@"')
    assert f"The disk that holds {place}/data is full." in refused(place / "data", *prefix)


# Logs

SECRET = "a-very-private-message"


def test_no_content_in_the_log(data_dir: Path) -> None:
    """Whatever goes wrong with a message, PostgreSQL's log does not quote it."""

    async def scenario() -> None:
        async with running(data_dir) as (_, dsn):
            conn = await asyncpg.connect(dsn)
            await conn.execute("CREATE TABLE once (body text PRIMARY KEY, CHECK (length(body) < 30))")
            for statement, value in (
                ("INSERT INTO once VALUES ($1)", SECRET),
                ("INSERT INTO once VALUES ($1)", SECRET),  # DETAIL: Key (body)=(…) already exists
                ("INSERT INTO once VALUES ($1)", SECRET * 2),  # DETAIL: Failing row contains (…)
                ("SELECT $1::text::int", SECRET),  # the first line itself quotes the value
                ("SELECT $1::text::json", SECRET),
            ):
                try:
                    await conn.execute(statement, value)
                except asyncpg.PostgresError:
                    continue
            sleeping = asyncio.ensure_future(conn.execute(f"SELECT pg_sleep(60), '{SECRET}'"))
            await asyncio.sleep(0.05)  # lets the statement be sent
            os.kill(conn.get_server_pid(), signal.SIGKILL)  # "Failed process was running: …"
            with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
                await sleeping
            await fetch_when_back(dsn, "SELECT 1")
            conn.terminate()

    asyncio.run(scenario())
    assert "terminated by signal 9" in log_of(data_dir)
    assert SECRET not in log_of(data_dir)


def run_keeper(log: Path, command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, keeper.__file__, "0", str(log), "same", "1", "", *command], stdin=subprocess.PIPE
    )


def test_log_is_bounded(tmp_path: Path) -> None:
    """Of a postgres that writes and writes, the log keeps the recent end."""
    log = tmp_path / "log"
    with run_keeper(log, ["/bin/sh", "-c", "yes line | head -c 5000000; echo the end"]) as process:
        assert process.wait(timeout=30) == 0
    kept = [log, tmp_path / "log.1"]
    assert sum(path.stat().st_size for path in kept if path.exists()) < 2.2 * keeper.LOG_LIMIT
    assert any(path.read_text().endswith("the end\n") for path in kept if path.exists())


def test_keeper_insists(tmp_path: Path) -> None:
    """A program that ignores the polite request is ended all the same."""
    deaf = "trap '' INT; echo ready; while :; do sleep 0.1; done"
    with run_keeper(tmp_path / "log", ["/bin/sh", "-c", deaf]) as process:
        wait_until(lambda: (tmp_path / "log").exists())
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=20) == 128 + signal.SIGQUIT


def test_keeper_without_a_disk() -> None:
    """A log that cannot be written does not stop what is logged."""
    with run_keeper(Path("/dev/full"), ["/bin/echo", "hello"]) as process:
        assert process.wait(timeout=30) == 0
