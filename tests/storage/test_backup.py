"""Backup and restore: everything that was committed comes back, and nothing half-made is ever left."""

import asyncio
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import users
from parley.storage import schema
from parley.storage.backup import backup, backup_data_dir, restore
from parley.storage.embedded import EmbeddedError, EmbeddedPostgres

IDENTIFIER = "SELECT system_identifier FROM pg_control_system()"
NAMES = "SELECT array_agg(username ORDER BY username) FROM users"
ADD_USER = """
    INSERT INTO users (id, email, email_key, username, username_key, display_name)
    VALUES (gen_random_uuid(), $1, $1, $1, $1, 'Ünïcödé 🎈')
"""


async def add_users(dsn: str, *names: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.executemany(ADD_USER, [(name,) for name in names])
    finally:
        await conn.close()


async def fetch(dsn: str, query: str) -> Any:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(query)
    finally:
        await conn.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the schema and two users, and a backup of it that was made while it ran."""
    place = tmp_path_factory.mktemp("made")

    async def make() -> None:
        async with EmbeddedPostgres(place / "data") as dsn:
            await schema.apply(dsn)
            await add_users(dsn, "ada", "bob")
            await backup(dsn, place / "saved")

    asyncio.run(make())
    return place


@pytest.fixture
def saved(made: Path) -> Path:
    return made / "saved"


def refusal(attempt: Callable[[], Awaitable[None]]) -> str:
    async def run() -> None:
        await attempt()

    with pytest.raises(EmbeddedError) as caught:
        asyncio.run(run())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_round_trip(made: Path, saved: Path, tmp_path: Path) -> None:
    """What was saved is there, under a new identity, so that the epoch of cursors changes."""

    async def scenario() -> None:
        await restore(tmp_path / "again", saved)
        async with EmbeddedPostgres(made / "data") as old, EmbeddedPostgres(tmp_path / "again") as new:
            assert await fetch(new, NAMES) == ["ada", "bob"]
            assert await fetch(new, "SELECT display_name FROM users LIMIT 1") == "Ünïcödé 🎈"
            assert await fetch(new, IDENTIFIER) != await fetch(old, IDENTIFIER)
            assert await fetch(new, "SELECT log_epoch()") != await fetch(old, "SELECT log_epoch()")
            assert await schema.pending(new) == []
            assert await fetch(new, "SELECT reltuples FROM pg_class WHERE relname = 'users'") == 2

    asyncio.run(scenario())


def test_private_file(saved: Path) -> None:
    """A backup is nobody else's to read, and its making leaves no other file."""
    assert saved.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in saved.parent.iterdir()} == {"data", "saved"}


def test_running_or_not(made: Path, tmp_path: Path) -> None:
    """A data directory is saved through the server that runs there, and without one just as well."""

    async def scenario() -> None:
        await backup_data_dir(made / "data", tmp_path / "stopped")
        assert EmbeddedPostgres.running_dsn(made / "data") is None
        async with EmbeddedPostgres(made / "data"):
            await backup_data_dir(made / "data", tmp_path / "running")

    asyncio.run(scenario())
    assert abs((tmp_path / "stopped").stat().st_size - (tmp_path / "running").stat().st_size) < 100


def test_consistent_under_writes(made: Path, tmp_path: Path) -> None:
    """What is written meanwhile is in the backup wholly or not at all."""

    begun, ended = asyncio.Event(), asyncio.Event()

    async def write(dsn: str) -> None:
        conn = await asyncpg.connect(dsn)
        while not ended.is_set():
            async with conn.transaction():
                await conn.execute("INSERT INTO left_hand DEFAULT VALUES")
                await conn.execute("INSERT INTO right_hand DEFAULT VALUES")
            begun.set()
        await conn.close()

    async def scenario() -> None:
        shutil.copytree(made / "data", tmp_path / "data", ignore=shutil.ignore_patterns("*.lock"))
        async with EmbeddedPostgres(tmp_path / "data") as dsn:
            for table in ("left_hand", "right_hand"):
                await fetch(dsn, f"CREATE TABLE {table} (id serial)")
            writer = asyncio.create_task(write(dsn))
            await begun.wait()
            await backup(dsn, tmp_path / "saved")
            ended.set()
            await writer
        await restore(tmp_path / "again", tmp_path / "saved")
        async with EmbeddedPostgres(tmp_path / "again") as dsn:
            left, right = [await fetch(dsn, f"SELECT count(*) FROM {t}_hand") for t in ("left", "right")]
            assert left == right > 0

    asyncio.run(scenario())


def test_never_overwrites(made: Path, tmp_path: Path) -> None:
    """A file that is there stays as it is."""
    (tmp_path / "diary").write_text("dear diary")
    sentence = refusal(lambda: backup_data_dir(made / "data", tmp_path / "diary"))
    assert sentence == f"{tmp_path}/diary exists already, and a backup never overwrites a file."
    assert (tmp_path / "diary").read_text() == "dear diary"


def test_nothing_to_save(tmp_path: Path) -> None:
    """A directory without a database is not given one in order to save it."""
    sentence = refusal(lambda: backup_data_dir(tmp_path / "data", tmp_path / "saved"))
    assert sentence == f"There is no database in the data directory {tmp_path}/data."
    assert list(tmp_path.iterdir()) == []


