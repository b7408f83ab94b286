"""A disk that has little room."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(at: Path, size: str, *, lazily: bool = False) -> Iterator[Path]:
    """Mount one of this size, such as `160m`, on a new directory; skip the test where nobody may.

    At the end nobody may use it any more, unless it is to go `lazily`.
    """
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody who mounts a small disk")
    at.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(at)], check=False)
    if mounted.returncode != 0:
        pytest.skip("mount namespaces are forbidden here, and so are mounts")
    try:
        yield at
    finally:
        subprocess.run(["umount", *(["--lazy"] if lazily else []), str(at)], check=True)
