"""What a validator found becomes short sentences about fields.

A field is a dotted path into the body such as `metadata.mentions[0]`, or the name of a parameter.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import jsonschema_rs


class Field(str):
    """What a problem is about, in the words of people.

    `pointer` is the place in the body as the fragment of a URI (RFC 6901, section 6), and None where it is none of
    the body's.
    """

    pointer: str | None

    def __new__(cls, name: str, pointer: str | None) -> "Field":
        field = super().__new__(cls, name)
        field.pointer = pointer
        return field


Problem = tuple[str, str]
Branches = Sequence[Sequence[jsonschema_rs.ValidationError]]

# Of `pointer` in the document.
MAX_POINTER_LENGTH = 2000

_FAR = 10
_MISFORMED = "Invalid "

_KINDS = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}


def problems_of(validator: jsonschema_rs.Validator, value: Any, root: str, at_most: int) -> list[Problem]:
    """List what is wrong with a value. `root` is what the value itself is called: `body`, or a parameter."""
    found: list[Problem] = []
    for error in validator.iter_errors(value):
        found.extend(_explained(error, root))
        if len(found) >= at_most:
            break
    # What has not the right form need not be told that it is too short as well.
    misformed = {field: reason for field, reason in found if reason.startswith(_MISFORMED)}
    return list(dict.fromkeys((field, misformed.get(field, reason)) for field, reason in found))[:at_most]


def field_name(path: Sequence[str | int], root: str) -> Field:
    """Write a path as people do: `metadata.mentions[0]`."""
    name = ""
    for part in path:
        step = f"[{part}]" if isinstance(part, int) else f".{part}"
        name = f"{name or root}{step}" if isinstance(part, int) else f"{name}{step}".removeprefix(".")
    return Field(name or root, pointer_of(path) if root == "body" else None)


def pointer_of(path: Iterable[str | int]) -> str:
    """Write a path into the body as a JSON Pointer in the fragment of a URI: `#/metadata/mentions/0`."""
    pointer = "#"
    for part in path:
        step = quote(str(part).replace("~", "~0").replace("/", "~1"), safe="~", errors="replace")
        if len(pointer) + len(step) >= MAX_POINTER_LENGTH:
            # A client may have made it up; whoever reads on from what holds it finds it.
            break
        pointer += f"/{step}"
    return pointer


def _explained(error: jsonschema_rs.ValidationError, root: str) -> Iterator[Problem]:
    path: list[str | int] = list(error.instance_path)
    facts = error.kind.as_dict()
    match error.kind.name:
        case "required":
            yield field_name([*path, facts["property"]], root), "Is required"
        case "additionalProperties":
            for name in facts["unexpected"]:
                yield field_name([*path, name], root), "Unknown field"
        case "oneOf" | "anyOf" if facts.get("context"):
            yield from _closest(error, facts["context"], root)
        case keyword:
            yield field_name(path, root), _reason(keyword, facts)


def _closest(
    error: jsonschema_rs.ValidationError,
    branches: Branches,
    root: str,
) -> Iterator[Problem]:
    """Explain the alternative that was meant; where that cannot be told, say what tells them apart."""
    path = list(error.instance_path)
    if not all(branches):
        yield field_name(path, root), "Fits more than one of the alternatives"
        return
    # Another type altogether (null, mostly) is not what was meant.
    meant = [branch for branch in branches if not _is_another_type(branch, len(path))] or branches[:1]
    missing = _own_names(meant, "required", len(path))
    unknown = _own_names(meant, "additionalProperties", len(path))
    wrong = _own_names(meant, "enum", len(path) + 1)
    # A member that names the kind, such as `type`, tells most: what it does not fit is far away.
    distances = [len(missing[at]) + len(unknown[at]) + _FAR * len(wrong[at]) for at in range(len(meant))]
    closest = meant[min(range(len(meant)), key=lambda at: (distances[at], len(meant[at])))]
    if 0 not in distances and all(missing) and not any(unknown):
        names = list(dict.fromkeys(names[0] for names in missing))
        if len(names) > 1:
            yield field_name([*path, names[0]], root), f"Exactly one of {' and '.join(names)} is required"
            return
    if 0 not in distances and all(unknown):
        names = list(dict.fromkeys(name for names in reversed(unknown) for name in names))
        yield field_name([*path, names[-1]], root), f"Only one of {' and '.join(names)} is allowed"
        return
    yield from _explain_branch(closest, meant, len(path), root)


def _explain_branch(
    branch: Sequence[jsonschema_rs.ValidationError],
    branches: Branches,
    depth: int,
    root: str,
) -> Iterator[Problem]:
    """Explain one alternative, but of a member that fits none of them show what all would take."""
    for error in branch:
        if error.kind.name == "enum" and len(error.instance_path) == depth + 1:
            same = [
                option
                for other in branches
                for found in other
                if found.kind.name == "enum" and found.instance_path == error.instance_path
                for option in found.kind.as_dict()["options"]
            ]
            yield (
                field_name(error.instance_path, root),
                _reason("enum", {"options": list(dict.fromkeys(same))}),
            )
        else:
            yield from _explained(error, root)


def _is_another_type(branch: Sequence[jsonschema_rs.ValidationError], depth: int) -> bool:
    return any(error.kind.name in {"type", "enum"} and len(error.instance_path) == depth for error in branch)


def _own_names(branches: Branches, keyword: str, depth: int) -> list[list[str]]:
    """For each branch, the names that it misses (or does not know) and not every other one does too."""
    names = [
        [
            name
            for error in branch
            if error.kind.name == keyword and len(error.instance_path) == depth
            for name in _names(error)
        ]
        for branch in branches
    ]
    shared = set(names[0]).intersection(*names[1:]) if len(names) > 1 else set()
    return [[name for name in own if name not in shared] for own in names]


def _names(error: jsonschema_rs.ValidationError) -> list[str]:
    facts = error.kind.as_dict()
    if "property" in facts:
        return [facts["property"]]
    return list(facts["unexpected"]) if "unexpected" in facts else [str(error.instance_path[-1])]


def _reason(keyword: str, facts: dict[str, Any]) -> str:
    limit = facts.get("limit")
    match keyword:
        case "type":
            return f"Must be {' or '.join(_KINDS[name] for name in facts['types'])}"
        case "format":
            return f"{_MISFORMED}{facts['format']} format"
        case "enum":
            return f"Must be one of: {', '.join(_shown(option) for option in facts['options'])}"
        case "pattern":
            return f"Must match {facts['pattern']}"
        case "minLength":
            return f"Must have at least {_counted(limit, 'character')}"
        case "maxLength":
            return f"Must have at most {_counted(limit, 'character')}"
        case "minItems":
            return f"Must have at least {_counted(limit, 'item')}"
        case "maxItems":
            return f"Must have at most {_counted(limit, 'item')}"
        case "minProperties":
            return f"Must have at least {_counted(limit, 'field')}"
        case "maxProperties":
            return f"Must have at most {_counted(limit, 'field')}"
        case "minimum":
            return f"Must be at least {limit}"
        case "maximum":
            return f"Must be at most {limit}"
        case "exclusiveMinimum":
            return f"Must be more than {limit}"
        case "exclusiveMaximum":
            return f"Must be less than {limit}"
        case "uniqueItems":
            return "Must not have an item twice"
        case "multipleOf":
            return f"Must be a multiple of {facts['multiple_of']}"
        case _:
            return "Is not valid"


def _counted(limit: Any, noun: str) -> str:
    return f"{limit} {noun}" if limit == 1 else f"{limit} {noun}s"


def _shown(option: Any) -> str:
    return "null" if option is None else str(option)
