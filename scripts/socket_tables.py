"""Says our own words of the socket's document in Markdown, so that every viewer of AsyncAPI shows them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Row = Iterable[str]

_COME_BACK = {
    "now": "at once",
    "new_token": "with a new token",
    "new_session": "after logging in again",
    "never": "no",
}


def sections(document: Mapping[str, Any]) -> str:
    """Return what stands below the description of the channel: close codes, limits and states."""
    handshake = document["x-handshake"]
    tables = {
        "Close codes": _table(("Code", "Name", "Meaning", "Come back", "Keep the cursor"), _codes(document)),
        "Limits": _table(("Limit", "Value", "Meaning", "Beyond it"), _limits(document)),
        "Refusals of the handshake": _table(("Status", "Code", "When", "Headers"), _refusals(handshake)),
        "States": _table(("State", "Begins", "Meaning"), _states(handshake)),
        "Frames of the client by state": _table(("Frame", *handshake["states"]), _steps(handshake["states"])),
    }
    return "\n".join(f"\n## {title}\n\n{table}" for title, table in tables.items())


def refusals(message: Mapping[str, Any]) -> str:
    """Return when a frame is refused, as a list."""
    lines = [f"- `{each['code']}`: {each['when']}" for each in message["x-refusals"]]
    return "\n".join(["It is refused with an `error`:", "", *lines])


def _table(head: Row, rows: Iterable[Row]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _codes(document: Mapping[str, Any]) -> Iterator[Row]:
    for each in document["x-close-codes"]:
        later = f"after {each.get('after_seconds')} seconds"
        come_back = _COME_BACK.get(each["reconnect"], later)
        kept = "yes" if each["keep_cursor"] else "no"
        yield str(each["code"]), f"`{each['name']}`", each["meaning"], come_back, kept


def _limits(document: Mapping[str, Any]) -> Iterator[Row]:
    for name, each in document["x-limits"].items():
        closes = f"closed as `{each['closes']}`" if "closes" in each else ""
        refuses = f"refused with {each['refuses']}" if "refuses" in each else ""
        yield f"`{name}`", str(each["value"]), each["meaning"], closes or refuses


def _refusals(handshake: Mapping[str, Any]) -> Iterator[Row]:
    for each in handshake["refusals"]:
        headers = ", ".join(f"`{name}`" for name in each.get("headers", ()))
        yield str(each["status"]), f"`{each['code']}`", each["when"], headers


def _states(handshake: Mapping[str, Any]) -> Iterator[Row]:
    begins = {each["state"]: each["when"] for each in handshake["begins"]}
    for name, state in handshake["states"].items():
        yield f"`{name}`", begins.get(name, ""), state["meaning"].strip()


def _steps(states: Mapping[str, Any]) -> Iterator[Row]:
    for frame in next(iter(states.values()))["frames"]:
        yield f"`{frame}`", *(_step(name, state["frames"][frame]) for name, state in states.items())


def _step(state: str, step: Mapping[str, Any]) -> str:
    if not step["allowed"]:
        return "refused" if step["answers"] else "dropped"
    answers = [f"`{each}`" for each in step["answers"] if each != "error"]
    said = " or ".join((*(answers or ["nothing"]), "`error`"))
    return said if step["then"] == state else f"{said}; then `{step['then']}`"
