"""Rules about the frames of the socket: those of the schemas, each said by one side, with examples that are right.

Those about texts and examples hold for what webhooks are sent too.

The examples are judged by the validators of the server itself, for the parsers of AsyncAPI do not judge them.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from parley.contract.document import resolve
from parley.contract.schemas import Schemas
from scripts.socket_document import (
    REST,
    SCHEMA_FORMAT,
    Frame,
    Socket,
    all_frames,
    all_messages,
    messages_of,
    name_in,
    payloads_of,
)
from scripts.specification import SCHEMAS
from scripts.versions import CODES

_SENTENCE = re.compile(r"[A-Z].*\.", re.DOTALL)
_FUNCTION_NAME = re.compile(r"[a-z]+(_[a-z]+)*")
_ACTIONS = {"client": "receive", "server": "send"}


def messages_are_the_frames(socket: Socket) -> Iterator[str]:
    """The channel has exactly the frames of the schemas, each under its schema's name."""
    messages = messages_of(socket, "socket")
    frames = {frame.schema: frame for frame in all_frames(socket)}
    for odd in sorted(messages.keys() ^ frames.keys()):
        yield f"channels/socket/messages/{odd}: is not in x-frames of the REST document, or only there"
    for odd in sorted(socket.document["components"]["messages"].keys() ^ all_messages(socket).keys()):
        yield f"components/messages/{odd}: is in no channel, or only there"
    for name in sorted(messages.keys() & frames.keys()):
        yield from _broken_message(messages[name], frames[name])


def _broken_message(message: Mapping[str, Any], frame: Frame) -> Iterator[str]:
    place = f"components/messages/{frame.schema}"
    if message.get("name") != frame.type:
        yield f"{place}/name: its schema says {frame.type}"
    schema = {"$ref": f"{REST}{SCHEMAS}{frame.schema}"}
    if message.get("payload") != {"schemaFormat": SCHEMA_FORMAT, "schema": schema}:
        yield f"{place}/payload: must be the schema {frame.schema} of {REST} as {SCHEMA_FORMAT}"


def messages_have_examples(socket: Socket) -> Iterator[str]:
    for name, message in all_messages(socket).items():
        if not message.get("examples"):
            yield f"components/messages/{name}: has no example"
        for example in message.get("examples", ()):
            if not example.get("name") or "payload" not in example:
                yield f"components/messages/{name}/examples: each has a name and a payload"


def examples_are_valid(socket: Socket) -> Iterator[str]:
    schemas = Schemas(socket.rest)
    for name, message in all_messages(socket).items():
        validator = schemas.validator({"$ref": f"{SCHEMAS}{name}"})
        for example in message["examples"]:
            for error in validator.iter_errors(example["payload"]):
                where = "/".join(map(str, error.instance_path))
                yield f"components/messages/{name}/examples/{example['name']}: {where}: {error.message}"


def types_are_unique(socket: Socket) -> Iterator[str]:
    """Whoever reads a frame knows by its type what it is."""
    types = Counter((frame.sender, frame.type) for frame in all_frames(socket))
    for (sender, each), times in types.items():
        if times > 1:
            yield f"components/messages: {each} is the type of {times} frames of the {sender}"


def events_are_those_of_rest(socket: Socket) -> Iterator[str]:
    """What has a cursor here can be read with `GET /events`, and the other way round."""
    event = socket.rest["components"]["schemas"]["Event"]
    there = {name_in(choice) for choice in event["oneOf"]}
    here = {frame.schema for frame in all_frames(socket) if frame.is_event}
    for odd in sorted(here ^ there):
        yield f"components/messages/{odd}: is an event only here, or only in REST"


def messages_are_said_by_one_side(socket: Socket) -> Iterator[str]:
    """Each message is in one operation, which the server receives where a client sends it."""
    said: Counter[str] = Counter()
    actions = {frame.schema: _ACTIONS[frame.sender] for frame in all_frames(socket)}
    actions |= dict.fromkeys(payloads_of(socket.rest).values(), "send")
    for name, operation in socket.document["operations"].items():
        for message in map(name_in, operation.get("messages", ())):
            said[message] += 1
            if actions.get(message) != operation["action"]:
                yield f"operations/{name}: {message} is nothing to {operation['action']}"
        for message in map(name_in, operation.get("reply", {}).get("messages", ())):
            if actions.get(message) != "send" or operation["action"] != "receive":
                yield f"operations/{name}/reply: only clients are answered, and {message} is no answer"
    for message in actions:
        if said[message] != 1:
            yield f"components/messages/{message}: is in {said[message]} operations, not in one"


def texts_are_sentences(socket: Socket) -> Iterator[str]:
    operations = socket.document["operations"]
    for name in operations:
        if _FUNCTION_NAME.fullmatch(name) is None:
            yield f"operations/{name}: is no name for a function"
    places = {f"operations/{name}": each for name, each in operations.items()}
    places |= {f"components/messages/{name}": each for name, each in all_messages(socket).items()}
    places |= {f"channels/{name}": each for name, each in socket.document["channels"].items()}
    for place, holder in places.items():
        texts = [holder.get("summary", ""), *([holder["description"]] if "description" in holder else [])]
        if not all(_SENTENCE.fullmatch(text.strip()) for text in texts):
            yield f"{place}: its summary, or its description, is not a sentence"


def refusals_have_codes(socket: Socket) -> Iterator[str]:
    for name, message in all_messages(socket).items():
        for refusal in message.get("x-refusals", ()):
            if refusal["code"] not in CODES.values():
                yield f"components/messages/{name}/x-refusals: {refusal['code']} is no code of an error"


def query_is_bounded_as_frames(socket: Socket) -> Iterator[str]:
    """A token and a cursor are the same in the URL as in the first frame."""
    place = "channels/socket/bindings/ws/query"
    frame = socket.rest["components"]["schemas"]["AuthData"]["properties"]
    bindings = socket.document["channels"]["socket"].get("bindings", {})
    query = bindings.get("ws", {}).get("query", {}).get("properties", {})
    for odd in sorted(query.keys() ^ frame.keys()):
        yield f"{place}: {odd} is only here, or only in the frame"
    for name in sorted(query.keys() & frame.keys()):
        for word in ("minLength", "maxLength"):
            if query[name].get(word) != resolve(socket.rest, frame[name])[word]:
                yield f"{place}/properties/{name}/{word}: is another in the frame"


FIRST = (messages_are_the_frames, messages_have_examples)
RULES = (
    examples_are_valid,
    types_are_unique,
    events_are_those_of_rest,
    messages_are_said_by_one_side,
    texts_are_sentences,
    refusals_have_codes,
    query_is_bounded_as_frames,
)
