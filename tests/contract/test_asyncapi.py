"""The document of the socket: it keeps its rules, what the seed prints is in it, and what is made from it agrees."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs
import pytest

from generated import frames, models
from parley.contract.client_frames import ClientFrames
from parley.contract.document import resolve
from parley.contract.schemas import Schemas
from parley.errors import Invalid
from parley.events import EventKind
from printed import SEED, with_ids, without_required
from scripts import codegen, socket_rules
from scripts.socket_document import Socket, bundled, messages_of, references_in
from scripts.specification import resolvable

ROOT = Path(__file__).resolve().parents[2]
SOCKET = codegen.read_socket()
BUNDLE = json.loads((ROOT / "generated" / "asyncapi.json").read_text(encoding="utf-8"))
SCHEMAS = Schemas(SOCKET.rest)
LOOSE = Schemas({"components": {"schemas": without_required(SOCKET.rest["components"]["schemas"])}})


def seed_frames() -> Iterator[Mapping[str, Any]]:
    """Take the frames out of the seed: what is printed below "WebSocket API" with a type and data."""
    section = SEED.partition("## WebSocket API")[2].partition("### Error Responses")[0]
    for text in re.findall(r"```json\n(.*?)```", section, re.DOTALL):
        yield with_ids(json.loads(text))


SEED_FRAMES = {frame["type"]: frame for frame in seed_frames()}


def examples(of: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, message in of.items():
        for example in message["examples"]:
            yield name, example["payload"]


FRAMES = list(examples(messages_of(SOCKET, "socket")))
PAYLOADS = list(examples(messages_of(SOCKET, "webhook")))


def test_document_keeps_its_rules() -> None:
    """Nothing may be made from a document that breaks one."""
    assert socket_rules.violations(SOCKET) == []


# What is published


def test_bundle_needs_no_other_file() -> None:
    """Every reference leads into the file itself, and every schema in it is used."""
    references = [reference for _, reference in references_in(BUNDLE)]
    assert references
    assert [each for each in references if not resolvable(BUNDLE, each)] == []
    prefix = "#/components/schemas/"
    used = {each.removeprefix(prefix).split("/")[0] for each in references if each.startswith(prefix)}
    assert BUNDLE["components"]["schemas"].keys() == used


def test_bundle_is_asyncapi() -> None:
    """It is judged by the specification's own schema, as the document is."""
    schema = json.loads((ROOT / "scripts" / "asyncapi-3.0.0.schema.json").read_text(encoding="utf-8"))
    jsonschema_rs.Draft7Validator(schema).validate(BUNDLE)


def test_bundle_says_what_the_document_says() -> None:
    """Only descriptions are longer, and payloads stand in the file."""
    for name in ("asyncapi", "info", "servers", "operations", "x-close-codes", "x-limits", "x-handshake"):
        assert BUNDLE[name] == SOCKET.document[name]
    channel = BUNDLE["channels"]["socket"]
    assert channel["description"].startswith(SOCKET.document["channels"]["socket"]["description"])
    for name, schema in BUNDLE["components"]["schemas"].items():
        # Referring is all that differs, and the name as a title, which viewers show.
        text = json.dumps(schema["schema"]).replace('/schema"}', '"}')
        assert json.loads(text) == {"title": name, **SOCKET.rest["components"]["schemas"][name]}


def test_descriptions_show_our_own_words() -> None:
    """Viewers show no extensions: codes, limits and refusals are told in tables too."""
    text = BUNDLE["channels"]["socket"]["description"]
    for code in BUNDLE["x-close-codes"]:
        assert f"| {code['code']} | `{code['name']}` | {code['meaning']} |" in text
    for name, limit in BUNDLE["x-limits"].items():
        assert f"| `{name}` | {limit['value']} | {limit['meaning']} |" in text
    for refusal in BUNDLE["x-handshake"]["refusals"]:
        assert f"| {refusal['status']} | `{refusal['code']}` | {refusal['when']} |" in text
    typing = BUNDLE["components"]["messages"]["TypingFrame"]
    assert "- `not_found`: You are not in this conversation." in typing["description"]


