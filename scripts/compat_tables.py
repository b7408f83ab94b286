"""Compares what no tool reads: our own words in both documents, each with its own idea of what breaks a client."""

from collections.abc import Iterator, Mapping
from typing import Any

from parley.contract.document import DocumentedOperation, operations_of, resolve
from scripts.specification import Document, name_of

# Who hears nothing for that long takes the server for dead. Of every other limit less is a break: clients count on
# what they were allowed.
_MORE_IS_A_BREAK = frozenset(("heartbeat_seconds",))
_RULES_OF_FRAMES = ("allowed", "then")


def broken_tables(
    released: Document, present: Document, released_socket: Document, present_socket: Document
) -> Iterator[str]:
    """Say what breaks, of both documents."""
    yield from _servers(released, present)
    yield from _buckets(released, present)
    yield from _operations(released, present)
    yield from _lists(released, present)
    yield from _close_codes(released_socket, present_socket)
    yield from _limits(released_socket["x-limits"], present_socket["x-limits"])
    yield from _handshake(released_socket["x-handshake"], present_socket["x-handshake"])
    for before, now in ((released, present), (released_socket, present_socket)):
        yield from _sunsets(before, now)
    yield from _signatures(released_socket, present_socket)


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
            if operation.tag != before.tag:
                yield f"{name_of(before)}: has the tag {operation.tag} instead of {before.tag} [tag-changed]"


def _lists(released: Document, present: Document) -> Iterator[str]:
    """A list that was closed is not opened: its next value would be the break, and nobody would be told."""
    now = present["components"]["schemas"]
    for name, before in released["components"]["schemas"].items():
        if (
            "enum" in before
            and not before.get("x-extensible-enum")
            and now.get(name, {}).get("x-extensible-enum")
        ):
            yield f"{name}: is marked as open, and clients know all its values [list-opened]"


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


def _close_codes(released: Document, present: Document) -> Iterator[str]:
    now = {each["code"]: each for each in present["x-close-codes"]}
    for before in released["x-close-codes"]:
        place = f"x-close-codes: {before['code']} ({before['name']})"
        code = now.get(before["code"])
        if code is None:
            yield f"{place} is gone [close-code-removed]"
            continue
        for word in ("name", "reconnect", "keep_cursor"):
            if code[word] != before[word]:
                yield f"{place} said {word}: {before[word]} and says {code[word]} [close-code-changed]"
        if code.get("after_seconds", 0) > before.get("after_seconds", 0):
            yield f"{place} lets clients wait longer than they know [close-code-changed]"


def _limits(released: Mapping[str, Any], present: Mapping[str, Any]) -> Iterator[str]:
    for name, before in released.items():
        limit = present.get(name)
        if limit is None:
            yield f"x-limits: {name} is gone [limit-removed]"
            continue
        narrower = (
            limit["value"] - before["value"] if name in _MORE_IS_A_BREAK else before["value"] - limit["value"]
        )
        if narrower > 0:
            yield f"x-limits: {name} was {before['value']} and is {limit['value']} [limit-narrowed]"
        for word in ("closes", "refuses", "bucket"):
            if limit.get(word) != before.get(word):
                yield f"x-limits: {name} said {word}: {before.get(word)} and says {limit.get(word)} [limit-changed]"


def _handshake(released: Mapping[str, Any], present: Mapping[str, Any]) -> Iterator[str]:
    known = {(each["status"], each["code"]) for each in released["refusals"]}
    for each in present["refusals"]:
        if (each["status"], each["code"]) not in known:
            yield f"x-handshake: is refused with {each['status']} {each['code']} [handshake-refusal-added]"
    headers = {(each["status"], each["code"]): each.get("headers", ()) for each in present["refusals"]}
    for each in released["refusals"]:
        key = each["status"], each["code"]
        for header in set(each.get("headers", ())) - set(headers.get(key, each.get("headers", ()))):
            yield f"x-handshake: {key[0]} {key[1]} may come without {header} [handshake-header-removed]"
    # Their sentences are all that tells one beginning from another, so they stay as they are.
    begins = {each["when"]: each["state"] for each in present["begins"]}
    for each in released["begins"]:
        state = begins.get(each["when"])
        if state != each["state"]:
            yield (
                f'x-handshake: "{each["when"]}" began as {each["state"]} '
                f"and begins as {state or 'nothing'} [handshake-changed]"
            )
    for name, before in released["states"].items():
        state = present["states"].get(name)
        if state is None:
            yield f"x-handshake: the state {name} is gone [state-removed]"
        else:
            yield from _state(name, before, state)


def _state(name: str, before: Mapping[str, Any], state: Mapping[str, Any]) -> Iterator[str]:
    for frame in before["sends"]:
        if frame not in state["sends"]:
            yield f"x-handshake: {frame} is not sent any more while {name} [frame-not-sent]"
    for frame, step in before["frames"].items():
        now = state["frames"].get(frame)
        if now is None:
            yield f"x-handshake: {frame} is gone while {name} [frame-not-taken]"
            continue
        for word in _RULES_OF_FRAMES:
            # What was refused may be allowed one day.
            if now[word] != step[word] and not (not step["allowed"] and now["allowed"]):
                yield f"x-handshake: {frame} while {name}: {word} was {step[word]} and is {now[word]} [frame-rule]"
        for answer in step["answers"]:
            if answer not in now["answers"]:
                yield f"x-handshake: {frame} while {name} is not answered by {answer} any more [frame-rule]"


def _sunsets(released: Document, present: Document) -> Iterator[str]:
    """Whoever was told a day has until then."""
    now = dict(_days(present, ""))
    for place, day in _days(released, ""):
        if now.get(place, day) < day:
            yield f"{place}: was to stay until {day} and is to stay until {now[place]} [sunset-earlier]"


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


def _signatures(released: Document, present: Document) -> Iterator[str]:
    """The headers that webhooks are sent, by which receivers verify."""
    before = resolve(released, released["components"]["messageTraits"]["signed"])["headers"]
    now = resolve(present, present["components"]["messageTraits"]["signed"])["headers"]
    for name in before["required"]:
        if name not in now["required"]:
            yield f"webhooks: the header {name} may be missing [webhook-header-removed]"
        elif _form(before["properties"][name]) != _form(now["properties"][name]):
            yield f"webhooks: the header {name} has another form [webhook-header-changed]"


def _form(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(schema.get(word) for word in ("type", "format", "pattern", "minimum", "maxLength"))
