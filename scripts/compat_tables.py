"""Compares what no tool reads of REST: our own words, and which errors there are; each with its own idea of a break."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from parley.contract.document import DocumentedOperation, operations_of
from parley.contract.formats import is_date
from scripts.specification import Document, name_of


def broken_tables(released: Document, present: Document) -> Iterator[str]:
    """Say what breaks, of REST's document."""
    yield from _servers(released, present)
    yield from _buckets(released, present)
    yield from _refusals("every request", released, present)
    yield from _operations(released, present)
    yield from broken_days(released, present)


def _servers(released: Document, present: Document) -> Iterator[str]:
    urls = {each["url"] for each in present["servers"]}
    for each in released["servers"]:
        if each["url"] not in urls:
            yield f"servers: {each['url']} is gone [server-removed]"


def _buckets(released: Document, present: Document) -> Iterator[str]:
    now = present["x-rate-limits"]
    for name, before in released["x-rate-limits"].items():
        bucket = now.get(name)
        if bucket is None:
            yield f"x-rate-limits: {name} is gone [bucket-removed]"
        elif bucket["limit"] < before["limit"] or bucket["window_seconds"] > before["window_seconds"]:
            yield (
                f"x-rate-limits: {name} allowed {before['limit']} in {before['window_seconds']} s "
                f"and allows {bucket['limit']} in {bucket['window_seconds']} s [bucket-smaller]"
            )


def _operations(released: Document, present: Document) -> Iterator[str]:
    """What is gone altogether oasdiff tells."""
    now = {(each.method, each.path): each for each in operations_of(present)}
    for before in operations_of(released):
        operation = now.get((before.method, before.path))
        if operation is not None:
            yield from _rate_limit(before, operation)
            yield from _answers(name_of(before), before.raw, operation.raw)
            yield from _refusals(name_of(before), before.raw, operation.raw)
            if operation.tag != before.tag:
                yield f"{name_of(before)}: has the tag {operation.tag} instead of {before.tag} [tag-changed]"


def _answers(place: str, before: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[str]:
    """An error may be added, since there is always one more reason; what tells success oasdiff knows."""
    for status in before["responses"]:
        if status not in operation["responses"] and _is_error(status):
            yield (
                f"{place}: does not answer {status} any more, by which clients know what happened: keep it, even if "
                "nothing is refused like that now [error-status-removed]"
            )
    for status in operation["responses"]:
        if status not in before["responses"] and not status.startswith("2") and not _is_error(status):
            yield (
                f"{place}: answers {status}, which is neither success nor error, and no client of today knows what "
                "to do then: use a status of 400 and above [answer-added]"
            )


def _is_error(status: str) -> bool:
    return status.startswith(("4", "5"))


def _refusals(place: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Their sentences are words, and there may be others."""
    for status in refusals_gone(before, now, "status"):
        yield (
            f"{place}: x-refusals does not say any more when it answers {status}, which clients act upon: keep "
            "the sentence or write a better one [refusal-removed]"
        )


def refusals_gone(before: Mapping[str, Any], now: Mapping[str, Any], word: str) -> list[Any]:
    """Return by which `word` (`status` or `code`) something was refused before and is not now, each once."""
    told = {each[word] for each in now.get("x-refusals", ())}
    known = dict.fromkeys(each[word] for each in before.get("x-refusals", ()))
    return [each for each in known if each not in told]


def _rate_limit(before: DocumentedOperation, operation: DocumentedOperation) -> Iterator[str]:
    """An operation may cost less than before, never more or elsewhere."""
    old, new = _drawn(before), _drawn(operation)
    for draw in new:
        if draw not in old:
            yield f"{name_of(before)}: draws from {' per '.join(draw)}, which it did not [rate-limit-added]"


def _drawn(operation: DocumentedOperation) -> list[tuple[str, str]]:
    drawn: list[tuple[str, str]] = []
    said: Mapping[str, Any] | None = operation.raw.get("x-rate-limit")
    while said is not None:
        drawn.append((said["bucket"], said.get("per", "user")))
        said = said.get("also")
    return drawn


def broken_days(released: Document, present: Document) -> Iterator[str]:
    """Whoever was told a day has until then."""
    now = dict(_days(present, ""))
    for place, day in _days(released, ""):
        later = now.get(place, day)
        if not is_date(later):
            yield f"{place}: is to stay until {later}, which is no day: write it as in 2027-12-01 [sunset-no-day]"
        elif date.fromisoformat(later) < date.fromisoformat(day):
            yield (
                f"{place}: was to stay until {day} and is to stay until {later}, and whoever read the former counts "
                "on it: give the same day or a later one [sunset-earlier]"
            )


def _days(node: Any, place: str) -> Iterator[tuple[str, str]]:
    """Yield each `x-sunset` by its place; among parameters that is a name, since others may come before it."""
    if isinstance(node, Mapping):
        if "x-sunset" in node:
            yield place, node["x-sunset"]
        for name, part in node.items():
            yield from _days(part, f"{place}/{name}")
    elif isinstance(node, list):
        for index, part in enumerate(node):
            name = part.get("name", index) if isinstance(part, Mapping) else index
            yield from _days(part, f"{place}/{name}")
