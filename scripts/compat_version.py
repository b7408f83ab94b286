"""Tells documents of one version that are not the same: a version says which contract it is, so it says it of one."""

from collections.abc import Iterator, Mapping
from typing import Any

from scripts.specification import Document

# They are read by people, and may be put better at any time.
_WORDS = frozenset(
    ("description", "summary", "title", "meaning", "when", "example", "examples", "externalDocs")
)
# Whatever stands below them is named by us, and a field may well be called `title`.
_NAMES = frozenset(("properties", "schemas", "parameters", "headers", "paths"))


def misnamed(released: Mapping[str, Document], present: Mapping[str, Document]) -> Iterator[str]:
    """Say which documents, by their names, cannot be of the version that they say."""
    for name, document in present.items():
        before, now = (each["info"]["version"] for each in (released[name], document))
        if _number(now) < _number(before):
            yield f"{name}: says {now}, and {before} was released already [version-older]"
        elif now == before and (place := differs(released[name], document)) is not None:
            yield f"{name}: says {now}, and {place} is not as it was released as {before} [version-not-raised]"


def differs(before: Any, now: Any, place: str = "") -> str | None:
    """Return the first place where two documents differ in more than words, or None."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        named = place.rpartition("/")[2] in _NAMES
        names = [name for name in {**before, **now} if named or name not in _WORDS]
        for name in names:
            if name not in before or name not in now:
                return f"{place}/{name}"
            if found := differs(before[name], now[name], f"{place}/{name}"):
                return found
        return None
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        parts = zip(before, now, strict=True)
        return next((found for each in parts if (found := differs(*each, place))), None)
    return None if before == now else place


def _number(version: str) -> tuple[tuple[int, ...], bool]:
    """Return what versions are ordered by: a beta comes before what it becomes."""
    number, _, beta = version.partition("-")
    return tuple(int(part) for part in number.split(".")), not beta
