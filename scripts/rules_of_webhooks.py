"""Rules about webhooks: what they are sent is the same in both documents, and so are the headers that prove it."""

from collections.abc import Iterator, Mapping
from typing import Any

from parley.contract.document import resolve
from scripts.socket_document import REST, SCHEMA_FORMAT, Socket, messages_of, payloads_of
from scripts.specification import SCHEMAS, callbacks_of

_TRAIT = "#/components/messageTraits/signed"
# Nobody subscribes to tests, and `*` is no event.
_ASKED_FOR = "webhook.test"
_ALL = "*"
# What a header's schema says in either document.
_COMPARED = ("type", "minimum", "maximum", "minLength", "maxLength", "pattern")


def messages_are_the_payloads(socket: Socket) -> Iterator[str]:
    """The channel has exactly the payloads of the schemas, each under its schema's name."""
    messages = messages_of(socket, "webhook")
    events = {schema: event for event, schema in payloads_of(socket.rest).items()}
    for odd in sorted(messages.keys() ^ events.keys()):
        yield f"channels/webhook/messages/{odd}: is not in WebhookPayload of the REST document, or only there"
    for name in sorted(messages.keys() & events.keys()):
        yield from _broken_message(messages[name], name, events[name])


def _broken_message(message: Mapping[str, Any], name: str, event: str) -> Iterator[str]:
    place = f"components/messages/{name}"
    if message.get("name") != event:
        yield f"{place}/name: its schema says {event}"
    schema = {"$ref": f"{REST}{SCHEMAS}{name}"}
    if message.get("payload") != {"schemaFormat": SCHEMA_FORMAT, "schema": schema}:
        yield f"{place}/payload: must be the schema {name} of {REST} as {SCHEMA_FORMAT}"
    if message.get("traits") != [{"$ref": _TRAIT}]:
        yield f"{place}/traits: must be {_TRAIT}, which has the headers"


def payloads_can_be_asked_for(socket: Socket) -> Iterator[str]:
    """A webhook can ask for each event that there is, for all of them, and for nothing else."""
    names = set(socket.rest["components"]["schemas"]["WebhookEventName"]["enum"])
    for odd in sorted(names ^ ({*payloads_of(socket.rest), _ALL} - {_ASKED_FOR})):
        yield f"components/schemas/WebhookEventName: {odd} is no event of WebhookPayload, or is not listed"


def callback_is_the_channel(socket: Socket) -> Iterator[str]:
    """Whoever reads only the REST document learns the same of the request."""
    headers = resolve(socket.document, {"$ref": _TRAIT})["headers"]
    for place, request in callbacks_of(socket.rest):
        schema = request["requestBody"]["content"]["application/json"]["schema"]
        if schema != {"$ref": f"{SCHEMAS}WebhookPayload"}:
            yield f"{place}: its body must be WebhookPayload"
        given = {each["name"]: resolve(socket.rest, each["schema"]) for each in request["parameters"]}
        for odd in sorted(
            given.keys() ^ headers["properties"].keys() | given.keys() ^ set(headers["required"])
        ):
            yield f"{place}: {odd} is not required in components/messageTraits/signed, or only there"
        for name in sorted(given.keys() & headers["properties"].keys()):
            if any(given[name].get(word) != headers["properties"][name].get(word) for word in _COMPARED):
                yield f"{place}: {name} is another in components/messageTraits/signed"


FIRST = (messages_are_the_payloads,)
RULES = (payloads_can_be_asked_for, callback_is_the_channel)
