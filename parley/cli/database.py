"""`parley migrate` and `parley epoch`: the schema, and which history the log's positions belong to."""

import asyncio

import typer

from parley import settings
from parley.settings import Settings

epoch_commands = typer.Typer(
    help="Which history the cursors of clients belong to.",
    no_args_is_help=True,
)


def migrate() -> None:
    """Bring the database's schema up to date. `parley serve` does it too, at each start."""
    applied = asyncio.run(_migrate(settings.load()))
    for name in applied:
        typer.echo(f"applied {name}")
    typer.echo("The schema is up to date.")


async def _migrate(chosen: Settings) -> list[str]:
    from parley.node import Storage

    async with Storage(chosen, migrate=False) as storage:
        return await storage.migrate()


@epoch_commands.command("show")
def show_epoch() -> None:
    """Print the epoch. Cursors of another one are told to start afresh."""
    typer.echo(asyncio.run(_epoch(settings.load(), bump=False)))


@epoch_commands.command("bump")
def bump_epoch() -> None:
    """Begin another epoch. Do so after putting back a snapshot of the volume: old cursors must not count."""
    typer.echo(asyncio.run(_epoch(settings.load(), bump=True)))


async def _epoch(chosen: Settings, *, bump: bool) -> str:
    from parley.node import Storage
    from parley.storage import epoch

    async with Storage(chosen, must_exist=True) as storage, storage.database.transaction() as conn:
        return await (epoch.bump(conn) if bump else epoch.read(conn))
