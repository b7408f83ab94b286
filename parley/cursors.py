"""Cursors of the log: where a reader stands, as an opaque string.

A cursor holds the epoch of the log and a position, and a checksum that tells a damaged or invented one from one
that Parley made. It is no secret and needs no key: what a reader may see is decided by memberships alone.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from hashlib import blake2s

# The cursor of the log's beginning, or of what is still kept of it.
START = "0"

_FORMAT = struct.Struct(">B4sQ")
_VERSION = 1
_CHECK_BYTES = 4
# Copied for each cursor: making one from its parameters takes twice as long.
_CHECK = blake2s(digest_size=_CHECK_BYTES, person=b"cursor")
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class ForgedCursor(ValueError):
    """Not a cursor that Parley made."""


# Not frozen: one is made per event, and a frozen one takes four times as long.
@dataclass(slots=True)
class Cursor:
    """A position in the log of one epoch; `epoch` is a short hash of what `log_epoch()` says."""

    epoch: bytes
    position: int

    def encode(self) -> str:
        """Return the opaque string: 23 characters that need no escaping in a URL."""
        body = _FORMAT.pack(_VERSION, self.epoch, self.position)
        coded = binascii.b2a_base64(body + _check(body), newline=False)
        return coded.translate(_URL_SAFE).rstrip(b"=").decode()


def decode(text: str) -> Cursor:
    """Return the cursor that a string stands for. Raises ForgedCursor; `START` is the caller's to handle."""
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        version, epoch, position = _FORMAT.unpack(raw[:-_CHECK_BYTES])
    except (binascii.Error, struct.error, UnicodeEncodeError):
        raise ForgedCursor(text) from None
    cursor = Cursor(epoch, position)
    # Encoding it again also refuses other spellings of the same bytes.
    if version != _VERSION or cursor.encode() != text:
        raise ForgedCursor(text)
    return cursor


def epoch_of(log_epoch: str) -> bytes:
    """Return the four bytes that stand for an epoch in a cursor."""
    return blake2s(log_epoch.encode(), digest_size=4).digest()


def _check(body: bytes) -> bytes:
    check = _CHECK.copy()
    check.update(body)
    return check.digest()
