"""Identifiers: UUID version 7 (RFC 9562, section 5.7), so that new rows land side by side in an index."""

import os
import time
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_BITS = (1 << 62) - 1
_FRACTION_BITS = 12
_MILLISECOND = 1_000_000

_last = 0


def uuid7() -> UUID:
    """Return a new UUID, greater than all that this process made before.

    48 bits of Unix time in milliseconds, then 12 bits of the fraction of a millisecond, which grow by one where the
    clock does not (section 6.2, method 3), then 62 random bits.
    """
    global _last
    milliseconds, rest = divmod(time.time_ns(), _MILLISECOND)
    moment = (milliseconds << _FRACTION_BITS) | (rest << _FRACTION_BITS) // _MILLISECOND
    _last = moment = max(moment, _last + 1)
    milliseconds, fraction = moment >> _FRACTION_BITS, moment & ((1 << _FRACTION_BITS) - 1)
    random = int.from_bytes(os.urandom(8)) & _RANDOM_BITS
    return UUID(int=(milliseconds << 80) | _VERSION | (fraction << 64) | _VARIANT | random)
