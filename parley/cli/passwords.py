"""How a command gets a password: typed or from standard input, never from an argument, which `ps` shows."""

import sys

import typer

from parley.cli.outcomes import Usage


def ask_password(prompt: str = "Password", *, confirm: bool = True) -> str:
    """Return a password that was typed, twice for a new one, or the first line of standard input in a pipe."""
    if sys.stdin.isatty():
        typed: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
        return typed
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise Usage(f"A {prompt.lower()} is expected on standard input, and there was none.")
    return line
