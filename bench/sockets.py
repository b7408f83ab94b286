"""What the socket is held to: deliveries, their latency, memory, coming back at once, and what listening costs REST.

    python -m bench.sockets [fan-out] [latency] [memory] [resume] [rest]      all of them take some three minutes

Needs `wrk`. The server with its database and the load share the machine's cores; how much of them the load took is
told. The targets are those of a machine on which a bare echo does 14,700/s: each is scaled by the echo that was
measured beside it. Each socket's bytes are counted, and every frame of a few is looked at (bench/listeners.py).
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID

import psutil

from bench.listeners import Heard
from bench.messages import ECHO, SEND, echo_server, measure
from bench.people import Person, gather, settle, speak
from bench.served import ROOT, Served

# The echo of the machine for which the targets were said.
REFERENCE = 14_700.0
DELIVERIES = 500_000
LATENCY_AT = 20_000
LATENCY_WITHIN = {200: 0.015, 1000: 0.030}
IDLE, IDLE_BYTES = 15_000, 20_000
RESUMING, MISSED, RESUMED_WITHIN = 5_000, 20, 4.0
PAIRS, COST = 32, 0.20
# So many people are in a group at most.
GROUP = 1_000
QUIET = 0.7


def main() -> None:
    """Measure what is asked for, and print it."""
    measurements = {
        "fan-out": fan_out,
        "latency": latency,
        "memory": memory,
        "resume": resume,
        "rest": rest,
    }
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", help=", ".join(measurements))
    parser.add_argument("--seconds", type=int, default=5)
    chosen = parser.parse_args()
    for name in chosen.what or measurements:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as directory, echo_server() as echo:
            measurements[name](Bench(Path(directory), echo, chosen.seconds))


class Bench:
    """Where one measurement takes place."""

    def __init__(self, directory: Path, echo: str, seconds: int) -> None:
        self.directory = directory
        self.seconds = seconds
        self._echo = echo
        self.rate = 0.0

    def measure_echo(self) -> None:
        """See how fast the machine is just now."""
        self.rate = measure(self._echo, ECHO, 2).rate

    @property
    def speed(self) -> float:
        """How many times the reference this machine is."""
        return self.rate / REFERENCE

    def say(self, what: str, value: str, target: str, *, holds: bool | None, more: str = "") -> None:
        """Print a figure beside its target; where there is none it neither holds nor is missed."""
        verdict = {True: "holds", False: "MISSED", None: ""}[holds]
        print(f"{what:34} {value:>22}   {target:34} {verdict:6}  echo {self.rate:6.0f}/s  {more}", flush=True)


# ---- the measurements


def fan_out(bench: Bench) -> None:
    """One group, senders through REST, as fast as it goes."""
    for sockets in (200, 1000):
        with Served(bench.directory / f"{sockets}") as server:
            people = settle(server.data_dir, sockets)
            [group] = asyncio.run(gather(server.data_dir, [people]))
            bench.measure_echo()
            with listening(server, people) as crowd:
                crowd.order({"begin": True})
                with Effort(server, crowd) as effort:
                    sent = measure(
                        server.url, script_of([(person, group) for person in people]), bench.seconds
                    )
                    heard: Heard = crowd.order({"end": QUIET})
            check(heard, sockets, last_seq(server, people[0], group))
            seconds = heard["last"] - heard["first"]
            deliveries = heard["messages"] * sockets
            bench.say(
                f"deliveries, {sockets} sockets",
                f"{deliveries / seconds:.0f}/s",
                f"at least {DELIVERIES * bench.speed:.0f}/s",
                holds=deliveries / seconds >= DELIVERIES * bench.speed,
                more=f"{sent.rate:.0f} sends/s of {heard['bytes'] // heard['messages']} bytes; "
                + effort.said(deliveries),
            )


def latency(bench: Bench) -> None:
    """From the commit's own clock, which stands before the commit, until a client has the whole frame."""
    for sockets, within in LATENCY_WITHIN.items():
        with Served(bench.directory / f"{sockets}") as server:
            people = settle(server.data_dir, sockets)
            [group] = asyncio.run(gather(server.data_dir, [people]))
            bench.measure_echo()
            # A machine that is faster does the same sooner, or more of it in the same time.
            for rate, target in ((LATENCY_AT, within / bench.speed), (LATENCY_AT * bench.speed, within)):
                with listening(server, people) as crowd:
                    every = sockets / rate
                    asyncio.run(send_evenly(server.url, people, group, every, 1))
                    crowd.order({"begin": True})
                    with Effort(server, crowd) as effort:
                        asyncio.run(send_evenly(server.url, people, group, every, bench.seconds))
                        heard: Heard = crowd.order({"end": QUIET})
                check(heard, sockets, None)
                found = heard["latencies"]
                at = heard["messages"] * sockets / (heard["last"] - heard["first"])
                bench.say(
                    f"latency, {sockets} sockets, {at:.0f}/s",
                    f"p99 {found['p99'] * 1000:.1f} ms",
                    f"at most {target * 1000:.1f} ms ({within * 1000:.0f} unscaled)",
                    holds=found["p99"] <= target,
                    more=f"p50 {found['p50'] * 1000:.1f}, max {found['max'] * 1000:.1f} ms; "
                    + effort.said(heard["messages"] * sockets),
                )


