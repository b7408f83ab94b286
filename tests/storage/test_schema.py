"""The migrations: in order, once each, by one process at a time, and never on a schema from elsewhere."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from parley.storage import schema
from parley.storage.schema import SchemaError


def write(directory: Path, name: str, apply: str, depends: str = "") -> None:
    header = f"-- A migration of a test\n-- depends: {depends}\n"
    (directory / f"{name}.sql").write_text(f"{header}\n-- migrate: apply\n{apply}\n\n-- migrate: rollback\n")


def run(dsn: str, migrations: Path) -> list[str]:
    return asyncio.run(schema.apply(dsn, migrations=migrations))


def pending(dsn: str, migrations: Path) -> list[str]:
    return asyncio.run(schema.pending(dsn, migrations=migrations))


def fetchval(dsn: str, query: str) -> object:
    async def fetch() -> object:
        conn = await asyncpg.connect(dsn)
        try:
            return await conn.fetchval(query)
        finally:
            await conn.close()

    return asyncio.run(fetch())


def test_applies_in_order_once(empty_database_dsn: str, tmp_path: Path) -> None:
    """Migrations follow their dependencies, and a second run has nothing to do."""
    write(tmp_path, "0001_things", "CREATE TABLE things (id int PRIMARY KEY);")
    write(tmp_path, "0002_names", "ALTER TABLE things ADD COLUMN name text;", "0001_things")
    assert pending(empty_database_dsn, tmp_path) == ["0001_things", "0002_names"]
    assert run(empty_database_dsn, tmp_path) == ["0001_things", "0002_names"]
    assert pending(empty_database_dsn, tmp_path) == []
    assert run(empty_database_dsn, tmp_path) == []


FUNCTIONS = """
-- A comment; with a semicolon, and a quote that isn't closed.
CREATE TABLE notes (id int PRIMARY KEY, body text DEFAULT 'a;b -- c');

CREATE FUNCTION classify(x int) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  answer text; -- don't stop here;
  each record;
BEGIN
  IF x > 1 THEN
    answer := 'many';
  ELSIF x = 1 THEN answer := CASE WHEN true THEN 'one' ELSE 'never' END;
  ELSE
    answer := 'none';
  END IF;
  FOR each IN SELECT 1 LOOP
    BEGIN
      INSERT INTO notes (id) VALUES (x);
    EXCEPTION WHEN unique_violation THEN NULL;
    END;
  END LOOP;
  RETURN answer;
END;
$$;

CREATE FUNCTION nested() RETURNS int LANGUAGE plpgsql AS $body$
BEGIN
  EXECUTE $query$ SELECT ';'; $query$;
  RETURN 7;
END
$body$;

DO $$ BEGIN PERFORM classify(1); END $$;
CREATE INDEX notes_body ON notes (body);
"""


def test_functions_with_bodies(empty_database_dsn: str, tmp_path: Path) -> None:
    """Functions written in plpgsql arrive whole, whatever semicolons and quotes they hold."""
    write(tmp_path, "0001_functions", FUNCTIONS)
    run(empty_database_dsn, tmp_path)
    assert fetchval(empty_database_dsn, "SELECT classify(1) || classify(2) || nested()") == "onemany7"
    assert fetchval(empty_database_dsn, "SELECT body FROM notes WHERE id = 1") == "a;b -- c"
    assert fetchval(empty_database_dsn, "SELECT to_regclass('notes_body') IS NOT NULL")


def test_two_processes_at_once(empty_database_dsn: str, tmp_path: Path) -> None:
    """Of several that start together one migrates, and the others find it done."""
    write(tmp_path, "0001_slow", "SELECT pg_sleep(0.2); CREATE TABLE things (id int PRIMARY KEY);")

    async def together() -> list[list[str]]:
        starts = [schema.apply(empty_database_dsn, migrations=tmp_path) for _ in range(4)]
        return await asyncio.gather(*starts)

    assert sorted(asyncio.run(together())) == [[], [], [], ["0001_slow"]]


def test_failure_changes_nothing(empty_database_dsn: str, tmp_path: Path) -> None:
    """A migration that fails leaves no trace, keeps what came before it, and can be tried again."""
    write(tmp_path, "0001_good", "CREATE TABLE good (id int PRIMARY KEY);")
    write(tmp_path, "0002_bad", "CREATE TABLE half (id int PRIMARY KEY); SELECT 1 / 0;", "0001_good")
    with pytest.raises(SchemaError, match="0002_bad failed and changed nothing: division by zero"):
        run(empty_database_dsn, tmp_path)
    assert fetchval(empty_database_dsn, "SELECT to_regclass('half')") is None
    assert pending(empty_database_dsn, tmp_path) == ["0002_bad"]


async def until_somebody_waits(conn: asyncpg.Connection) -> None:
    """Return when somebody waits for a table of this database."""
    async with asyncio.timeout(10):
        while not await conn.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                WHERE l.locktype = 'relation' AND NOT l.granted AND d.datname = current_database()
            )
            """
        ):
            await asyncio.sleep(0.001)


