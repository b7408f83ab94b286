"""What a socket writes, and when: kept for a moment, or at once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from parley.realtime.handshake import Handshake, Request
from parley.realtime.socket import Socket, SocketOptions
from parley.realtime.wire import CloseCode, frame_close, frame_text
from websocket_wire import closing

pytestmark = pytest.mark.anyio

ANSWER = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
ONE, TWO = frame_text(b"one"), frame_text(b"two")


@dataclass
class Network:
    """The transport, and what arrived by it, write by write."""

    arrived: list[bytes] = field(default_factory=list)
    is_aborted: bool = False

    def write(self, data: bytes) -> None:
        self.arrived.append(data)

    def close(self) -> None:
        pass

    def abort(self) -> None:
        self.is_aborted = True


@dataclass
class Person:
    """A listener that does one thing when it is opened."""

    begin: Callable[[Socket], None]
    code: int | None = None

    def opened(self, socket: Socket) -> None:
        self.begin(socket)

    def text(self, text: str) -> None:
        raise AssertionError(text)

    def pong(self, payload: bytes) -> None:
        raise AssertionError(payload)

    def closed(self, code: int) -> None:
        self.code = code


def opened(begin: Callable[[Socket], None]) -> tuple[Socket, Network]:
    network = Network()
    handshake = Handshake(Request("/ws", {}, {}, "127.0.0.1"), (), 0)
    socket = Socket(cast(Any, network), handshake, Person(begin), SocketOptions(), set())
    socket.open(ANSWER, b"")
    return socket, network


async def test_the_answer_goes_out_at_once() -> None:
    """So does whatever else is written, and what is said from the beginning goes with the answer."""
    socket, network = opened(lambda socket: socket.write(ONE))
    assert network.arrived == [ANSWER + ONE]
    socket.write(TWO)
    assert network.arrived == [ANSWER + ONE, TWO]


async def test_what_is_held_is_one_write() -> None:
    """Whoever holds from the beginning has the answer to the handshake wait too, for as long as they like."""
    socket, network = opened(Socket.hold)
    socket.write(ONE)
    socket.hold()
    socket.write_text(b"two")
    assert network.arrived == []
    socket.release()
    socket.release()
    assert network.arrived == [ANSWER + ONE + TWO]
    socket.write(ONE)
    socket.hold()
    socket.release()
    socket.write(TWO)
    assert network.arrived[1:] == [ONE, TWO]


async def test_waiting_for_the_peer_ends_the_holding() -> None:
    """What is waited for has to be on its way."""
    socket, network = opened(Socket.hold)
    socket.write(ONE)
    await asyncio.wait_for(socket.drained(), 1)
    assert network.arrived == [ANSWER + ONE]


@pytest.mark.parametrize("begin", [Socket.hold, lambda socket: None], ids=["held", "not held"])
async def test_closing_ends_the_holding(begin: Callable[[Socket], None]) -> None:
    """Nobody is closed without the answer to their handshake; and nothing is said after that."""
    socket, network = opened(begin)
    socket.close(CloseCode.GOING_AWAY)
    socket.write(ONE)
    socket.hold()
    socket.write(TWO)
    socket.release()
    assert b"".join(network.arrived) == ANSWER + frame_close(CloseCode.GOING_AWAY)
    socket.connection_lost(None)


async def test_closing_while_it_opens() -> None:
    """A listener may refuse at once."""
    socket, network = opened(lambda socket: socket.close(CloseCode.INTERNAL_ERROR))
    assert network.arrived == [ANSWER + frame_close(CloseCode.INTERNAL_ERROR)]
    socket.write(ONE)
    assert len(network.arrived) == 1
    socket.connection_lost(None)


async def test_the_peer_closes_while_it_is_held() -> None:
    """The answer to its close comes after everything else."""
    socket, network = opened(Socket.hold)
    socket.write(ONE)
    socket.data_received(closing(1000))
    assert network.arrived == [ANSWER + ONE + frame_close(1000)]
    socket.connection_lost(None)


@pytest.mark.parametrize("end", [Socket.abort, lambda socket: socket.connection_lost(None)])
async def test_what_is_held_when_the_connection_ends(end: Callable[[Socket], None]) -> None:
    """It goes nowhere."""
    socket, network = opened(Socket.hold)
    socket.write(ONE)
    end(socket)
    socket.release()
    assert network.arrived == []
