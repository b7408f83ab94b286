"""What the document calls deprecated: operations, and parts of what they take and answer, each with its days."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Any

from parley.contract.document import DocumentedOperation, resolve

SINCE = "x-deprecated-since"
SUNSET = "x-sunset"

# RFC 9745, section 2, has seconds since 1970 as a structured field; RFC 8594, section 3, a date of HTTP.
_LINES = "deprecation: @{since}\r\nsunset: {sunset}\r\n"
# What stands in these is a value, and may have any member.
_VALUES = frozenset(("example", "examples", "default", "enum", "links"))
# And in these, members have names of the document's own.
_NAMED = frozenset(("properties", "responses"))


@dataclass(frozen=True, slots=True)
class Days:
    """Since when something is deprecated, and from when a next version may be the only one."""

    since: date
    sunset: date

    def lines(self) -> bytes:
        """Return the lines of a head that announce it."""
        since, sunset = (datetime.combine(day, time(), UTC) for day in (self.since, self.sunset))
        return _LINES.format(
            since=int(since.timestamp()), sunset=format_datetime(sunset, usegmt=True)
        ).encode()


@dataclass(frozen=True, slots=True)
class Deprecations:
    """What of one operation is on its way out: for everybody who uses it, or for those who send a parameter."""

    for_all: tuple[Days, ...]
    of_queries: Mapping[str, tuple[Days, ...]]
    of_headers: Mapping[bytes, tuple[Days, ...]]

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return bool(self.for_all or self.of_queries or self.of_headers)


def earliest(days: Iterable[Days]) -> Days:
    """Return what to say of several things at once: the first that began, and the first that may end."""
    listed = [*days]
    return Days(min(each.since for each in listed), min(each.sunset for each in listed))


def is_any(document: Mapping[str, Any]) -> bool:
    """Tell whether anything is deprecated at all, for those who would have to look through every operation."""
    return any(node.get("deprecated") is True for _, node in parts(document))


def deprecations_of(document: Mapping[str, Any], operation: DocumentedOperation) -> Deprecations:
    """Look through an operation: itself, its parameters, and the schemas of its body and of its answers."""
    raw = operation.raw
    for_all = [*_own(raw)]
    of_queries: dict[str, tuple[Days, ...]] = {}
    of_headers: dict[bytes, tuple[Days, ...]] = {}
    for parameter in _parameters(document, operation):
        days = tuple(_within(document, parameter, set()))
        if days and parameter["in"] == "query":
            of_queries[parameter["name"]] = days
        elif days and parameter["in"] == "header":
            of_headers[parameter["name"].lower().encode()] = days
        else:
            # What stands in the path is in every request.
            for_all += days
    for word in ("requestBody", "responses"):
        for_all += _within(document, {word: raw.get(word)}, set())
    return Deprecations(tuple(for_all), of_queries, of_headers)


def parts(node: Any, place: str = "", *, names: bool = False) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the objects of a document which may be deprecated, each with its place; references are not followed.

    `names` says that the members are called by names of the document's own, which are no words of OpenAPI.
    """
    if isinstance(node, Mapping):
        yield place, node
        for name, part in node.items():
            if names or name not in _VALUES:
                escaped = name.replace("~", "~0").replace("/", "~1")
                inner = f"{place}/{escaped}" if place else escaped
                yield from parts(part, inner, names=name in _NAMED and not names)
    elif isinstance(node, list):
        for index, part in enumerate(node):
            yield from parts(part, f"{place}/{index}")


def _parameters(document: Mapping[str, Any], operation: DocumentedOperation) -> list[Mapping[str, Any]]:
    """Return them, references followed; an operation's own replaces the path's of the same name and place."""
    every = (
        resolve(document, each) for each in (*operation.path_parameters, *operation.raw.get("parameters", ()))
    )
    return [*{(each["in"], each["name"]): each for each in every}.values()]


def _within(document: Mapping[str, Any], node: Any, known: set[str]) -> Iterator[Days]:
    """Yield the days of all that is deprecated in a part of the document and in what it refers to."""
    for _, part in parts(node):
        yield from _own(part)
        reference = part.get("$ref")
        if isinstance(reference, str) and reference not in known:
            # Schemas may refer to each other in a circle.
            known.add(reference)
            yield from _within(document, resolve(document, part), known)


def _own(part: Mapping[str, Any]) -> Iterator[Days]:
    if part.get("deprecated") is True:
        yield Days(date.fromisoformat(part[SINCE]), date.fromisoformat(part[SUNSET]))
