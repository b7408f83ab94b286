"""`parley user`: accounts, for whoever runs the server."""

from typing import TYPE_CHECKING

import typer

from parley.cli.passwords import ask_password
from parley.cli.visiting import with_services

if TYPE_CHECKING:
    from parley.services import Services

commands = typer.Typer(help="Make, list, suspend accounts and set passwords.", no_args_is_help=True)

_PAGE = 500

_EMAIL = typer.Argument(metavar="EMAIL", help="The e-mail address of the account.")


@commands.command("create")
def create(
    email: str = _EMAIL,
    username: str = typer.Argument(metavar="USERNAME", help="The name under which others find it."),
    display_name: str | None = typer.Option(None, help="How it is shown; the username if not given."),
) -> None:
    """Make an account. The password is asked for, or read from standard input."""
    password = ask_password()
    user = with_services(lambda services: services.accounts.create(email, username, password, display_name))
    typer.echo(f"{user.id}  {user.username}  {user.email}")


@commands.command("list")
def list_all() -> None:
    """List all accounts, oldest first."""
    with_services(_print_accounts, must_exist=True)


async def _print_accounts(services: "Services") -> None:
    last = None
    while page := await services.users.accounts(last, _PAGE):
        for account in page:
            state = "suspended" if account.suspended_at else "active"
            made = account.created_at.strftime("%Y-%m-%d")
            typer.echo(f"{account.id}  {made}  {state:<9}  {account.username}  {account.email}")
        last = page[-1].id


@commands.command("suspend")
def suspend(email: str = _EMAIL) -> None:
    """End all sessions of an account and let it log in no more. What it wrote stays."""
    with_services(lambda services: services.accounts.suspend(email), must_exist=True)
    typer.echo(f"{email} is suspended.")


@commands.command("unsuspend")
def unsuspend(email: str = _EMAIL) -> None:
    """Let an account log in again."""
    with_services(lambda services: services.accounts.unsuspend(email), must_exist=True)
    typer.echo(f"{email} may log in again.")


@commands.command("password")
def set_password(email: str = _EMAIL) -> None:
    """Set another password and end all sessions. It is asked for, or read from standard input."""
    password = ask_password("New password")
    with_services(lambda services: services.accounts.set_password(email, password), must_exist=True)
    typer.echo(f"{email} has another password, and no session any more.")
