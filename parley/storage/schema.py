"""The schema: plain SQL migrations, applied once each, in order, by one process at a time.

A migration is a file `migrations/YYYYMMDD_NN_noun.sql` of this form, which pogo-core reads:

    -- One line that says what is there afterwards
    -- depends: YYYYMMDD_NN_noun of the one before (nothing for the first)

    -- migrate: apply
    CREATE TABLE …;

    -- migrate: rollback

The last line must be there, but nothing follows it: Parley goes back by restoring a backup. Statements may
be anything that runs in a transaction, functions with dollar-quoted bodies included. Once released a file is
never edited, and `apply` sees to that: it keeps each file's hash in the database. It refuses to touch a
database that is newer than this code, whose applied migrations were edited, or that PostgreSQL before 17
runs (the log sets `transaction_timeout`).

Servers of the version before may go on working meanwhile, and a backup too: a migration waits for a table only for a
moment at a time, since whoever comes after it would wait behind it.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from pogo_core import error as pogo_error
from pogo_core.migration import Migration, topological_sort
from pogo_core.util import migrate, sql

from parley import logs

_log = logs.logger("storage")

MIGRATIONS = Path(__file__).parent / "migrations"

_SCHEMA = "public"
_LOCK = 0x7061726C6579  # "parley"; two processes that start at once migrate one after the other
_LOCK_TIMEOUT = "60s"
_OLDEST_SERVER = 17
# So often, and so long each time, a migration tries to get its tables.
_TURNS = 60
_TURN = "500ms"
_PAUSE = 0.5

Target = asyncpg.Connection | str


class SchemaError(Exception):
    """The database's schema and this code do not go together. `str(error)` is one whole sentence."""


async def apply(target: Target, *, migrations: Path = MIGRATIONS) -> list[str]:
    """Bring the schema up to date and return the names of the migrations that this took.

    `target` is a connection or an address. Each migration is a transaction of its own.
    """
    async with _connection(target) as conn, _alone(conn):
        await _check_server(conn)
        await sql.ensure_pogo_sync(conn)
        missing = await _missing(conn, migrations)
        for migration in missing:
            await _apply_one(conn, migration)
    return [migration.id for migration in missing]


async def pending(target: Target, *, migrations: Path = MIGRATIONS) -> list[str]:
    """Return the names of the migrations that `apply` would apply, in order; refuse what `apply` refuses."""
    async with _connection(target) as conn:
        await _check_server(conn)
        return [migration.id for migration in await _missing(conn, migrations)]


async def applied(target: Target) -> list[str]:
    """Return the names of the migrations that the database has had, in order."""
    async with _connection(target) as conn:
        return sorted(await _applied(conn))


async def _missing(conn: asyncpg.Connection, migrations: Path) -> list[Migration]:
    hashes = await _applied(conn)
    known = _read(migrations)
    newer = sorted(hashes.keys() - {migration.id for migration in known})
    if newer:
        raise SchemaError(
            f"The database is newer than this Parley: it has the migration {newer[-1]}, which is unknown "
            "here. Start the Parley that made it, or a later one."
        )
    for migration in known:
        if hashes.get(migration.id, _hash(migration)) != _hash(migration):
            raise SchemaError(
                f"The migration {migration.id} was edited after it had been applied to this database. "
                "Put the file back, and make the change in a new migration."
            )
    return [migration for migration in known if migration.id not in hashes]


async def _applied(conn: asyncpg.Connection) -> dict[str, str]:
    """Return the hash of each applied migration by its name."""
    if await sql.get_pogo_version(conn) is None:
        return {}
    rows = await conn.fetch(
        """
        SELECT migration_id, migration_hash
        FROM public._pogo_migration
        WHERE schema_name = $1
        """,
        _SCHEMA,
    )
    return {row["migration_id"]: row["migration_hash"] for row in rows}


def _read(migrations: Path) -> list[Migration]:
    try:
        found = [Migration(path.stem, path, None) for path in sorted(migrations.glob("*.sql"))]
        return topological_sort([migration.load() for migration in found])
    except pogo_error.BadMigrationError as error:
        raise SchemaError(f"A migration cannot be read: {error}.") from error


async def _apply_one(conn: asyncpg.Connection, migration: Migration) -> None:
    _log.info("applying a migration", migration=migration.id)
    for _ in range(_TURNS):
        try:
            await _try_one(conn, migration)
        except asyncpg.LockNotAvailableError:
            # All who came to wait behind us have their turn.
            await asyncio.sleep(_PAUSE)
        else:
            return
    raise SchemaError(
        f"The migration {migration.id} waited for a table that others use, and changed nothing. "
        "Is a backup being made? Start again when it is done."
    )


async def _try_one(conn: asyncpg.Connection, migration: Migration) -> None:
    """Apply a migration. Raises LockNotAvailableError where others hold what it changes."""
    try:
        async with migrate.transaction(conn, migration):
            await conn.execute(f"SET LOCAL lock_timeout = '{_TURN}'")
            await migration.apply(conn)
            # The tool keeps a hash of the name here, and never reads it. That of the content tells of edits.
            await sql.migration_applied(conn, migration.id, _hash(migration), schema_name=_SCHEMA)
    except asyncpg.LockNotAvailableError:
        raise
    except asyncpg.PostgresError as error:
        raise SchemaError(f"The migration {migration.id} failed and changed nothing: {error}.") from error


def _hash(migration: Migration) -> str:
    return hashlib.sha256(migration.path.read_text(encoding="utf-8").encode()).hexdigest()


async def _check_server(conn: asyncpg.Connection) -> None:
    if (major := conn.get_server_version().major) < _OLDEST_SERVER:
        raise SchemaError(f"Parley needs PostgreSQL {_OLDEST_SERVER} or later, and this server is {major}.")
    if (encoding := await conn.fetchval("SHOW server_encoding")) != "UTF8":
        raise SchemaError(f"Parley needs a database with the encoding UTF8, and this one has {encoding}.")


@asynccontextmanager
async def _alone(conn: asyncpg.Connection) -> AsyncIterator[None]:
    """Hold the lock of migrations, which ends with the connection at the latest."""
    try:
        async with conn.transaction():
            await conn.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
            await conn.execute("SELECT pg_advisory_lock($1)", _LOCK)
    except asyncpg.LockNotAvailableError:
        raise SchemaError(f"Another process has been migrating this database for {_LOCK_TIMEOUT}.") from None
    try:
        yield
    finally:
        await conn.execute("SELECT pg_advisory_unlock($1)", _LOCK)


@asynccontextmanager
async def _connection(target: Target) -> AsyncIterator[asyncpg.Connection]:
    if not isinstance(target, str):
        yield target
        return
    conn = await asyncpg.connect(target)
    try:
        yield conn
    finally:
        await conn.close()
