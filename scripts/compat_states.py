"""Compares what no tool reads of the socket's document: how sockets open, live and end, and what proves webhooks."""

from collections.abc import Iterator, Mapping
from typing import Any

from parley.contract.document import resolve
from scripts.compat_tables import broken_days, refusals_gone
from scripts.specification import Document

# Who hears nothing for that long takes the server for dead. Of every other limit less is a break: clients count on
# what they were allowed.
_MORE_IS_A_BREAK = frozenset(("heartbeat_seconds",))
_RULES_OF_FRAMES = ("allowed", "then")
# Of the schema of a header they are read by people.
_WORDS = frozenset(("description", "example", "examples"))


def broken_states(released: Document, present: Document) -> Iterator[str]:
    """Say what breaks, of the socket's document."""
    yield from _close_codes(released, present)
    yield from _limits(released["x-limits"], present["x-limits"])
    yield from _handshake(released["x-handshake"], present["x-handshake"])
    # A close code that nobody knew yet may end anything: it is come back from later.
    known = {each["name"] for each in released["x-close-codes"]}
    yield from _states(released["x-handshake"]["states"], present["x-handshake"]["states"], known)
    yield from _messages(released, present)
    yield from broken_days(released, present)


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
        if "after_seconds" in before and not 0 < code.get("after_seconds", 0) <= before["after_seconds"]:
            yield (
                f"{place} is come back from after {before['after_seconds']} s, and would be after "
                f"{code.get('after_seconds', 'no number of')} s: give no longer time [close-code-changed]"
            )


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
    known = {(each["status"], each["code"]): each.get("headers", ()) for each in released["refusals"]}
    refusals = {(each["status"], each["code"]): each.get("headers", ()) for each in present["refusals"]}
    for status, code in sorted(refusals.keys() - known.keys()):
        yield f"x-handshake: is refused with {status} {code}, which it was not [handshake-refusal-added]"
    for (status, code), headers in known.items():
        if (status, code) not in refusals:
            yield (
                f"x-handshake: is not refused with {status} {code} any more, by which clients know what happened: "
                "keep it, even if nothing is refused like that now [handshake-refusal-removed]"
            )
        for header in sorted(set(headers) - set(refusals.get((status, code), headers))):
            yield f"x-handshake: {status} {code} may come without {header} [handshake-header-removed]"
    # Their sentences are all that tells one beginning from another, so they stay as they are.
    begins = {each["when"]: each["state"] for each in present["begins"]}
    for each in released["begins"]:
        state = begins.get(each["when"])
        if state != each["state"]:
            yield (
                f'x-handshake: "{each["when"]}" began as {each["state"]} '
                f"and begins as {state or 'nothing'} [handshake-changed]"
            )


def _states(released: Mapping[str, Any], present: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    for name, before in released.items():
        state = present.get(name)
        if state is None:
            yield f"x-handshake: the state {name} is gone [state-removed]"
            continue
        yield from _closes(f"the state {name}", before, state, known)
        for frame in before["sends"]:
            if frame not in state["sends"]:
                yield f"x-handshake: {frame} is not sent any more while {name} [frame-not-sent]"
        for frame, step in before["frames"].items():
            if frame in state["frames"]:
                yield from _step(f"{frame} while {name}", step, state["frames"][frame], known)
            else:
                yield f"x-handshake: {frame} is gone while {name} [frame-not-taken]"


def _step(place: str, step: Mapping[str, Any], now: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    # What was refused may be allowed one day.
    newly_allowed = not step["allowed"] and now["allowed"]
    for word in _RULES_OF_FRAMES:
        if now[word] != step[word] and not newly_allowed:
            yield f"x-handshake: {place}: {word} was {step[word]} and is {now[word]} [frame-rule]"
    for answer in step["answers"]:
        if answer not in now["answers"]:
            yield f"x-handshake: {place} is not answered by {answer} any more [frame-rule]"
    yield from _closes(place, step, now, set() if newly_allowed else known)


def _closes(place: str, before: Mapping[str, Any], now: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    for code in before["closes"]:
        if code not in now["closes"]:
            yield (
                f"x-handshake: {place} is not closed as {code} any more, by which clients know what happened: keep "
                "it, even if nothing closes like that now [close-removed]"
            )
    for code in now["closes"]:
        if code in known and code not in before["closes"]:
            yield (
                f"x-handshake: {place} may be closed as {code}, which it was not, and whoever did this before loses "
                "the socket: answer by an `error` instead [close-added]"
            )


def _messages(released: Document, present: Document) -> Iterator[str]:
    """What is gone altogether @asyncapi/diff tells."""
    missing: dict[str, list[str]] = {}
    for channel, before in released["channels"].items():
        messages = present["channels"].get(channel, {}).get("messages", {})
        for name in sorted(before["messages"].keys() & messages.keys()):
            was, now = resolve(released, before["messages"][name]), resolve(present, messages[name])
            yield from _frame_refusals(name, was, now)
            for sentence in _headers(_headers_of(released, was), _headers_of(present, now)):
                missing.setdefault(sentence, []).append(name)
    for sentence, names in missing.items():
        yield f"webhooks: {', '.join(sorted(names))}: {sentence}"


def _frame_refusals(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for code in refusals_gone(before, now, "code"):
        yield (
            f"components/messages/{name}: is not refused as {code} any more, by which clients know what "
            "happened: keep it, even if nothing is refused like that now [frame-refusal-removed]"
        )


def _headers_of(document: Document, message: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the headers that a message always has, of its own and by its traits."""
    headers: dict[str, Mapping[str, Any]] = {}
    for holder in (message, *(resolve(document, each) for each in message.get("traits", ()))):
        schema = resolve(document, holder.get("headers", {}))
        properties = schema.get("properties", {})
        headers |= {name: properties.get(name, {}) for name in schema.get("required", ())}
    return headers


def _headers(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """The headers by which receivers verify who sent something."""
    for name, schema in before.items():
        if name not in now:
            yield f"the header {name} may be missing, and receivers refuse what has none [webhook-header-removed]"
        elif _form(schema) != _form(now[name]):
            yield f"the header {name} looks different, and receivers refuse that [webhook-header-changed]"


def _form(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {word: value for word, value in schema.items() if word not in _WORDS}
