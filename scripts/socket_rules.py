"""What the document of the socket must keep to before anything is made from it.

As in `contract_rules.py`: a rule yields a sentence for each place where it is broken, each has a test that
plants a violation, and they come in stages. What is said in two places (the schemas' unions, the buckets of the
rate limits, the numbers in an example) is compared.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs

from parley.contract.document import resolve
from parley.contract.schemas import Schemas
from scripts.rules_of_operations import CODES
from scripts.socket_document import REST, SCHEMA_FORMAT, Socket, frames_of, name_in, references_in
from scripts.specification import SCHEMAS, resolvable, walk

Rule = Callable[[Socket], Iterator[str]]

ROOT = Path(__file__).resolve().parent.parent
_ASYNCAPI = ROOT / "scripts" / "asyncapi-3.0.0.schema.json"
_EXTENSIONS = ("x-close-codes", "x-handshake", "x-limits")

_SENTENCE = re.compile(r"[A-Z].*\.", re.DOTALL)
_FUNCTION_NAME = re.compile(r"[a-z]+(_[a-z]+)*")
_ACTIONS = {"client": "receive", "server": "send"}


# The language and the extensions


def references_resolve(socket: Socket) -> Iterator[str]:
    """References lead into the document itself, or to a schema of the REST document."""
    for place, reference in references_in(socket.document):
        document = socket.rest if reference.startswith(REST + SCHEMAS) else socket.document
        if not resolvable(document, reference.removeprefix(REST)):
            yield f"{place}: there is no {reference}"


def document_is_asyncapi(socket: Socket) -> Iterator[str]:
    if socket.document.get("asyncapi") != "3.0.0":
        yield "asyncapi: must be 3.0.0"
    yield from _broken_by(_ASYNCAPI, socket.document, "")


def extensions_are_described(socket: Socket) -> Iterator[str]:
    """Each of our own words has a JSON Schema in spec/, and is what that says."""
    for place, node in walk(socket.document):
        name = place.rpartition("/")[2]
        if not name.startswith("x-"):
            continue
        schema = ROOT / "spec" / f"{name}.schema.json"
        if not schema.exists():
            yield f"{place}: there is no spec/{name}.schema.json that says what it is"
        else:
            yield from _broken_by(schema, node, place)
    for name in _EXTENSIONS:
        if name not in socket.document:
            yield f"{name}: is missing"


def _broken_by(schema: Path, value: Any, place: str) -> Iterator[str]:
    validator = jsonschema_rs.Draft7Validator(json.loads(schema.read_text(encoding="utf-8")))
    for error in validator.iter_errors(value):
        where = "/".join(part for part in (place, *map(str, error.instance_path)) if part)
        yield f"{where or 'document'}: {error.message}"


# Messages


def messages_are_the_frames(socket: Socket) -> Iterator[str]:
    """The channel has exactly the frames of the schemas, each under its schema's name."""
    messages = _messages(socket)
    frames = {frame.schema: frame for frame in _frames(socket)}
    for odd in sorted(messages.keys() ^ frames.keys()):
        yield f"channels/socket/messages/{odd}: is not in x-frames of the REST document, or only there"
    for odd in sorted(socket.document["components"]["messages"].keys() ^ messages.keys()):
        yield f"components/messages/{odd}: is not in the channel, or only there"
    for name in messages.keys() & frames.keys():
        place = f"components/messages/{name}"
        if messages[name].get("name") != frames[name].type:
            yield f"{place}/name: its schema says {frames[name].type}"
        payload = messages[name].get("payload", {})
        wanted = {"schemaFormat": SCHEMA_FORMAT, "schema": {"$ref": f"{REST}{SCHEMAS}{name}"}}
        if payload != wanted:
            yield f"{place}/payload: must be the schema {name} of {REST} as {SCHEMA_FORMAT}"


def types_are_unique(socket: Socket) -> Iterator[str]:
    """Whoever reads a frame knows by its type what it is."""
    for sender, types in (("client", _client_types(socket)), ("server", _server_types(socket))):
        for each, times in Counter(types).items():
            if times > 1:
                yield f"components/messages: {each} is the type of {times} frames of the {sender}"


def events_are_those_of_rest(socket: Socket) -> Iterator[str]:
    """What has a cursor here can be read with `GET /events`, and the other way round."""
    event = socket.rest["components"]["schemas"]["Event"]
    there = {name_in(choice) for choice in event["oneOf"]}
    here = {frame.schema for frame in _frames(socket) if frame.is_event}
    for odd in sorted(here ^ there):
        yield f"components/messages/{odd}: is an event only here, or only in REST"


