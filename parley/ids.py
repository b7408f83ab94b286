"""Identifiers: UUID version 7 (RFC 9562, section 5.7), so that new rows land side by side in an index."""

import os
import struct
import time
from itertools import chain
from uuid import UUID

_VERSION_AND_VARIANT = 0x7 << 76 | 0b10 << 62
_FRACTION_BITS = 12
_FRACTION = (1 << _FRACTION_BITS) - 1
_MILLISECOND = 1_000_000

_last = 0
# The system is asked for many random numbers at a time: each by itself would be a third more for an identifier.
_randoms = chain.from_iterable(iter(lambda: struct.unpack("512Q", os.urandom(4096)), ()))


def uuid7() -> UUID:
    """Return a new UUID, greater than all that this process made before.

    48 bits of Unix time in milliseconds, then 12 bits of the fraction of a millisecond, which grow by one where the
    clock does not (section 6.2, method 3), then 62 random bits.
    """
    global _last
    _last = moment = max((time.time_ns() << _FRACTION_BITS) // _MILLISECOND, _last + 1)
    head = moment >> _FRACTION_BITS << 80 | (moment & _FRACTION) << 64
    return UUID(int=head | _VERSION_AND_VARIANT | next(_randoms) >> 2)
