"""A headless Chromium, driven through its DevTools protocol: enough to open a page and see what it does."""

import json
import os
import subprocess
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tools import browser

_START_SECONDS = 60

_OPTIONS = (
    "--headless",
    "--disable-gpu",
    # Chromium's own errands are none of the page's.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--remote-debugging-port=0",
    "--window-size=1280,1000",
    # Containers give /dev/shm little room.
    "--disable-dev-shm-usage",
)


class Tab:
    """One page. `events` are the protocol's events in order, as (method, params)."""

    def __init__(self, socket: ClientConnection, target_id: str) -> None:
        self._socket = socket
        self._number = 0
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._session = ""
        self._session = self.call("Target.attachToTarget", targetId=target_id, flatten=True)["sessionId"]
        for domain in ("Network", "Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call the browser and return its answer; events that come meanwhile are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            if "method" in answer:
                self.events.append((answer["method"], answer["params"]))

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression on the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, true: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until the page is so."""
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, "the page did not become so"
            time.sleep(0.05)

    def screenshot(self, file: Path) -> None:
        """Write what can be seen."""
        file.write_bytes(b64decode(self.call("Page.captureScreenshot")["data"]))

    def params_of(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of all events of a kind."""
        return [params for name, params in self.events if name == method]


@contextmanager
def tab(directory: Path) -> Iterator[Tab]:
    """Start a browser with a profile in `directory` and yield an empty page."""
    profile = directory / "profile"
    # Chromium's sandbox refuses to run as root; the only page that is opened is our own.
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with (directory / "browser.log").open("w") as log:
        process = subprocess.Popen(
            [browser(), *_OPTIONS, *as_root, f"--user-data-dir={profile}", "about:blank"],
            stdout=log,
            stderr=log,
        )
    try:
        with connect(_debugger(process, profile), max_size=None) as socket:
            yield Tab(socket, _page(socket))
    finally:
        process.terminate()
        process.wait(timeout=30)


def _debugger(process: "subprocess.Popen[bytes]", profile: Path) -> str:
    """Return the address that the browser writes down when it listens."""
    file = profile / "DevToolsActivePort"
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        lines = file.read_text().splitlines() if file.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise AssertionError("the browser did not start")


def _page(socket: ClientConnection) -> str:
    socket.send(json.dumps({"id": 0, "method": "Target.getTargets"}))
    while True:
        answer = json.loads(socket.recv(timeout=60))
        if answer.get("id") == 0:
            targets = answer["result"]["targetInfos"]
            return next(str(target["targetId"]) for target in targets if target["type"] == "page")
