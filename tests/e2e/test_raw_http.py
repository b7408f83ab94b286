"""HTTP by hand: what is no request is refused, what is odd but allowed works, and nobody waits for the slow."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from edge import ID, Edge
from parley.contract import Reply
from parley.server import MAX_HEAD_BYTES
from wire import NONE, Response, Served, serving

TEXT = json.dumps({"receiver_id": ID, "content": "Hello, world!"}).encode()
COMMON = b"Host: localhost\r\nAuthorization: Bearer ada\r\nContent-Type: application/json\r\n"
POST = b"POST /v1/messages HTTP/1.1\r\n" + COMMON
LENGTH = b"Content-Length: %d\r\n" % len(TEXT)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(TEXT), TEXT)
GET = b"GET /v1/me HTTP/1.1\r\n" + COMMON
END = b"\r\n"
# What Java's HttpClient adds to its first request on a connection.
H2C = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
)


@pytest.fixture(scope="module")
def edge() -> Edge:
    return Edge()


@pytest.fixture(scope="module")
def server(edge: Edge) -> Iterator[Served]:
    with serving(edge.app) as served:
        yield served


@pytest.fixture(scope="module")
def hasty(edge: Edge) -> Iterator[Served]:
    """A server that waits for nobody longer than a second."""
    with serving(edge.app, head_seconds=1.0, body_seconds=1.0, keep_alive_seconds=1) as served:
        yield served


def assert_refused(answer: Response, reason: str = "Is not HTTP") -> None:
    assert answer.status == 400
    assert answer.headers["connection"] == "close"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    error = json.loads(answer.body)["error"]
    assert (error["code"], error["message"]) == ("validation_error", "Invalid request data")
    assert (error["details"]["field"], error["details"]["reason"]) == ("request", reason)


# ---- what is no request

REFUSED = {
    "no host": b"GET /v1/me HTTP/1.1\r\nAuthorization: Bearer ada\r\n" + END,
    "two hosts": GET + b"Host: elsewhere\r\n" + END,
    "the same host twice": GET + b"Host: localhost\r\n" + END,
    "two lengths": POST + LENGTH + b"Content-Length: 5\r\n" + END + TEXT,
    "the same length twice": POST + LENGTH + LENGTH + END + TEXT,
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n" + END + TEXT,
    "a signed length": POST + b"Content-Length: +5\r\n" + END + TEXT,
    "a negative length": POST + b"Content-Length: -5\r\n" + END + TEXT,
    "an endless length": POST + b"Content-Length: 99999999999999999999999\r\n" + END + TEXT,
    "length, then chunks": POST + LENGTH + CHUNKED + END + CHUNKS,
    "chunks, then length": POST + CHUNKED + LENGTH + END + CHUNKS,
    "chunks twice": POST + CHUNKED + CHUNKED + END + CHUNKS,
    "another coding": POST + b"Transfer-Encoding: gzip, chunked\r\n" + END + CHUNKS,
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n" + END + CHUNKS,
    "a coding after the chunks": POST + b"Transfer-Encoding: chunked, identity\r\n" + END + CHUNKS,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n" + END + CHUNKS,
    "a tab that is none": POST + b"Transfer-Encoding:\x0bchunked\r\n" + END + CHUNKS,
    "a folded header": GET + b"X-Folded: a\r\n b\r\n" + END,
    "a header folded by a tab": GET + b"X-Folded: a\r\n\tb\r\n" + END,
    "NUL in a value": GET + b"X-A: a\x00b\r\n" + END,
    "a control byte in a value": GET + b"X-A: a\x01b\r\n" + END,
    "DEL in a value": GET + b"X-A: a\x7fb\r\n" + END,
    "a control byte in a name": GET + b"X\x01A: b\r\n" + END,
    "a space in a name": GET + b"X A: b\r\n" + END,
    "no name": GET + b": b\r\n" + END,
    "a bare CR": GET + b"X-A: a\rb\r\n" + END,
    "bare LFs": (GET + END).replace(b"\r\n", b"\n"),
    "a control byte in the path": b"GET /v1/m\x01e HTTP/1.1\r\n" + COMMON + END,
    "raw UTF-8 in the path": b"GET /v1/m\xc3\xa9 HTTP/1.1\r\n" + COMMON + END,
    "no path": b"GET ?token=x HTTP/1.1\r\n" + COMMON + END,
    "a tunnel": b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
    "an unknown method": b"BREW /v1/me HTTP/1.1\r\n" + COMMON + END,
    "HTTP/2 by prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an HTTP/0.9 line": b"GET /v1/me\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_request_is_refused(server: Served, edge: Edge, request_bytes: bytes) -> None:
    """Not as the first on a connection, and not after others."""
    before = len(edge.handlers.calls)
    for earlier in (0, 1):
        with server.connection() as wire:
            for _ in range(earlier):
                wire.send(GET + END)
                assert wire.answer().status == 200
            wire.send(request_bytes)
            assert_refused(wire.answer())
            assert wire.ended()
    assert len(edge.handlers.calls) == before + 1


@pytest.mark.parametrize("size", ["-5", "0x5", "5 5", "zz", "fffffffffffffffff"])
@pytest.mark.parametrize("start", [b"", b'4\r\n{"a"\r\n'], ids=["first", "later"])
def test_a_broken_chunk_is_refused(server: Served, edge: Edge, size: str, start: bytes) -> None:
    """The request that waits for its body is told, and then the connection ends."""
    before = len(edge.handlers.calls)
    for pieces in ([POST + CHUNKED + END, start], [POST + CHUNKED + END + start]):
        with server.connection() as wire:
            for piece in pieces:
                wire.send(piece)
            wire.send(size.encode() + b"\r\nabc\r\n" + GET + END)
            assert_refused(wire.answer())
            assert wire.ended()
    assert len(edge.handlers.calls) == before


def test_a_refused_body_that_breaks_is_not_refused_twice(server: Served) -> None:
    """A request has one answer; what comes after it would be taken for the next one's."""
    with server.connection() as wire:
        wire.send(POST.replace(b"/v1/messages", b"/nowhere") + CHUNKED + END + b"4\r\nabcd\r\n")
        assert wire.answer().status == 404
        wire.send(b"zz\r\n")
        assert wire.answer() == NONE