def messages_are_said_by_one_side(socket: Socket) -> Iterator[str]:
    """Each frame is in one operation, which the server receives where a client sends it."""
    said: Counter[str] = Counter()
    senders = {frame.schema: frame.sender for frame in _frames(socket)}
    for name, operation in socket.document["operations"].items():
        for message in map(name_in, operation.get("messages", ())):
            said[message] += 1
            if operation["action"] != _ACTIONS[senders[message]]:
                yield f"operations/{name}: {message} comes from the {senders[message]}"
        for message in map(name_in, operation.get("reply", {}).get("messages", ())):
            if senders[message] != "server" or operation["action"] != "receive":
                yield f"operations/{name}/reply: only frames of clients are answered, and only by the server's"
    for message in senders:
        if said[message] != 1:
            yield f"components/messages/{message}: is in {said[message]} operations, not in one"


def texts_are_sentences(socket: Socket) -> Iterator[str]:
    operations = socket.document["operations"]
    for name in operations:
        if _FUNCTION_NAME.fullmatch(name) is None:
            yield f"operations/{name}: is no name for a function"
    places = {f"operations/{name}": each for name, each in operations.items()}
    places |= {f"components/messages/{name}": each for name, each in _messages(socket).items()}
    places |= {f"channels/{name}": each for name, each in socket.document["channels"].items()}
    for place, holder in places.items():
        texts = [holder.get("summary", ""), *([holder["description"]] if "description" in holder else [])]
        if not all(_SENTENCE.fullmatch(text.strip()) for text in texts):
            yield f"{place}: its summary, or its description, is not a sentence"


def messages_have_examples(socket: Socket) -> Iterator[str]:
    for name, message in _messages(socket).items():
        if not message.get("examples"):
            yield f"components/messages/{name}: has no example"
        for example in message.get("examples", ()):
            if not example.get("name") or "payload" not in example:
                yield f"components/messages/{name}/examples: each has a name and a payload"


def examples_are_valid(socket: Socket) -> Iterator[str]:
    """The parsers of AsyncAPI do not judge them; the server's own validators do."""
    schemas = Schemas(socket.rest)
    for name, message in _messages(socket).items():
        validator = schemas.validator({"$ref": f"{SCHEMAS}{name}"})
        for example in message["examples"]:
            for error in validator.iter_errors(example["payload"]):
                where = "/".join(map(str, error.instance_path))
                yield f"components/messages/{name}/examples/{example['name']}: {where}: {error.message}"


def refusals_have_codes(socket: Socket) -> Iterator[str]:
    for name, message in _messages(socket).items():
        for refusal in message.get("x-refusals", ()):
            if refusal["code"] not in CODES.values():
                yield f"components/messages/{name}/x-refusals: {refusal['code']} is no code of an error"


def query_is_bounded_as_frames(socket: Socket) -> Iterator[str]:
    """A token and a cursor are the same in the URL as in the first frame."""
    frame = socket.rest["components"]["schemas"]["AuthData"]["properties"]
    query = socket.document["channels"]["socket"]["bindings"]["ws"]["query"]["properties"]
    if query.keys() != frame.keys():
        yield f"channels/socket/bindings/ws/query: takes {sorted(query)}, the frame {sorted(frame)}"
    for name in query.keys() & frame.keys():
        for word in ("minLength", "maxLength"):
            if query[name].get(word) != resolve(socket.rest, frame[name])[word]:
                yield f"channels/socket/bindings/ws/query/properties/{name}/{word}: is another in the frame"


# Close codes, limits and states


def close_codes_are_unique(socket: Socket) -> Iterator[str]:
    codes = socket.document["x-close-codes"]
    for word in ("code", "name"):
        for value, times in Counter(each[word] for each in codes).items():
            if times > 1:
                yield f"x-close-codes: {value} is there {times} times"
    if [each["code"] for each in codes] != sorted(each["code"] for each in codes):
        yield "x-close-codes: must be in order"


def close_codes_are_used(socket: Socket) -> Iterator[str]:
    """A code that nothing closes with is none, and one that is nowhere described cannot be understood."""
    described = set(_close_names(socket))
    used: set[str] = set()
    for place, names in _closes(socket):
        used |= names
        for odd in sorted(names - described):
            yield f"{place}: there is no close code {odd}"
    for odd in sorted(described - used):
        yield f"x-close-codes: nothing closes with {odd}"


