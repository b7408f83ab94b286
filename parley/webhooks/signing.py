"""What a webhook's request consists of: the body, and the headers that prove where it comes from.

There are two proofs by the same key. The one we recommend stands in the headers of Standard Webhooks 1.0.0 and
covers the identifier, the time and the very bytes of the body, so that an old request cannot be sent again. The
other is the member `signature` of the body, for those who have nothing but the body: it covers the canonical form
(RFC 8785) of the body without that member.
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import rfc8785

from parley import __version__
from parley.model import JSON_OPTIONS
from parley.services.webhook_secrets import key_of

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"

_CONSTANT_HEADERS = {"content-type": "application/json", "user-agent": f"Parley/{__version__}"}
# RFC 8785, section 3.2.2.3, after ECMAScript: a larger integer is written as the double it would be read as.
_LARGEST_EXACT = 2**53 - 1
_SIMPLE_TYPES = frozenset((str, bool, type(None), UUID, datetime))


def signed(
    payload: dict[str, Any], *, delivery_id: UUID, at: datetime, secrets: Sequence[str]
) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a request made at `at`, signed by each of the secrets, the newest of which is first.

    The body is the payload, which has no `signature` yet, and that by the first secret.
    """
    keys = [key_of(secret) for secret in secrets]
    plain = canonical(payload)
    body = b'%b,"signature":"%b"}' % (plain[:-1], body_signature(plain, keys[0]).encode())
    timestamp = str(int(at.timestamp()))
    headers = {
        **_CONSTANT_HEADERS,
        ID_HEADER: str(delivery_id),
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: " ".join(header_signature(str(delivery_id), timestamp, body, key) for key in keys),
    }
    return body, headers


def header_signature(message_id: str, timestamp: str, body: bytes, key: bytes) -> str:
    """Return one signature of Standard Webhooks ("Signature scheme", version v1)."""
    digest = hmac.digest(key, b"%b.%b.%b" % (message_id.encode(), timestamp.encode(), body), "sha256")
    return f"v1,{b64encode(digest).decode()}"


def body_signature(canonical_body: bytes, key: bytes) -> str:
    """Return the member `signature` of a body whose canonical form without it is given."""
    return "sha256=" + hmac.digest(key, canonical_body, "sha256").hex()


def canonical(value: Any) -> bytes:
    """Return the canonical JSON (RFC 8785) of what orjson can write; times are written in UTC with a Z.

    Without numbers and names that need care, orjson's sorted output is the canonical one already, in a seventh
    of the time.
    """
    if _is_simple(value):
        return orjson.dumps(value, option=JSON_OPTIONS | orjson.OPT_SORT_KEYS)
    return rfc8785.dumps(_with_doubles(orjson.loads(orjson.dumps(value, option=JSON_OPTIONS))))


def _is_simple(value: Any) -> bool:
    """Tell whether orjson writes a value as RFC 8785 does: its floats and the order of some names differ."""
    kind = type(value)
    if kind in _SIMPLE_TYPES:
        return True
    if kind is int:
        return bool(abs(value) <= _LARGEST_EXACT)
    if kind is dict:
        # Names are sorted by UTF-16 (section 3.2.3), and by UTF-8 in orjson: for ASCII that is the same.
        return all(type(name) is str and name.isascii() and _is_simple(item) for name, item in value.items())
    return kind in (list, tuple) and all(map(_is_simple, value))


def _with_doubles(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_doubles(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_doubles(item) for item in value]
    if type(value) is int and abs(value) > _LARGEST_EXACT:
        return float(value)
    return value
