"""Real servers for tests: `parley serve --temporary` as a process of its own, and what it said.

Nothing in them is different, but that their passwords are hashed quickly (`quick.py`).

Load it with `pytest_plugins = ["servers"]`. `server` is one for the whole session; `start_server` starts
others, which end with the test. Unless told otherwise they have no rate limits and check each answer against
the contract; an answer that the contract does not know fails the test (or the session) that used the server.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pytest

import quick

ROOT = Path(__file__).resolve().parents[2]

_START_SECONDS = 60
_STOP_SECONDS = 30

DEFAULTS = {"PARLEY_RATE_LIMITS": "off", "PARLEY_LOG_FORMAT": "json"}


class Server:
    """A `parley serve` that is ready. `url` has no slash at its end; `log` is what it wrote to standard error."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path, answers: Path) -> None:
        self.process = process
        self.log = log
        self.answers = answers
        self.url = self._read_url()

    def _read_url(self) -> str:
        assert self.process.stdout is not None
        # The line comes when the server is ready; an end of file means that it died.
        url = self.process.stdout.readline().strip()
        if not url:
            self.process.wait(timeout=_STOP_SECONDS)
            raise AssertionError(
                f"The server did not start (exit code {self.process.returncode}):\n{self.log.read_text()}"
            )
        return url

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.url.rpartition(":")[2])

    def violations(self) -> list[str]:
        """Return what was answered against the contract."""
        if not self.answers.exists():
            return []
        answers = (json.loads(line) for line in self.answers.read_text().splitlines())
        return [
            f"{answer.get('operation', answer.get('frame', answer.get('payload')))} "
            f"{answer.get('status', answer.get('type', 'to a webhook'))}: "
            f"{answer['violation']}"
            for answer in answers
            if answer["violation"] is not None
        ]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"The server did not stop:\n{self.log.read_text()}") from None
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()

    def wait_until_ready(self, seconds: float = _START_SECONDS) -> None:
        """Ask /readyz until it says 200: after the database was killed, for instance."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"The server did not become ready:\n{self.log.read_text()}")


class StartServer(Protocol):
    """Starts a server with more variables and arguments; `temporary=False` when the test gives a directory."""

    def __call__(
        self, *arguments: str, env: Mapping[str, str] | None = None, temporary: bool = True
    ) -> Server: ...


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without anybody's own settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    return {**inherited, "PYTHONPATH": str(ROOT), **(extra or {})}


PARLEY = (sys.executable, "-m", "parley")


def parley(*arguments: str) -> list[str]:
    """Return a command line of parley with the Python that runs the tests."""
    return [*PARLEY, *arguments]


def start(
    directory: Path,
    name: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    temporary: bool = True,
    program: Sequence[str] = quick.PROGRAM,
) -> Server:
    """Start a server that logs into `directory`, and return it when it is ready."""
    # All servers of a run note their answers here, a file for each; the plugin `answers` reads them at the end.
    answers = Path(os.environ["ANSWERS_DIRECTORY"]) / f"{os.getpid()}-{directory.name}-{name}.jsonl"
    log = directory / f"{name}.log"
    variables = environment({**DEFAULTS, "PARLEY_CHECK_ANSWERS": str(answers), **(env or {})})
    options = (*(["--temporary"] if temporary else []), "--port", "0", "--print-url", *arguments)
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*program, "serve", *options],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=directory,
        )
    return Server(process, log, answers)


def finish(server: Server) -> None:
    """Stop a server; an answer against the contract fails the test, or the session, that used it."""
    server.stop()
    violations = server.violations()
    assert not violations, "Answers against the contract:\n" + "\n".join(violations)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server that all tests of the session share: make users of your own."""
    started = start(tmp_path_factory.mktemp("server"), "shared")
    yield started
    finish(started)


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Return a function that starts servers, which end with the test."""
    started: list[Server] = []

    def starter(*arguments: str, env: Mapping[str, str] | None = None, temporary: bool = True) -> Server:
        started.append(start(tmp_path, f"server{len(started)}", *arguments, env=env, temporary=temporary))
        return started[-1]

    yield starter
    for one in started:
        finish(one)
