"""`parley serve`: the server."""

from pathlib import Path

import typer

from parley import settings
from parley.cli import ports
from parley.cli.outcomes import Usage


def serve(
    host: str | None = typer.Option(None, help="The address to listen on (PARLEY_HOST)."),
    port: int | None = typer.Option(None, help="The port to listen on (PARLEY_PORT); 0 takes any free one."),
    data_dir: Path | None = typer.Option(None, help="Where the data lie (PARLEY_DATA_DIR)."),
    temporary: bool = typer.Option(
        False, "--temporary", help="An empty server that leaves nothing behind, for tests."
    ),
    print_url: bool = typer.Option(
        False, "--print-url", help="Print nothing but the server's URL, when it is ready."
    ),
) -> None:
    """Start the server, with its own database unless PARLEY_DATABASE_URL names one. Ctrl-C stops it."""
    if temporary and data_dir is not None:
        raise Usage("--temporary makes its own directory; leave --data-dir out.")
    chosen = settings.load(host=host, port=port, data_dir=data_dir)
    from parley import logs
    from parley.cli import serving

    logs.configure(chosen.log_level, chosen.log_format)
    # Before anything else, because a port in use is the commonest mistake, and a database takes a moment.
    with ports.listen(chosen.host, chosen.port) as listening:
        serving.run(chosen, listening, temporary=temporary, print_url=print_url)
