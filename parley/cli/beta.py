"""`parley beta`: who may use what is not released yet, for whoever runs the server."""

from datetime import UTC
from typing import TYPE_CHECKING

import typer

from parley.cli.printable import line
from parley.cli.visiting import with_services

if TYPE_CHECKING:
    from parley.services import Services

commands = typer.Typer(
    help="Give accounts access to /v2, which is not released yet, and take it away.", no_args_is_help=True
)

_PAGE = 500

_EMAIL = typer.Argument(metavar="EMAIL", help="The e-mail address of the account.")


@commands.command("grant")
def grant(email: str = _EMAIL) -> None:
    """Let an account use the beta, from the next request on."""
    is_new = with_services(lambda services: services.accounts.grant_beta(email), must_exist=True)
    typer.echo(f"{email} may use the beta." if is_new else f"{email} may use the beta already.")


@commands.command("revoke")
def revoke(email: str = _EMAIL) -> None:
    """Let an account use the beta no more, from the next request on."""
    had_it = with_services(lambda services: services.accounts.revoke_beta(email), must_exist=True)
    typer.echo(f"{email} may use the beta no more." if had_it else f"{email} has no access to the beta.")


@commands.command("list")
def list_all() -> None:
    """List the accounts that may use the beta, oldest first, each with the time since when."""
    if not with_services(_print_accounts, must_exist=True):
        typer.echo("Nobody has access to the beta.", err=True)


async def _print_accounts(services: "Services") -> bool:
    """Print those with access, and return whether there is any."""
    last, found = None, False
    # They are few among many, and nobody waits: the table of users needs no index for this.
    while page := await services.users.accounts(last, _PAGE):
        for account in page:
            if account.beta_since is not None:
                found = True
                since = account.beta_since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                typer.echo(f"{line(account.email)}  {line(account.username)}  {since}")
        last = page[-1].id
    return found
