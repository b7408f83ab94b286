"""`parley openapi`: the contract."""

from enum import StrEnum

import typer


class Form(StrEnum):
    """How a document is written."""

    YAML = "yaml"
    JSON = "json"


def openapi(form: Form = typer.Option(Form.YAML, "--format", "-f", help="How it is written.")) -> None:
    """Print the contract, as the server serves it under /openapi.yaml and /openapi.json."""
    from parley.pages import document

    body = document.as_json() if form is Form.JSON else document.as_yaml()
    typer.echo(body, nl=not body.endswith(b"\n"))