def test_a_head_has_an_end(server: Served) -> None:
    reason = f"Has a head of more than {MAX_HEAD_BYTES} bytes"
    assert_refused(server.say(GET + b"X-Large: " + b"a" * MAX_HEAD_BYTES + END + END), reason)
    assert_refused(server.say(b"GET /" + b"a" * MAX_HEAD_BYTES + b" HTTP/1.1\r\n" + COMMON + END), reason)
    assert_refused(server.say(GET, *[b"X-Many: " + b"a" * 1000 + b"\r\n"] * 40), reason)


def test_a_large_head_is_taken(server: Served) -> None:
    assert server.say(GET + b"X-Large: " + b"a" * (MAX_HEAD_BYTES - 1000) + END + END).status == 200


def test_after_large_bodies_a_head_is_not_too_large(server: Served) -> None:
    """What came before it on the connection does not count as its own."""
    body = b'{"receiver_id": "%s", "content": "x"}' % ID.encode() + b" " * 40_000
    large = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with server.connection() as wire:
        wire.send((large + GET + END) * 3)
        assert [wire.answer().status for _ in range(6)] == [200] * 6


# ---- what is odd but allowed


@pytest.mark.parametrize("body", [LENGTH + END + TEXT, CHUNKED + END + CHUNKS], ids=["length", "chunked"])
def test_a_post_that_offers_h2c_keeps_its_body(server: Served, edge: Edge, body: bytes) -> None:
    assert server.say(POST + H2C + body).status == 200
    assert edge.handlers.last["body"].content == "Hello, world!"


def test_the_offer_may_come_in_pieces(server: Served) -> None:
    request = POST + H2C + LENGTH + END + TEXT
    for size in (1, 7, 50):
        with server.connection() as wire:
            for at in range(0, len(request), size):
                wire.send(request[at : at + size])
            assert wire.answer().status == 200


def test_a_connection_goes_on_after_the_offer(server: Served) -> None:
    offers = (POST + H2C + LENGTH + END + TEXT) * 3 + GET + H2C + END + GET + END
    with server.connection() as wire:
        wire.send(offers)
        assert [wire.answer().status for _ in range(5)] == [200] * 5
        wire.send(offers)
        assert [wire.answer().status for _ in range(5)] == [200] * 5


