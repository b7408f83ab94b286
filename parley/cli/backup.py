"""`parley backup` and `parley restore`: the embedded database as one file."""

import asyncio
from pathlib import Path

import typer

from parley import settings
from parley.cli.outcomes import Usage
from parley.settings import Settings

_FILE = typer.Argument(metavar="FILE", help="The file of the backup.")


def backup(file: Path = _FILE) -> None:
    """Write the embedded database to FILE, also while the server runs. It holds no keys of tokens."""
    from parley.storage.backup import backup_data_dir

    chosen = _embedded()
    asyncio.run(backup_data_dir(chosen.data_dir, file))
    typer.echo(f"{chosen.data_dir} is backed up in {file} ({file.stat().st_size:,} bytes).")


def restore(file: Path = _FILE) -> None:
    """Make the data directory, which must be new or empty, from a backup. Old cursors start afresh."""
    from parley.storage.backup import restore

    chosen = _embedded()
    asyncio.run(restore(chosen.data_dir, file))
    typer.echo(f"{file} is restored to {chosen.data_dir}.")


def _embedded() -> Settings:
    chosen = settings.load()
    if chosen.database_url is not None:
        raise Usage("PARLEY_DATABASE_URL is set: back that database up with pg_dump, or unset it.")
    return chosen
