"""Commands that run for as long as a test reads what they print."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from servers import environment, parley

Printing = subprocess.Popen[str]


@contextmanager
def printing(
    *arguments: str, typed: str = "", variables: Mapping[str, str] | None = None
) -> Iterator[Printing]:
    """Run a command of parley; `typed` is what it finds in standard input."""
    process = subprocess.Popen(
        parley(*arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(variables),
    )
    try:
        assert process.stdin is not None
        process.stdin.write(typed)
        process.stdin.close()
        process.stdin = None
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: Printing) -> str:
    """Wait for the next line."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr and process.stderr.read()
    return line.rstrip("\n")
