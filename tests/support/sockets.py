"""A client of the socket for tests: a stock one, which remembers what it heard.

Frames need no check here: every server of a test checks all that passes through its sockets, whoever the client is
(`parley.contract.frames_seen`), and the plugin `answers` fails the run for what is not as documented.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from people import Person

PATIENCE = 20.0


class Client:
    """One socket. `cursor` is that of the last thing that had one, as a client is to keep it."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []
        self.cursor: str | None = None

    def next(self, patience: float = PATIENCE) -> dict[str, Any]:
        """Wait for the next frame."""
        frame: dict[str, Any] = json.loads(self.socket.recv(timeout=patience))
        self.frames.append(frame)
        if frame["type"] in ("ready", "resync"):
            self.cursor = frame["data"]["cursor"]
        self.cursor = frame.get("cursor", self.cursor)
        return frame

    def until(self, frame_type: str, **data: Any) -> dict[str, Any]:
        """Wait for a frame of a type with these values in its data; what comes before it is kept in `frames`."""
        while True:
            frame = self.next()
            if frame["type"] == frame_type and all(frame["data"].get(name) == data[name] for name in data):
                return frame

    def say(self, frame_type: str, **data: Any) -> None:
        """Send a frame."""
        self.socket.send(json.dumps({"type": frame_type, "data": data}))

    def ended(self) -> int:
        """Wait for the end, and return its code; 1006 where there was none."""
        try:
            while True:
                self.next()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else 1006

    def heard(self, frame_type: str) -> list[dict[str, Any]]:
        """Return the frames of a type that came until now."""
        return [frame for frame in self.frames if frame["type"] == frame_type]


def address(person: Person) -> str:
    """Return where the sockets of a person's server are."""
    return str(person.http.base_url).replace("http", "ws", 1).rstrip("/") + "/ws"


@contextmanager
def opened(url: str, **options: Any) -> Iterator[Client]:
    """Open a socket, and say nothing on it."""
    with connect(url, proxy=None, close_timeout=5, max_size=None, **options) as socket:
        yield Client(socket)


@contextmanager
def listening(person: Person, cursor: str | None = None) -> Iterator[Client]:
    """Open a person's socket, and wait until the server knows them."""
    resuming = "" if cursor is None else f"&cursor={cursor}"
    with opened(f"{address(person)}?token={person.tokens['access_token']}{resuming}") as client:
        client.until("ready")
        yield client
