"""A crowd that listens, as a program of its own: cheap, so that most of the machine is left to what is measured.

    python -m bench.listeners      takes orders as lines of JSON on its input, and answers each with a line

- `{"connect": [[token, cursor], …], "url": …, "at_once": n}` opens so many sockets, n of them at a time, and answers
  when each was told `ready`; with `"messages": m` when each has besides got so many messages.
- `{"begin": true}` forgets what came so far; from here on bytes are only counted, and those of a few kept.
- `{"drain": true}` reads whatever comes from here on, as cheaply as can be, and looks at nothing.
- `{"end": quiet}` answers, when nothing has come for so many seconds, with what was heard.

Everybody in one group hears the very same bytes. So it is enough to keep when how many came on each socket, and to
look at every frame of a few: what is right in those, and as many bytes on all others, is right there too.
"""

import base64
import json
import os
import resource
import select
import socket
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypedDict
from urllib.parse import urlsplit

BUFFER = 1024 * 1024
# How many sockets are looked at frame by frame, and from how many of its last bytes one knows the others' end.
SAMPLES = 4
TAIL = 2048
REQUEST = (
    "GET /ws?{query} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
)
MASK = bytes(4)
_MESSAGE = b'{"type":"message",'
_READY = b'{"type":"ready",'


class Heard(TypedDict):
    """What a crowd heard since `begin`; seconds of latency are from the commit's clock to the reading."""

    sockets: int
    closed: int
    messages: int
    bytes: int
    # Unix time of the first and the last reading.
    first: float
    last: float
    faults: list[str]
    latencies: dict[str, float]
    processor_seconds: float


