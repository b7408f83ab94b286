"""What a killed postgres leaves running, found by its working directory and ended.

A postmaster that dies by kill -9 leaves its children to notice it, and those hold shared memory meanwhile. A
new one must not start, and the old `postmaster.pid` must not be removed, before all of them are gone: its
number may belong to somebody else by now, so the file alone says nothing.
"""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

from parley.storage.embedded.errors import EmbeddedError

_POLL_SECONDS = 0.005
_KILL_SECONDS = 10.0


async def clear(cluster: Path, *, patience: float) -> None:
    """Return when no process of `cluster` lives and its pid file is gone.

    The caller holds the claim, so a postmaster that is found is being ended by its keeper, or by the kernel
    because the keeper died: it gets `patience` seconds. One that stays was started by somebody else.
    """
    if not await _gone(cluster, patience, only_postmaster=True):
        raise EmbeddedError(
            f"The database in {cluster} is in use by PostgreSQL (process {postmaster(cluster)}), "
            "which this Parley did not start."
        )
    for process in processes(cluster):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    if not await _gone(cluster, _KILL_SECONDS, only_postmaster=False):
        raise EmbeddedError(
            f"Processes of a former PostgreSQL in {cluster} cannot be ended: {processes(cluster)}."
        )
    (cluster / "postmaster.pid").unlink(missing_ok=True)


async def _gone(cluster: Path, patience: float, *, only_postmaster: bool) -> bool:
    deadline = asyncio.get_running_loop().time() + patience
    while postmaster(cluster) is not None if only_postmaster else processes(cluster):
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True


def postmaster(cluster: Path) -> int | None:
    """Return the process id of the living postmaster of `cluster`, or None."""
    try:
        pid = int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    return pid if pid in processes(cluster) else None


def is_ready(cluster: Path) -> bool:
    """Return whether the postmaster has written that it takes connections (line 8 of its pid file)."""
    try:
        lines = (cluster / "postmaster.pid").read_text().split("\n")
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"


def processes(cluster: Path) -> list[int]:
    """Return all living processes of postgres whose working directory is `cluster`, as postgres keeps it."""
    try:
        home = os.stat(cluster)
    except FileNotFoundError:
        return []
    return [pid for pid in _pids() if _is_postgres_in(pid, home)]


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _is_postgres_in(pid: int, home: os.stat_result) -> bool:
    try:
        if Path(f"/proc/{pid}/comm").read_text().strip() != "postgres":
            return False
        where = os.stat(f"/proc/{pid}/cwd")
    except OSError:  # it ended meanwhile, or belongs to another user
        return False
    return (where.st_dev, where.st_ino) == (home.st_dev, home.st_ino)
