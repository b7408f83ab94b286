"""Rules about how a socket lives and ends: its close codes, its limits, and its states.

What is said in two places, such as the number of a rate limit or those in the example of `ready`, is compared.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.socket_document import Socket, frames_of, messages_of
from scripts.versions import CODES

Steps = Mapping[str, Any]


def close_codes_are_unique(socket: Socket) -> Iterator[str]:
    codes = socket.document["x-close-codes"]
    for word in ("code", "name"):
        for value, times in Counter(each[word] for each in codes).items():
            if times > 1:
                yield f"x-close-codes: {value} is there {times} times"
    numbers = [each["code"] for each in codes]
    if numbers != sorted(numbers):
        yield "x-close-codes: must be in order"


def close_codes_are_used(socket: Socket) -> Iterator[str]:
    """A code that nothing closes with is none, and one that is nowhere described cannot be understood."""
    described = {each["name"] for each in socket.document["x-close-codes"]}
    used: set[str] = set()
    for place, names in _closes(socket):
        used |= names
        for odd in sorted(names - described):
            yield f"{place}: there is no close code {odd}"
    for odd in sorted(described - used):
        yield f"x-close-codes: nothing closes with {odd}"


def _closes(socket: Socket) -> Iterator[tuple[str, set[str]]]:
    for name, limit in socket.document["x-limits"].items():
        if "closes" in limit:
            yield f"x-limits/{name}", {limit["closes"]}
    for name, state in _states(socket).items():
        yield f"x-handshake/states/{name}", set(state["closes"])
        for frame, step in state["frames"].items():
            yield f"x-handshake/states/{name}/frames/{frame}", set(step["closes"])


def limits_are_those_of_rest(socket: Socket) -> Iterator[str]:
    """A limit that is a bucket has its number."""
    for name, limit in socket.document["x-limits"].items():
        bucket = socket.rest["x-rate-limits"].get(limit.get("bucket"))
        if "bucket" in limit and bucket != {"limit": limit["value"], "window_seconds": 60}:
            yield f"x-limits/{name}: the bucket {limit['bucket']} of the REST document says {bucket}"


def limits_refuse_by_a_known_status(socket: Socket) -> Iterator[str]:
    refused = {each["status"] for each in socket.document["x-handshake"]["refusals"]}
    for name, limit in socket.document["x-limits"].items():
        if "refuses" in limit and limit["refuses"] not in refused:
            yield f"x-limits/{name}: no handshake is refused with {limit['refuses']}"


def limits_are_told(socket: Socket) -> Iterator[str]:
    """The examples of `ready` tell a client the numbers that hold."""
    limits = socket.document["x-limits"]
    for example in messages_of(socket, "socket")["ReadyNotice"]["examples"]:
        data = example["payload"].get("data", {})
        heartbeat = data.get("heartbeat", {})
        told = {
            **data.get("limits", {}),
            "heartbeat_seconds": heartbeat.get("interval_seconds"),
            "heartbeat_timeout_seconds": heartbeat.get("timeout_seconds"),
        }
        for name, value in told.items():
            if limits.get(name, {}).get("value") != value:
                yield f"x-limits/{name}: the example of ReadyNotice says {value}"


def states_are_complete(socket: Socket) -> Iterator[str]:
    """In each state it is said of each frame of a client what comes of it."""
    states = _states(socket)
    types = {frame.type for frame in frames_of(socket.rest, "client")}
    for begin in socket.document["x-handshake"]["begins"]:
        if begin["state"] not in states:
            yield f"x-handshake/begins: there is no state {begin['state']}"
    for name, state in states.items():
        place = f"x-handshake/states/{name}/frames"
        for odd in sorted(state["frames"].keys() ^ types):
            yield f"{place}/{odd}: is no frame of a client, or is missing"
        for frame, step in state["frames"].items():
            yield from _broken_step(states, f"{place}/{frame}", name, step)


def _broken_step(states: Steps, place: str, state: str, step: Mapping[str, Any]) -> Iterator[str]:
    if step["then"] not in states:
        yield f"{place}: there is no state {step['then']}"
        return
    if not step["allowed"] and step["then"] != state:
        yield f"{place}: what is not allowed changes no state"
    may_be_sent = {*states[state]["sends"], *states[step["then"]]["sends"]}
    for odd in sorted(set(step["answers"]) - may_be_sent):
        yield f"{place}/answers: {odd} is not sent in this state or the next"
    for odd in sorted(set(step["closes"]) - set(states[state]["closes"])):
        yield f"{place}/closes: {odd} does not end this state"


def server_frames_have_states(socket: Socket) -> Iterator[str]:
    """What is sent in a state is a frame of the server, and each of these is sent in some state."""
    types = {frame.type for frame in frames_of(socket.rest, "server")}
    sent = {each for state in _states(socket).values() for each in state["sends"]}
    for odd in sorted(types ^ sent):
        yield f"x-handshake/states: {odd} is no frame of the server, or is sent in no state"


def handshakes_are_refused_by_codes(socket: Socket) -> Iterator[str]:
    for refusal in socket.document["x-handshake"]["refusals"]:
        if CODES.get(refusal["status"]) != refusal["code"]:
            yield f"x-handshake/refusals: the code of {refusal['status']} is {CODES.get(refusal['status'])}"


def _states(socket: Socket) -> Steps:
    states: Steps = socket.document["x-handshake"]["states"]
    return states


RULES = (
    close_codes_are_unique,
    close_codes_are_used,
    limits_are_those_of_rest,
    limits_refuse_by_a_known_status,
    limits_are_told,
    states_are_complete,
    server_frames_have_states,
    handshakes_are_refused_by_codes,
)