def memory(bench: Bench) -> None:
    """What a socket weighs that is somebody's, and hears nothing."""
    with Served(bench.directory) as server:
        everybody = settle(server.data_dir, IDLE + 500)
        early, people = everybody[:500], everybody[500:]
        bench.measure_echo()
        # What the first ones make once for all is not counted.
        with listening(server, early):
            pass
        before = server.resident_bytes
        with listening(server, people) as crowd:
            time.sleep(2)
            each = (server.resident_bytes - before) / IDLE
            heard: Heard = crowd.order({"end": QUIET})
        bench.say(
            f"memory of {heard['sockets']} idle sockets",
            f"{each / 1000:.1f} KB each",
            f"at most {IDLE_BYTES / 1000:.0f} KB",
            holds=each <= IDLE_BYTES and heard["sockets"] == IDLE and not heard["closed"],
            more=f"opened in {crowd.opened['seconds']:.1f} s",
        )


def resume(bench: Bench) -> None:
    """A server starts again, and all come back at once with their cursors."""
    within = "at most {:.2f} s ({:.0f} unscaled)"
    for kind, members, target in (("groups", GROUP, within), ("pairs", 2, "each missed something else")):
        with Served(bench.directory / kind) as server:
            people = settle(server.data_dir, RESUMING)
            circles = [people[start : start + members] for start in range(0, RESUMING, members)]
            ids = asyncio.run(gather(server.data_dir, circles))
            cursor = newest_cursor(server, people[0])
            asyncio.run(speak(server.data_dir, circles, ids, MISSED))
            server.stop()
            bench.measure_echo()
            server.start()
            with Listeners() as crowd, Effort(server, crowd) as effort:
                order = {
                    "url": server.url,
                    "connect": [[person.token, cursor] for person in people],
                    "at_once": len(people),
                    "messages": MISSED,
                }
                opened = crowd.order(order)
            if not opened["least"] == opened["most"] == MISSED:
                raise SystemExit(f"Of {MISSED} messages came {opened}")
            bench.say(
                f"{RESUMING} come back, in {kind}",
                f"{opened['seconds']:.2f} s",
                target.format(RESUMED_WITHIN / bench.speed, RESUMED_WITHIN),
                holds=opened["seconds"] <= RESUMED_WITHIN / bench.speed if target is within else None,
                more=f"µs each: server {effort.server / RESUMING * 1e6:.0f}, "
                f"database {effort.database / RESUMING * 1e6:.0f}, load {effort.load / RESUMING * 1e6:.0f}",
            )


def rest(bench: Bench) -> None:
    """Sends between pairs, alternately with a socket for each of the people and without any."""
    with Served(bench.directory) as server:
        people = settle(server.data_dir, 2 * PAIRS)
        circles = [people[start : start + 2] for start in range(0, 2 * PAIRS, 2)]
        ids = asyncio.run(gather(server.data_dir, circles))
        turns = [(person, group) for circle, group in zip(circles, ids, strict=True) for person in circle]
        script, costs = script_of(turns), []
        seconds = max(2, bench.seconds - 2)
        measure(server.url, script, 2)
        for _ in range(3):
            bench.measure_echo()
            with Effort(server) as without:
                alone = measure(server.url, script, seconds).rate
            with listening(server, people) as crowd:
                crowd.order({"drain": True})
                with Effort(server, crowd) as effort:
                    together = measure(server.url, script, seconds).rate
                if (left := crowd.order({"end": QUIET})["sockets"]) != len(people):
                    raise SystemExit(f"Of {len(people)} sockets {left} are left")
            costs.append(1 - together / alone)
            print(
                f"    {alone:.0f} sends/s without sockets, {together:.0f} with: {costs[-1]:.0%} less; server µs each "
                f"{without.server / alone / seconds * 1e6:.0f} and {effort.server / together / seconds * 1e6:.0f}"
                f"; load {effort.share:.0%} of the cores; echo {bench.rate:.0f}/s"
            )
        cost = statistics.median(costs)
        bench.say(
            "cost of listening to REST", f"{cost:.1%} of the sends", f"at most {COST:.0%}", holds=cost <= COST
        )


