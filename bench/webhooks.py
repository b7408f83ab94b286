"""Webhooks: how many are delivered, how soon, and what they cost those who send messages.

    python -m bench.webhooks [--seconds 4] [--rounds 3]

Needs `wrk`. The receiver answers at once, in a process of its own; all share the machine's cores. Each round measures
everything one after the other, so a machine that drifts drifts for all, and what counts is the median:

- deliveries a second of one process, from a queue that is full, as a ratio to a bare echo (0.06)
- the time from an event until it has arrived, when there is nothing else to do (100 ms)
- sends with ten webhooks of people who are in none of the conversations, as a ratio to none (0.95)
- sends of which each is told to ten webhooks, as a ratio to none (0.70); what is left then is worked off
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.messages import ECHO, SEND, Result, call, echo_server, measure
from bench.people import Person, gather, settle, speak
from bench.served import Served

ROOT = Path(__file__).parent.parent
CIRCLES = 32
HOOKS = 10
QUEUED = 6_000
IDLE = 40
# Seconds between messages where nothing else is to be done.
PAUSE = 0.15


class Town:
    """A server, and people in circles of three: two who talk, and one who owns webhooks."""

    def __init__(self, data_dir: Path) -> None:
        self.served = Served(data_dir)
        self.data_dir = data_dir

    def __enter__(self) -> "Town":
        self.served.start()
        self.people = settle(self.data_dir, 2 * CIRCLES + 1 + HOOKS)
        self.owner = self.people[2 * CIRCLES]
        self.strangers = self.people[2 * CIRCLES + 1 :]
        self.circles = [[*self.people[2 * n : 2 * n + 2], self.owner] for n in range(CIRCLES)]
        self.conversation_ids: list[UUID] = asyncio.run(gather(self.data_dir, self.circles))
        return self

    def __exit__(self, *_: object) -> None:
        self.served.stop()

    def hook(self, owner: Person, url: str, *events: str) -> None:
        """Make a webhook."""
        body: Any = {"url": url, "events": list(events)}
        call(self.served.url, "POST", "/v1/webhooks", body, owner.token)

    def sends(self, seconds: int) -> Result:
        """Let all of them send for some seconds."""
        rows = [
            f'{{"{person.token}", "{conversation_id}"}}'
            for circle, conversation_id in zip(self.circles, self.conversation_ids, strict=True)
            for person in circle[:2]
        ]
        script = SEND % {"people": ", ".join(rows), "keyed": "false", "run": ""}
        return measure(self.served.url, script, seconds)

    def speak(self, times: int, circles: int = CIRCLES) -> None:
        """Let the first of each circle say something, so many times."""
        asyncio.run(speak(self.data_dir, self.circles[:circles], self.conversation_ids[:circles], times))

    def metric(self, name: str) -> float:
        """Read a number that the server shows."""
        with urllib.request.urlopen(f"{self.served.url}/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(f"{name} "):
                    return float(line.split()[1])
        return 0.0


@contextmanager
def receiver() -> Iterator[str]:
    """Run a receiver until it listens, and end it afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, ROOT / "bench" / "receiver.py", str(port)])
    try:
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


def told(url: str) -> dict[str, Any]:
    """Ask a receiver what it got."""
    with urllib.request.urlopen(url) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def wait_for(url: str, count: int, seconds: float = 300) -> dict[str, Any]:
    """Wait until a receiver has got so many."""
    deadline = time.monotonic() + seconds
    while (found := told(url))["count"] < count:
        if time.monotonic() > deadline:
            raise SystemExit(f"after {seconds:.0f} s {found['count']} of {count} deliveries have arrived")
        time.sleep(0.1)
    return found


@contextmanager
def town() -> Iterator[Town]:
    """Run a server of one's own."""
    with tempfile.TemporaryDirectory() as directory, Town(Path(directory)) as one:
        yield one


