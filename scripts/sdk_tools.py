"""Programs of other languages that the scripts run, and where those that are pinned here are installed: .sdks/."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".sdks"


class MissingTool(Exception):
    """A program is not there; `str(error)` says which, and how to get it."""


class FailedTool(Exception):
    """A program is there and refused what it was given; `str(error)` says which one. It said itself why."""


def program(name: str, how: str) -> str:
    """Return the path of a program of the machine. Raises MissingTool with how to get it."""
    if path := shutil.which(name):
        return path
    raise MissingTool(f"{name} is not installed: {how}.")


def run(command: Sequence[str]) -> None:
    """Run a command where it is seen what it prints. Raises FailedTool when it fails."""
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if status:
        raise FailedTool(f"{command[0]} failed with {status}")