# ---- who speaks


def script_of(turns: Sequence[tuple[Person, UUID]]) -> str:
    """Return what makes `wrk` send, in turn, as each of these people into their conversation."""
    rows = ", ".join(f'{{"{person.token}", "{conversation_id}"}}' for person, conversation_id in turns)
    return SEND % {"people": rows, "keyed": "false", "run": ""}


async def send_evenly(
    url: str, people: Sequence[Person], conversation_id: UUID, every: float, seconds: float
) -> None:
    """Send a message each so many seconds, whether or not those before it are answered."""
    requests = [request_of(url, person, conversation_id) for person in people[:50]]
    address = urlsplit(url)
    idle = [await asyncio.open_connection(address.hostname, address.port) for _ in range(64)]

    async def send(number: int) -> None:
        reader, writer = connection = idle.pop()
        writer.write(requests[number % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 201 "), head
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        idle.append(connection)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as sends:
        for number in range(int(seconds / every)):
            await asyncio.sleep(max(0, began + number * every - time.perf_counter()))
            sends.create_task(send(number))
    for _, writer in idle:
        writer.close()


def request_of(url: str, person: Person, conversation_id: UUID) -> bytes:
    """Return the request that sends a message."""
    body = json.dumps({"conversation_id": str(conversation_id), "type": "text", "content": "Hello, world!"})
    return (
        f"POST /v1/messages HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nAuthorization: Bearer {person.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


# ---- what the server says of itself


def newest_cursor(server: Served, person: Person) -> str:
    """Return the cursor of the end of the log."""
    return ask(server, person, "/v1/events")[1]["next_cursor"]  # type: ignore[no-any-return]  # JSON


def last_seq(server: Served, person: Person, conversation_id: UUID) -> int:
    """Return how many messages a conversation has, by what the server says over REST."""
    headers, _ = ask(server, person, f"/v1/messages?limit=1&conversation_id={conversation_id}")
    return int(headers["X-Pagination-Total"])


def ask(server: Served, person: Person, path: str) -> tuple[Any, Any]:
    """Return the headers and the body of an answer."""
    request = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {person.token}"})
    with urllib.request.urlopen(request) as answer:
        return answer.headers, json.load(answer)


# ---- who listens


class Listeners:
    """A crowd in a process of its own."""

    def __init__(self) -> None:
        self.opened: dict[str, Any] = {}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.listeners"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def order(self, order: dict[str, Any]) -> Any:
        """Give an order and return the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("the listeners failed")
        return json.loads(answer)


@contextmanager
def listening(server: Served, people: Sequence[Person]) -> Iterator[Listeners]:
    """Let each of these people have a socket."""
    with Listeners() as crowd:
        callers = [[person.token, None] for person in people]
        crowd.opened = crowd.order({"url": server.url, "connect": callers, "at_once": 200})
        yield crowd


class Effort:
    """What the length of a `with` block took: the server, its database, and the load beside them."""

    def __init__(self, server: Served, crowd: Listeners | None = None) -> None:
        self._server = server
        self._crowd = None if crowd is None else psutil.Process(crowd.process.pid)

    def __enter__(self) -> Self:
        self._began = self._now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        now = self._now()
        self.seconds, self.server, self.database, self.load = (
            after - before for after, before in zip(now, self._began, strict=True)
        )

    @property
    def share(self) -> float:
        """The part of the machine's cores that the load took."""
        return self.load / self.seconds / (os.cpu_count() or 1)

    def said(self, deliveries: int) -> str:
        """Say it for each of a thousand deliveries."""
        each = 1e6 / (deliveries / 1000)
        return (
            f"µs per 1000: server {self.server * each:.0f}, database {self.database * each:.0f}, "
            f"load {self.load * each:.0f} ({self.share:.0%} of the cores)"
        )

    def _now(self) -> tuple[float, float, float, float]:
        others = resource.getrusage(resource.RUSAGE_CHILDREN)
        load = others.ru_utime + others.ru_stime
        for process in (psutil.Process(), self._crowd):
            if process is not None:
                times = process.cpu_times()
                load += times.user + times.system
        return time.perf_counter(), *self._server.processor_seconds(), load


def check(heard: Heard, sockets: int, messages: int | None) -> None:
    """Fail where anybody missed anything, or heard it twice."""
    if heard["faults"] or heard["sockets"] != sockets or messages not in (None, heard["messages"]):
        raise SystemExit(f"{messages} messages were sent to {sockets} sockets: {heard}")


if __name__ == "__main__":
    main()
