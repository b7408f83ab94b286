"""Sending and reading messages, durably and through the whole server, as a ratio to a bare echo.

    python -m bench.messages [--seconds 5] [--rounds 3]

Needs `wrk`. The echo, the server with its database and the load share the machine's cores; each round measures
all of them one after the other, so a machine that drifts drifts for all. What counts is the median ratio.
"""

import argparse
import json
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.served import Served

ROOT = Path(__file__).parent.parent
PEOPLE = 64
CONNECTIONS = 64
HISTORY = 60

ECHO = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"conversation_id": "01900000-0000-7000-8000-000000000000", "content": "Hello, world!"}'
"""

# Each request is somebody else's turn: all people send, all in their own conversation of two.
SEND = """
local people = {%(people)s}
local turn, number, run = 0, 0, "%(run)s"
function request()
    turn = turn %% #people + 1
    local who = people[turn]
    local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. who[1]}
    if %(keyed)s then
        number = number + 1
        headers["Idempotency-Key"] = run .. number
    end
    local body = '{"conversation_id": "' .. who[2] .. '", "type": "text", "content": "Hello, world!"}'
    return wrk.format("POST", "/v1/messages", headers, body)
end
"""

READ = """
local people = {%(people)s}
local turn = 0
function request()
    turn = turn %% #people + 1
    local who = people[turn]
    local path = "/v1/messages?limit=50&conversation_id=" .. who[2]
    return wrk.format("GET", path, {["Authorization"] = "Bearer " .. who[1]})
end
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    # One that survives a power cut: that of `--temporary` does not, and commits for less.
    with echo_server() as echo, tempfile.TemporaryDirectory() as empty, Served(Path(empty)) as served:
        server = served.url
        people = prepare(server)
        scripts = {
            "send": (server, SEND % {"people": people, "keyed": "false", "run": ""}),
            "send with key": (server, SEND % {"people": people, "keyed": "true", "run": "%s"}),
            "history page": (server, READ % {"people": people}),
        }
        ratios: dict[str, list[float]] = {name: [] for name in scripts}
        for round_number in range(chosen.rounds):
            base = measure(echo, ECHO, chosen.seconds)
            print(f"echo            {base.rate:9.0f}/s  p50 {base.p50:6.2f} ms  p99 {base.p99:6.2f} ms")
            for name, (url, script) in scripts.items():
                text = script.replace("%s", f"r{round_number}-")
                result = measure(url, text, chosen.seconds)
                ratios[name].append(result.rate / base.rate)
                print(
                    f"{name:15} {result.rate:9.0f}/s  p50 {result.p50:6.2f} ms  p99 {result.p99:6.2f} ms"
                    f"  {result.rate / base.rate:.3f} of the echo  {result.errors}"
                )
        for name, values in ratios.items():
            print(f"median: {name:15} {statistics.median(values):.3f} of the echo")


class Result:
    """What wrk says: requests a second, latencies in milliseconds, and errors if there were any."""

    def __init__(self, output: str) -> None:
        found = re.search(r"Requests/sec:\s+([\d.]+)", output)
        if found is None:
            raise SystemExit(output)
        self.rate = float(found[1])
        self.p50 = _milliseconds(output, "50%")
        self.p99 = _milliseconds(output, "99%")
        errors = re.search(r"(Non-2xx.*|Socket errors.*)", output)
        self.errors = errors[1] if errors else ""


def _milliseconds(output: str, percentile: str) -> float:
    found = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)", output)
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]] if found else float("nan")


def measure(url: str, script: str, seconds: int) -> Result:
    """Load a server with 64 connections for some seconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", file.name, url]
        return Result(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@contextmanager
def echo_server() -> Iterator[str]:
    """Run the bare echo until it listens, and end it afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, ROOT / "bench" / "echo.py", str(port)], stderr=subprocess.DEVNULL
    )
    try:
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def prepare(server: str) -> str:
    """Register people, let them talk in pairs, and return Lua tables of token and conversation."""
    people = []
    for number in range(PEOPLE):
        account = {
            "email": f"p{number}@example.com",
            "username": f"person{number}",
            "password": "secure_password",
        }
        person = call(server, "POST", "/v1/users", account)
        tokens = call(
            server, "POST", "/v1/auth/login", {"email": account["email"], "password": account["password"]}
        )
        people.append((person["id"], tokens["access_token"]))
    rows = []
    for (_, token), (other, other_token) in zip(people[::2], people[1::2], strict=True):
        conversation = call(server, "POST", "/v1/conversations", {"user_id": other}, token)["id"]
        rows += [f'{{"{token}", "{conversation}"}}', f'{{"{other_token}", "{conversation}"}}']
        for number in range(HISTORY):
            call(
                server,
                "POST",
                "/v1/messages",
                {"conversation_id": conversation, "content": f"{number}", "type": "text"},
                token,
            )
    return ", ".join(rows)


def call(
    server: str, method: str, path: str, body: dict[str, str], token: str | None = None
) -> dict[str, str]:
    """Send one request and return its answer."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(server + path, json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request) as answer:
        result: dict[str, str] = json.load(answer)
        return result


if __name__ == "__main__":
    main()
