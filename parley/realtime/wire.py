"""RFC 6455's frames: bytes to messages, and messages to bytes.

Only decisions are made here; `parley.realtime.socket` writes, waits and closes. Each check is made as soon as
the bytes it needs are there, so that nobody waits for, or keeps, the payload of a frame that is refused anyway.
"""

from collections.abc import Callable, Iterator
from enum import IntEnum
from sys import byteorder


class Opcode(IntEnum):
    """What a frame is (section 5.2)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class CloseCode(IntEnum):
    """The codes of section 7.4.1 that this edge says or hears; the document has those of Parley beside them."""

    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS = 1005
    ABNORMAL = 1006
    INVALID_PAYLOAD = 1007
    TOO_BIG = 1009
    INTERNAL_ERROR = 1011


class Violation(Exception):
    """The peer broke the protocol: the connection has to fail with `code` (section 7.1.7)."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


FIN = 0x80
COMPRESSED = 0x40
MAX_CONTROL_BYTES = 125
# Status code and reason share the payload of a control frame.
MAX_REASON_BYTES = MAX_CONTROL_BYTES - 2

_RESERVED = 0x70
_MASKED = 0x80
_CONTROL = 0x08
_SHORT_HEADS = [bytes((FIN | Opcode.TEXT, size)) for size in range(126)]
# The IANA registry of close codes: those one may send. 1004 to 1006 and 1015 are never on the wire.
_SENDABLE = frozenset({*range(1000, 1004), *range(1007, 1015)})

# Makes a message of compressed bytes; raises Violation. The number is the most bytes it may become.
Inflate = Callable[[bytes, int], bytes]
# A text message, or a control frame's payload.
Arrival = tuple[Opcode, bytes]