def test_who_reads_does_not_wait_behind_a_migration(
    empty_database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a backup holds a table, a migration of it waits, and everybody else goes on."""
    monkeypatch.setattr(schema, "_TURN", "50ms")
    monkeypatch.setattr(schema, "_PAUSE", 0.05)
    write(tmp_path, "0001_things", "CREATE TABLE things (id int PRIMARY KEY);")
    run(empty_database_dsn, tmp_path)
    write(tmp_path, "0002_names", "ALTER TABLE things ADD COLUMN name text;", "0001_things")

    async def scene() -> list[str]:
        backup = await asyncpg.connect(empty_database_dsn)
        reader = await asyncpg.connect(empty_database_dsn)
        try:
            async with backup.transaction():
                await backup.fetch("SELECT FROM things")
                migrating = asyncio.create_task(schema.apply(empty_database_dsn, migrations=tmp_path))
                await until_somebody_waits(reader)
                # Behind a migration that does not give way this would be broken off.
                await reader.fetch("SELECT FROM things", timeout=10)
                assert not migrating.done()
            return await migrating
        finally:
            await backup.close()
            await reader.close()

    assert asyncio.run(scene()) == ["0002_names"]


def test_a_migration_gives_up(
    empty_database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that stays in use is said, and nothing was changed."""
    monkeypatch.setattr(schema, "_TURN", "1ms")
    monkeypatch.setattr(schema, "_PAUSE", 0)
    monkeypatch.setattr(schema, "_TURNS", 2)
    write(tmp_path, "0001_things", "CREATE TABLE things (id int PRIMARY KEY);")
    run(empty_database_dsn, tmp_path)
    write(tmp_path, "0002_names", "ALTER TABLE things ADD COLUMN name text;", "0001_things")

    async def scene() -> None:
        backup = await asyncpg.connect(empty_database_dsn)
        try:
            async with backup.transaction():
                await backup.fetch("SELECT FROM things")
                with pytest.raises(SchemaError, match="0002_names waited for a table that others use"):
                    await schema.apply(empty_database_dsn, migrations=tmp_path)
        finally:
            await backup.close()

    asyncio.run(scene())
    assert run(empty_database_dsn, tmp_path) == ["0002_names"]


def test_newer_schema_is_refused(empty_database_dsn: str, tmp_path: Path) -> None:
    """A database that a later Parley migrated is left alone."""
    write(tmp_path, "0001_things", "CREATE TABLE things (id int PRIMARY KEY);")
    write(tmp_path, "0002_future", "ALTER TABLE things ADD COLUMN name text;", "0001_things")
    run(empty_database_dsn, tmp_path)
    (tmp_path / "0002_future.sql").unlink()
    for attempt in (run, pending):
        with pytest.raises(SchemaError, match="newer than this Parley: it has the migration 0002_future"):
            attempt(empty_database_dsn, tmp_path)


def test_edited_migration_is_refused(empty_database_dsn: str, tmp_path: Path) -> None:
    """What was applied must still be what is written."""
    write(tmp_path, "0001_things", "CREATE TABLE things (id int PRIMARY KEY);")
    run(empty_database_dsn, tmp_path)
    write(tmp_path, "0001_things", "CREATE TABLE things (id bigint PRIMARY KEY);")
    with pytest.raises(SchemaError, match="0001_things was edited after it had been applied"):
        run(empty_database_dsn, tmp_path)


def test_unreadable_migration_is_refused(empty_database_dsn: str, tmp_path: Path) -> None:
    """A file without the marks of a migration is named."""
    (tmp_path / "0001_things.sql").write_text("CREATE TABLE things (id int PRIMARY KEY);")
    with pytest.raises(SchemaError, match=r"0001_things\.sql"):
        run(empty_database_dsn, tmp_path)


def test_our_migrations_apply(empty_database_dsn: str) -> None:
    """The migrations of this Parley make one chain in the order of their names."""
    names = asyncio.run(schema.apply(empty_database_dsn))
    assert names == sorted(path.stem for path in schema.MIGRATIONS.glob("*.sql"))
    assert asyncio.run(schema.pending(empty_database_dsn)) == []
