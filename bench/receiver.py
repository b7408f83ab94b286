"""A receiver of webhooks that answers at once, and tells what it got: GET / is a JSON object.

    python bench/receiver.py PORT

`count` is how many came, `first` and `last` are when, in seconds; `delays` are the seconds from the event until its
arrival, of the newest thousand.
"""

import asyncio
import json
import re
import sys
import time
from collections import deque
from datetime import datetime
from typing import cast

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
TIMESTAMP = re.compile(rb'"timestamp":"([^"]+)"}?')


class Tally:
    """What came so far."""

    def __init__(self) -> None:
        self.count = 0
        self.first = self.last = 0.0
        self.arrivals: deque[tuple[float, bytes]] = deque(maxlen=1000)

    def add(self, body: bytes) -> None:
        self.last = time.time()
        if not self.count:
            self.first = self.last
        self.count += 1
        self.arrivals.append((self.last, body))

    def told(self) -> bytes:
        delays = []
        for at, body in self.arrivals:
            stamps = TIMESTAMP.findall(body)
            if stamps:
                delays.append(at - datetime.fromisoformat(stamps[-1].decode()).timestamp())
        value = {"count": self.count, "first": self.first, "last": self.last, "delays": delays}
        return json.dumps(value).encode()


class Receiver(asyncio.Protocol):
    """One connection. Requests come one after the other, each with a length."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # That of uvloop is none of asyncio's by its class.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = LENGTH.search(head)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < size:
                return
            body, self._buffer = self._buffer[end + 4 : size], self._buffer[size:]
            if head.startswith(b"GET"):
                told = self._tally.told()
                self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(told), told))
            else:
                self._tally.add(body)
                self._transport.write(ANSWER)


async def main(port: int) -> None:
    """Listen until it is stopped."""
    tally = Tally()
    server = await asyncio.get_running_loop().create_server(lambda: Receiver(tally), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1])))