def test_an_offer_does_not_outlive_close(server: Served) -> None:
    offer = H2C.replace(b"Connection: ", b"Connection: close, ")
    with server.connection() as wire:
        wire.send(POST + offer + LENGTH + END + TEXT)
        assert wire.answer().headers["connection"] == "close"
        assert wire.ended()


def test_the_offer_of_a_socket_is_declined(server: Served) -> None:
    offer = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    offer += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    assert server.say(b"GET /ws HTTP/1.1\r\n" + COMMON + offer + END).status == 404


def test_chunks_are_read(server: Served, edge: Edge) -> None:
    pieces = [b"5;name=value\r\n", TEXT[:5], b"\r\n", b"%X\r\n" % len(TEXT[5:]), TEXT[5:], b"\r\n0\r\n\r\n"]
    assert server.say(POST + CHUNKED + END, *pieces).status == 200
    assert edge.handlers.last["body"].content == "Hello, world!"


def test_a_trailer_is_no_header(server: Served) -> None:
    """A proxy that checks headers need not have checked these."""
    request = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + CHUNKED + END
    trailer = b"Authorization: Bearer ada\r\nX-Request-Id: trailed\r\n\r\n"
    answer = server.say(request + b"%x\r\n%s\r\n0\r\n" % (len(TEXT), TEXT) + trailer)
    assert answer.status == 401
    assert answer.headers["x-request-id"] != "trailed"


def test_requests_may_follow_one_another_unasked(server: Served) -> None:
    with server.connection() as wire:
        wire.send((GET + END) * 10)
        assert [wire.answer().status for _ in range(10)] == [200] * 10


def test_http_1_0_is_answered_and_closed(server: Served) -> None:
    with server.connection() as wire:
        wire.send(GET.replace(b"HTTP/1.1", b"HTTP/1.0") + END)
        assert wire.answer().status == 200
        assert wire.ended()


def test_the_absolute_form_is_a_path(server: Served) -> None:
    assert server.say(b"GET http://other.example/v1/me HTTP/1.1\r\n" + COMMON + END).status == 200


def test_head_has_no_body(server: Served) -> None:
    with server.connection() as wire:
        wire.send(b"HEAD /v1/me HTTP/1.1\r\n" + COMMON + END + GET + END)
        head = wire.answer(head=True)
        got = wire.answer()
    assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.body))


def test_the_software_is_not_named(server: Served) -> None:
    headers = server.say(GET + END).headers
    assert "server" not in headers
    assert "date" in headers


def test_what_is_whole_is_answered_before_what_is_broken(server: Served) -> None:
    with server.connection() as wire:
        wire.send((GET + END) * 3 + b"nonsense\r\n\r\n")
        assert [wire.answer().status for _ in range(3)] == [200] * 3
        wire.send(GET + END)
        assert wire.ended()


# ---- bodies that are not wanted


def test_a_refused_body_need_not_be_sent(server: Served) -> None:
    with server.connection() as wire:
        wire.send(POST + b"Content-Length: 2000000\r\n" + END)
        assert wire.answer().status == 413


def test_a_connection_goes_on_after_a_refused_body(server: Served) -> None:
    with server.connection() as wire:
        wire.send(POST + b"Content-Length: 2000000\r\n" + END)
        assert wire.answer().status == 413
        wire.send(b"x" * 2_000_000 + GET + END)
        assert wire.answer().status == 200


def test_an_endless_body_is_cut_off(server: Served) -> None:
    with server.connection() as wire:
        wire.send(POST + CHUNKED + END)
        piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        sent = 0
        try:
            while sent < 200:
                wire.raw.sendall(piece)
                sent += 1
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 100
        assert wire.answer().status == 413


def test_who_waits_to_be_asked_is_asked(server: Served) -> None:
    with server.connection() as wire:
        wire.send(POST + LENGTH + b"Expect: 100-continue\r\n" + END)
        assert wire.answer().status == 100
        wire.send(TEXT)
        assert wire.answer().status == 200


