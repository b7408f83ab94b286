"""The listeners of the benches: they would notice a message that is missing, doubled, out of order or not whole."""

import json
import socket
from collections.abc import Iterator, Sequence

import pytest

from bench.listeners import TAIL, Listener, heard_by
from parley.realtime.wire import frame_text

SENT = 1_800_000_000.0


def message(seq: int, frame_type: str = "message") -> bytes:
    data = {"created_at": "2027-01-15T08:00:00.000000Z", "content": "x" * 200}
    frame = {"type": frame_type, "data": data, "cursor": f"c{seq}", "seq": seq}
    return frame_text(json.dumps(frame, separators=(",", ":")).encode())


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    opened = [socket.socket() for _ in range(3)]
    yield opened
    for each in opened:
        each.close()


def listeners(sockets: Sequence[socket.socket], *streams: bytes) -> list[Listener]:
    """Return listeners of which the first keeps all it hears; everything comes half a second after it was sent."""
    crowd = [Listener(sock) for sock in sockets]
    crowd[0].stream = bytearray(streams[0])
    for listener, stream in zip(crowd, [*streams, *streams[:1] * 3], strict=False):
        listener.total, listener.tail = len(stream), stream[-TAIL:]
        listener.arrivals.append(SENT + 0.5)
        listener.counts.append(len(stream))
    return crowd


def test_all_is_well(sockets: list[socket.socket]) -> None:
    """Everybody heard the same three messages, each half a second late."""
    heard = heard_by(listeners(sockets, b"".join(map(message, (7, 8, 9)))), closed=0)
    assert (heard["sockets"], heard["messages"], heard["faults"]) == (3, 3, [])
    assert heard["latencies"] == {"p50": 0.5, "p99": 0.5, "max": 0.5}


@pytest.mark.parametrize(
    "stream",
    [
        message(7) + message(9),
        message(7) + message(7),
        message(8) + message(7),
        message(7) + message(8, "message.updated"),
        message(7) + message(8)[:-1],
    ],
    ids=["missing", "doubled", "out of order", "something else", "half"],
)
def test_what_is_wrong_for_all(sockets: list[socket.socket], stream: bytes) -> None:
    """What is wrong on one socket is found, though all agree."""
    assert heard_by(listeners(sockets, stream), closed=0)["faults"]


@pytest.mark.parametrize("other", [message(7), message(7) + message(9)], ids=["less", "others"])
def test_what_is_wrong_for_one(sockets: list[socket.socket], other: bytes) -> None:
    """Who heard less than the others, or something else of the same length, is noticed."""
    assert heard_by(listeners(sockets, message(7) + message(8), other), closed=0)["faults"]