# The seed


def test_seed_connection_is_documented() -> None:
    """The address is the channel's, and what stands in its query is taken."""
    found = re.search(r"new WebSocket\('([^']+)'\)", SEED)
    assert found is not None
    address = urlsplit(found[1])
    channel = SOCKET.document["channels"]["socket"]
    assert (address.scheme, address.path) == (
        SOCKET.document["servers"]["tls"]["protocol"],
        channel["address"],
    )
    taken = channel["bindings"]["ws"]["query"]["properties"]
    assert [name for name, _ in parse_qsl(address.query)] == ["token"]
    assert "token" in taken


def test_seed_frames_were_read() -> None:
    """A test that finds no frames would be green."""
    assert list(SEED_FRAMES) == ["message", "typing", "presence"]


@pytest.mark.parametrize("type_", SEED_FRAMES)
def test_seed_frames_are_valid(type_: str) -> None:
    """Every field that the seed prints is a documented one with a possible value."""
    frame = SEED_FRAMES[type_]
    name = frames.SERVER_SCHEMAS[frames.ServerFrameType(type_)]
    LOOSE.validator({"$ref": f"#/components/schemas/{name}"}).validate(frame)
    schema = SOCKET.rest["components"]["schemas"][name]
    data = resolve(SOCKET.rest, schema["properties"]["data"])
    assert frame.keys() <= schema["properties"].keys()
    assert frame["data"].keys() <= data["properties"].keys()


def test_seed_typing_may_be_sent() -> None:
    """A client may say it in the form in which the seed prints it."""
    SCHEMAS.validator({"$ref": "#/components/schemas/TypingFrame"}).validate(SEED_FRAMES["typing"])


# What is made from it