def test_who_waits_in_vain_is_closed(server: Served) -> None:
    """After a refusal nobody knows whether the body still comes: the next bytes could be either."""
    with server.connection() as wire:
        wire.send(POST + b"Content-Length: 2000000\r\nExpect: 100-continue\r\n" + END)
        assert wire.answer().status == 413
        assert wire.ended()


# ---- the slow


def test_a_head_must_come_in_time(hasty: Served) -> None:
    for start in (b"", b"GET /v1/me HT", GET):
        with hasty.connection() as wire:
            wire.send(start)
            assert wire.answer() == NONE


def test_dripping_does_not_win_time(hasty: Served) -> None:
    with hasty.connection() as wire:
        began = time.monotonic()
        wire.send(POST + LENGTH + END)
        wire.raw.settimeout(0.1)
        while time.monotonic() - began < 15:
            wire.send(b" ")
            try:
                if not wire.raw.recv(1):
                    break
            except TimeoutError:
                continue
            except ConnectionResetError:
                break
        assert 0.5 < time.monotonic() - began < 10


def test_an_idle_connection_ends(hasty: Served) -> None:
    with hasty.connection() as wire:
        wire.send(GET + END)
        assert wire.answer().status == 200
        assert wire.ended()


def test_a_slow_handler_is_not_cut_off(hasty: Served, edge: Edge) -> None:
    """The time is for sending a request, not for answering it."""
    released = threading.Event()

    async def slow() -> Reply:
        await asyncio.to_thread(released.wait, 20)
        return Reply(200, {"slow": True})

    edge.handlers.replies["send_message"] = slow
    with hasty.connection() as wire, hasty.connection() as silent:
        for piece in (POST, LENGTH, END, TEXT[:5], TEXT[5:]):
            wire.send(piece)
        # When the silent one has been cut off, as much time has passed as anybody has.
        assert silent.ended()
        released.set()
        assert wire.answer().status == 200
    del edge.handlers.replies["send_message"]


def test_three_hundred_slow_bodies_do_not_hinder_a_quick_request(server: Served) -> None:
    quick = GET + END
    server.say(quick)
    with ExitStack() as stack:
        slow = [stack.enter_context(server.connection()) for _ in range(300)]
        for wire in slow:
            wire.send(POST + LENGTH + END + TEXT[:10])
        stopping = threading.Event()
        sent = [10]

        def drip() -> None:
            while sent[0] < len(TEXT) - 1 and not stopping.wait(0.02):
                for wire in slow:
                    wire.send(TEXT[sent[0] : sent[0] + 1])
                sent[0] += 1

        dripping = threading.Thread(target=drip)
        dripping.start()
        took = []
        for _ in range(20):
            began = time.monotonic()
            assert server.say(quick).status == 200
            took.append(time.monotonic() - began)
        stopping.set()
        dripping.join()
        # A quick one waits for no slow one; a second is a hundred times what it takes on a busy machine.
        assert sorted(took)[len(took) // 2] < 1.0
        for wire in slow:
            wire.send(TEXT[sent[0] :])
        assert {wire.answer().status for wire in slow} == {200}


# ---- what is logged


def test_tokens_in_paths_are_not_logged(server: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        server.say(
            b"GET /ws?token=hunter2 HTTP/1.1\r\n"
            + COMMON
            + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
            + END
        )
        server.say(b"GET /v1/me?token=hunter2 HTTP/1.1\r\n" + COMMON + END)
        server.say(b"GET /v1/\x01?token=hunter2 HTTP/1.1\r\n" + COMMON + END)
    assert "hunter2" not in caplog.text


# ---- the slow to read


def test_who_does_not_read_is_waited_for(server: Served, edge: Edge) -> None:
    """Answers that nobody fetches fill the sockets and then wait; none is lost, and none is piled up."""
    large = Reply(200, {"filling": "x" * 1_000_000})
    edge.handlers.replies["get_user"] = large
    request = b"GET /v1/users/%s HTTP/1.1\r\n" % ID.encode() + COMMON + END
    with server.connection() as wire:
        before = len(edge.handlers.calls)
        wire.send(request * 40)
        assert server.say(GET + END).status == 200
        assert [len(wire.answer().body) for _ in range(40)] == [1_000_014] * 40
        assert len(edge.handlers.calls) == before + 41
    del edge.handlers.replies["get_user"]
