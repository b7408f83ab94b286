"""Runs commands as other users, from tests that run as root.

The interpreter, the checkout or the packages often lie below a home that is closed to everybody else. So the
command gets a mount namespace of its own, in which they can be reached, and nobody outside notices.
"""

import os
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


def needs_root() -> None:
    """Skip the test when it cannot become other users."""
    if os.geteuid() != 0:
        pytest.skip("only root can become other users")
    if not _mounts_allowed():
        pytest.skip("mount namespaces are forbidden here, even to root")


def as_user(uid: int) -> list[str]:
    """Return what stands before a command that shall run as `uid`, known by name or not."""
    return opened(f'exec setpriv --reuid={uid} --regid={uid} --clear-groups -- "$@"')


def opened(script: str = 'exec "$@"') -> list[str]:
    """Return what stands before a command whose programs every user shall be able to read.

    `script` is a piece of shell that runs the command in "$@", with the rights of root.
    """
    lines = ["set -e", *_mounts(), script]
    return ["unshare", "--mount", "--propagation=private", "sh", "-c", "\n".join(lines), "sh"]


def _mounts() -> list[str]:
    lines = []
    for closed, needed in _closed().items():
        kept = shlex.quote(tempfile.gettempdir() + f"/opened-{os.getpid()}")
        lines += [f"mkdir -p {kept}", f"mount --rbind {shlex.quote(str(closed))} {kept}"]
        lines += [f"mount -t tmpfs -o mode=755 tmpfs {shlex.quote(str(closed))}"]
        for path in sorted(needed):
            place, inside = shlex.quote(str(path)), shlex.quote(str(path.relative_to(closed)))
            lines += [f"mkdir -p {place}", f"mount --rbind {kept}/{inside} {place}"]
        lines += [f"umount --lazy {kept}", f"rmdir {kept}"]
    return lines


@cache
def _closed() -> dict[Path, set[Path]]:
    """Return the outermost closed directories, and what is needed from each."""
    found: dict[Path, set[Path]] = {}
    places = (sys.base_prefix, sys.prefix, sysconfig.get_path("purelib"), _ROOT)
    for path in {Path(place).resolve() for place in places}:
        for parent in reversed(path.parents):
            if parent.stat().st_mode & 0o005 != 0o005:
                found.setdefault(parent, set()).add(path)
                break
    return found


@cache
def _mounts_allowed() -> bool:
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0
