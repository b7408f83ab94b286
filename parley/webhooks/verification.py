"""What a receiver does with a request before it believes it: the other end of `parley.webhooks.signing`.

Parley itself is no receiver; `parley webhooks listen` is one, for whoever writes another.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from parley.services.webhook_secrets import key_of
from parley.webhooks.signing import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    body_signature,
    canonical,
    header_signature,
)

# What the libraries of Standard Webhooks tolerate: older requests may be sent by somebody who has listened.
TOLERANCE_SECONDS = 300

_MAX_DIGITS = 12


class Unverified(Exception):
    """A request is not to be believed, for the reason that is its sentence."""


def verify(body: bytes, headers: Mapping[str, str], *, secret: str, now: datetime) -> None:
    """Check a request as Standard Webhooks has it; names of headers are in lower case. Raises Unverified."""
    for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER):
        if not headers.get(name):
            raise Unverified(f"there is no {name}")
    timestamp = headers[TIMESTAMP_HEADER]
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MAX_DIGITS):
        raise Unverified(f"{TIMESTAMP_HEADER} is no number")
    age = now.timestamp() - int(timestamp)
    if abs(age) > TOLERANCE_SECONDS:
        raise Unverified("it is too old" if age > 0 else "it comes from the future")
    expected = header_signature(headers[ID_HEADER], timestamp, body, key_of(secret))
    if not any(_equal(expected, each) for each in headers[SIGNATURE_HEADER].split(" ")):
        raise Unverified("no signature was made with this secret")


def verify_member(payload: Mapping[str, Any], *, secret: str) -> None:
    """Check the member `signature` of a body. Raises Unverified."""
    claimed = payload.get("signature")
    if not isinstance(claimed, str):
        raise Unverified("the body has no signature")
    rest = {name: value for name, value in payload.items() if name != "signature"}
    if not _equal(body_signature(canonical(rest), key_of(secret)), claimed):
        raise Unverified("the signature in the body was not made with this secret")


def _equal(expected: str, claimed: str) -> bool:
    # Strings that are compared like this must be ASCII, and what somebody claims may be anything.
    return hmac.compare_digest(expected.encode(), claimed.encode(errors="replace"))