def deliveries(hooks: int) -> tuple[float, float, float]:
    """Return how many are delivered in a second, and the processor time of each in server and database.

    What is to be delivered happens while no server runs, so that nothing else is done while it is delivered.
    """
    with receiver() as url, town() as one:
        for _ in range(hooks):
            one.hook(one.owner, url, "message.created")
        one.served.stop()
        rounds = QUEUED // hooks // CIRCLES
        one.speak(rounds)
        one.served.start()
        began = one.served.processor_seconds()
        found = wait_for(url, rounds * CIRCLES * hooks)
        ended = one.served.processor_seconds()
        number = found["count"]
        return (
            (number - 1) / (found["last"] - found["first"]),
            (ended[0] - began[0]) / number,
            (ended[1] - began[1]) / number,
        )


def idle_delay() -> float:
    """Return the median of the seconds from an event until it has arrived, one at a time."""
    with receiver() as url, town() as one:
        one.hook(one.owner, url, "message.created")
        person, conversation_id = one.people[0], one.conversation_ids[0]
        for number in range(IDLE):
            body = {"conversation_id": str(conversation_id), "content": f"{number}"}
            call(one.served.url, "POST", "/v1/messages", body, person.token)
            time.sleep(PAUSE)
        delays: list[float] = wait_for(url, IDLE)["delays"]
        return statistics.median(delays)


def sends(seconds: int, hooks: Sequence[str] = (), *, strangers: bool = False) -> tuple[float, str]:
    """Return the rate of sends with webhooks of the owner or of strangers, and what is said of the lag."""
    with receiver() as url, town() as one:
        for number in range(HOOKS if hooks else 0):
            one.hook(one.strangers[number] if strangers else one.owner, url, *hooks)
        one.sends(1)
        result = one.sends(seconds)
        if strangers or not hooks:
            return result.rate, ""
        lag = one.metric("parley_webhook_lag_seconds"), one.metric("parley_webhook_lag_events")
        began = time.monotonic()
        count = told(url)["count"]
        while one.metric("parley_webhook_lag_events"):
            time.sleep(0.1)
        return result.rate, (
            f"the log is {lag[1]:.0f} events ({lag[0]:.1f} s) ahead, {count} deliveries have arrived;"
            f" read to its end {time.monotonic() - began:.1f} s later"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    os.environ["PARLEY_WEBHOOK_ALLOW_NETWORKS"] = "127.0.0.0/8"
    ratios: dict[str, list[float]] = {}
    for _ in range(chosen.rounds):
        with echo_server() as echo:
            base = measure(echo, ECHO, chosen.seconds).rate
        print(f"echo                      {base:9.0f}/s")
        for hooks in (1, HOOKS):
            name = f"deliveries, {hooks} webhook{'s' if hooks > 1 else ''}"
            rate, server, database = deliveries(hooks)
            ratios.setdefault(name, []).append(rate / base)
            print(
                f"{name:25} {rate:9.0f}/s  {rate / base:.3f} of the echo;"
                f" processor {server * 1e6:.0f} µs, of the database {database * 1e6:.0f} µs"
            )
        delay = idle_delay()
        ratios.setdefault("idle, p50 in s", []).append(delay)
        print(f"idle, p50                 {delay * 1000:9.1f} ms")
        none, _ = sends(chosen.seconds)
        print(f"sends, no webhooks        {none:9.0f}/s")
        for name, names, strangers in (
            ("sends, ten of strangers", ["*"], True),
            ("sends, ten that match", ["message.created"], False),
        ):
            rate, lag = sends(chosen.seconds, names, strangers=strangers)
            ratios.setdefault(name, []).append(rate / none)
            print(f"{name:25} {rate:9.0f}/s  {rate / none:.3f} of none  {lag}")
    for name, values in ratios.items():
        print(f"median: {name:25} {statistics.median(values):.3f}")


if __name__ == "__main__":
    main()
