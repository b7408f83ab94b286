"""`parley openapi` and `parley contract`: the contract, and whether a server keeps it."""

from enum import StrEnum

import typer

commands = typer.Typer(help="Find out whether a server keeps the contract.", no_args_is_help=True)


class Form(StrEnum):
    """How a document is written."""

    YAML = "yaml"
    JSON = "json"


class Api(StrEnum):
    """Which of the documents."""

    V1 = "v1"
    V2 = "v2"
    SOCKET = "socket"


_DOCUMENTS = {Api.V1: "openapi", Api.V2: "openapi-v2", Api.SOCKET: "asyncapi"}


def openapi(
    form: Form = typer.Option(Form.YAML, "--format", "-f", help="How it is written."),
    api: Api = typer.Option(Api.V1, help="REST as it is, its next version, or the socket (AsyncAPI)."),
) -> None:
    """Print the contract, as the server serves it, such as under /openapi.yaml."""
    from parley.pages import document

    name = _DOCUMENTS[api]
    body = document.as_json(name) if form is Form.JSON else document.as_yaml(name)
    typer.echo(body, nl=not body.endswith(b"\n"))


@commands.callback()
def _group() -> None:
    """Let `check` be a command of a group, though it is the only one."""


@commands.command("check")
def check(
    url: str = typer.Argument(metavar="URL", help="Where the server is, such as https://chat.example.com."),
    expect: str | None = typer.Option(
        None, help="What X-Contract must be: the contract that your client was made for."
    ),
    seed: int = typer.Option(1, help="What the requests are made from; the same seed makes the same ones."),
) -> None:
    r"""Hold a running server against the contract that it publishes, and print what it does not keep.

    It makes four accounts and two groups there. Exit codes: 0 all is kept, 1 something is not, 2 the URL is none, 3 the
    server or Schemathesis (pip install "parley\[check]") is not there.
    """
    from parley.cli.contract_check import hold_to_contract

    report = hold_to_contract(url, expect=expect, seed=seed)
    typer.echo(report.text())
    raise typer.Exit(report.exit_code)
