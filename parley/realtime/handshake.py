"""The handshake of RFC 6455, section 4: from a request that HTTP has parsed to an answer."""

import binascii
import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import httptools

from parley.realtime.deflate import negotiate

Header = tuple[bytes, bytes]
# The client's address from the peer's, `X-Forwarded-For` and `Forwarded`.
AddressOf = Callable[[str, bytes | None, bytes | None], str]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_VERSION = "13"
_MAX_PARAMETERS = 64
_ONCE = ("host", "sec-websocket-key", "sec-websocket-version")


@dataclass(frozen=True, slots=True)
class Request:
    """What a handshake said. A parameter with two different values has none that counts, which is the empty one; header
    names are lower-case.
    """

    path: str
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    address: str


class Refusal(Exception):
    """The handshake gets an HTTP answer instead of a socket; `code` is the envelope's."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.details = details or {}


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake that is right in itself: who asks for what, and the answer's headers if it is granted."""

    request: Request
    headers: Sequence[Header]
    # Of the window of our compressor; 0 where nothing is compressed.
    window_bits: int


def is_offered(method: bytes, version: str, headers: Sequence[Header]) -> bool:
    """Say whether a request that offers to upgrade offers a WebSocket.

    Any other is read as if it offered nothing (RFC 9110, section 7.8): also one of HTTP/1.0, and one with a body.
    """
    if method != b"GET" or version != "1.1":
        return False
    offered = False
    for name, value in headers:
        if name == b"upgrade":
            offered = offered or b"websocket" in _tokens(value)
        elif name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")):
            return False
    return offered


def read_handshake(
    url: bytes, headers: Sequence[Header], peer: str, address_of: AddressOf, *, compression: bool
) -> Handshake:
    """Judge a handshake by the book. Raises Refusal."""
    said = _collected(headers)
    if "host" not in said:
        raise _wrong("Host", "Is missing")
    if said.get("sec-websocket-version") != _VERSION:
        raise Refusal(
            426,
            "upgrade_required",
            f"Sockets are spoken in version {_VERSION}",
            {"Sec-WebSocket-Version": _VERSION, "Upgrade": "websocket", "Connection": "Upgrade"},
        )
    answer = [(b"sec-websocket-accept", _accepted(said.get("sec-websocket-key", "")))]
    agreed = negotiate(said.get("sec-websocket-extensions", "")) if compression else None
    if agreed is not None:
        answer.append((b"sec-websocket-extensions", agreed[1].encode()))
    address = address_of(peer, _first(headers, b"x-forwarded-for"), _first(headers, b"forwarded"))
    path, query = _target(url)
    return Handshake(Request(path, query, said, address), answer, 0 if agreed is None else agreed[0])


def _collected(headers: Sequence[Header]) -> dict[str, str]:
    said: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1").strip()
        if name not in said:
            said[name] = value
        elif name in _ONCE:
            raise _wrong(name, "Is there twice")
        else:
            said[name] = f"{said[name]}, {value}"
    return said


def _accepted(key: str) -> bytes:
    """Return what proves that the key was read (section 4.2.2)."""
    try:
        raw = b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 16:
        raise _wrong("Sec-WebSocket-Key", "Is not the base64 of 16 bytes")
    return b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest())


def _target(url: bytes) -> tuple[str, dict[str, str]]:
    try:
        parsed = httptools.parse_url(url)
        path = unquote(parsed.path.decode("ascii"))
        pairs = parse_qsl(
            (parsed.query or b"").decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_PARAMETERS
        )
    except (httptools.HttpParserInvalidURLError, ValueError, AttributeError):
        raise _wrong("path", "Cannot be read") from None
    query: dict[str, str] = {}
    for name, value in pairs:
        query[name] = value if query.get(name, value) == value else ""
    return path, query


def _first(headers: Sequence[Header], name: bytes) -> bytes | None:
    values = [value for found, value in headers if found == name]
    return b",".join(values) if values else None


def _tokens(value: bytes) -> list[bytes]:
    return [token.strip().lower() for token in value.split(b",")]


def _wrong(where: str, reason: str) -> Refusal:
    details = {"field": where, "reason": reason, "errors": [{"field": where, "reason": reason}]}
    return Refusal(400, "validation_error", "Invalid request data", details=details)
