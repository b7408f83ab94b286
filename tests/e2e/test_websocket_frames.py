"""RFC 6455 by hand, against a real server: what goes in, what comes out, and with which code it ends."""

import asyncio
import gc
import io
import json
import logging
import socket as sockets_of_the_system
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest
import structlog
import websockets
from uvicorn.logging import TRACE_LOG_LEVEL

import tools
from generated.frames import CloseCode
from parley import logs
from parley.realtime.socket import Request, Socket, SocketOptions, frame_text
from websocket_wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    KEY,
    PING,
    PONG,
    RSV1,
    RSV2,
    RSV3,
    TEXT,
    Echo,
    Frame,
    Heard,
    SocketServer,
    closing,
    handshake,
    masked,
    socket_server,
    with_length,
)

LIMIT = 1000
FACE = "\N{GRINNING FACE}".encode()


@pytest.fixture(scope="module")
def small() -> Iterator[SocketServer]:
    """A server whose messages are small."""
    with socket_server(max_message_bytes=LIMIT) as server:
        yield server


@pytest.fixture
def server(small: SocketServer) -> SocketServer:
    """The same, with nothing heard yet."""
    small.heard = Heard()
    return small


# ---- messages

MESSAGES = {
    "nothing": ([masked(TEXT)], ""),
    "a word": ([masked(TEXT, b"Hello")], "Hello"),
    "a mask of zeros": ([masked(TEXT, b"Hello", mask=b"\0\0\0\0")], "Hello"),
    "other letters": ([masked(TEXT, "Grüße, 世界 😀".encode())], "Grüße, 世界 😀"),
    "U+0000 and non-characters": ([masked(TEXT, "\0\ufffe\U0010ffff".encode())], "\0\ufffe\U0010ffff"),
    "125 bytes": ([masked(TEXT, b"a" * 125)], "a" * 125),
    "126 bytes": ([masked(TEXT, b"a" * 126)], "a" * 126),
    "the largest": ([masked(TEXT, b"a" * LIMIT)], "a" * LIMIT),
    "fragments": (
        [masked(TEXT, b"He", bits=0), masked(CONTINUATION, b"ll", bits=0), masked(CONTINUATION, b"o")],
        "Hello",
    ),
    "fragments of nothing": (
        [
            masked(TEXT, bits=0),
            masked(CONTINUATION, bits=0),
            masked(CONTINUATION, b"x"),
        ],
        "x",
    ),
    "nothing in fragments": ([masked(TEXT, bits=0), masked(CONTINUATION)], ""),
    "a letter over two fragments": (
        [masked(TEXT, FACE[:2], bits=0), masked(CONTINUATION, FACE[2:])],
        FACE.decode(),
    ),
    "the largest in fragments": (
        [masked(TEXT, b"a" * 600, bits=0), masked(CONTINUATION, b"a" * 400)],
        "a" * LIMIT,
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_messages_arrive_whole(server: SocketServer, case: str) -> None:
    frames, text = MESSAGES[case]
    with server.connect() as client:
        client.send(*frames)
        assert client.frame() == Frame(FIN | TEXT, text.encode())


@pytest.mark.parametrize("case", MESSAGES)
def test_messages_arrive_byte_by_byte(server: SocketServer, case: str) -> None:
    frames, text = MESSAGES[case]
    with server.connect() as client:
        for byte in b"".join(frames):
            client.send(bytes((byte,)))
        assert client.frame() == Frame(FIN | TEXT, text.encode())


def test_many_messages_in_one_packet(server: SocketServer) -> None:
    with server.connect() as client:
        client.send(*(masked(TEXT, b"%d" % number) for number in range(300)))
        assert [client.frame().payload for _ in range(300)] == [b"%d" % number for number in range(300)]


def test_large_messages_both_ways() -> None:
    text = b"a" * 70_000
    with socket_server(max_message_bytes=100_000) as server, server.connect() as client:
        client.send(masked(TEXT, text))
        assert client.frame() == Frame(FIN | TEXT, text)


# ---- control frames


def test_a_ping_is_echoed(server: SocketServer) -> None:
    with server.connect() as client:
        client.send(masked(PING), masked(PING, b"x" * 125))
        assert client.frame() == Frame(FIN | PONG, b"")
        assert client.frame() == Frame(FIN | PONG, b"x" * 125)


def test_a_ping_between_fragments_is_answered_first(server: SocketServer) -> None:
    with server.connect() as client:
        client.send(masked(TEXT, b"Hel", bits=0), masked(PING, b"now"))
        assert client.frame() == Frame(FIN | PONG, b"now")
        client.send(masked(PONG), masked(CONTINUATION, b"lo"))
        assert client.frame() == Frame(FIN | TEXT, b"Hello")


def test_pongs_are_heard(server: SocketServer) -> None:
    with server.connect() as client:
        server.in_loop(lambda listener: listener.socket.ping(b"still there?"))
        assert client.frame() == Frame(FIN | PING, b"still there?")
        client.send(masked(PONG, b"still there?"), masked(PONG))
        assert server.heard.next() == ("pong", b"still there?")
        assert server.heard.next() == ("pong", b"")


def test_joined_frames_go_out_as_they_are(server: SocketServer) -> None:
    joined = frame_text(b"one") + frame_text(b"two" * 50) + frame_text(b"")
    with server.connect() as client:
        server.in_loop(lambda listener: listener.socket.write(joined))
        assert [client.frame().payload for _ in range(3)] == [b"one", b"two" * 50, b""]


# ---- what breaks the protocol

SPLIT_FACE = [masked(TEXT, FACE[:2], bits=0), masked(CONTINUATION, b"x")]
VIOLATIONS = {
    "the first reserved bit": ([masked(TEXT, b"x", bits=FIN | RSV1)], 1002),
    "the second reserved bit": ([masked(TEXT, b"x", bits=FIN | RSV2)], 1002),
    "the third reserved bit": ([masked(PING, b"x", bits=FIN | RSV3)], 1002),
    "a reserved bit in a continuation": (
        [masked(TEXT, b"x", bits=0), masked(CONTINUATION, b"x", bits=FIN | RSV1)],
        1002,
    ),
    **{f"opcode {opcode:#x}": ([masked(opcode, b"x")], 1002) for opcode in (*range(3, 8), *range(0xB, 0x10))},
    "no mask": ([masked(TEXT, b"x", mask=None)], 1002),
    "no mask on a ping": ([masked(PING, mask=None)], 1002),
    "a ping in fragments": ([masked(PING, b"x", bits=0)], 1002),
    "a pong in fragments": ([masked(PONG, b"x", bits=0)], 1002),
    "a close frame in fragments": ([masked(CLOSE, b"\x03\xe8", bits=0)], 1002),
    "a ping of 126 bytes": ([masked(PING, b"x" * 126)], 1002),
    "a ping of 126 bytes, by its head": ([masked(PING, b"x" * 126)[:2]], 1002),
    "a close frame of 126 bytes": ([closing(1000, b"x" * 124)], 1002),
    "a continuation of nothing": ([masked(CONTINUATION, b"x")], 1002),
    "a continuation of what is whole": ([masked(TEXT, b"x"), masked(CONTINUATION, b"x")], 1002),
    "a message within another": ([masked(TEXT, b"x", bits=0), masked(TEXT, b"x")], 1002),
    "bytes within a message": ([masked(TEXT, b"x", bits=0), masked(BINARY, b"x")], 1002),
    "a length in two bytes that fits in one": ([with_length(TEXT, 126, b"\0\x7d", b"x" * 125)], 1002),
    "a length in eight bytes that fits in two": (
        [with_length(TEXT, 127, (200).to_bytes(8), b"x" * 200)],
        1002,
    ),
    "a length with its highest bit": ([with_length(TEXT, 127, b"\xff" * 8, b"")], 1002),
    "bytes": ([masked(BINARY, b"x")], 1003),
    "bytes in fragments": ([masked(BINARY, b"x", bits=0)], 1003),
    "Latin-1": ([masked(TEXT, "Grüße".encode("latin-1"))], 1007),
    "half a letter": ([masked(TEXT, FACE[:3])], 1007),
    "half a letter over fragments": (SPLIT_FACE, 1007),
    "a surrogate": ([masked(TEXT, b"\xed\xa0\x80")], 1007),
    "an overlong letter": ([masked(TEXT, b"\xc0\xaf")], 1007),
    "beyond Unicode": ([masked(TEXT, b"\xf4\x90\x80\x80")], 1007),
    "a byte too many": ([masked(TEXT, b"a" * (LIMIT + 1))], 1009),
    "a byte too many, by its head": ([masked(TEXT, b"a" * (LIMIT + 1))[:4]], 1009),
    "a byte too many in fragments": (
        [masked(TEXT, b"a" * LIMIT, bits=0), masked(CONTINUATION, b"a", bits=0)],
        1009,
    ),
    "an exabyte": ([with_length(TEXT, 127, (2**62).to_bytes(8), b"")], 1009),
    "half a code": ([masked(CLOSE, b"\x03")], 1002),
    "bytes that are no reason": ([closing(1000, b"\xff")], 1007),
    **{
        f"the code {code}": ([closing(code)], 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    },
}


@pytest.mark.parametrize("case", VIOLATIONS)
def test_violations_get_their_code(server: SocketServer, case: str) -> None:
    frames, code = VIOLATIONS[case]
    with server.connect() as client:
        client.send(*frames)
        while (frame := client.frame()).opcode != CLOSE:
            assert frame == Frame(FIN | TEXT, b"x")
        assert frame.code == code
        assert frame.payload[2:].decode()
        assert client.ended()
    while (heard := server.heard.next()) == ("text", "x"):
        continue
    assert heard == ("closed", code)


def test_what_was_right_before_is_heard(server: SocketServer) -> None:
    with server.connect() as client:
        client.send(masked(TEXT, b"right"), masked(PING, b"?"), masked(3), masked(TEXT, b"dropped"))
        assert client.frame() == Frame(FIN | TEXT, b"right")
        assert client.frame() == Frame(FIN | PONG, b"?")
        assert client.frame().code == 1002
        client.send(masked(TEXT, b"dropped too"), closing(1000))
        assert client.ended()
    assert [server.heard.next(), server.heard.next()] == [("text", "right"), ("closed", 1002)]
    assert server.heard.silent()


def test_whoever_keeps_sending_reads_why_it_ended(server: SocketServer) -> None:
    """Were the connection closed while bytes are on their way, the reset would take our frame with it."""
    with server.connect() as client:
        client.send(masked(TEXT, b"x", mask=None))
        for _ in range(50):
            client.send(masked(TEXT, b"a" * LIMIT) * 100)
        assert client.frame().code == 1002


def test_a_flood_of_control_frames_ends() -> None:
    with socket_server(max_extra_frames=100, too_many_frames_code=4008) as server, server.connect() as client:
        client.send(masked(PING) * 101)
        while (frame := client.frame()).opcode == PONG:
            continue
        assert frame.code == 4008
        client.send(closing(4008))
        assert client.ended()


def test_extras_within_the_limit_are_no_flood() -> None:
    """They are counted by the minute, so that a long life is none either."""

    def a_minute_later(listener: Echo) -> None:
        assert listener.socket is not None
        assert listener.socket.extras == 100
        listener.socket._since -= 60.0
        listener.socket.ping(b"go on")

    with socket_server(max_extra_frames=100) as server, server.connect() as client:
        for _ in range(2):
            client.send(masked(PING) * 100)
            assert [client.frame().opcode for _ in range(100)] == [PONG] * 100
            server.in_loop(a_minute_later)
            assert client.frame().payload == b"go on"


def test_a_flood_of_empty_fragments_ends() -> None:
    with socket_server(max_extra_frames=100, too_many_frames_code=4008) as server, server.connect() as client:
        client.send(masked(TEXT, bits=0), masked(CONTINUATION, bits=0) * 100)
        assert client.frame().code == 4008


# ---- closing

CLOSINGS = {
    "a code": (closing(1000), b"\x03\xe8", 1000),
    "a code and a reason": (closing(1001, "schön".encode()), b"\x03\xe9", 1001),
    "nothing": (masked(CLOSE), b"", 1005),
    "the longest reason": (closing(1000, b"x" * 123), b"\x03\xe8", 1000),
    **{
        f"{code}": (closing(code), code.to_bytes(2), code)
        for code in (1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999)
    },
}


@pytest.mark.parametrize("case", CLOSINGS)
def test_a_close_frame_is_answered(server: SocketServer, case: str) -> None:
    sent, answered, code = CLOSINGS[case]
    with server.connect() as client:
        client.send(sent, masked(TEXT, b"too late"))
        assert client.frame() == Frame(FIN | CLOSE, answered)
        assert client.ended()
    assert server.heard.next() == ("closed", code)


def test_closing_within_a_message(server: SocketServer) -> None:
    with server.connect() as client:
        client.send(masked(TEXT, b"half", bits=0), closing(1000))
        assert client.frame().code == 1000
        assert client.ended()
    assert server.heard.next() == ("closed", 1000)


def test_we_close(server: SocketServer) -> None:
    def end(listener: Echo) -> None:
        assert listener.socket is not None
        listener.socket.close(4001, "gone")
        listener.socket.close(4002, "only the first counts")
        listener.socket.write(frame_text(b"never sent"))
        listener.socket.ping()

    with server.connect() as client:
        server.in_loop(end)
        assert client.frame() == Frame(FIN | CLOSE, (4001).to_bytes(2) + b"gone")
        client.send(masked(TEXT, b"on its way"), masked(PING), closing(4001))
        assert client.ended()
    assert server.heard.next() == ("closed", 4001)
    assert server.heard.silent()


def test_a_long_reason_is_cut_between_letters(server: SocketServer) -> None:
    with server.connect() as client:
        server.in_loop(lambda listener: listener.socket.close(4001, "ü" * 100))
        assert client.frame().payload[2:].decode() == "ü" * 61


def test_the_peer_vanishes(server: SocketServer) -> None:
    with server.connect() as client:
        client.send(masked(TEXT, b"half")[:-1])
    assert server.heard.next() == ("closed", 1006)


def test_the_peer_is_cut_off(server: SocketServer) -> None:
    with server.connect() as client:
        server.in_loop(lambda listener: listener.socket.abort())
        assert client.ended()
    assert server.heard.next() == ("closed", 1006)


def test_a_peer_that_never_says_goodbye_is_cut_off() -> None:
    with socket_server(close_seconds=0.2) as server, server.connect() as client:
        server.in_loop(lambda listener: listener.socket.close(4001))
        assert client.frame().code == 4001
        assert client.ended()
        assert server.heard.next() == ("closed", 4001)


def test_a_peer_that_broke_the_protocol_and_stays_is_cut_off() -> None:
    with socket_server(close_seconds=0.2) as server, server.connect() as client:
        client.send(masked(3))
        assert client.frame().code == 1002
        assert server.heard.next() == ("closed", 1002)


@pytest.mark.parametrize("what", ["broken", "flood", "ours"])
def test_a_listener_hears_of_the_end_at_once(what: str) -> None:
    """It need not wait until the peer, which may take its time, lets the connection go."""
    with socket_server(close_seconds=60, max_extra_frames=5) as server, server.connect() as client:
        if what == "ours":
            server.in_loop(lambda listener: listener.socket.close(4001))
        else:
            client.send(masked(3) if what == "broken" else masked(PING) * 6)
        code = {"broken": 1002, "flood": CloseCode.TOO_MANY_FRAMES, "ours": 4001}[what]
        assert server.heard.next() == ("closed", code)
        while (frame := client.frame()).opcode == PONG:
            continue
        assert frame.code == code


def test_a_peer_that_does_not_read_is_cut_off() -> None:
    """Neither its close frame nor the end of its half keep the connection for what it never takes."""
    for last in (closing(1000), b""):
        with socket_server(close_seconds=0.2) as server, server.connect() as client:
            server.in_loop(lambda listener: listener.socket.write(frame_text(bytes(20_000_000))))
            client.send(last)
            if not last:
                client.wire.raw.shutdown(sockets_of_the_system.SHUT_WR)
            assert server.heard.next() == ("closed", 1000 if last else 1006)


class Clumsy(Echo):
    """Fails."""

    def text(self, text: str) -> None:
        raise RuntimeError("not my day")


def test_a_listener_that_fails_ends_its_socket(capfd: pytest.CaptureFixture[str]) -> None:
    with socket_server(Clumsy) as server, server.connect() as client:
        client.send(masked(TEXT, b"hello"))
        assert client.frame() == Frame(FIN | CLOSE, (1011).to_bytes(2))
        client.send(closing(1011))
        assert client.ended()
        assert server.heard.next() == ("closed", 1011)
    assert "not my day" in "".join(capfd.readouterr())


class Hasty(Echo):
    """Closes before anything was said."""

    def opened(self, socket: Socket) -> None:
        socket.write_text(b"no")
        socket.close(4003)


def test_a_socket_may_be_closed_as_it_opens() -> None:
    with socket_server(Hasty) as server, server.connect(masked(TEXT, b"hello")) as client:
        assert client.frame() == Frame(FIN | TEXT, b"no")
        assert client.frame().code == 4003
        client.send(closing(4003))
        assert client.ended()
        assert server.heard.next() == ("closed", 4003)


class Reading(Echo):
    """Remembers what a socket said of itself."""

    def opened(self, socket: Socket) -> None:
        super().opened(socket)
        self.at_first = socket.request

    def text(self, text: str) -> None:
        assert self.socket is not None
        self.heard.tell("received", self.socket.received)
        self.heard.tell("buffered", self.socket.buffered)


def test_a_socket_tells_of_itself() -> None:
    with socket_server(Reading) as server, server.connect(target="/ws?token=secret") as client:
        client.send(masked(PING))
        assert client.frame().opcode == PONG
        client.send(masked(TEXT, b"hello"))
        assert server.heard.next() == ("received", 2)
        assert server.heard.next() == ("buffered", 0)
        listener = server.listeners[0]
        assert listener.at_first.query == {"token": "secret"}
        # Nobody keeps the token for as long as the socket lives.
        assert listener.socket.request == Request("/ws", {}, {}, "127.0.0.1")


def test_answers_to_pings_wait_for_a_peer_that_reads() -> None:
    """A peer that pings and never reads must not fill our memory: it is owed one answer."""
    with socket_server(max_extra_frames=1_000_000) as server, server.connect() as client:
        server.in_loop(lambda listener: listener.socket.write(frame_text(bytes(20_000_000))))
        client.send(*(masked(PING, b"%d" % number) for number in range(20_000)), masked(TEXT, b"read"))
        assert server.heard.next() == ("text", "read")
        pongs = []
        while (frame := client.frame()) != Frame(FIN | TEXT, b"read"):
            if frame.opcode == PONG:
                pongs.append(frame.payload)
        client.send(masked(PING, b"end"))
        while (frame := client.frame()).payload != b"end":
            pongs.append(frame.payload)
        assert pongs[-1:] == [b"19999"] and len(pongs) < 20_000


class Patient(Echo):
    """Writes a lot, and waits until it was read."""

    def text(self, text: str) -> None:
        self.waiting = asyncio.ensure_future(self._write(text == "and close"))

    async def _write(self, close: bool) -> None:
        assert self.socket is not None
        await self.socket.drained()
        self.heard.tell("began")
        self.socket.write(frame_text(bytes(20_000_000)))
        if close:
            asyncio.get_running_loop().call_soon(self.socket.close, 4001)
        await self.socket.drained()
        self.heard.tell("drained", self.socket.buffered < 65_536)


def test_a_writer_may_wait_for_its_reader() -> None:
    with socket_server(Patient) as server, server.connect() as client:
        client.send(masked(TEXT, b"write"))
        assert server.heard.next() == ("began", None)
        assert server.heard.silent()
        assert len(client.frame().payload) == 20_000_000
        assert server.heard.next() == ("drained", True)


@pytest.mark.parametrize("end", ["we close", "the peer vanishes"])
def test_a_writer_does_not_wait_for_what_is_over(end: str) -> None:
    with socket_server(Patient, close_seconds=0.2) as server, server.connect() as client:
        client.send(masked(TEXT, b"and close" if end == "we close" else b"write"))
        assert server.heard.next() == ("began", None)
        if end == "the peer vanishes":
            client.wire.raw.close()
        assert {server.heard.next()[0], server.heard.next()[0]} == {"drained", "closed"}


def test_a_socket_that_ended_leaves_no_garbage() -> None:
    """Neither it nor what read its handshake waits for the collector, which would stop a full house for long."""
    with socket_server(Forgetful) as server:
        gc.collect()
        gc.disable()
        try:
            before = _alive()
            with server.connect() as client:
                assert _alive() - before == Counter(Socket=1, Reader=1)
                client.send(closing(1000))
                assert client.frame().code == 1000
                assert client.ended()
                assert server.heard.next() == ("closed", 1000)
            server.served.call(lambda: server.heard.tell("left", _alive() - before))
            assert server.heard.next() == ("left", Counter())
        finally:
            gc.enable()


def _alive() -> Counter[str]:
    kinds = ("PatientProtocol", "HttpRequestParser", "Socket", "Reader")
    return Counter(name for each in gc.get_objects() if (name := type(each).__name__) in kinds)


class Forgetful(Echo):
    """Lets its socket go."""

    def closed(self, code: int) -> None:
        self.socket = None
        super().closed(code)


# ---- the handshake


def test_the_answer_to_a_handshake(server: SocketServer) -> None:
    answer = server.ask(handshake(x_request_id="mine"))
    assert answer.status == 101
    assert answer.headers["upgrade"] == "websocket"
    assert answer.headers["connection"].lower() == "upgrade"
    assert answer.headers["x-request-id"] == "mine"
    # The example of RFC 6455, section 1.3.
    answer = server.ask(handshake(sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ=="))
    assert answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert (
        not {"sec-websocket-protocol", "sec-websocket-extensions", "content-length"} & answer.headers.keys()
    )


ACCEPTED = {
    "names in any case": handshake(upgrade="WebSocket", connection="UPGRADE"),
    "several tokens": handshake(connection="keep-alive, Upgrade"),
    "several headers": handshake(connection=["keep-alive", "Upgrade"]),
    "several protocols": handshake(upgrade="h2c, websocket"),
    "protocols of the client": handshake(sec_websocket_protocol="chat"),
    "an extension that nobody knows": handshake(sec_websocket_extensions="x-shout; loud=1"),
    "an extension that is off": handshake(sec_websocket_extensions="permessage-deflate"),
    "a body of nothing": handshake(content_length="0"),
    "the whole address": handshake("http://localhost/ws"),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_handshakes_that_are_right(server: SocketServer, case: str) -> None:
    answer = server.ask(ACCEPTED[case])
    assert answer.status == 101
    assert "sec-websocket-extensions" not in answer.headers


REFUSED = {
    "no key": (handshake(sec_websocket_key=None), 400),
    "a key that is no base64": (handshake(sec_websocket_key="not base64 at all!!!!!!="), 400),
    "a key of 15 bytes": (handshake(sec_websocket_key="AAAAAAAAAAAAAAAAAAAA"), 400),
    "two keys": (handshake(sec_websocket_key=[KEY, KEY]), 400),
    "no host": (handshake(host=None), 400),
    "two versions": (handshake(sec_websocket_version=["13", "13"]), 400),
    "no version": (handshake(sec_websocket_version=None), 426),
    "version 8": (handshake(sec_websocket_version="8"), 426),
    "a list of versions": (handshake(sec_websocket_version="13, 8"), 426),
    "another path": (handshake("/elsewhere"), 404),
    "too many parameters": (handshake("/ws?" + "&".join(["a=b"] * 100)), 400),
    "too many headers": (handshake(x_much=["y" * 1000] * 40), 400),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_handshakes_get_an_envelope(server: SocketServer, case: str) -> None:
    request, status = REFUSED[case]
    answer = server.ask(request + masked(TEXT, b"at once"))
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-request-id"]
    assert json.loads(answer.body)["error"].keys() == {"code", "message", "details"}
    assert server.heard.silent()


def test_the_version_is_told(server: SocketServer) -> None:
    answer = server.ask(handshake(sec_websocket_version="7"))
    assert answer.headers["sec-websocket-version"] == "13"
    assert answer.headers["upgrade"] == "websocket"


def test_a_refusal_carries_its_headers(server: SocketServer) -> None:
    answer = server.ask(handshake("/elsewhere"))
    assert answer.headers["x-reason"] == "path"
    assert json.loads(answer.body) == {
        "error": {"code": "not_found", "message": "There is no such path", "details": {}}
    }


ORDINARY = {
    "HTTP/1.0": handshake(version="1.0"),
    "POST": handshake(method="POST"),
    "no upgrade": handshake(upgrade=None),
    "another upgrade": handshake(upgrade="h2c"),
    "no connection": handshake(connection="keep-alive"),
    "a body": handshake(content_length="2") + b"{}",
    "a body in chunks": handshake(transfer_encoding="chunked") + b"2\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("case", ORDINARY)
def test_what_is_no_handshake_is_a_request(server: SocketServer, case: str) -> None:
    """RFC 9110, section 7.8: an upgrade may be ignored, and one of HTTP/1.0 has to be."""
    answer = server.ask(ORDINARY[case])
    assert (answer.status, answer.body[-3:]) == (200, b"/ws")


def test_what_the_endpoint_is_told(server: SocketServer) -> None:
    target = "/w%73?token=a%2Bb.c&cursor=0&two=first&two=second&empty=&plus=a+b&bad=%ff"
    server.ask(handshake(target, user_agent="Test/1", x_list=["a", "b"]))
    request = server.requests[-1]
    assert request.path == "/ws"
    assert request.query == {
        "token": "a+b.c",
        "cursor": "0",
        # Which of two different values is meant nobody knows.
        "two": "",
        "empty": "",
        "plus": "a b",
        "bad": "\N{REPLACEMENT CHARACTER}",
    }
    assert request.headers["user-agent"] == "Test/1"
    assert request.headers["x-list"] == "a, b"
    assert request.address == "127.0.0.1"
    assert "a+b.c" not in repr(request)


def test_frames_behind_the_handshake_are_read(server: SocketServer) -> None:
    with server.connect(masked(TEXT, b"at once") + masked(PING, b"?")[:4]) as client:
        assert client.frame() == Frame(FIN | TEXT, b"at once")
        client.send(masked(PING, b"?")[4:])
        assert client.frame() == Frame(FIN | PONG, b"?")


def test_a_slow_handshake_works_and_an_endless_one_ends() -> None:
    with SocketServer().serve(SocketOptions(), head_seconds=1.0) as server:
        with server.served.connection() as wire:
            for byte in handshake():
                wire.send(bytes((byte,)))
            assert wire.answer(head=True).status == 101
            # The time for the head is over for it, and not for the socket.
            time.sleep(1.1)
            wire.send(masked(PING))
            assert wire.take(2) == bytes((FIN | PONG, 0))
        with server.served.connection() as wire:
            wire.send(handshake()[:-2])
            assert wire.ended()


def test_a_socket_follows_a_request_on_one_connection(server: SocketServer) -> None:
    with server.served.connection() as wire:
        wire.send(b"GET /before HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wire.answer().body == b"GET /before"
        wire.send(handshake())
        assert wire.answer(head=True).status == 101
        wire.send(masked(PING))
        assert wire.take(2) == bytes((FIN | PONG, 0))


def test_a_handshake_does_not_overtake_a_request(server: SocketServer) -> None:
    with server.served.connection() as wire:
        wire.send(b"GET /before HTTP/1.1\r\nHost: localhost\r\n\r\n" + handshake())
        assert wire.answer().body == b"GET /before"
        assert wire.ended()


class Broken(Echo):
    """Cannot even be made."""

    def __init__(self, heard: Heard, request: Request) -> None:
        raise RuntimeError("no listener today")


def test_an_endpoint_that_fails_is_our_fault(capfd: pytest.CaptureFixture[str]) -> None:
    with socket_server(Broken) as server:
        answer = server.ask(handshake())
        assert answer.status == 500
        assert json.loads(answer.body)["error"]["code"] == "internal_error"
        assert b"today" not in answer.body
    assert "no listener today" in "".join(capfd.readouterr())


def test_http_works_beside_sockets(server: SocketServer) -> None:
    with server.connect() as client, server.served.connection() as wire:
        for _ in range(3):
            wire.send(b"GET /beside HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.send(masked(TEXT, b"x"))
            assert wire.answer().body == b"GET /beside"
            assert client.frame().payload == b"x"


# ---- what an operator sees


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged as `parley serve` sets it up, and what uvicorn would say if it were let."""
    root, uvicorn = logging.getLogger(), logging.getLogger("uvicorn.error")
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in logs._QUIET}
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    level = root.level
    logs.configure("debug", "json")
    uvicorn.setLevel(TRACE_LOG_LEVEL)
    root.setLevel(TRACE_LOG_LEVEL)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level
    uvicorn.setLevel(logging.NOTSET)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def test_the_token_reaches_no_log(log: io.StringIO) -> None:
    target = "/ws?token=SECRET-TOKEN"
    with socket_server() as server:
        with server.connect(target=target) as client:
            client.send(masked(TEXT, b"hello"))
            assert client.frame().payload == b"hello"
            client.send(masked(3))
            assert client.frame().code == 1002
        assert server.ask(handshake(target, sec_websocket_version="8")).status == 426
        assert server.ask(handshake("/elsewhere?token=SECRET-TOKEN")).status == 404
        assert server.ask(handshake(target, version="1.0")).status == 200
        assert server.ask(handshake(target)[:-4] + b"\x00\r\n\r\n").status == 400
    with socket_server(Clumsy) as server, server.connect(target=target) as client:
        client.send(masked(TEXT, b"hello"))
        assert client.frame().code == 1011
    with socket_server(Broken) as server:
        assert server.ask(handshake(target)).status == 500
    written = log.getvalue()
    for said in ("HTTP connection lost", "a peer broke the protocol", "not my day", "no listener today"):
        assert said in written
    assert "SECRET" not in written


def test_a_server_that_stops_says_goodbye() -> None:
    with socket_server(going_away_code=1012) as server:
        with server.connect() as client, server.connect() as silent:
            server.served.end()
            assert client.frame().code == 1012
            client.send(closing(1012))
            assert client.ended()
            assert silent.frame().code == 1012
            silent.wire.raw.close()
        assert [server.heard.next(), server.heard.next()] == [("closed", 1012)] * 2


# ---- clients that no one here wrote

TEXTS = ["", "hello", "Grüße 😀" * 20, "long " * 3000]


@pytest.mark.parametrize("compression", [False, True])
@pytest.mark.parametrize("offered", [None, "deflate"])
def test_pythons_websockets(compression: bool, offered: str | None) -> None:
    async def converse(port: int) -> None:
        async with websockets.connect(f"ws://127.0.0.1:{port}/ws?token=x", compression=offered) as client:
            assert client.response is not None
            agreed = "permessage-deflate" in client.response.headers.get("Sec-WebSocket-Extensions", "")
            assert agreed == (compression and offered is not None)
            for _ in range(2):
                for text in TEXTS:
                    await client.send(text)
                    assert await client.recv() == text
            await client.send(piece for piece in ("in ", "pie", "ces"))
            assert await client.recv() == "in pieces"
            await (await client.ping())
            await client.close(4000, "done")
            assert client.close_code == 4000

    with socket_server(compression=compression) as server:
        asyncio.run(converse(server.served.port))
        while (heard := server.heard.next())[0] == "text":
            continue
        assert heard == ("closed", 4000)


def test_compressed_messages_have_the_limit_of_others() -> None:
    async def bomb(port: int) -> int | None:
        async with websockets.connect(f"ws://127.0.0.1:{port}/ws") as client:
            await client.send("a" * 10_000_000)
            with pytest.raises(websockets.ConnectionClosed):
                await client.recv()
            return client.close_code

    with socket_server(compression=True) as server:
        assert asyncio.run(bomb(server.served.port)) == 1009


def test_compression_by_hand() -> None:
    """The examples of RFC 7692, section 7.2.3."""
    squeezed = bytes.fromhex("f248cdc9c90700")
    offer = "permessage-deflate"
    with socket_server(compression=True) as server:
        with server.connect(sec_websocket_extensions=offer) as client:
            client.send(masked(TEXT, squeezed, bits=FIN | RSV1))
            assert client.frame().payload == b"Hello"
            client.send(
                masked(TEXT, squeezed[:3], bits=RSV1), masked(PING), masked(CONTINUATION, squeezed[3:])
            )
            assert client.frame().opcode == PONG
            assert client.frame().payload == b"Hello"
            client.send(masked(TEXT, b"as it is"))
            assert client.frame().payload == b"as it is"
            client.send(masked(TEXT, b"a" * 100))
            assert client.frame().first == FIN | RSV1 | TEXT
        for frames, code in (
            ([masked(TEXT, b"\xff\xff\xff", bits=FIN | RSV1)], 1007),
            ([masked(TEXT, squeezed, bits=FIN | RSV2)], 1002),
            ([masked(PING, squeezed, bits=FIN | RSV1)], 1002),
            ([masked(TEXT, squeezed, bits=RSV1), masked(CONTINUATION, squeezed, bits=FIN | RSV1)], 1002),
            ([masked(TEXT, b"a" * 16_385)], 1009),
        ):
            with server.connect(sec_websocket_extensions=offer) as client:
                client.send(*frames)
                assert client.frame().code == code


NODE = """
const socket = new WebSocket(process.argv[1]);
const texts = JSON.parse(process.argv[2]);
const heard = [];
socket.onopen = () => texts.forEach((text) => socket.send(text));
socket.onmessage = (event) => {
  heard.push(event.data);
  if (heard.length === texts.length) socket.close(4000, 'done');
};
socket.onclose = (event) => console.log(JSON.stringify({heard, code: event.code, clean: event.wasClean}));
"""


@pytest.mark.parametrize("compression", [False, True])
def test_nodes_websocket(compression: bool) -> None:
    node = tools.node()
    with socket_server(compression=compression) as server:
        url = f"ws://127.0.0.1:{server.served.port}/ws?token=x"
        command = [
            node,
            "--experimental-websocket",
            "--input-type=module",
            "-e",
            NODE,
            url,
            json.dumps(TEXTS),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == {"heard": TEXTS, "code": 4000, "clean": True}