class Reader:
    """Turns what a client sends into whole messages.

    `extras` counts the frames that are no message by themselves: control frames and fragments. A flood of those
    never shows as a message. An idle reader holds no buffer.
    """

    __slots__ = ("_inflate", "_max_bytes", "_message", "_needed", "_squeezed", "_tail", "extras")

    def __init__(self, max_bytes: int, inflate: Inflate | None = None) -> None:
        self._max_bytes = max_bytes
        self._inflate = inflate
        self._tail: bytearray | None = None
        self._needed = 0
        self._message: bytearray | None = None
        self._squeezed = False
        self.extras = 0

    def feed(self, data: bytes) -> Iterator[Arrival]:
        """Yield what has become whole; the text of a TEXT is valid UTF-8. Raises Violation after what was right."""
        if self._tail is not None:
            self._tail += data
            if len(self._tail) < self._needed:
                return
            data = bytes(self._tail)
            self._tail = None
        start = 0
        while (frame := self._frame(data, start)) is not None:
            first, payload, start = frame
            if first & _CONTROL:
                self.extras += 1
                yield Opcode(first & 0x0F), payload
                continue
            message = self._whole(first, payload)
            if message is not None:
                yield Opcode.TEXT, message
        if start < len(data):
            self._tail = bytearray(data[start:])

    def _frame(self, data: bytes, start: int) -> tuple[int, bytes, int] | None:
        """Return a frame's first byte, its payload and where it ends; None while it is not whole."""
        have = len(data) - start
        if have < 2:
            self._needed = 2
            return None
        first, second = data[start], data[start + 1]
        self._judge(first, second)
        length = second & 0x7F
        at = start + 2
        if length > MAX_CONTROL_BYTES:
            width = 2 if length == 126 else 8
            at += width
            if len(data) < at:
                self._needed = 2 + width
                return None
            length = _long(data[at - width : at])
        if not first & _CONTROL:
            self._judge_size(length)
        end = at + 4 + length
        if len(data) < end:
            self._needed = end - start
            return None
        return first, _unmasked(data[at + 4 : end], data[at : at + 4]), end

    def _judge(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        reserved = first & _RESERVED
        if reserved and not self._may_be_compressed(reserved, opcode):
            raise _broken("A reserved bit is set")
        if opcode & _CONTROL:
            if opcode > Opcode.PONG:
                raise _broken("The opcode is unknown")
            if not first & FIN:
                raise _broken("A control frame is in fragments")
            if second & 0x7F > MAX_CONTROL_BYTES:
                raise _broken("A control frame is longer than 125 bytes")
        elif opcode > Opcode.BINARY:
            raise _broken("The opcode is unknown")
        elif opcode == Opcode.CONTINUATION:
            if self._message is None:
                raise _broken("There is nothing to continue")
        elif self._message is not None:
            raise _broken("A message begins within another")
        if not second & _MASKED:
            raise _broken("A frame is not masked")
        if opcode == Opcode.BINARY:
            raise Violation(CloseCode.UNSUPPORTED_DATA, "Messages are text")

    def _may_be_compressed(self, reserved: int, opcode: int) -> bool:
        # RFC 7692, section 6: the bit stands on the first frame of a message and on no other.
        begins = opcode in (Opcode.TEXT, Opcode.BINARY)
        return reserved == COMPRESSED and self._inflate is not None and begins

    def _judge_size(self, length: int) -> None:
        size = length if self._message is None else length + len(self._message)
        # What cannot be compressed becomes a little larger (RFC 7692, section 7.2.1: stored blocks).
        limit = self._max_bytes if self._inflate is None else self._max_bytes + self._max_bytes // 1000 + 64
        if size > limit:
            raise _too_big(self._max_bytes)

    def _whole(self, first: int, payload: bytes) -> bytes | None:
        """Return the message that a data frame completes."""
        if first & 0x0F:
            self._squeezed = first & COMPRESSED != 0
        if self._message is not None or not first & FIN:
            self.extras += 1
            if self._message is None:
                self._message = bytearray()
            self._message += payload
            if not first & FIN:
                return None
            payload = bytes(self._message)
            self._message = None
        if self._squeezed:
            assert self._inflate is not None
            payload = self._inflate(payload, self._max_bytes)
        elif len(payload) > self._max_bytes:
            raise _too_big(self._max_bytes)
        return payload


def read_text(payload: bytes) -> str:
    """Return the text of a message; section 8.1: other bytes than UTF-8 fail the connection."""
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise Violation(CloseCode.INVALID_PAYLOAD, "The text is not UTF-8") from None


def read_close(payload: bytes) -> int:
    """Return the code of a close frame, 1005 where it has none (section 7.1.5)."""
    if not payload:
        return CloseCode.NO_STATUS
    if len(payload) == 1:
        raise _broken("A close frame has half a code")
    code = int.from_bytes(payload[:2])
    if not may_be_sent(code):
        raise _broken("A close frame has a code that may not be sent")
    read_text(payload[2:])
    return code


def may_be_sent(code: int) -> bool:
    """Say whether a close frame may carry this code (section 7.4)."""
    return 3000 <= code < 5000 or code in _SENDABLE


def frame_text(payload: bytes) -> bytes:
    """Return one whole text frame of a server, which is never masked."""
    if len(payload) < 126:
        return _SHORT_HEADS[len(payload)] + payload
    return frame(FIN | Opcode.TEXT, payload)


def payloads(framed: bytes) -> Iterator[bytes]:
    """Take text frames of a server apart that were joined."""
    at = 0
    while at < len(framed):
        size = framed[at + 1]
        at += 2
        if size > MAX_CONTROL_BYTES:
            width = 2 if size == 126 else 8
            size = int.from_bytes(framed[at : at + width])
            at += width
        yield framed[at : at + size]
        at += size


def frame_close(code: int, reason: str = "") -> bytes:
    """Return a close frame; a reason that is too long for one loses its end."""
    said = reason.encode()
    if len(said) > MAX_REASON_BYTES:
        # Cut through a character, its beginning is left out too.
        said = said[:MAX_REASON_BYTES].decode(errors="ignore").encode()
    return frame(FIN | Opcode.CLOSE, code.to_bytes(2) + said)


def frame(first: int, payload: bytes) -> bytes:
    """Return a frame of a server: `first` is its first byte."""
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65_536:
        return bytes((first, 126)) + size.to_bytes(2) + payload
    return bytes((first, 127)) + size.to_bytes(8) + payload


def _long(field: bytes) -> int:
    length = int.from_bytes(field)
    # Section 5.2: the fewest bytes that can hold the length, and the highest bit of eight is 0.
    if length < (126 if len(field) == 2 else 65_536) or length >> 63:
        raise _broken("A length is not written as it should be")
    return length


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    """Undo section 5.3, as one operation on two large numbers."""
    size = len(payload)
    if not size:
        return payload
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, byteorder) ^ int.from_bytes(key, byteorder)).to_bytes(size, byteorder)


def _broken(reason: str) -> Violation:
    return Violation(CloseCode.PROTOCOL_ERROR, reason)


def _too_big(limit: int) -> Violation:
    return Violation(CloseCode.TOO_BIG, f"A message is larger than {limit} bytes")
