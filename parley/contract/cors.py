"""Which pages of other origins may call (the Fetch standard's CORS), without ever allowing credentials."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from parley.contract.deprecation import is_any
from parley.contract.document import operations_of, resolve

_LOCALHOST = re.compile(rb"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")
_USUAL_PORTS = {b"http": b":80", b"https": b":443"}
_ALWAYS_SENT = ("X-Request-Id", "X-Contract")
_ALWAYS_READ = ("Authorization", "Content-Type", "X-Request-Id")
_OF_DEPRECATED = ("Deprecation", "Sunset")
_ALLOWED = b"access-control-allow-origin: %b\r\naccess-control-expose-headers: %b\r\n"
_PREFLIGHT = b"access-control-allow-methods: %b\r\naccess-control-allow-headers: %b\r\naccess-control-max-age: 7200\r\n"


class Cors:
    """Answers the questions of browsers. Without origins the server's own and localhost's may call."""

    def __init__(self, origins: Sequence[str], document: Mapping[str, Any]) -> None:
        self._any = "*" in origins
        self._origins = frozenset(origin.rstrip("/").lower().encode() for origin in origins)
        self._exposed = ", ".join(response_headers(document)).encode()
        self._allowed = ", ".join(request_headers(document)).encode()

    def headers(self, origin: bytes, host: bytes | None) -> bytes:
        """Return the lines of a head for a page of this origin; nothing where it may not call."""
        if not self.allows(origin, host):
            return b""
        return _ALLOWED % (b"*" if self._any else origin, self._exposed)

    def preflight_headers(self, allow: str) -> bytes:
        """Return the lines that say what an allowed page may send; `allow` are the methods of the path."""
        return _PREFLIGHT % (allow.encode(), self._allowed)

    def allows(self, origin: bytes, host: bytes | None) -> bool:
        """Tell whether pages of this origin may call the server that they call `host`."""
        if self._any:
            return True
        if self._origins:
            return origin.lower() in self._origins
        return is_own(origin, host) or _LOCALHOST.fullmatch(origin) is not None


def is_own(origin: bytes, host: bytes | None) -> bool:
    """Tell whether an origin is that of the server, which a request calls `host`.

    The scheme may be any: a proxy may be the only one who knows. Some proxies spell the port out where it is the
    usual one.
    """
    scheme, _, place = origin.lower().partition(b"://")
    usual = _USUAL_PORTS.get(scheme)
    if not place or usual is None or host is None:
        return False
    return place.removesuffix(usual) == host.lower().removesuffix(usual)


def response_headers(document: Mapping[str, Any]) -> list[str]:
    """List every header that some documented answer carries."""
    return _sorted((*_ALWAYS_SENT, *_documented_headers(document)))


def request_headers(document: Mapping[str, Any]) -> list[str]:
    """List every header that some operation reads."""
    return _sorted((*_ALWAYS_READ, *_header_parameters(document)))


def _documented_headers(document: Mapping[str, Any]) -> Iterator[str]:
    for response in _documented_answers(document):
        yield from resolve(document, response).get("headers", {})
    if is_any(document):
        yield from _OF_DEPRECATED


def _documented_answers(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the answers of operations, those that no operation gives, and those that are shared."""
    for operation in operations_of(document):
        yield from operation.raw["responses"].values()
    yield from document.get("x-outside-operations", {}).values()
    yield from document.get("components", {}).get("responses", {}).values()


def _header_parameters(document: Mapping[str, Any]) -> Iterator[str]:
    for operation in operations_of(document):
        for parameter in (*operation.path_parameters, *operation.raw.get("parameters", ())):
            facts = resolve(document, parameter)
            if facts["in"] == "header":
                yield facts["name"]


def _sorted(names: Iterable[str]) -> list[str]:
    """Names of headers ignore case: the first spelling stays."""
    by_lower: dict[str, str] = {}
    for name in names:
        by_lower.setdefault(name.lower(), name)
    return [by_lower[lower] for lower in sorted(by_lower)]