@pytest.mark.parametrize(
    ("name", "payload"), FRAMES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_examples_are_read_by_their_models(name: str, payload: Any) -> None:
    """The model that the type leads to takes what the document shows."""
    kind = payload["type"]
    side: Mapping[Any, Any] = frames.CLIENT_MODELS if name.endswith("Frame") else frames.SERVER_MODELS
    model = side[kind]
    assert model.__name__ == name
    assert model.model_validate_json(json.dumps(payload)).type == kind


@pytest.mark.parametrize(
    ("name", "payload"), PAYLOADS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_payloads_are_read_by_their_models(name: str, payload: Any) -> None:
    """What a webhook is sent is among the models of REST, told by its event, and open for later properties."""
    read = getattr(models, name).model_validate_json(json.dumps(payload))
    assert read.event == payload["event"]
    union = SCHEMAS.validator({"$ref": "#/components/schemas/WebhookPayload"})
    assert union.is_valid({**payload, "mood": "good", "data": {**payload["data"], "mood": "good"}})
    assert not union.is_valid({**payload, "event": "message.sung"})


def test_seed_payload_is_valid() -> None:
    """Every field that the seed prints is a documented one with a possible value, but for what it leaves out."""
    section = SEED.partition("### Event Payload")[2]
    payload = with_ids(json.loads(re.findall(r"```json\n(.*?)```", section, re.DOTALL)[0]))
    signed = {**payload, "signature": f"sha256={'0' * 64}"}
    LOOSE.validator({"$ref": "#/components/schemas/MessageCreatedPayload"}).validate(signed)
    schemas = SOCKET.rest["components"]["schemas"]
    assert payload.keys() <= schemas["MessageCreatedPayload"]["properties"].keys()
    assert payload["data"].keys() <= schemas["WebhookMessage"]["properties"].keys()


def test_events_are_those_of_the_log() -> None:
    """Whatever the log can hold has a frame, and no other frame has a cursor."""
    assert set(frames.EVENTS) == {str(kind) for kind in EventKind}


def test_close_codes_are_the_documents() -> None:
    """Each code in Python knows what the document says of it."""
    for each in SOCKET.document["x-close-codes"]:
        code = frames.CloseCode(each["code"])
        assert code.name.lower() == each["name"]
        assert (code.meaning, code.reconnect) == (each["meaning"], each["reconnect"])
        assert (code.keep_cursor, code.after_seconds) == (each["keep_cursor"], each.get("after_seconds", 0))
    assert len(frames.CloseCode) == len(SOCKET.document["x-close-codes"])


def test_meanings_fit_into_a_close_frame() -> None:
    """RFC 6455, section 5.5: a control frame has 125 bytes, two of which are the code."""
    assert max(len(code.meaning.encode()) for code in frames.CloseCode) <= 123


def test_limits_are_the_documents() -> None:
    for name, limit in SOCKET.document["x-limits"].items():
        assert getattr(frames.LIMITS, name) == limit["value"]


def test_handshake_is_the_documents() -> None:
    """There is a step for each state and frame, and no other."""
    states = SOCKET.document["x-handshake"]["states"]
    for (state, frame), step in frames.HANDSHAKE.items():
        said = states[state]["frames"][frame]
        assert (step.allowed, step.then) == (said["allowed"], said["then"])
        assert step.answers == set(said["answers"])
        assert {code.name.lower() for code in step.closes} == set(said["closes"])
    assert len(frames.HANDSHAKE) == len(states) * len(frames.ClientFrameType)
    for state, facts in states.items():
        assert frames.SENDS[frames.SocketState(state)] == set(facts["sends"])
        assert {code.name.lower() for code in frames.CLOSES[frames.SocketState(state)]} == set(
            facts["closes"]
        )
    refusals = [(each["status"], each["code"]) for each in SOCKET.document["x-handshake"]["refusals"]]
    assert [(each.status, each.code) for each in frames.REFUSALS] == refusals


@pytest.mark.parametrize("type_", frames.ClientFrameType)
def test_client_frames_are_closed(type_: frames.ClientFrameType) -> None:
    """A property that the document does not have is refused, beside `data` and inside of it."""
    name = frames.CLIENT_SCHEMAS[type_]
    validator = SCHEMAS.validator({"$ref": f"#/components/schemas/{name}"})
    for payload in (payload for each, payload in FRAMES if each == name):
        assert validator.is_valid(payload)
        assert not validator.is_valid({**payload, "mood": "good"})
        assert not validator.is_valid({**payload, "data": {**payload.get("data", {}), "mood": "good"}})


def test_examples_of_refusals_are_real() -> None:
    """What is wrong with a frame is told in the words of the server's own reader."""
    notices = {
        example["name"]: example["payload"]["data"]
        for example in SOCKET.document["components"]["messages"]["ErrorNotice"]["examples"]
    }
    sent = {
        "wrong_field": {"type": "typing", "data": {"conversation_id": "lobby", "is_typing": True}},
        "unknown_type": {"type": "wave"},
    }
    reader = ClientFrames(SOCKET.rest, frames.CLIENT_SCHEMAS)
    for name, frame in sent.items():
        with pytest.raises(Invalid) as refused:
            reader.read(json.dumps(frame))
        assert notices[name]["details"] == refused.value.details
        assert (notices[name]["code"], notices[name]["message"]) == (refused.value.code, str(refused.value))


@pytest.mark.parametrize("type_", frames.ServerFrameType)
def test_server_frames_are_open(type_: frames.ServerFrameType) -> None:
    """Later versions may add properties, and today's clients take them."""
    name = frames.SERVER_SCHEMAS[type_]
    validator = SCHEMAS.validator({"$ref": f"#/components/schemas/{name}"})
    for payload in (payload for each, payload in FRAMES if each == name):
        assert validator.is_valid({**payload, "mood": "good", "data": {**payload["data"], "mood": "good"}})


def test_codegen_is_repeatable() -> None:
    """The same documents make the same files, whatever the order of a hash table."""
    again = Socket(json.loads(json.dumps(SOCKET.document)), json.loads(json.dumps(SOCKET.rest)))
    assert codegen.as_json(bundled(again), codegen.SOCKET_ORIGIN) == (
        ROOT / "generated" / "asyncapi.json"
    ).read_text(encoding="utf-8")