def test_failed_backup_leaves_nothing(made: Path, tmp_path: Path) -> None:
    """When pg_dump fails, no file is left that looks like a backup."""
    sentence = refusal(lambda: backup("postgresql://parley@/parley?host=/nowhere", tmp_path / "saved"))
    assert "was not made" in sentence
    assert list(tmp_path.iterdir()) == []
    sentence = refusal(lambda: backup_data_dir(made / "data", tmp_path / "missing" / "saved"))
    assert sentence == f"The backup {tmp_path}/missing/saved cannot be written: No such file or directory."


SAVE = """
import asyncio, sys
from pathlib import Path
from parley.storage.backup import backup_data_dir
asyncio.run(backup_data_dir(Path(sys.argv[1]), Path(sys.argv[2])))
"""


def test_full_disk(made: Path, tmp_path: Path) -> None:
    """A backup that does not fit says so."""
    users.needs_root()
    prefix = users.opened(f'mount -t tmpfs -o size=8k tmpfs {tmp_path} && "$@"; ls -A {tmp_path}')
    done = subprocess.run(
        [*prefix, sys.executable, "-c", SAVE, str(made / "data"), str(tmp_path / "saved")],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert f"EmbeddedError: The disk that holds {tmp_path}/saved is full." in done.stderr
    assert done.stdout == ""


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda saved: b"",
    "text": lambda saved: b"-- PostgreSQL database dump\n" * 100,
    "only the mark": lambda saved: saved[:5],
    "cut in the beginning": lambda saved: saved[:2000],
    "cut in the middle": lambda saved: saved[: len(saved) * 9 // 10],
    "cut at the end": lambda saved: saved[:-1],
    "noise": lambda saved: b"PGDMP" + random.randbytes(20000),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("existed", [True, False], ids=["empty directory", "new directory"])
def test_damaged_backup(saved: Path, tmp_path: Path, damage: str, existed: bool) -> None:
    """A damaged file is one sentence, and leaves the place as it was."""
    place = tmp_path / "data"
    if existed:
        place.mkdir()
    bad = tmp_path / "bad"
    bad.write_bytes(DAMAGES[damage](saved.read_bytes()))
    sentence = refusal(lambda: restore(place, bad))
    assert str(bad) in sentence and ("damaged" in sentence or "not a backup" in sentence)
    assert place.exists() == existed
    assert not existed or list(place.iterdir()) == []


def test_missing_backup(tmp_path: Path) -> None:
    """A file that is not there is named."""
    sentence = refusal(lambda: restore(tmp_path / "data", tmp_path / "saved"))
    assert sentence == f"The backup {tmp_path}/saved cannot be read: No such file or directory."


def test_used_directory(saved: Path, tmp_path: Path) -> None:
    """A directory with anything in it is left alone."""
    (tmp_path / "diary").write_text("dear diary")
    assert refusal(lambda: restore(tmp_path, saved)) == (
        f"The data directory {tmp_path} is not empty: choose a new one."
    )
    assert os.listdir(tmp_path) == ["diary"]


def test_directory_of_a_running_server(made: Path, saved: Path) -> None:
    """A running server's data are not touched."""

    async def scenario() -> None:
        async with EmbeddedPostgres(made / "data") as dsn:
            with pytest.raises(EmbeddedError, match="is not empty"):
                await restore(made / "data", saved)
            assert await fetch(dsn, NAMES) == ["ada", "bob"]

    asyncio.run(scenario())


def test_two_restores_at_once(saved: Path, tmp_path: Path) -> None:
    """Of two restores into one place one succeeds, and the other does not spoil it."""

    async def scenario() -> None:
        attempts = [restore(tmp_path / "data", saved) for _ in range(2)]
        results = await asyncio.gather(*attempts, return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["EmbeddedError", "NoneType"]
        async with EmbeddedPostgres(tmp_path / "data") as dsn:
            assert await fetch(dsn, NAMES) == ["ada", "bob"]

    asyncio.run(scenario())


async def other_database(tmp_path: Path, statement: str, *, migrated: bool) -> Path:
    async with EmbeddedPostgres(tmp_path / "other") as dsn:
        if migrated:
            await schema.apply(dsn)
        await fetch(dsn, statement)
        await backup(dsn, tmp_path / "saved")
    return tmp_path / "saved"


def test_database_of_another_program(tmp_path: Path) -> None:
    """A dump that has nothing to do with Parley is recognised before it is a Parley's database."""
    file = asyncio.run(other_database(tmp_path, "CREATE TABLE recipes (id int)", migrated=False))
    sentence = refusal(lambda: restore(tmp_path / "data", file))
    assert sentence == f"{file} is a backup of another program's database."
    assert not (tmp_path / "data").exists()


def test_backup_of_a_newer_parley(tmp_path: Path) -> None:
    """A backup from a later Parley is refused as its database would be."""
    future = "INSERT INTO _pogo_migration VALUES ('hash', '99991231_01_future', now(), 'public')"
    file = asyncio.run(other_database(tmp_path, future, migrated=True))
    sentence = refusal(lambda: restore(tmp_path / "data", file))
    assert f"The backup {file} cannot be used here: The database is newer than this Parley" in sentence
    assert not (tmp_path / "data").exists()
