"""Webhooks: how many are delivered, how soon, and what they cost those who send messages.

    python -m bench.webhooks [--seconds 4] [--rounds 3] [--slices 8]

Needs `wrk`. The receiver answers at once, in a process of its own; all share the machine's cores, and a machine drifts.
So rates are compared with what was measured right beside them, and what counts is the median:

- deliveries a second of one process, from a queue that is full, as a ratio to a bare echo (0.06)
- the time from an event until it has arrived, when there is nothing else to do (100 ms)
- sends with ten webhooks that match nothing, as a ratio to none (0.95): of people who are in none of the conversations,
  of a member who asked for another event, of a member who asked for another conversation. They take turns in slices of
  a second on one server, many times; each begins when what was before it is read
- sends of which each is told to ten webhooks, as a ratio to none (0.70), and how long it takes until all of it was sent

Beside each stands the processor time of a send, with what is read of it for webhooks afterwards: rates say what people
notice, processor time is quieter.
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
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from bench.messages import ECHO, SEND, Result, call, echo_server, measure
from bench.people import Person, gather, settle, speak
from bench.served import Served
from parley.storage.embedded import EmbeddedPostgres

ROOT = Path(__file__).parent.parent
CIRCLES = 32
HOOKS = 10
QUEUED = 6_000
IDLE = 40
# Seconds between messages where nothing else is to be done.
PAUSE = 0.15
# How long sends are measured at a time where kinds take turns, in seconds.
SLICE = 1
NONE = "sends, no webhooks"
MATCHING = "sends, ten that match"


class Hook(NamedTuple):
    """A webhook, and whose it is."""

    owner: Person
    id: str


class Town:
    """A server, and people in circles of four: two who talk, and two who own webhooks.

    These two and others, who are in no circle, are in a conversation in which nobody says anything.
    """

    def __init__(self, data_dir: Path) -> None:
        self.served = Served(data_dir)
        self.data_dir = data_dir

    def __enter__(self) -> "Town":
        self.served.start()
        self.people = settle(self.data_dir, 2 * CIRCLES + 2 + HOOKS)
        self.owner, self.second, *self.strangers = self.people[2 * CIRCLES :]
        self.circles = [[*self.people[2 * n : 2 * n + 2], self.owner, self.second] for n in range(CIRCLES)]
        silent = [self.owner, self.second, *self.strangers]
        *self.conversation_ids, self.silent_id = asyncio.run(gather(self.data_dir, [*self.circles, silent]))
        return self

    def __exit__(self, *_: object) -> None:
        self.served.stop()

    def hook(self, owner: Person, url: str, *events: str, conversation_id: UUID | None = None) -> "Hook":
        """Make a webhook."""
        body: Any = {"url": url, "events": list(events)}
        if conversation_id is not None:
            body["conversation_id"] = str(conversation_id)
        made = call(self.served.url, "POST", "/v1/webhooks", body, owner.token)
        return Hook(owner, made["id"])

    def set_active(self, hooks: Sequence["Hook"], active: bool) -> None:
        """Let webhooks hear of what comes, or of nothing."""
        body = {"status": "active" if active else "disabled"}
        for hook in hooks:
            call(self.served.url, "PATCH", f"/v1/webhooks/{hook.id}", body, hook.owner.token)

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

    def wait_until_read(self) -> None:
        """Wait until all of the log was read for webhooks."""
        while self.metric("parley_webhook_lag_events"):
            time.sleep(0.05)

    def left(self) -> int:
        """Count the deliveries that wait to be sent."""
        return asyncio.run(_count_waiting(self.data_dir))

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


class Cost(NamedTuple):
    """What was measured of sends: how many a second, and seconds of the processor for each."""

    rate: float
    server: float
    database: float

    def __str__(self) -> str:
        return f"{self.rate:9.0f}/s; processor {self.server * 1e6:.0f} µs, of the database {self.database * 1e6:.0f} µs"


def slice_of_sends(one: Town, seconds: int) -> Cost:
    """Measure sends for some seconds, and what they cost until all of it is read for webhooks."""
    one.wait_until_read()
    began = one.served.processor_seconds()
    rate = one.sends(seconds).rate
    one.wait_until_read()
    ended = one.served.processor_seconds()
    number = rate * seconds
    return Cost(rate, (ended[0] - began[0]) / number, (ended[1] - began[1]) / number)


def sends_that_match_nothing(slices: int) -> dict[str, list[Cost]]:
    """Measure sends without webhooks and with ten that match nothing, in turns; return what each slice came to."""
    with receiver() as url, town() as one:
        hooks: dict[str, list[Hook]] = {
            NONE: [],
            "sends, ten of strangers": [one.hook(each, url, "*") for each in one.strangers],
            "sends, ten of another event": [one.hook(one.owner, url, "group.deleted") for _ in range(HOOKS)],
            "sends, ten of another conversation": [
                one.hook(one.second, url, "*", conversation_id=one.silent_id) for _ in range(HOOKS)
            ],
        }
        for kind in hooks.values():
            one.set_active(kind, False)
        found: dict[str, list[Cost]] = {name: [] for name in hooks}
        one.sends(SLICE)
        names = list(hooks)
        for number in range(slices):
            # Each kind comes as often after each other one.
            for name in names[number % len(names) :] + names[: number % len(names)]:
                one.set_active(hooks[name], True)
                found[name].append(slice_of_sends(one, SLICE))
                one.set_active(hooks[name], False)
        assert told(url)["count"] == 0, "something was told to somebody"
        return found


def sends_that_match(seconds: int) -> tuple[Cost, Cost, str]:
    """Measure sends without webhooks and such of which each is told to ten, and say how that is worked off."""
    with receiver() as url, town() as one:
        one.sends(SLICE)
        none = slice_of_sends(one, seconds)
        for _ in range(HOOKS):
            one.hook(one.owner, url, "message.created")
        began = one.served.processor_seconds()
        rate = one.sends(seconds).rate
        ended = one.served.processor_seconds()
        number = rate * seconds
        matching = Cost(rate, (ended[0] - began[0]) / number, (ended[1] - began[1]) / number)
        lag = one.metric("parley_webhook_lag_seconds"), one.metric("parley_webhook_lag_events")
        stopped, count = time.monotonic(), told(url)["count"]
        one.wait_until_read()
        read = time.monotonic() - stopped
        while one.left():
            time.sleep(0.2)
        sent = time.monotonic() - stopped
        rest = told(url)["count"] - count
        return (
            none,
            matching,
            (
                f"the log is {lag[1]:.0f} events ({lag[0]:.1f} s) ahead, {count} deliveries have arrived;"
                f" read to its end {read:.1f} s later, and the other {rest} were sent {sent:.1f} s later"
                f" ({rest / sent:.0f}/s)"
            ),
        )


async def _count_waiting(data_dir: Path) -> int:
    dsn = EmbeddedPostgres.running_dsn(data_dir)
    assert dsn is not None, "a server runs there"
    conn = await asyncpg.connect(dsn)
    try:
        return int(await conn.fetchval("SELECT count(*) FROM deliveries WHERE status = 'pending'"))
    finally:
        await conn.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slices", type=int, default=8)
    parser.add_argument("--only", choices=["deliveries", "nothing", "matching"])
    chosen = parser.parse_args()
    os.environ["PARLEY_WEBHOOK_ALLOW_NETWORKS"] = "127.0.0.0/8"
    ratios: dict[str, list[float]] = {}
    for _ in range(chosen.rounds):
        if chosen.only in (None, "deliveries"):
            measure_deliveries(chosen.seconds, ratios)
        if chosen.only in (None, "nothing"):
            measure_sends(chosen.slices, ratios)
        if chosen.only in (None, "matching"):
            none, matching, lag = sends_that_match(chosen.seconds)
            ratios.setdefault(MATCHING, []).append(matching.rate / none.rate)
            print(f"{NONE:34} {none}")
            print(f"{MATCHING:34} {matching}  {matching.rate / none.rate:.3f} of none\n  {lag}")
    for name, values in ratios.items():
        print(f"median: {name:34} {statistics.median(values):.3f}")


def measure_deliveries(seconds: int, ratios: dict[str, list[float]]) -> None:
    """Measure how many are delivered, and how soon."""
    with echo_server() as echo:
        base = measure(echo, ECHO, seconds).rate
    print(f"{'echo':34} {base:9.0f}/s")
    for hooks in (1, HOOKS):
        name = f"deliveries, {hooks} webhook{'s' if hooks > 1 else ''}"
        cost = Cost(*deliveries(hooks))
        ratios.setdefault(name, []).append(cost.rate / base)
        print(f"{name:34} {cost}  {cost.rate / base:.3f} of the echo")
    delay = idle_delay()
    ratios.setdefault("idle, p50 in s", []).append(delay)
    print(f"{'idle, p50':34} {delay * 1000:9.1f} ms")


def measure_sends(slices: int, ratios: dict[str, list[float]]) -> None:
    """Measure what webhooks cost that match nothing."""
    found = sends_that_match_nothing(slices)
    for name, costs in found.items():
        print(f"{name:34} {Cost(*map(statistics.median, zip(*costs, strict=True)))}")
        if name != NONE:
            pairs = zip(costs, found[NONE], strict=True)
            ratios.setdefault(name, []).extend(cost.rate / none.rate for cost, none in pairs)


if __name__ == "__main__":
    main()
