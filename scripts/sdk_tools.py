"""Programs of other languages that the scripts run, and where those that are pinned here are installed: .sdks/."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".sdks"


class MissingTool(Exception):
    """A program is not there; `str(error)` says which, and how to get it."""


def program(name: str, how: str) -> str:
    """Return the path of a program of the machine. Raises MissingTool with how to get it."""
    if path := shutil.which(name):
        return path
    raise MissingTool(f"{name} is not installed: {how}.")


def run(
    command: Sequence[str],
    *,
    cwd: Path = ROOT,
    variables: Mapping[str, str] | None = None,
    quiet: bool = False,
) -> None:
    """Run a command. Raises MissingTool with what it printed when it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(variables or {})},
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MissingTool(f"{' '.join(command)} failed with {done.returncode}.\n{done.stdout or ''}")
