"""Each rule of the socket's document refuses a violation that is planted in the real one."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from planting import GONE, with_changes
from scripts import codegen, rules_of_frames, rules_of_handshake, rules_of_webhooks, socket_rules
from scripts.socket_document import Socket

SOCKET = codegen.read_socket()
RULES = [rule for stage in socket_rules.STAGES for rule in stage]

MESSAGES = "components/messages"
CHANNEL = "channels/socket"
STATES = "x-handshake/states"
WEBHOOK = "channels/webhook"
CALLBACK = "paths/~1webhooks/post/callbacks/delivery/{$request.body#~1url}/post"


class Planted(NamedTuple):
    """What is changed here and in the REST document, and what must be said about it."""

    rule: Callable[[Socket], Iterator[str]]
    changes: Mapping[str, Any]
    said: str
    in_rest: Mapping[str, Any] = {}


def message(name: str) -> dict[str, str]:
    return {"$ref": f"#/channels/socket/messages/{name}"}


PLANTED = [
    # The language and the extensions
    Planted(
        socket_rules.references_resolve,
        {f"{CHANNEL}/messages/Nothing": {"$ref": "#/components/messages/Nothing"}},
        "channels/socket/messages/Nothing: there is no #/components/messages/Nothing",
    ),
    Planted(
        socket_rules.references_resolve,
        {f"{MESSAGES}/PingFrame/payload/schema/$ref": "./openapi.yaml#/components/schemas/Nobody"},
        "components/messages/PingFrame/payload/schema: there is no ./openapi.yaml#/components/schemas/Nobody",
    ),
    Planted(socket_rules.document_is_asyncapi, {"asyncapi": "3.1.0"}, "asyncapi: must be 3.0.0"),
    Planted(socket_rules.document_is_asyncapi, {"operations/ping/action": "hear"}, "operations/ping"),
    Planted(socket_rules.document_is_asyncapi, {f"{CHANNEL}/adress": "/ws"}, "channels/socket"),
    Planted(socket_rules.document_is_asyncapi, {"channels/other": {"address": "/other"}}, "must be two"),
    Planted(
        socket_rules.version_is_that_of_rest,
        {"info/version": "1.8.0"},
        "info/version: is 1.8.0 in asyncapi.yaml and 1.9.0 in openapi.yaml",
        {"info/version": "1.9.0"},
    ),
    Planted(
        socket_rules.extensions_are_described,
        {"x-moods": ["good"]},
        "x-moods: there is no spec/x-moods.schema.json",
    ),
    Planted(socket_rules.extensions_are_described, {"x-limits": GONE}, "x-limits: is missing"),
    Planted(
        socket_rules.extensions_are_described,
        {"x-limits/queue_bytes/value": 0},
        "x-limits/queue_bytes/value: 0 is less than",
    ),
    Planted(
        socket_rules.extensions_are_described, {"x-close-codes/0/code": 3000}, "x-close-codes/0/code: 3000"
    ),
    Planted(
        socket_rules.extensions_are_described,
        {"x-close-codes/0/meaning": "x" * 200},
        "x-close-codes/0/meaning",
    ),
    Planted(
        socket_rules.extensions_are_described,
        {"x-close-codes/6/after_seconds": GONE},
        'x-close-codes/6: "after_seconds" is a required property',
    ),
    Planted(
        socket_rules.extensions_are_described,
        {f"{STATES}/open/frames/ping/allowed": "yes"},
        "x-handshake/states/open/frames/ping/allowed",
    ),
    Planted(
        socket_rules.extensions_are_described,
        {f"{MESSAGES}/TypingFrame/x-refusals/0/when": "never"},
        "components/messages/TypingFrame/x-refusals/0/when",
    ),
    # Frames
    Planted(
        rules_of_frames.messages_are_the_frames,
        {f"{CHANNEL}/messages/PingFrame": GONE},
        "channels/socket/messages/PingFrame: is not in x-frames of the REST document, or only there",
    ),
    Planted(
        rules_of_frames.messages_are_the_frames,
        {f"{MESSAGES}/PingFrame": GONE, f"{CHANNEL}/messages/PingFrame": {"name": "ping"}},
        "components/messages/PingFrame: is in no channel",
    ),
    Planted(
        rules_of_frames.messages_are_the_frames,
        {f"{MESSAGES}/PingFrame/name": "pong"},
        "components/messages/PingFrame/name: its schema says ping",
    ),
    Planted(
        rules_of_frames.messages_are_the_frames,
        {f"{MESSAGES}/PingFrame/payload": {"$ref": "./openapi.yaml#/components/schemas/PingFrame"}},
        "components/messages/PingFrame/payload: must be the schema PingFrame",
    ),
    Planted(
        rules_of_frames.messages_have_examples,
        {f"{MESSAGES}/PingFrame/examples": GONE},
        "components/messages/PingFrame: has no example",
    ),
    Planted(
        rules_of_frames.messages_have_examples,
        {f"{MESSAGES}/PingFrame/examples/0/name": GONE},
        "components/messages/PingFrame/examples: each has a name",
    ),
    Planted(
        rules_of_frames.examples_are_valid,
        {f"{MESSAGES}/TypingFrame/examples/0/payload/data/mood": "good"},
        "components/messages/TypingFrame/examples/begins: data: Additional properties",
    ),
    Planted(
        rules_of_frames.examples_are_valid,
        {f"{MESSAGES}/MessageEvent/examples/0/payload/seq": -1},
        "components/messages/MessageEvent/examples/text: seq: -1",
    ),
    Planted(
        rules_of_frames.types_are_unique,
        {},
        "components/messages: typing is the type of 2 frames of the client",
        {"components/schemas/PingFrame/properties/type/enum": ["typing"]},
    ),
    Planted(
        rules_of_frames.events_are_those_of_rest,
        {},
        "components/messages/UserUpdatedEvent: is an event only here, or only in REST",
        {"components/schemas/UserUpdatedEvent/properties/cursor": GONE},
    ),
    Planted(
        rules_of_frames.messages_are_said_by_one_side,
        {"operations/ping/action": "send"},
        "operations/ping: PingFrame is nothing to send",
    ),
    Planted(
        rules_of_frames.messages_are_said_by_one_side,
        {"operations/ping/reply/messages/0": message("PingFrame")},
        "operations/ping/reply: only clients are answered, and PingFrame is no answer",
    ),
    Planted(
        rules_of_frames.messages_are_said_by_one_side,
        {"operations/resync": GONE},
        "components/messages/ResyncNotice: is in 0 operations",
    ),
    Planted(
        rules_of_frames.messages_are_said_by_one_side,
        {"operations/resync/messages/0": {"$ref": "#/info"}},
        "operations/resync: info is nothing to send",
    ),
    Planted(
        rules_of_frames.texts_are_sentences,
        {"operations/ping/summary": "ping"},
        "operations/ping: its summary, or its description, is not a sentence",
    ),
    Planted(
        rules_of_frames.texts_are_sentences,
        {f"{MESSAGES}/PingFrame/summary": GONE},
        "components/messages/PingFrame: its summary",
    ),
    Planted(
        rules_of_frames.texts_are_sentences,
        {"operations/sendPong": {"action": "send", "summary": "Says pong.", "messages": []}},
        "operations/sendPong: is no name for a function",
    ),
    Planted(
        rules_of_frames.refusals_have_codes,
        {f"{MESSAGES}/TypingFrame/x-refusals/0/code": "bad_mood"},
        "components/messages/TypingFrame/x-refusals: bad_mood is no code of an error",
    ),
    Planted(
        rules_of_frames.query_is_bounded_as_frames,
        {f"{CHANNEL}/bindings/ws/query/properties/cursor/maxLength": 300},
        "query/properties/cursor/maxLength: is another in the frame",
    ),
    Planted(
        rules_of_frames.query_is_bounded_as_frames,
        {f"{CHANNEL}/bindings": GONE},
        "query: token is only here, or only in the frame",
    ),
    # Close codes, limits and states
    Planted(
        rules_of_handshake.close_codes_are_unique,
        {"x-close-codes/0/code": 1001},
        "x-close-codes: 1001 is there 2 times",
    ),
    Planted(
        rules_of_handshake.close_codes_are_unique,
        {"x-close-codes/0/name": "going_away"},
        "x-close-codes: going_away is there 2 times",
    ),
    Planted(
        rules_of_handshake.close_codes_are_unique,
        {"x-close-codes/0/code": 4999},
        "x-close-codes: must be in order",
    ),
    Planted(
        rules_of_handshake.close_codes_are_used,
        {"x-close-codes/0/name": "bored"},
        "x-close-codes: nothing closes with bored",
    ),
    Planted(
        rules_of_handshake.close_codes_are_used,
        {"x-limits/queue_bytes/closes": "too_fast"},
        "x-limits/queue_bytes: there is no close code too_fast",
    ),
    Planted(
        rules_of_handshake.close_codes_are_used,
        {f"{STATES}/open/closes/0": "too_fast"},
        "x-handshake/states/open: there is no close code too_fast",
    ),
    Planted(
        rules_of_handshake.limits_are_those_of_rest,
        {"x-limits/connections_per_minute/value": 11},
        "x-limits/connections_per_minute: the bucket ws of the REST document says",
    ),
    Planted(
        rules_of_handshake.limits_are_those_of_rest,
        {"x-limits/queue_bytes/bucket": "bytes"},
        "x-limits/queue_bytes: the bucket bytes of the REST document says None",
    ),
    Planted(
        rules_of_handshake.limits_refuse_by_a_known_status,
        {"x-limits/handshakes_per_minute/refuses": 418},
        "x-limits/handshakes_per_minute: no handshake is refused with 418",
    ),
    Planted(
        rules_of_handshake.limits_are_told,
        {"x-limits/heartbeat_seconds/value": 26},
        "x-limits/heartbeat_seconds: the example of ReadyNotice says 25",
    ),
    Planted(
        rules_of_handshake.limits_are_told,
        {"x-limits/typing_seconds": GONE},
        "x-limits/typing_seconds: the example of ReadyNotice says 6",
    ),
    Planted(
        rules_of_handshake.states_are_complete,
        {f"{STATES}/open/frames/ping": GONE},
        "x-handshake/states/open/frames/ping: is no frame of a client, or is missing",
    ),
    Planted(
        rules_of_handshake.states_are_complete,
        {"x-handshake/begins/0/state": "dreaming"},
        "x-handshake/begins: there is no state dreaming",
    ),
    Planted(
        rules_of_handshake.states_are_complete,
        {f"{STATES}/open/frames/ping/then": "dreaming"},
        "x-handshake/states/open/frames/ping: there is no state dreaming",
    ),
    Planted(
        rules_of_handshake.states_are_complete,
        {f"{STATES}/authenticating/frames/ping/then": "open"},
        "x-handshake/states/authenticating/frames/ping: what is not allowed changes no state",
    ),
    Planted(
        rules_of_handshake.states_are_complete,
        {f"{STATES}/authenticating/frames/ping/answers": ["pong"]},
        "x-handshake/states/authenticating/frames/ping/answers: pong is not sent",
    ),
    Planted(
        rules_of_handshake.states_are_complete,
        {f"{STATES}/closing/frames/ping/closes": ["bad_frame"]},
        "x-handshake/states/closing/frames/ping/closes: bad_frame does not end this state",
    ),
    Planted(
        rules_of_handshake.server_frames_have_states,
        {f"{STATES}/closing/sends": ["farewell"]},
        "x-handshake/states: farewell is no frame of the server",
    ),
    Planted(
        rules_of_handshake.server_frames_have_states,
        {f"{STATES}/open/sends": ["ready", "error", "pong"]},
        "x-handshake/states: message is no frame of the server, or is sent in no state",
    ),
    Planted(
        rules_of_handshake.handshakes_are_refused_by_codes,
        {"x-handshake/refusals/0/code": "not_found"},
        "x-handshake/refusals: the code of 400 is validation_error",
    ),
    # Webhooks
    Planted(
        rules_of_webhooks.messages_are_the_payloads,
        {f"{WEBHOOK}/messages/WebhookTestPayload": GONE},
        "channels/webhook/messages/WebhookTestPayload: is not in WebhookPayload",
    ),
    Planted(
        rules_of_webhooks.messages_are_the_payloads,
        {f"{MESSAGES}/WebhookTestPayload/name": "test"},
        "components/messages/WebhookTestPayload/name: its schema says webhook.test",
    ),
    Planted(
        rules_of_webhooks.messages_are_the_payloads,
        {f"{MESSAGES}/WebhookTestPayload/payload/schemaFormat": "application/json"},
        "components/messages/WebhookTestPayload/payload: must be the schema WebhookTestPayload",
    ),
    Planted(
        rules_of_webhooks.messages_are_the_payloads,
        {f"{MESSAGES}/WebhookTestPayload/traits": GONE},
        "components/messages/WebhookTestPayload/traits: must be",
    ),
    Planted(
        rules_of_frames.examples_are_valid,
        {f"{MESSAGES}/WebhookTestPayload/examples/0/payload/signature": "sha256=0"},
        "components/messages/WebhookTestPayload/examples/test: signature",
    ),
    Planted(
        rules_of_frames.messages_are_said_by_one_side,
        {"operations/deliver_webhook/action": "receive"},
        "operations/deliver_webhook: MessageCreatedPayload is nothing to receive",
    ),
    Planted(
        rules_of_webhooks.payloads_can_be_asked_for,
        {},
        "components/schemas/WebhookEventName: message.sung is no event",
        {"components/schemas/WebhookEventName/enum/0": "message.sung"},
    ),
    Planted(
        rules_of_webhooks.callback_is_the_channel,
        {},
        "create_webhook/callbacks/delivery: its body must be WebhookPayload",
        {f"{CALLBACK}/requestBody/content/application~1json/schema/$ref": "#/components/schemas/Message"},
    ),
    Planted(
        rules_of_webhooks.callback_is_the_channel,
        {},
        "create_webhook/callbacks/delivery: webhook-id is not required",
        {f"{CALLBACK}/parameters/0/name": "webhook-name"},
    ),
    Planted(
        rules_of_webhooks.callback_is_the_channel,
        {"components/messageTraits/signed/headers/properties/webhook-timestamp/maximum": 1},
        "create_webhook/callbacks/delivery: webhook-timestamp is another",
    ),
]


def changed(planted: Planted) -> Socket:
    return Socket(with_changes(SOCKET.document, planted.changes), with_changes(SOCKET.rest, planted.in_rest))


@pytest.mark.parametrize(
    "planted", PLANTED, ids=lambda planted: f"{planted.rule.__name__}-{planted.said[-40:]}"
)
def test_planted_violation_is_named(planted: Planted) -> None:
    """The rule says where it is broken; in the document as it is it says nothing."""
    assert list(planted.rule(SOCKET)) == []
    found = list(planted.rule(changed(planted)))
    assert any(planted.said in sentence for sentence in found), found


@pytest.mark.parametrize(
    "planted", PLANTED, ids=lambda planted: f"{planted.rule.__name__}-{planted.said[-40:]}"
)
def test_no_rule_stumbles(planted: Planted) -> None:
    """Whatever is broken, the other rules of that stage say sentences too and never raise."""
    stage = next(rules for rules in socket_rules.STAGES if planted.rule in rules)
    socket = changed(planted)
    for rule in stage:
        assert all(isinstance(sentence, str) for sentence in rule(socket))


def test_first_stage_that_finds_something_ends_it() -> None:
    """What later rules rely on is told alone, for they would only stumble over it."""
    changes = {"asyncapi": "3.1.0", "operations/ping/summary": "ping"}
    found = socket_rules.violations(Socket(with_changes(SOCKET.document, changes), SOCKET.rest))
    assert "asyncapi: must be 3.0.0" in found
    assert not any("sentence" in each for each in found)


def test_every_rule_has_a_planted_violation() -> None:
    """A rule that nothing can break is none."""
    assert {rule.__name__ for rule in RULES} == {planted.rule.__name__ for planted in PLANTED}
