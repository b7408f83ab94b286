"""Rules that v2 adds: nothing of what it replaced is left, and what it promises holds for each operation.

They are what a new operation of v1 has to keep to that an action of the overlay forgot.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from parley.contract.document import DocumentedOperation, operations_of, resolve
from scripts.specification import Document, Schema, answers_of, content_of, name_of, parameters_of, walk
from scripts.versions import version_of

_REPLACED = re.compile(r"X-RateLimit-|X-Pagination-|ErrorEnvelope|/v1\b|details\.")
_PROBLEM = {"title", "status", "meaning", "remedy"}
_SENTENCES = re.compile(r"[A-Z`].*\.", re.DOTALL)


def nothing_of_v1_is_left(document: Document) -> Iterator[str]:
    for place, node in walk(document):
        names = [*node] if isinstance(node, Mapping) else [node] if isinstance(node, str) else []
        for found in (_REPLACED.search(name) for name in names):
            # What differs from v1 is told in the introduction, and there by its name.
            if found is not None and place != "info/description":
                yield f"{place}: {found[0]} is of v1"


def codes_have_problems(document: Document) -> Iterator[str]:
    """Each code is explained, and its status is the one that it belongs to."""
    problems: Mapping[str, Mapping[str, Any]] = document.get("x-problems", {})
    listed = set(document["components"]["schemas"]["ErrorCode"]["enum"])
    for odd in sorted(listed ^ problems.keys()):
        yield f"x-problems/{odd}: is no code, or is not explained"
    statuses = {code: status for status, code in version_of(document).codes.items()}
    for code, problem in problems.items():
        if set(problem) != _PROBLEM:
            yield f"x-problems/{code}: needs {', '.join(sorted(_PROBLEM))} and nothing else"
            continue
        if code in listed and problem["status"] != statuses.get(code):
            yield f"x-problems/{code}: its status is {statuses.get(code)}"
        for word in ("meaning", "remedy"):
            if _SENTENCES.fullmatch(problem[word]) is None:
                yield f"x-problems/{code}: {word} is not a sentence"


def examples_have_titles(document: Document) -> Iterator[str]:
    """What an error says about its code is what the contract says about it."""
    problems = document.get("x-problems", {})
    for name, answer in document["components"]["responses"].items():
        for example in (content_of(answer) or {}).get("examples", {}).values():
            value = resolve(document, example)["value"]
            told = problems.get(value["code"], {})
            if (value["title"], value["status"]) != (told.get("title"), told.get("status")):
                yield f"components/responses/{name}: title and status are not those of {value['code']}"
            if value["type"] != f"/errors/{value['code']}":
                yield f"components/responses/{name}: type must lead to the page of {value['code']}"


def callers_need_access(document: Document) -> Iterator[str]:
    for operation in operations_of(document):
        needs_token = operation.raw.get("security", document.get("security"))
        if needs_token and "403" not in operation.raw["responses"]:
            yield f"{name_of(operation)}: needs a token, so it answers 403 to those without access"


def reads_have_tags(document: Document) -> Iterator[str]:
    """What is read has an ETag and can be asked for on condition (RFC 9110, section 13)."""
    for operation in operations_of(document):
        if operation.method == "get":
            yield from _missing(document, operation, "If-None-Match", 304, tagged=(200, 304))


def changes_have_conditions(document: Document) -> Iterator[str]:
    """What can be read is changed and deleted on condition that it is still what was read."""
    for operation in operations_of(document):
        if operation.method in {"put", "patch", "delete"} and "get" in document["paths"][operation.path]:
            tagged = (200,) if "200" in operation.raw["responses"] else ()
            yield from _missing(document, operation, "If-Match", 412, tagged)


def _missing(
    document: Document, operation: DocumentedOperation, name: str, status: int, tagged: tuple[int, ...]
) -> Iterator[str]:
    parameters = {(each["in"], each["name"]) for each in parameters_of(document, operation)}
    answers = answers_of(document, operation)
    if ("header", name) not in parameters or status not in answers:
        yield f"{name_of(operation)}: must take {name} and answer {status}"
    for each in tagged:
        if each in answers and "ETag" not in answers[each].get("headers", {}):
            yield f"{name_of(operation)}: {each} does not declare the header ETag"


def volatile_members_are_read_only(document: Document) -> Iterator[str]:
    """If-Match overlooks them, so nobody may overwrite them: they are read, and no update takes them."""
    for path, item in document["paths"].items():
        volatile = set(item.get("x-volatile", ()))
        if not volatile:
            continue
        place = f"paths/{path.replace('/', '~1')}/x-volatile"
        shown = _properties(document, resolve(document, item.get("get", {}).get("responses", {}).get("200")))
        for odd in sorted(volatile - shown):
            yield f"{place}: {odd} is no member of what is read there"
        taken = _properties(document, resolve(document, item.get("patch", {}).get("requestBody")))
        for odd in sorted(volatile & taken):
            yield f"{place}: {odd} can be updated, so it is not volatile"


def momentary_members_are_shown(document: Document) -> Iterator[str]:
    """What makes no new tag is a member of what is read, or of the items of a list."""
    for path, item in document["paths"].items():
        schema = _schema(document, resolve(document, item.get("get", {}).get("responses", {}).get("200")))
        items = resolve(document, schema.get("properties", {}).get("items", {})).get("items", {})
        shown = schema.get("properties", {}).keys() | resolve(document, items).get("properties", {}).keys()
        for odd in sorted(set(item.get("x-momentary", ())) - shown):
            yield f"paths/{path.replace('/', '~1')}/x-momentary: {odd} is no member of what is read there"


def lists_have_items(document: Document) -> Iterator[str]:
    """What has pages, or holds nothing but a list, has it under one name."""
    for operation in operations_of(document):
        if operation.method != "get":
            continue
        schema = _schema(document, resolve(document, operation.raw["responses"].get("200")))
        members = schema.get("properties", {})
        lists = {name for name, each in members.items() if resolve(document, each).get("type") == "array"}
        if ("next_cursor" in members or (lists == set(members) and len(lists) == 1)) and lists != {"items"}:
            yield f"{name_of(operation)}: its list must be called items"


def _properties(document: Document, holder: Any) -> set[str]:
    return set(_schema(document, holder).get("properties", {}))


def _schema(document: Document, holder: Any) -> Schema:
    media_type = content_of(holder or {})
    schema: Schema = resolve(document, media_type["schema"]) if media_type else {}
    return schema


RULES = (
    nothing_of_v1_is_left,
    codes_have_problems,
    examples_have_titles,
    callers_need_access,
    reads_have_tags,
    changes_have_conditions,
    volatile_members_are_read_only,
    momentary_members_are_shown,
    lists_have_items,
)
