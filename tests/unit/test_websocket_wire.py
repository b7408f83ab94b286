"""Frames without a network: however the bytes are cut, the same arrives, and nothing arrives that is wrong."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generated.frames import CloseCode as Declared
from parley.realtime.deflate import inflate
from parley.realtime.socket import SocketOptions
from parley.realtime.wire import (
    Arrival,
    CloseCode,
    Opcode,
    Reader,
    Violation,
    frame_close,
    frame_text,
    may_be_sent,
    read_close,
    read_text,
)
from websocket_wire import CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, masked

LIMIT = 300
MASKS = st.binary(min_size=4, max_size=4)
CONTROLS = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125))
MESSAGES = st.lists(
    st.one_of(CONTROLS, st.tuples(st.just(TEXT), st.text(max_size=60).map(str.encode))), max_size=8
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[Arrival]]:
    """Messages and control frames, the messages in fragments with control frames between: bytes and arrivals."""
    written, expected = b"", []
    for opcode, payload in draw(MESSAGES):
        if opcode == TEXT:
            *starts, last = _cut(payload, draw(st.lists(st.integers(0, len(payload)), max_size=3)))
            for number, piece in enumerate(starts):
                written += masked(TEXT if not number else CONTINUATION, piece, bits=0, mask=draw(MASKS))
                if draw(st.booleans()):
                    written += masked(PING, b"between", mask=draw(MASKS))
                    expected.append((Opcode.PING, b"between"))
            written += masked(CONTINUATION if starts else TEXT, last, mask=draw(MASKS))
        else:
            written += masked(opcode, payload, mask=draw(MASKS))
        expected.append((Opcode(opcode), payload))
    return written, expected


def _cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    pieces, before = [], 0
    for place in (*sorted(places), len(data)):
        pieces.append(data[before:place])
        before = place
    return pieces


@given(conversations(), st.data())
def test_packets_may_be_cut_anywhere(conversation: tuple[bytes, list[Arrival]], data: st.DataObject) -> None:
    written, expected = conversation
    reader = Reader(LIMIT)
    arrived: list[Arrival] = []
    for piece in _cut(written, data.draw(st.lists(st.integers(0, len(written)), max_size=10))):
        arrived += reader.feed(piece)
    assert arrived == expected


@given(st.binary(max_size=600), st.booleans())
def test_noise_is_a_violation_or_waits(noise: bytes, compressed: bool) -> None:
    """Nothing that a client can send makes another exception, or a message beyond the limit."""
    reader = Reader(LIMIT, inflate if compressed else None)
    try:
        for opcode, payload in reader.feed(noise):
            assert len(payload) <= (LIMIT if opcode is Opcode.TEXT else 125)
    except Violation as violation:
        assert may_be_sent(violation.code)
        assert len(frame_close(violation.code, violation.reason)) <= 127


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=125)), max_size=20), st.booleans())
def test_masked_noise_is_a_violation_or_waits(frames: list[tuple[int, bytes]], compressed: bool) -> None:
    """The same with heads that are right enough to get further."""
    reader = Reader(LIMIT, inflate if compressed else None)
    noise = b"".join(masked(first & 0x0F, payload, bits=first & 0xF0) for first, payload in frames)
    try:
        for opcode, payload in reader.feed(noise):
            if opcode is Opcode.CLOSE:
                read_close(payload)
            elif opcode is Opcode.TEXT:
                read_text(payload)
    except Violation as violation:
        assert violation.code in {1002, 1003, 1007, 1009}


def test_extras_are_counted() -> None:
    reader = Reader(LIMIT)
    list(reader.feed(masked(TEXT, b"whole") + masked(PING) + masked(TEXT, b"a", bits=0)))
    list(reader.feed(masked(CONTINUATION, b"b", bits=0) + masked(PONG) + masked(CONTINUATION)))
    list(reader.feed(masked(TEXT, b"whole")))
    assert reader.extras == 5


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_text_is_framed_with_the_shortest_head(size: int, head: bytes) -> None:
    assert frame_text(b"a" * size) == head + b"a" * size


def test_close_frames_are_read_as_they_are_written() -> None:
    written = frame_close(4001, "ü" * 100)
    assert written[:2] == bytes((FIN | CLOSE, 2 + 122))
    assert read_close(written[2:]) == 4001
    assert read_close(b"") == CloseCode.NO_STATUS


def test_codes_that_may_be_sent() -> None:
    """RFC 6455, section 7.4, and what the registry has added since."""
    allowed = {code for code in range(65_536) if may_be_sent(code)}
    assert allowed == {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}


def test_codes_of_our_own_are_declared() -> None:
    """Whatever this edge closes with by itself stands in the document, with or without settings."""
    options = SocketOptions()
    said = {*CloseCode, options.too_many_frames_code, options.going_away_code}
    assert {code for code in said if may_be_sent(code)} <= set(Declared)
