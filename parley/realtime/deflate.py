"""permessage-deflate (RFC 7692), without anything kept from one message to the next.

Both directions are agreed to have no context takeover. The window of a socket would cost up to 300 KB of memory,
fifteen times the rest of it; and without one an event is compressed once for all sockets of the same window,
which is the rule of this edge: encode once.
"""

import zlib
from collections.abc import Iterator
from functools import lru_cache

from parley.realtime.wire import COMPRESSED, FIN, CloseCode, Opcode, Violation, frame, frame_text

# Smaller ones do not become smaller, or not worth it.
MIN_BYTES = 64

_NAME = "permessage-deflate"
# Section 7.2.1: each message ends with these, which are not sent.
_TAIL = b"\x00\x00\xff\xff"
_MAX_BITS = 15
# A block may say that it is the last and be followed by others. One that holds nothing has two bytes and costs
# two microseconds, so a message of nothing else would be an attack.
_MAX_LAST_BLOCKS = 100
_AGREED = f"{_NAME}; server_no_context_takeover; client_no_context_takeover"
# zlib cannot write a window of 8 bits without its header, so an offer that insists on one is declined.
_WINDOW_BITS = {str(bits): bits for bits in range(9, _MAX_BITS + 1)}
_CLIENT_WINDOW_BITS = {*_WINDOW_BITS, "8"}


def negotiate(offers: str) -> tuple[int, str] | None:
    """Return window bits and answer to the first offer of a Sec-WebSocket-Extensions header that can be taken."""
    for offer in offers.split(","):
        name, *parameters = (part.strip() for part in offer.split(";"))
        if name != _NAME:
            continue
        bits = _window_of(parameters)
        if bits is not None:
            said = "" if bits == _MAX_BITS else f"; server_max_window_bits={bits}"
            return bits, _AGREED + said
    return None


def _window_of(parameters: list[str]) -> int | None:
    """Return the largest window that the client allows us; None declines the offer (section 7.1)."""
    bits = _MAX_BITS
    seen = set()
    for name, value in _pairs(parameters):
        if name in seen:
            return None
        seen.add(name)
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            if value is not None:
                return None
        elif name == "client_max_window_bits":
            # However small its window is, what it compressed is readable with the largest.
            if value is not None and value not in _CLIENT_WINDOW_BITS:
                return None
        elif name == "server_max_window_bits":
            if value not in _WINDOW_BITS:
                return None
            bits = _WINDOW_BITS[value]
        else:
            return None
    return bits


def _pairs(parameters: list[str]) -> Iterator[tuple[str, str | None]]:
    for parameter in parameters:
        name, equals, value = (part.strip() for part in parameter.partition("="))
        if len(value) >= 2 and value[0] == value[-1] == '"':
            value = value[1:-1]
        yield name, value if equals else None


def frame_compressed(payload: bytes, bits: int) -> bytes:
    """Return one text frame, compressed where that makes sense."""
    if len(payload) < MIN_BYTES:
        return frame_text(payload)
    return _compressed(payload, bits)


@lru_cache(maxsize=128)
def _compressed(payload: bytes, bits: int) -> bytes:
    # The sockets that one event goes to ask one after the other.
    compressor = zlib.compressobj(wbits=-bits)
    squeezed = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return frame(FIN | COMPRESSED | Opcode.TEXT, squeezed.removesuffix(_TAIL))


def inflate(squeezed: bytes, max_bytes: int) -> bytes:
    """Return a message of at most `max_bytes`; no more than that is ever made of it. Raises Violation."""
    rest = squeezed + _TAIL
    message = b""
    try:
        for _ in range(_MAX_LAST_BLOCKS):
            # Section 7.2.3.4. What follows a last block may still point back over it.
            decompressor = zlib.decompressobj(-_MAX_BITS, message[-32_768:])
            message += decompressor.decompress(rest, max_bytes + 1 - len(message))
            if len(message) > max_bytes:
                raise Violation(CloseCode.TOO_BIG, f"A message is larger than {max_bytes} bytes")
            rest = decompressor.unused_data
            if not rest:
                return message
    except zlib.error:
        pass
    raise Violation(CloseCode.INVALID_PAYLOAD, "A message cannot be decompressed")