def main() -> None:
    """Do what is ordered until the input ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    assert soft <= hard
    Crowd().run()


class Listener:
    """One socket."""

    __slots__ = (
        "arrivals",
        "counts",
        "fd",
        "is_ready",
        "messages",
        "read",
        "rest",
        "send",
        "sizes",
        "sock",
        "stream",
        "tail",
        "total",
        "upgraded",
    )

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.send = sock.send
        self.read: Callable[[], None]
        self.upgraded = self.is_ready = False
        self.rest = b""
        self.messages = 0
        # Since `begin`: how many bytes, when how many of them were there, the last of them or (a sample) all.
        self.total = 0
        self.arrivals = array("d")
        self.counts = array("q")
        self.tail = b""
        self.stream: bytearray | None = None


class Crowd:
    """All listeners."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._listeners: dict[int, Listener] = {}
        self._opening: dict[int, bytes] = {}
        self._buffer = memoryview(bytearray(BUFFER))
        self._url = urlsplit("")
        # Who is still to be connected, the last one first; and whose sockets lack something.
        self._callers: list[tuple[str, str | None]] = []
        self._missing: set[int] = set()
        self._wanted = 0
        self._since = 0.0
        self._last = 0.0
        self._closed = 0
        self._quiet: float | None = None

    def run(self) -> None:
        """Read orders and sockets."""
        orders = sys.stdin.fileno()
        self._epoll.register(orders, select.EPOLLIN)
        lines = _lines(orders)
        while True:
            for fd, events in self._epoll.poll(0.05 if self._quiet is not None else -1, 1024):
                if fd == orders:
                    order = next(lines, None)
                    if order is None:
                        return
                    self._obey(json.loads(order))
                elif events & select.EPOLLOUT and fd in self._opening:
                    self._ask(fd)
                else:
                    self._listeners[fd].read()
            if self._quiet is not None and time.time() - self._last > self._quiet:
                self._quiet = None
                _answer(heard_by(list(self._listeners.values()), self._closed))

    # ---- orders

    def _obey(self, order: dict[str, Any]) -> None:
        if "connect" in order:
            self._url = urlsplit(order["url"])
            self._wanted = order.get("messages", 0)
            self._since = time.time()
            self._callers = order["connect"][::-1]
            for _ in range(min(order["at_once"], len(self._callers))):
                self._connect(*self._callers.pop())
        elif "begin" in order:
            self._begin()
        elif "drain" in order:
            for listener in self._listeners.values():
                listener.read = self._drainer(listener)
            _answer({"draining": len(self._listeners)})
        else:
            self._last = time.time()
            self._quiet = order["end"]

    def _connect(self, token: str, cursor: str | None) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((self._url.hostname, self._url.port))
        query = f"token={token}" + ("" if cursor is None else f"&cursor={cursor}")
        key = base64.b64encode(os.urandom(16)).decode()
        listener = Listener(sock)
        listener.read = self._reader(listener, self._walk)
        self._listeners[listener.fd] = listener
        self._opening[listener.fd] = REQUEST.format(query=query, host=self._url.netloc, key=key).encode()
        self._missing.add(listener.fd)
        self._epoll.register(listener.fd, select.EPOLLOUT)

    def _ask(self, fd: int) -> None:
        request = self._opening.pop(fd)
        self._epoll.modify(fd, select.EPOLLIN)
        # The buffer of a new socket takes a request whole; a failed connection says so here.
        sent = self._listeners[fd].send(request)
        assert sent == len(request), sent

    def _begin(self) -> None:
        step = max(1, len(self._listeners) // SAMPLES)
        for number, listener in enumerate(self._listeners.values()):
            listener.total = 0
            listener.arrivals, listener.counts = array("d"), array("q")
            listener.stream = bytearray() if number % step == 0 else None
            listener.read = self._reader(listener, self._count)
        _answer({"begun": len(self._listeners)})

    # ---- reading

    def _reader(self, listener: Listener, take: Callable[[Listener, int], None]) -> Callable[[], None]:
        """Return what reads a socket that has something to read."""
        receive, buffer = listener.sock.recv_into, self._buffer

        def read() -> None:
            try:
                size = receive(buffer)
            except ConnectionError:
                size = 0
            if size:
                take(listener, size)
            else:
                self._close(listener)

        return read

    def _drainer(self, listener: Listener) -> Callable[[], None]:
        """Return what reads a socket and forgets it."""
        receive, buffer = listener.sock.recv_into, self._buffer

        def read() -> None:
            if not receive(buffer):
                self._close(listener)

        return read

    def _count(self, listener: Listener, size: int) -> None:
        self._last = now = time.time()
        listener.total += size
        listener.arrivals.append(now)
        listener.counts.append(listener.total)
        if listener.stream is not None:
            listener.stream += self._buffer[:size]
        elif size >= TAIL:
            listener.tail = bytes(self._buffer[size - TAIL : size])
        else:
            listener.tail = (listener.tail + bytes(self._buffer[:size]))[-TAIL:]

    def _walk(self, listener: Listener, size: int) -> None:
        """Look at every frame: answer pings, and count what is asked for."""
        data = listener.rest + bytes(self._buffer[:size])
        if not listener.upgraded:
            head, separator, data = data.partition(b"\r\n\r\n")
            if not separator:
                listener.rest = head
                return
            assert head.startswith(b"HTTP/1.1 101 "), head[:200]
            listener.upgraded = True
        end = 0
        for first, start, end in _frames(data):
            if first == 0x89:
                payload = data[start:end]
                listener.send(bytes((0x8A, 0x80 | len(payload))) + MASK + payload)
            elif first == 0x88:
                raise SystemExit(f"A socket was closed: {data[start:end]!r}")
            elif data.startswith(_MESSAGE, start):
                listener.messages += 1
            elif data.startswith(_READY, start):
                listener.is_ready = True
        listener.rest = data[end:]
        if listener.is_ready and listener.messages >= self._wanted and listener.fd in self._missing:
            self._missing.discard(listener.fd)
            if self._callers:
                self._connect(*self._callers.pop())
            elif not self._missing:
                seconds = time.time() - self._since
                messages = [other.messages for other in self._listeners.values()]
                _answer(
                    {
                        "seconds": seconds,
                        "least": min(messages),
                        "most": max(messages),
                        "processor_seconds": _effort(),
                    }
                )

    def _close(self, listener: Listener) -> None:
        self._closed += 1
        self._epoll.unregister(listener.fd)
        del self._listeners[listener.fd]
        listener.sock.close()
        if listener.fd in self._missing:
            raise SystemExit("A socket was closed before it was ready")


def heard_by(listeners: Sequence[Listener], closed: int) -> Heard:
    """Return what all of them heard since `begin`, and what is wrong with it."""
    samples = (listener.stream for listener in listeners if listener.stream is not None)
    reference = bytes(next(samples, b""))
    ends, commits, faults = _checked(reference)
    for listener in listeners:
        if listener.stream is None:
            same = listener.total == len(reference) and reference.endswith(listener.tail)
        else:
            same = listener.stream == reference
        if not same:
            faults.append(f"A socket heard {listener.total} bytes and another {len(reference)}, or others")
    times = [listener.arrivals for listener in listeners if listener.arrivals]
    seconds = sorted(_delays(listeners, ends, commits))
    return Heard(
        sockets=len(listeners),
        closed=closed,
        messages=len(ends),
        bytes=len(reference),
        first=min((arrivals[0] for arrivals in times), default=0.0),
        last=max((arrivals[-1] for arrivals in times), default=0.0),
        faults=faults[:5],
        latencies={
            name: seconds[min(len(seconds) - 1, int(len(seconds) * share))]
            for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
            if seconds
        },
        processor_seconds=_effort(),
    )


def _checked(stream: bytes) -> tuple[list[int], list[float], list[str]]:
    """Return where each message of a stream ends, when it was committed, and what is wrong with them."""
    ends, commits, faults = [], [], []
    seq = None
    for first, start, end in _frames(stream):
        if first != 0x81 or not stream.startswith(_MESSAGE, start):
            faults.append(f"There is something else than messages: {stream[start : start + 40]!r}")
            continue
        frame = json.loads(stream[start:end])
        if seq is not None and frame["seq"] != seq + 1:
            faults.append(f"After {seq} comes {frame['seq']}")
        seq = frame["seq"]
        ends.append(end)
        commits.append(datetime.fromisoformat(frame["data"]["created_at"]).timestamp())
    if ends and ends[-1] != len(stream):
        faults.append("The last message is not whole")
    return ends, commits, faults


def _delays(listeners: Sequence[Listener], ends: Sequence[int], commits: Sequence[float]) -> Iterator[float]:
    """Yield for each message on each socket the seconds from its commit until its last byte was read."""
    # A run at full speed has too many to be of interest.
    if len(listeners) * len(ends) > 3_000_000:
        return
    for listener in listeners:
        number = 0
        for now, count in zip(listener.arrivals, listener.counts, strict=True):
            while number < len(ends) and ends[number] <= count:
                yield now - commits[number]
                number += 1


def _frames(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the first byte of each whole frame of a server, and where its payload begins and ends."""
    at, have = 0, len(data)
    while at + 2 <= have:
        size, start = data[at + 1], at + 2
        if size > 125:
            width = 2 if size == 126 else 8
            size, start = int.from_bytes(data[start : start + width]), start + width
        if start + size > have:
            return
        yield data[at], start, start + size
        at = start + size


def _effort() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _lines(fd: int) -> Iterator[bytes]:
    """Yield whole lines; a line may be larger than what comes at once."""
    rest = b""
    while piece := os.read(fd, 1 << 20):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole


def _answer(what: Any) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
