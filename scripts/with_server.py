"""Runs a command beside a server on which Ada and Bob have accounts, for the examples of the SDKs.

Usage: with_server.py COMMAND [ARGUMENT ...]

The server is at http://localhost:8080, as the examples have it, or with PARLEY_EXAMPLES_PORT at another port; the
command finds its address in PARLEY_URL. Both have the password `secure_password`. Bob answers `Hello, Ada!` to
whatever is written to him. The server and its data are gone afterwards; the exit code is the command's.
"""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "secure_password"
PEOPLE = ("ada", "bob")
PORT = os.environ.get("PARLEY_EXAMPLES_PORT", "8080")


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    command = [sys.executable, "-m", "parley", "serve", "--temporary", "--port", PORT, "--print-url"]
    server = subprocess.Popen(
        command,
        env={
            **inherited,
            "PYTHONPATH": str(ROOT),
            "PARLEY_RATE_LIMITS": "off",
            "PARLEY_LOG_LEVEL": "warning",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            if not url:
                return server.wait() or 1
            for name in PEOPLE:
                _ask(
                    url,
                    "POST",
                    "/users",
                    {"email": f"{name}@example.com", "username": name, "password": PASSWORD},
                )
            threading.Thread(target=_answer, args=(url,), daemon=True).start()
            return subprocess.run(sys.argv[1:], env={**os.environ, "PARLEY_URL": url}, check=False).returncode
        finally:
            server.terminate()


def _answer(url: str) -> None:
    """Be Bob."""
    credentials = {"email": "bob@example.com", "password": PASSWORD}
    session = _ask(url, "POST", "/auth/login", credentials)
    token, cursor = session["access_token"], "0"
    while True:
        try:
            page = _ask(url, "GET", f"/events?after={cursor}&wait=20", token=token)
        except OSError:
            return
        for event in page["events"]:
            if event["type"] == "message" and event["data"]["sender_id"] != session["user_id"]:
                to = {"conversation_id": event["data"]["conversation_id"], "content": "Hello, Ada!"}
                _ask(url, "POST", "/messages", to, token=token)
        cursor = page["next_cursor"]


def _ask(url: str, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
    request = urllib.request.Request(f"{url}/v1{path}", method=method)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(request, data, timeout=60) as answer:
        return json.loads(answer.read())


if __name__ == "__main__":
    sys.exit(main())
