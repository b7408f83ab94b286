"""`parley settings`: what is in force."""

import typer

from parley import settings


def show(
    markdown: bool = typer.Option(False, "--markdown", help="Print the page docs/settings.md instead."),
) -> None:
    """Show all settings with their values; secrets are masked."""
    if markdown:
        typer.echo(settings.markdown(), nl=False)
        return
    rows = list(settings.shown(settings.load()))
    width = max(len(name) for name, _, _ in rows)
    for name, value, is_set in rows:
        line = f"{name:<{width}}  {value}" + ("" if is_set else "  (default)" if value else "(default)")
        typer.echo(line.rstrip())