def limits_are_those_of_rest(socket: Socket) -> Iterator[str]:
    """A limit that is a bucket has its number, and `ready` tells a client the numbers that hold."""
    limits = socket.document["x-limits"]
    for name, limit in limits.items():
        bucket = socket.rest["x-rate-limits"].get(limit.get("bucket"))
        if "bucket" in limit and bucket != {"limit": limit["value"], "window_seconds": 60}:
            yield f"x-limits/{name}: the bucket {limit['bucket']} of the REST document says {bucket}"
    refused = {each["status"] for each in socket.document["x-handshake"]["refusals"]}
    for name, limit in limits.items():
        if "refuses" in limit and limit["refuses"] not in refused:
            yield f"x-limits/{name}: no handshake is refused with {limit['refuses']}"
    told = _messages(socket)["ReadyNotice"]["examples"][0]["payload"]["data"]
    for name, value in told["limits"].items():
        if limits.get(name, {}).get("value") != value:
            yield f"x-limits/{name}: the example of ReadyNotice says {value}"
    heartbeat = [limits[f"heartbeat_{word}"]["value"] for word in ("seconds", "timeout_seconds")]
    if [told["heartbeat"][f"{word}_seconds"] for word in ("interval", "timeout")] != heartbeat:
        yield "x-limits/heartbeat_seconds: the example of ReadyNotice says another"


def states_are_complete(socket: Socket) -> Iterator[str]:
    """In each state it is said of each frame of a client what comes of it."""
    states = socket.document["x-handshake"]["states"]
    for begin in socket.document["x-handshake"]["begins"]:
        if begin["state"] not in states:
            yield f"x-handshake/begins: there is no state {begin['state']}"
    for name, state in states.items():
        place = f"x-handshake/states/{name}"
        for odd in sorted(state["frames"].keys() ^ set(_client_types(socket))):
            yield f"{place}/frames/{odd}: is no frame of a client, or is missing"
        for odd in sorted(set(state["sends"]) - set(_server_types(socket))):
            yield f"{place}/sends: {odd} is no frame of the server"
        for frame, step in state["frames"].items():
            yield from _broken_step(states, f"{place}/frames/{frame}", name, step)


def _broken_step(states: Mapping[str, Any], place: str, state: str, step: Mapping[str, Any]) -> Iterator[str]:
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


def every_server_frame_has_a_state(socket: Socket) -> Iterator[str]:
    states = socket.document["x-handshake"]["states"].values()
    sent = {each for state in states for each in state["sends"]}
    for odd in sorted(set(_server_types(socket)) - sent):
        yield f"x-handshake/states: {odd} is sent in none"


def handshakes_are_refused_by_codes(socket: Socket) -> Iterator[str]:
    for refusal in socket.document["x-handshake"]["refusals"]:
        if CODES.get(refusal["status"]) != refusal["code"]:
            yield f"x-handshake/refusals: the code of {refusal['status']} is {CODES.get(refusal['status'])}"


def _frames(socket: Socket) -> list[Any]:
    return [*frames_of(socket.rest, "client"), *frames_of(socket.rest, "server")]


def _client_types(socket: Socket) -> list[str]:
    return [frame.type for frame in frames_of(socket.rest, "client")]


def _server_types(socket: Socket) -> list[str]:
    return [frame.type for frame in frames_of(socket.rest, "server")]


def _messages(socket: Socket) -> dict[str, Any]:
    messages = socket.document["channels"]["socket"]["messages"]
    return {name: resolve(socket.document, each) for name, each in messages.items()}


def _close_names(socket: Socket) -> list[str]:
    return [each["name"] for each in socket.document["x-close-codes"]]


def _closes(socket: Socket) -> Iterator[tuple[str, set[str]]]:
    for name, limit in socket.document["x-limits"].items():
        if "closes" in limit:
            yield f"x-limits/{name}", {limit["closes"]}
    for name, state in socket.document["x-handshake"]["states"].items():
        yield f"x-handshake/states/{name}", set(state["closes"])
        for frame, step in state["frames"].items():
            yield f"x-handshake/states/{name}/frames/{frame}", set(step["closes"])


STAGES: tuple[tuple[Rule, ...], ...] = (
    (references_resolve,),
    (document_is_asyncapi, extensions_are_described),
    (messages_are_the_frames, messages_have_examples),
    (
        types_are_unique,
        events_are_those_of_rest,
        messages_are_said_by_one_side,
        texts_are_sentences,
        examples_are_valid,
        refusals_have_codes,
        query_is_bounded_as_frames,
        close_codes_are_unique,
        close_codes_are_used,
        limits_are_those_of_rest,
        states_are_complete,
        every_server_frame_has_a_state,
        handshakes_are_refused_by_codes,
    ),
)


def violations(socket: Socket) -> list[str]:
    """Return a sentence for everything that is wrong, of the first stage that finds something."""
    for rules in STAGES:
        found = [sentence for rule in rules for sentence in rule(socket)]
        if found:
            return found
    return []
