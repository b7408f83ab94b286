"""The command line: `parley COMMAND`. One module for each group of commands.

A command prints what was asked for on standard output, and says in one sentence on standard error why it
could not. Exit codes: 0 done · 1 refused · 2 a wrong option, argument or PARLEY_ variable · 3 the
surroundings: a port or data directory in use, a full disk, a database that cannot be reached.

Modules are imported by the command that needs them, so that `parley --help` answers at once.
"""

import sys
import warnings

import typer

from parley import __version__
from parley.cli import backup, beta, contract, database, demo, events, serve, tail, users, webhooks
from parley.cli import settings as settings_commands
from parley.cli.outcomes import outcome

_EPILOG = (
    "Everything is set by PARLEY_* variables: `parley settings` shows them. Exit codes: 0 done, 1 refused, "
    "2 a wrong option or variable, 3 the surroundings (port or directory in use, full disk, no database)."
)

app = typer.Typer(
    name="parley",
    help="Parley: a messaging backend that you host yourself.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.add_typer(users.commands, name="user")
app.add_typer(beta.commands, name="beta")
app.command("events")(events.follow)
app.command("tail")(tail.tail)
app.add_typer(webhooks.commands, name="webhooks")
app.command("settings")(settings_commands.show)
app.command("openapi")(contract.openapi)
app.add_typer(contract.commands, name="contract")
app.command("migrate")(database.migrate)
app.add_typer(database.epoch_commands, name="epoch")
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"parley {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Take the options that stand before a command."""
    del version


def run() -> None:
    """Run the command line and leave with its exit code."""
    # Connexion imports Starlette's test client, and that one warns of a change which concerns nobody here.
    warnings.filterwarnings("ignore", message=".*starlette.testclient.*")
    sys.exit(outcome(app))
