"""The driver of an SDK: a small program in its language that takes commands as JSON lines.

    {"id": 1, "do": "me", "client": "a"}  ->  {"id": 1, "ok": {...}}  or  {"id": 1, "error": {"class": ..., ...}}

What a listener hears comes in between, as `{"listener": ..., "event" | "state" | "ended": ...}`. Commands run at
the same time; README.md beside this file lists them.
"""

import itertools
import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

# Longer than anything here may take on a busy machine; each wait ends as soon as what it waits for is there.
PATIENCE = 60.0

Answer = dict[str, Any]


class Refused(Exception):
    """The SDK raised an error; `fact` holds what it said of it, `class` its name."""

    def __init__(self, fact: Mapping[str, Any]) -> None:
        super().__init__(json.dumps(fact))
        self.fact = fact

    @property
    def name(self) -> str:
        """The name of the error's class."""
        name: str = self.fact["class"]
        return name


class Listener:
    """What one listener of the SDK was handed, in order, and the states that it went through."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.events: list[dict[str, Any]] = []
        self.states: list[str] = []
        self.ended: dict[str, Any] | None = None
        self._changed = threading.Condition()

    def take(self, line: Mapping[str, Any]) -> None:
        """Note a line of the driver."""
        with self._changed:
            if "event" in line:
                self.events.append(line["event"])
            elif "state" in line:
                self.states.append(line["state"])
            else:
                self.ended = line["ended"]
            self._changed.notify_all()

    def until(self, holds: Callable[["Listener"], bool], patience: float = PATIENCE) -> None:
        """Wait until something holds."""
        with self._changed:
            if not self._changed.wait_for(lambda: holds(self), timeout=patience):
                kinds = [event["type"] for event in self.events[-20:]]
                raise AssertionError(f"{self.name}: it never held; {self.states=} {self.ended=} {kinds=}")

    def until_state(self, state: str) -> None:
        """Wait until it is in a state now."""
        self.until(lambda self: self.states[-1:] == [state])

    def until_event(self, kind: str, number: int = 1) -> dict[str, Any]:
        """Wait for so many events of a type, and return the last."""
        self.until(lambda self: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]

    def until_ended(self) -> dict[str, Any]:
        """Wait until it ended, and return how."""
        self.until(lambda self: self.ended is not None)
        assert self.ended is not None
        return self.ended

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of a type."""
        return [event for event in self.events if event["type"] == kind]

    @property
    def contents(self) -> list[str]:
        """What the messages said that were handed over."""
        return [event["data"]["content"] for event in self.of("message")]


class Driver:
    """One running driver."""

    def __init__(self, command: Sequence[str], directory: Path) -> None:
        self._log = directory / "driver.log"
        with self._log.open("w") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=directory,
            )
        self._numbers = itertools.count(1)
        self._pending: dict[int, Future[Answer]] = {}
        self._listeners: dict[str, Listener] = {}
        self._writing = threading.Lock()
        self._reader = threading.Thread(target=self._read, name="driver", daemon=True)
        self._reader.start()

    def begin(self, do: str, **arguments: Any) -> "Future[Answer]":
        """Give a command, and return what will be its answer."""
        number = next(self._numbers)
        future = self._pending[number] = Future[Answer]()
        line = json.dumps({"id": number, "do": do, **arguments})
        with self._writing:
            assert self._process.stdin is not None
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        return future

    def do(self, command: str, **arguments: Any) -> Answer:
        """Give a command and wait for its answer. Raises Refused."""
        return self.begin(command, **arguments).result(timeout=PATIENCE)

    def refused(self, command: str, **arguments: Any) -> Refused:
        """Give a command that the SDK has to refuse, and return how."""
        try:
            answer = self.do(command, **arguments)
        except Refused as refused:
            return refused
        raise AssertionError(f"{command} was not refused: {answer}")

    def listen(self, client: str, listener: str, **options: Any) -> Listener:
        """Let a client listen."""
        heard = self._listeners[listener] = Listener(listener)
        self.do("listen", client=client, listener=listener, **options)
        return heard

    def stop(self) -> str:
        """End the driver as its user would; return what it said to standard error."""
        if self._process.poll() is None:
            self.begin("exit")
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise AssertionError("The driver did not end: something of the SDK still runs") from None
        self._let_go()
        said = self._log.read_text()
        # Go's driver ends with 66 where its race detector has found something.
        assert self._process.returncode == 0, f"The driver ended badly:\n{said}"
        return said

    def kill(self) -> None:
        """End the driver as a crash does: it is not told."""
        self._process.kill()
        self._process.wait()
        self._let_go()

    def _let_go(self) -> None:
        self._reader.join(timeout=20)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for text in self._process.stdout:
            line = json.loads(text)
            if "listener" in line and "id" not in line:
                self._listeners[line["listener"]].take(line)
            else:
                self._settle(self._pending.pop(line["id"]), line)
        # It ended: nobody is answered any more.
        for future in self._pending.values():
            future.set_exception(AssertionError(f"The driver ended:\n{self._log.read_text()}"))

    @staticmethod
    def _settle(future: "Future[Answer]", line: Mapping[str, Any]) -> None:
        if "error" in line:
            future.set_exception(Refused(line["error"]))
        else:
            future.set_result(line["ok"])


def outcome(future: "Future[Answer]") -> str | None:
    """Wait for an answer, and return the name of the error, or None where there was none."""
    try:
        future.result(timeout=PATIENCE)
    except Refused as refused:
        return refused.name
    return None


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that no listener tells of."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
