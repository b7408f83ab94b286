"""permessage-deflate: what is agreed on, what is compressed, and what is refused."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.realtime.deflate import MIN_BYTES, frame_compressed, inflate, negotiate
from parley.realtime.wire import Violation, frame_text

TAIL = b"\x00\x00\xff\xff"
AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

OFFERS = {
    "permessage-deflate": (15, AGREED),
    "permessage-deflate; client_max_window_bits": (15, AGREED),
    "permessage-deflate; client_max_window_bits=8": (15, AGREED),
    'permessage-deflate;client_max_window_bits="15"': (15, AGREED),
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover": (15, AGREED),
    "permessage-deflate; server_max_window_bits=15": (15, AGREED),
    "permessage-deflate; server_max_window_bits=9": (9, f"{AGREED}; server_max_window_bits=9"),
    'permessage-deflate; server_max_window_bits="10"': (10, f"{AGREED}; server_max_window_bits=10"),
    "x-other; a=b, permessage-deflate": (15, AGREED),
    "permessage-deflate; unknown, permessage-deflate; server_max_window_bits=11": (
        11,
        f"{AGREED}; server_max_window_bits=11",
    ),
    "": None,
    "x-other": None,
    "permessage-deflate-not": None,
    "permessage-deflate; unknown": None,
    "permessage-deflate; server_no_context_takeover=1": None,
    "permessage-deflate; client_no_context_takeover; client_no_context_takeover": None,
    "permessage-deflate; server_max_window_bits": None,
    "permessage-deflate; server_max_window_bits=8": None,
    "permessage-deflate; server_max_window_bits=16": None,
    "permessage-deflate; server_max_window_bits=010": None,
    "permessage-deflate; server_max_window_bits=": None,
    "permessage-deflate; client_max_window_bits=7": None,
    "permessage-deflate; client_max_window_bits=": None,
    "permessage-deflate;": None,
}


@pytest.mark.parametrize("offer", OFFERS)
def test_offers_are_taken_or_declined(offer: str) -> None:
    assert negotiate(offer) == OFFERS[offer]


@given(st.binary(max_size=2000), st.integers(9, 15))
def test_what_is_compressed_is_readable_within_the_window(payload: bytes, bits: int) -> None:
    framed = frame_compressed(payload * 3, bits)
    if len(payload * 3) < MIN_BYTES:
        assert framed == frame_text(payload * 3)
        return
    assert framed[0] == 0xC1
    squeezed = framed[2 if framed[1] < 126 else 4 :]
    assert not squeezed.endswith(TAIL)
    assert zlib.decompressobj(-bits).decompress(squeezed + TAIL) == payload * 3
    assert inflate(squeezed, 6000) == payload * 3


def test_one_event_is_compressed_once() -> None:
    payload = b'{"type": "message"}' * 20
    assert frame_compressed(payload, 15) is frame_compressed(bytes(bytearray(payload)), 15)
    assert frame_compressed(payload, 9) is not frame_compressed(payload, 15)


def _squeezed(payload: bytes, *, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(payload) + compressor.flush(flush)


READABLE = {
    # The examples of RFC 7692, section 7.2.3.
    "one block": (bytes.fromhex("f248cdc9c90700"), b"Hello"),
    "no compression": (bytes.fromhex("000500faff48656c6c6f00"), b"Hello"),
    "a final block": (bytes.fromhex("f348cdc9c9070000"), b"Hello"),
    "two blocks": (bytes.fromhex("f24805000000ffffcac9c90700"), b"Hello"),
    "nothing": (b"\x00", b""),
    "two final blocks": (
        _squeezed(b"Hel", flush=zlib.Z_FINISH) + _squeezed(b"lo").removesuffix(TAIL),
        b"Hello",
    ),
}


@pytest.mark.parametrize("case", READABLE)
def test_messages_that_are_readable(case: str) -> None:
    squeezed, payload = READABLE[case]
    assert inflate(squeezed, 100) == payload


def test_a_final_block_keeps_the_window_of_its_message() -> None:
    """What follows may point back over it."""
    start = b"a message that is long enough to be pointed at"
    compressor = zlib.compressobj(wbits=-15, zdict=start)
    second = compressor.compress(start) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert len(second) < len(start)
    assert inflate(_squeezed(start, flush=zlib.Z_FINISH) + second.removesuffix(TAIL), 1000) == start * 2


def test_the_limit_is_of_what_it_becomes() -> None:
    squeezed = _squeezed(b"a" * 1000).removesuffix(TAIL)
    assert inflate(squeezed, 1000) == b"a" * 1000
    with pytest.raises(Violation) as refused:
        inflate(squeezed, 999)
    assert refused.value.code == 1009


def test_a_bomb_is_never_made(monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    bomb = _squeezed(bytes(50_000_000)).removesuffix(TAIL)
    finals = _squeezed(bytes(400), flush=zlib.Z_FINISH) * 2000
    tracemalloc.start()
    try:
        for squeezed in (bomb, finals):
            with pytest.raises(Violation) as refused:
                inflate(squeezed, 16_384)
            assert refused.value.code == 1009
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize("squeezed", [b"\xff\xff", b"\x07", bytes.fromhex("f348cdc9c90700ff")])
def test_what_is_no_deflate_is_refused(squeezed: bytes) -> None:
    with pytest.raises(Violation) as refused:
        inflate(squeezed, 100)
    assert refused.value.code == 1007


def test_last_blocks_come_to_an_end() -> None:
    """Those that hold nothing make no message longer, so that the limit of its size would not stop them."""
    nothing = bytes.fromhex("0300")
    assert inflate(nothing * 50, 100) == b""
    with pytest.raises(Violation) as refused:
        inflate(nothing * 8000, 16_384)
    assert refused.value.code == 1007
