"""Request bodies: read as far as allowed, then JSON as strict as I-JSON (RFC 7493) and PostgreSQL want it."""

import json
import re
from collections.abc import Iterator
from math import isinf
from typing import Any

from starlette.types import Receive

from parley.contract.errors import ClientGone, PayloadTooLarge, UnsupportedMediaType
from parley.contract.problems import field_name
from parley.errors import Invalid

MAX_DEPTH = 64
# RFC 7493, section 2.2: beyond it a double cannot tell an integer from its neighbour.
MAX_INTEGER = 2**53 - 1

_MEDIA_TYPE = re.compile(
    rb"application/json(?:\s*;\s*charset\s*=\s*(?:utf-?8|\"utf-?8\"))?\s*;?\s*", re.IGNORECASE
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def check_media_type(content_type: bytes | None) -> None:
    """Raise UnsupportedMediaType unless the body is said to be JSON in UTF-8."""
    if content_type is None or (
        content_type != b"application/json" and _MEDIA_TYPE.fullmatch(content_type) is None
    ):
        raise UnsupportedMediaType


async def read_body(receive: Receive, limit: int, content_length: bytes | None) -> bytes:
    """Read the whole body, or stop as soon as it is known to be larger than `limit` bytes.

    Raises PayloadTooLarge, or ClientGone when the client left in the middle.
    """
    if content_length is not None and int(content_length) > limit:
        raise PayloadTooLarge(limit)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise PayloadTooLarge(limit)
        return body
    return await _read_chunks(message, receive, limit)


async def _read_chunks(message: Any, receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise PayloadTooLarge(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
        message = await receive()


def parse_json(body: bytes) -> Any:
    """Read JSON that every reader would read the same way. Raises Invalid, with the field if known."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("body", "Must be UTF-8") from None
    try:
        value = _read(text)
    except json.JSONDecodeError as error:
        raise Invalid("body", f"Is not JSON: line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise Invalid("body", "Is nested too deep") from None
    if "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH:
        _inspect(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid("body", f"Has the member {twice[:64]!r} twice in an object")
    return members


def _integer(digits: str) -> int:
    # The length comes first, because reading a million digits takes its time.
    if len(digits) > 17 or abs(number := int(digits)) > MAX_INTEGER:
        raise Invalid("body", "Has an integer that a double cannot hold")
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise Invalid("body", "Has a number that a double cannot hold")
    return number


def _constant(name: str) -> Any:
    raise Invalid("body", f"Is not JSON: it has {name}")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _read(text: str) -> Any:
    """Do as the decoder does, but look for space around the value only where there is some: that is half its time."""
    try:
        value, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError:
        return _DECODER.decode(text)
    return value if end == len(text) else _DECODER.decode(text)


def _inspect(root: Any) -> None:
    """Look for what is valid JSON and still cannot be stored: U+0000, lone surrogates, deep nesting."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), root)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            _inspect_text(path, value)
        elif isinstance(value, dict | list):
            if len(path) >= MAX_DEPTH:
                raise Invalid("body", "Is nested too deep")
            waiting.extend((*_parts(path, value),))


def _parts(path: tuple[str | int, ...], value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield (*path, at), item
        return
    for name, item in value.items():
        _inspect_text(path, name)
        yield (*path, name), item


def _inspect_text(path: tuple[str | int, ...], text: str) -> None:
    if "\x00" in text:
        raise Invalid(field_name(path, "body"), "Must not contain U+0000")
    if _SURROGATE.search(text) is not None:
        raise Invalid(field_name(path, "body"), "Must not contain a lone surrogate")
