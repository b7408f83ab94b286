"""One owner for each data directory, and where other processes find the database it runs."""

import fcntl
import os
import time
from pathlib import Path

from parley.storage.embedded.errors import EmbeddedError

LOCK = "postgres.lock"
ADDRESS = "postgres.dsn"

_RETRY_SECONDS = 0.5  # whoever only looks holds the lock for a moment


class Claim:
    """An exclusive hold on a data directory, which ends with this process at the latest."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._file = os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._lock()
        except BaseException:
            os.close(self._file)
            raise
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        self.withdraw()  # an address that a killed owner left

    def _lock(self) -> None:
        deadline = time.monotonic() + _RETRY_SECONDS
        while True:
            try:
                return fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    owner = os.pread(self._file, 20, 0).decode(errors="replace").strip() or "unknown"
                    raise EmbeddedError(
                        f"The data directory {self._data_dir} is in use by another Parley (process {owner})."
                    ) from None
                time.sleep(0.01)

    def publish(self, dsn: str) -> None:
        """Let other processes find the database."""
        path = self._data_dir / ADDRESS
        fresh = path.with_suffix(".new")
        fresh.write_text(dsn)
        fresh.chmod(0o600)
        fresh.replace(path)

    def withdraw(self) -> None:
        (self._data_dir / ADDRESS).unlink(missing_ok=True)

    def release(self) -> None:
        self.withdraw()
        os.close(self._file)


def published(data_dir: Path) -> str | None:
    """Return the address that the owner of `data_dir` published; None when nobody runs a database there."""
    try:
        file = os.open(data_dir / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        try:
            return (data_dir / ADDRESS).read_text()
        except FileNotFoundError:  # it is just starting or stopping
            return None
    finally:
        os.close(file)
    return None
