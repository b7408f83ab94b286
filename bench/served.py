"""A server of one's own with its database, watched from outside: how much memory and processor time it takes."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from bench.people import KEY

ROOT = Path(__file__).parent.parent


class Served:
    """A server on a data directory, for the length of a `with` block. It can be started again.

    `root` is the tree whose code it runs.
    """

    def __init__(self, data_dir: Path, root: Path = ROOT) -> None:
        self.data_dir = data_dir
        self._root = root
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when it answers."""
        environment = os.environ | {
            "PARLEY_RATE_LIMITS": "off",
            "PARLEY_LOG_REQUESTS": "off",
            "PARLEY_LOG_LEVEL": "warning",
            "PARLEY_JWT_KEYS": f"{KEY.kid}:{KEY.secret.get_secret_value()}",
            "PYTHONPATH": str(self._root),
        }
        command = [sys.executable, "-m", "parley", "serve", "--data-dir", str(self.data_dir), "--port", "0"]
        self._process = subprocess.Popen(
            [*command, "--print-url"], env=environment, stdout=subprocess.PIPE, text=True, cwd=self._root
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url, "the server did not start"

    def stop(self) -> None:
        """Stop, as an operator would."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    @property
    def resident_bytes(self) -> int:
        """The memory of the server itself, without its database."""
        size: int = self._server.memory_info().rss
        return size

    def processor_seconds(self) -> tuple[float, float]:
        """Return what the server has used, and what its database has."""
        database = 0.0
        for process in self._server.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                # What has ended was waited for by its parent, and counts there.
                times = process.cpu_times()
                database += times.user + times.system + times.children_user + times.children_system
        own = self._server.cpu_times()
        return own.user + own.system, database

    @property
    def _server(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)
