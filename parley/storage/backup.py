"""Backup and restore of the embedded database, with the pg_dump and pg_restore that came with it.

A backup is one file in PostgreSQL's custom format: what was committed when it began, whatever is written
meanwhile. It holds the database and nothing else of the data directory, so keys that Parley made for itself
stay where they are. A restored database is a new one to PostgreSQL: its system identifier differs, and with
it the epoch of every cursor, because the same positions may soon mean other events.
"""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import asyncpg

from parley.storage import schema
from parley.storage.embedded import EmbeddedError, EmbeddedPostgres, cluster

_MAGIC = b"PGDMP"
_PLAIN = ("--no-owner", "--no-privileges")


async def backup(dsn: str, file: Path) -> None:
    """Write the database at `dsn` to `file`, which must not exist and appears only when it is complete."""
    _refuse_existing(file)
    part = file.with_name(f".{file.name}.{os.urandom(4).hex()}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        await _dump(dsn, part, file)
        _publish(part, file)
    except OSError as error:
        raise EmbeddedError(f"The backup {file} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


async def backup_data_dir(data_dir: Path, file: Path) -> None:
    """Write the embedded database of `data_dir` to `file`, whether a server is running there or not."""
    _refuse_existing(file)
    running = EmbeddedPostgres.running_dsn(data_dir)
    if running is not None:
        return await backup(running, file)
    if not EmbeddedPostgres.has_database(data_dir):
        raise EmbeddedError(f"There is no database in the data directory {data_dir}.")
    async with EmbeddedPostgres(data_dir) as dsn:
        await backup(dsn, file)


async def restore(data_dir: Path, file: Path) -> None:
    """Make an embedded database in the empty or new directory `data_dir` from the backup `file`.

    When that fails, nothing is left of it.
    """
    await _check_archive(file)

    async def fill(dsn: str) -> None:
        await _load(dsn, file)
        await _check_contents(dsn, file)

    await EmbeddedPostgres(data_dir).make(fill)


def _refuse_existing(file: Path) -> None:
    if file.exists():
        raise EmbeddedError(f"{file} exists already, and a backup never overwrites a file.")


def _publish(part: Path, file: Path) -> None:
    """Give the finished backup its name, durably, unless somebody else has taken that name meanwhile."""
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        _refuse_existing(file)
        raise
    cluster.rename(part, file)


async def _dump(dsn: str, part: Path, file: Path) -> None:
    status, errors = await _run("pg_dump", "--format=custom", *_PLAIN, f"--file={part}", f"--dbname={dsn}")
    if status == 0:
        return
    if "No space left on device" in errors:
        raise cluster.disk_full(file)
    raise EmbeddedError(f"The backup {file} was not made ({_last_line(errors)}).")


async def _check_archive(file: Path) -> None:
    try:
        with file.open("rb") as archive:
            magic = archive.read(len(_MAGIC))
    except OSError as error:
        raise EmbeddedError(f"The backup {file} cannot be read: {error.strerror}.") from error
    status, _ = (1, "") if magic != _MAGIC else await _run("pg_restore", "--list", "--", str(file))
    if status != 0:
        raise EmbeddedError(f"{file} is not a backup of Parley, or its beginning is damaged.")


async def _load(dsn: str, file: Path) -> None:
    status, errors = await _run(
        *(
            "pg_restore",
            "--exit-on-error",
            "--single-transaction",
            *_PLAIN,
            f"--dbname={dsn}",
            "--",
            str(file),
        )
    )
    if status == 0:
        return
    if "No space left on device" in errors:
        raise EmbeddedError("The disk is too full to restore to.")
    if "connection to server" in errors:
        raise EmbeddedError(f"The backup {file} was not restored ({_last_line(errors)}).")
    # What else pg_restore says may quote a row, and rows are people's messages.
    raise EmbeddedError(f"The backup {file} is damaged or cut short; nothing was restored.")


async def _check_contents(dsn: str, file: Path) -> None:
    """Refuse what this Parley could not run on, and let the planner know what came in."""
    conn = await asyncpg.connect(dsn)
    try:
        if not await schema.applied(conn):
            raise EmbeddedError(f"{file} is a backup of another program's database.")
        await schema.pending(conn)
        await conn.execute("ANALYZE")
    except schema.SchemaError as error:
        raise EmbeddedError(f"The backup {file} cannot be used here: {error}") from error
    finally:
        await conn.close()


async def _run(program: str, *arguments: str) -> tuple[int, str]:
    """Return the exit status of one of PostgreSQL's programs and what it complained of."""
    path = cluster.program(program)
    with cluster.running(path):
        process = await asyncio.create_subprocess_exec(
            *(str(path), *arguments),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
            env=cluster.environment(),
        )
    try:
        _, errors = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return await process.wait(), errors.decode(errors="replace")


def _last_line(errors: str) -> str:
    lines = [line for line in errors.splitlines() if "error:" in line]
    return lines[-1].split("error:", 1)[1].strip() if lines else "no reason was given"
