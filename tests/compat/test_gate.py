"""The gate between what was released and what is about to be: breaks are told, additions pass."""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from released import NEWEST, RELEASED, tools
from scripts import compat
from scripts.compat import Contract
from scripts.compat_rest import operations_shown
from scripts.compat_version import differs
from scripts.sdk_tools import MissingTool


@dataclass
class Change:
    """What was released, about to be changed."""

    rest: dict[str, Any]
    socket: dict[str, Any]

    @property
    def schemas(self) -> dict[str, Any]:
        schemas: dict[str, Any] = self.rest["components"]["schemas"]
        return schemas

    def operation(self, method: str, path: str) -> dict[str, Any]:
        operation: dict[str, Any] = self.rest["paths"][path][method]
        return operation

    def close_code(self, number: int) -> dict[str, Any]:
        return next(each for each in self.socket["x-close-codes"] if each["code"] == number)

    def unions_of(self, name: str) -> list[dict[str, Any]]:
        """Return the schemas that have a schema among their alternatives."""
        wanted = {"$ref": f"#/components/schemas/{name}"}
        return [each for each in self.schemas.values() if wanted in each.get("oneOf", ())]


Plant = Callable[[Change], object]


def change_of(contract: Contract) -> Change:
    """Return a copy that may be changed."""
    return Change(copy.deepcopy(dict(contract.openapi)), copy.deepcopy(dict(contract.asyncapi)))


def planted(plant: Plant, contract: Contract = RELEASED) -> Contract:
    """Return the contract with a change."""
    change = change_of(contract)
    plant(change)
    return Contract(change.rest, change.socket)


def found(plant: Plant, released: Contract = RELEASED) -> list[str]:
    """Return what the gate says of a change."""
    tools()
    broken, missing = compat.compare(released, planted(plant, released))
    assert missing == []
    return broken


def drop_event(change: Change) -> None:
    for union in change.unions_of("ReceiptEvent"):
        union["oneOf"].remove({"$ref": "#/components/schemas/ReceiptEvent"})
        del union["discriminator"]["mapping"]["receipt"]


def require_more(change: Change) -> None:
    schema = change.schemas["RegisterUser"]
    schema["properties"]["age"] = {"type": "integer"}
    schema["required"].append("age")


def require_nonce(change: Change) -> None:
    schema = change.schemas["PingFrame"]
    schema["properties"]["nonce"] = {"type": "string"}
    schema["required"].append("nonce")


def limit_parameter(change: Change) -> dict[str, Any]:
    return next(each for each in change.rest["components"]["parameters"].values() if each["name"] == "limit")


def limit_of_pages(change: Change) -> dict[str, Any]:
    schema: dict[str, Any] = limit_parameter(change)["schema"]
    return schema


def draw_from(bucket: str) -> Plant:
    return lambda change: change.operation("get", "/me").update(
        {"x-rate-limit": {"bucket": bucket, "per": "user"}}
    )


def ids_of_users(change: Change) -> dict[str, Any]:
    parameter: dict[str, Any] = change.rest["components"]["parameters"]["UserIds"]
    return parameter


def handshake(change: Change, place: str, name: str) -> dict[str, Any]:
    properties = change.socket["channels"]["socket"]["bindings"]["ws"][place]["properties"]
    schema: dict[str, Any] = properties[name]
    return schema


def tell_apart_by_id(change: Change) -> None:
    for union in change.schemas.values():
        if "discriminator" in union:
            union["discriminator"]["propertyName"] = "id"


def swap_beginnings(change: Change) -> None:
    first, second = change.socket["x-handshake"]["begins"]
    first["state"], second["state"] = second["state"], first["state"]


def rename_media_type(content: dict[str, Any], name: str) -> None:
    content[name] = content.pop("application/json")


def make_problems_of_errors(change: Change) -> None:
    for response in change.rest["components"]["responses"].values():
        rename_media_type(response["content"], "application/problem+json")


def answer_of_me(change: Change) -> dict[str, Any]:
    content: dict[str, Any] = change.operation("get", "/me")["responses"]["200"]["content"]
    return content


def custom_data(change: Change) -> dict[str, Any]:
    return next(each for each in change.schemas.values() if each.get("x-client-owned"))


def state(change: Change, name: str) -> dict[str, Any]:
    states: dict[str, Any] = change.socket["x-handshake"]["states"]
    found: dict[str, Any] = states[name]
    return found


def frame(change: Change, name: str, type_: str = "ping") -> dict[str, Any]:
    found: dict[str, Any] = state(change, name)["frames"][type_]
    return found


def answer_outside(change: Change, status: str) -> dict[str, Any]:
    name = change.rest["x-outside-operations"][status]["$ref"].rpartition("/")[2]
    answer: dict[str, Any] = change.rest["components"]["responses"][name]
    return answer


def replace_status(before: str, now: str) -> Plant:
    def plant(change: Change) -> None:
        for item in change.rest["paths"].values():
            for operation in item.values():
                responses = operation["responses"]
                if before in responses:
                    responses.setdefault(now, responses.pop(before))

    return plant


def signed_messages(change: Change) -> list[dict[str, Any]]:
    return [each for each in change.socket["components"]["messages"].values() if "traits" in each]


def signature(change: Change) -> dict[str, Any]:
    headers = change.socket["components"]["messageTraits"]["signed"]["headers"]
    schema: dict[str, Any] = headers["properties"]["webhook-signature"]
    return schema


def sign_otherwise(change: Change) -> None:
    change.socket["components"]["messageTraits"]["other"] = {"headers": {"type": "object", "properties": {}}}
    signed_messages(change)[0]["traits"] = [{"$ref": "#/components/messageTraits/other"}]


def drop_server(change: Change) -> None:
    del change.socket["servers"]["plain"]
    change.socket["channels"]["socket"]["servers"].remove({"$ref": "#/servers/plain"})


def callback(change: Change) -> dict[str, Any]:
    callbacks = change.operation("post", "/webhooks")["callbacks"]
    request: dict[str, Any] = callbacks["delivery"]["{$request.body#/url}"]
    return request


# What is planted, and the rule that finds it.
BREAKS: Mapping[str, tuple[Plant, str]] = {
    "an operation is gone": (
        lambda it: it.rest["paths"]["/me"].pop("get"),
        "api-removed-without-deprecation",
    ),
    "an operation has another name": (
        lambda it: it.operation("get", "/me").update(operationId="me"),
        "api-operation-id-removed",
    ),
    "an operation has another tag": (
        lambda it: it.operation("get", "/me").update(tags=["auth"]),
        "tag-changed",
    ),
    "an operation wants a token": (
        lambda it: it.operation("post", "/users").pop("security"),
        "api-security-anonymous-access-removed",
    ),
    "an operation draws from a smaller bucket": (draw_from("auth"), "rate-limit-added"),
    "a field of an answer is gone": (
        lambda it: it.schemas["ErrorDetails"]["properties"].pop("resource"),
        "response-optional-property-removed",
    ),
    "a field of an answer may be missing": (
        lambda it: it.schemas["Me"]["required"].remove("status"),
        "response-property-became-optional",
    ),
    "a field of an answer may be null": (
        lambda it: it.schemas["Tokens"]["properties"]["expires_in"].update(nullable=True),
        "response-property-became-nullable",
    ),
    "a field of an answer has another type": (
        lambda it: it.schemas["Tokens"]["properties"].update(expires_in={"type": "string"}),
        "response-property-type-changed",
    ),
    "a field of an answer is longer": (
        lambda it: it.schemas["Message"]["properties"]["content"].update(maxLength=10**6),
        "response-property-max-length-increased",
    ),
    "an error has no code any more": (
        lambda it: it.schemas["ErrorCode"]["enum"].remove("gone"),
        "response-property-enum-value-removed",
    ),
    "a closed list has another value": (
        lambda it: it.schemas["UserStatus"]["enum"].append("away"),
        "response-property-enum-value-added",
    ),
    "a closed list is opened": (
        lambda it: it.schemas["UserStatus"].update({"x-extensible-enum": True}),
        "list-opened",
    ),
    "a body needs another field": (require_more, "new-required-request-property"),
    "a body may not have a field any more": (
        lambda it: it.schemas["RegisterUser"]["properties"].pop("display_name"),
        "request-property-removed",
    ),
    "a field of a body must be shorter": (
        lambda it: it.schemas["Username"].update(maxLength=5),
        "request-property-max-length-decreased",
    ),
    "a parameter is gone": (
        lambda it: it.operation("get", "/messages")["parameters"].pop(0),
        "request-parameter-removed",
    ),
    "a parameter is required": (
        lambda it: it.rest["components"]["parameters"]["IdempotencyKey"].update(required=True),
        "request-parameter-became-required",
    ),
    "a page is smaller unless one asks": (
        lambda it: limit_of_pages(it).update(default=10),
        "request-parameter-default-value-changed",
    ),
    "a page is smaller": (
        lambda it: limit_of_pages(it).update(maximum=10),
        "request-parameter-max-decreased",
    ),
    "success has another status": (
        lambda it: it.operation("get", "/me")["responses"].update(
            {"202": it.operation("get", "/me")["responses"].pop("200")}
        ),
        "response-success-status-removed",
    ),
    "a header is gone": (
        lambda it: it.rest["components"]["responses"]["TooManyRequests"]["headers"].pop("Retry-After"),
        "required-response-header-removed",
    ),
    "the alias of the seed is gone": (lambda it: it.rest["servers"].pop(), "server-removed"),
    "a bucket holds less": (
        lambda it: it.rest["x-rate-limits"]["api"].update(limit=99),
        "bucket-smaller",
    ),
    "a bucket fills more slowly": (
        lambda it: it.rest["x-rate-limits"]["api"].update(window_seconds=61),
        "bucket-smaller",
    ),
    "an event is gone": (drop_event, "response-property-one-of-removed"),
    "a frame has a field less": (
        lambda it: it.schemas["TypingNotice"]["properties"]["data"].update(
            {"$ref": "#/components/schemas/Me"}
        ),
        "response-required-property-removed",
    ),
    "a client's frame needs another field": (require_nonce, "new-required-request-property"),
    "a message of the socket is gone": (
        lambda it: it.socket["channels"]["socket"]["messages"].pop("TypingNotice"),
        "asyncapi",
    ),
    "an operation of the socket is gone": (lambda it: it.socket["operations"].pop("ping"), "asyncapi"),
    "the socket is somewhere else": (
        lambda it: it.socket["channels"]["socket"].update(address="/live"),
        "asyncapi",
    ),
    "the URL takes no token": (
        lambda it: it.socket["channels"]["socket"]["bindings"]["ws"]["query"]["properties"].pop("token"),
        "request-parameter-removed",
    ),
    "the handshake wants another kind of token": (
        lambda it: handshake(it, "headers", "Authorization").update(pattern="^Token "),
        "request-parameter-pattern-changed",
    ),
    "the handshake wants another kind of cursor": (
        lambda it: handshake(it, "query", "cursor").update(pattern="^[0-9]+$"),
        "request-parameter-pattern-added",
    ),
    "the handshake wants a longer cursor": (
        lambda it: handshake(it, "query", "cursor").update(minLength=9),
        "request-parameter-min-length-increased",
    ),
    "the handshake wants a shorter cursor": (
        lambda it: handshake(it, "query", "cursor").update(maxLength=9),
        "request-parameter-max-length-decreased",
    ),
    "a socket begins in another state": (swap_beginnings, "handshake-changed"),
    "a refused handshake does not say when to come back": (
        lambda it: next(
            each for each in it.socket["x-handshake"]["refusals"] if each["status"] == 429
        ).update(headers=[]),
        "handshake-header-removed",
    ),
    "a list in the URL has another separator": (
        lambda it: ids_of_users(it).update(style="pipeDelimited"),
        "parameter-form-changed",
    ),
    "a list in the URL is split": (
        lambda it: ids_of_users(it).update(explode=not ids_of_users(it).get("explode", True)),
        "parameter-form-changed",
    ),
    "a list in the URL has other members": (
        lambda it: ids_of_users(it)["schema"].update(items={**it.schemas["UserId"], "pattern": "^0"}),
        "request-property-pattern-added",
    ),
    "a list in the URL may say nothing twice": (
        lambda it: ids_of_users(it)["schema"].update(uniqueItems=True),
        "request-body-unique-items-set",
    ),
    "a header looks different": (
        lambda it: it.rest["components"]["headers"]["Location"]["schema"].update(pattern="^https://"),
        "response-header-pattern-changed",
    ),
    "events are told apart by another field": (
        tell_apart_by_id,
        "response-property-discriminator-property-name-changed",
    ),
    "a body has another media type": (
        lambda it: rename_media_type(
            it.operation("post", "/users")["requestBody"]["content"], "application/vnd.x+json"
        ),
        "media-type-removed",
    ),
    "an answer has another media type": (
        lambda it: rename_media_type(answer_of_me(it), "application/vnd.x+json"),
        "media-type-removed",
    ),
    "errors have another media type": (make_problems_of_errors, "media-type-removed"),
    "a close code is gone": (lambda it: it.socket["x-close-codes"].pop(), "close-code-removed"),
    "a close code means something else": (
        lambda it: it.close_code(4403).update(reconnect="now"),
        "close-code-changed",
    ),
    "a close code takes the cursor": (
        lambda it: it.close_code(4413).update(keep_cursor=False),
        "close-code-changed",
    ),
    "a frame may be smaller": (
        lambda it: it.socket["x-limits"]["frame_bytes"].update(value=8192),
        "limit-narrowed",
    ),
    "the heart beats more slowly": (
        lambda it: it.socket["x-limits"]["heartbeat_seconds"].update(value=60),
        "limit-narrowed",
    ),
    "a limit closes with another code": (
        lambda it: it.socket["x-limits"]["queue_bytes"].update(closes="internal_error"),
        "limit-changed",
    ),
    "the handshake is refused for another reason": (
        lambda it: it.socket["x-handshake"]["refusals"].append(
            {"status": 401, "code": "unauthorized", "when": "."}
        ),
        "handshake-refusal-added",
    ),
    "a frame is refused that was taken": (
        lambda it: it.socket["x-handshake"]["states"]["open"]["frames"]["ping"].update(allowed=False),
        "frame-rule",
    ),
    "a frame is not answered any more": (
        lambda it: it.socket["x-handshake"]["states"]["open"]["frames"]["ping"].update(answers=["error"]),
        "frame-rule",
    ),
    "the client's own data is texts": (
        lambda it: custom_data(it).update(additionalProperties={"type": "string", "maxLength": 10}),
        "request-property-type-changed",
    ),
    "the client's own data is closed": (
        lambda it: custom_data(it).update(additionalProperties=False),
        "request-property-removed",
    ),
    "the client's own data is the server's": (
        lambda it: custom_data(it).pop("x-client-owned"),
        "word-changed",
    ),
    "a closed list inside of an object is opened": (
        lambda it: it.schemas["PingFrame"]["properties"]["type"].update({"x-extensible-enum": True}),
        "list-opened",
    ),
    "what may stand in an answer is less": (
        lambda it: next(
            each["anyOf"] for each in it.schemas["Conversation"]["properties"].values() if "anyOf" in each
        ).pop(),
        "response-property-any-of-removed",
    ),
    "frames are not told apart any more": (
        lambda it: it.schemas["ServerFrame"].pop("discriminator"),
        "word-changed",
    ),
    "an operation does not answer an error any more": (
        lambda it: it.operation("get", "/messages/{message_id}")["responses"].pop("410"),
        "error-status-removed",
    ),
    "an operation does not say when it refuses": (
        lambda it: it.operation("get", "/messages/{message_id}").pop("x-refusals"),
        "refusal-removed",
    ),
    "a conflict has another status everywhere": (replace_status("409", "418"), "error-status-removed"),
    "a token that is refused has another status everywhere": (
        replace_status("401", "403"),
        "error-status-removed",
    ),
    "an operation leads elsewhere": (
        lambda it: it.operation("get", "/me")["responses"].update({"302": {"description": "It is there."}}),
        "answer-added",
    ),
    "an operation may be out of reach that could not": (
        lambda it: it.operation("get", "/contract").pop("x-constant"),
        "word-changed",
    ),
    "unknown paths have no answer": (
        lambda it: it.rest["x-outside-operations"].pop("404"),
        "api-path-removed-without-deprecation",
    ),
    "unknown paths do not tell the contract": (
        lambda it: answer_outside(it, "404")["headers"].pop("X-Contract"),
        "required-response-header-removed",
    ),
    "unknown paths have another answer": (
        lambda it: answer_outside(it, "404")["content"]["application/json"].update(schema={"type": "object"}),
        "response-required-property-removed",
    ),
    "unknown paths have another media type": (
        lambda it: rename_media_type(answer_outside(it, "404")["content"], "application/problem+json"),
        "media-type-removed",
    ),
    "another method does not tell which are allowed": (
        lambda it: it.rest["components"]["headers"]["Allow"].update(required=False),
        "response-header-became-optional",
    ),
    "the socket speaks something else": (
        lambda it: it.socket.update(defaultContentType="application/cbor"),
        "word-changed",
    ),
    "a frame is in another language": (
        lambda it: it.socket["components"]["messages"]["PongNotice"].update(contentType="application/cbor"),
        "word-changed",
    ),
    "the socket is opened by another method": (
        lambda it: it.socket["channels"]["socket"]["bindings"]["ws"].update(method="POST"),
        "word-changed",
    ),
    "the handshake takes no other parameters": (
        lambda it: it.socket["channels"]["socket"]["bindings"]["ws"]["query"].update(
            additionalProperties=False
        ),
        "word-unknown",
    ),
    "the socket takes no token in the URL": (
        lambda it: it.socket["servers"]["tls"]["security"].pop(0),
        "word-removed",
    ),
    "the socket is not there without TLS": (drop_server, "asyncapi"),
    "webhooks are put instead of posted": (
        lambda it: it.socket["operations"]["deliver_webhook"]["bindings"]["http"].update(method="PUT"),
        "word-changed",
    ),
    "webhooks are put, REST's document says": (
        lambda it: callback(it).update(put=callback(it).pop("post")),
        "word-changed",
    ),
    "an operation makes no callback any more": (
        lambda it: it.operation("post", "/webhooks").pop("callbacks"),
        "word-changed",
    ),
    "a frame is answered by less": (
        lambda it: it.socket["operations"]["ping"]["reply"]["messages"].pop(0),
        "word-removed",
    ),
    "a frame is not refused as it was": (
        lambda it: next(
            each for each in it.socket["components"]["messages"].values() if "x-refusals" in each
        ).pop("x-refusals"),
        "frame-refusal-removed",
    ),
    "a close code lets clients wait longer": (
        lambda it: it.close_code(4503).update(after_seconds=6),
        "close-code-changed",
    ),
    "a close code does not say how long": (
        lambda it: it.close_code(4503).pop("after_seconds"),
        "close-code-changed",
    ),
    "a limit refuses with another status": (
        lambda it: it.socket["x-limits"]["handshakes_per_minute"].update(refuses=503),
        "limit-changed",
    ),
    "a limit is another bucket": (
        lambda it: it.socket["x-limits"]["connections_per_minute"].update(bucket="api"),
        "limit-changed",
    ),
    "the handshake is not refused as it was": (
        lambda it: it.socket["x-handshake"]["refusals"].pop(),
        "handshake-refusal-removed",
    ),
    "a state sends a frame less": (
        lambda it: state(it, "open")["sends"].remove("pong"),
        "frame-not-sent",
    ),
    "a frame closes that did not": (
        lambda it: frame(it, "open")["closes"].append("unauthorized"),
        "close-added",
    ),
    "a frame does not close any more as it did": (
        lambda it: frame(it, "authenticating", "auth")["closes"].remove("token_expired"),
        "close-removed",
    ),
    "a state does not end any more as it did": (
        lambda it: state(it, "open")["closes"].remove("too_slow"),
        "close-removed",
    ),
    "one webhook is not signed": (
        lambda it: signed_messages(it)[0].pop("traits"),
        "webhook-header-removed",
    ),
    "one webhook is signed otherwise": (sign_otherwise, "webhook-header-removed"),
    "a signature looks different": (
        lambda it: signature(it).update(pattern="^v2,"),
        "webhook-header-changed",
    ),
    "a signature is shorter": (lambda it: signature(it).update(minLength=1), "webhook-header-changed"),
    "what webhooks are signed at is in milliseconds": (
        lambda it: it.socket["components"]["messageTraits"]["signed"]["headers"]["properties"][
            "webhook-timestamp"
        ].update(maximum=253402300799000),
        "webhook-header-changed",
    ),
    "webhooks are not signed": (
        lambda it: it.socket["components"]["messageTraits"]["signed"]["headers"]["required"].remove(
            "webhook-signature"
        ),
        "webhook-header-removed",
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_break_is_told(what: str) -> None:
    """By the rule that is there for it, perhaps among others."""
    plant, rule = BREAKS[what]
    # Our own rules need no tool, and most of the time of this file is that of the tools.
    said = compat.broken_by_rules(RELEASED, planted(plant))
    if not tells(said, rule):
        said = found(plant)
    assert tells(said, rule), said


def tells(said: list[str], rule: str) -> bool:
    return any(line.endswith(f"[{rule}]") for line in said)


def add_operation(change: Change) -> None:
    change.rest["paths"]["/news"] = {"get": {**change.operation("get", "/me"), "operationId": "get_news"}}


def add_kind_of_event(change: Change) -> None:
    poll = copy.deepcopy(change.schemas["ReceiptEvent"])
    poll["properties"]["type"]["enum"] = ["poll"]
    change.schemas["PollEvent"] = poll
    for union in change.unions_of("ReceiptEvent"):
        union["oneOf"].insert(0, {"$ref": "#/components/schemas/PollEvent"})
        union["discriminator"]["mapping"]["poll"] = "#/components/schemas/PollEvent"


def add_message(change: Change) -> None:
    messages = change.socket["components"]["messages"]
    messages["PollEvent"] = copy.deepcopy(messages["ReceiptEvent"])
    change.socket["channels"]["socket"]["messages"]["PollEvent"] = {"$ref": "#/components/messages/PollEvent"}
    sent = change.socket["operations"]["deliver_events"]["messages"]
    sent.insert(0, {"$ref": "#/channels/socket/messages/PollEvent"})


def add_field(change: Change) -> None:
    change.schemas["Me"]["properties"]["beta"] = {"type": "boolean"}
    change.schemas["Me"]["required"].append("beta")


def add_close_code(change: Change) -> None:
    code = {"code": 4500, "name": "later", "meaning": ".", "reconnect": "later", "keep_cursor": True}
    change.socket["x-close-codes"].insert(0, {**code, "after_seconds": 5})


def close_anew(change: Change) -> None:
    add_close_code(change)
    frame(change, "open")["closes"].append("later")
    state(change, "open")["closes"].append("later")


def rename_tokens(change: Change) -> None:
    text = json.dumps(change.rest).replace('#/components/schemas/Tokens"', '#/components/schemas/Pair"')
    change.rest.update(json.loads(text))
    change.schemas["Pair"] = change.schemas.pop("Tokens")


HARMLESS: Mapping[str, Plant] = {
    "another operation": add_operation,
    "another field of an answer": add_field,
    "another field of a body, which may be missing": lambda it: it.schemas["RegisterUser"][
        "properties"
    ].update(age={"type": "integer"}),
    "another parameter, which may be missing": lambda it: it.operation("get", "/me").update(
        parameters=[{"name": "also", "in": "query", "schema": {"type": "boolean"}}]
    ),
    "another value of a list that is open": lambda it: it.schemas["ErrorCode"]["enum"].insert(
        0, "payment_required"
    ),
    "another kind of event": add_kind_of_event,
    "another message of the socket": add_message,
    "another refusal": lambda it: it.operation("get", "/me")["responses"].update(
        {"410": {"$ref": "#/components/responses/Gone"}}
    ),
    "another error of an operation": lambda it: it.operation("get", "/contract")["responses"].update(
        {"409": it.operation("post", "/users")["responses"]["409"]}
    ),
    "another reason to refuse": lambda it: it.operation("get", "/messages/{message_id}")["x-refusals"].append(
        {"status": 404, "when": "It is too old."}
    ),
    "another header of an answer": lambda it: it.operation("get", "/me")["responses"]["200"][
        "headers"
    ].update({"X-Mood": {"description": "How it feels.", "schema": {"type": "string", "maxLength": 9}}}),
    "another answer to what is no operation": lambda it: it.rest["x-outside-operations"].update(
        {"501": it.rest["x-outside-operations"]["404"]}
    ),
    "any field of an answer beside its own": lambda it: it.schemas["Me"].update(
        additionalProperties={"type": "string"}
    ),
    "a schema with words beside it": lambda it: answer_of_me(it)["application/json"].update(
        schema={"allOf": [{"$ref": "#/components/schemas/Me"}], "description": "Yourself."}
    ),
    "own data with words beside it": lambda it: it.schemas["MessageMetadata"]["properties"].update(
        custom={"allOf": [it.schemas["MessageMetadata"]["properties"]["custom"]]}
    ),
    "a schema that is called otherwise": rename_tokens,
    "other links": lambda it: it.operation("post", "/auth/login")["responses"]["200"].pop("links"),
    "another frame that is sent": lambda it: state(it, "open")["sends"].append("poll"),
    "another answer to a frame": lambda it: frame(it, "open")["answers"].append("poll"),
    "a frame closes with a new code": close_anew,
    "another reason to refuse a frame": lambda it: it.socket["components"]["messages"]["PingFrame"][
        "x-refusals"
    ].append({"code": "conflict", "when": "Too early."}),
    "other words for a signature": lambda it: signature(it).update(description="It proves it."),
    "a callback with words": lambda it: callback(it)["post"].update(summary="Tell it."),
    "more room in a body": lambda it: it.schemas["Password"].update(maxLength=256),
    "a bucket that holds more": lambda it: it.rest["x-rate-limits"]["api"].update(limit=1000),
    "larger frames": lambda it: it.socket["x-limits"]["frame_bytes"].update(value=65536),
    "another close code": add_close_code,
    "a shorter wait": lambda it: it.close_code(4429).update(after_seconds=30),
    "a frame is taken that was refused": lambda it: it.socket["x-handshake"]["states"]["authenticating"][
        "frames"
    ]["ping"].update(allowed=True, then="authenticating", answers=["pong", "error"]),
    "longer cursors": lambda it: handshake(it, "query", "cursor").update(maxLength=512),
    "longer lists in the URL": lambda it: ids_of_users(it)["schema"].update(maxItems=200),
    "another parameter of the handshake": lambda it: it.socket["channels"]["socket"]["bindings"]["ws"][
        "query"
    ]["properties"].update(since={"type": "string"}),
    "another way to begin": lambda it: it.socket["x-handshake"]["begins"].insert(
        0, {"state": "open", "when": "A ticket came with the request."}
    ),
    "another media type": lambda it: it.operation("post", "/users")["requestBody"]["content"].update(
        {"application/vnd.x+json": {"schema": {"$ref": "#/components/schemas/RegisterUser"}}}
    ),
    "a style that is the usual one": lambda it: limit_parameter(it).update(style="form", explode=True),
    "other words": lambda it: it.operation("get", "/me").update(summary="Show who you are."),
    "another example": lambda it: it.rest["components"]["headers"]["Retry-After"].update(example=3),
    "something is on its way out": lambda it: it.operation("get", "/me").update(
        {"deprecated": True, "x-deprecated-since": "2026-12-01", "x-sunset": "2028-01-01"}
    ),
    "another version": lambda it: it.rest["info"].update(version="1.1.0"),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_harmless_change_passes(what: str) -> None:
    """Whoever changes something that breaks nobody hears nothing."""
    assert found(HARMLESS[what]) == []


# The day on which each may go at the earliest has passed.
LEAVING = {"deprecated": True, "x-deprecated-since": "2024-01-01", "x-sunset": "2025-01-01"}


def deprecate(change: Change) -> None:
    change.operation("get", "/me").update(LEAVING)
    change.operation("get", "/messages")["parameters"].insert(
        0, {"name": "old", "in": "query", "schema": {"type": "boolean"}, **LEAVING}
    )
    change.schemas["RegisterUser"]["properties"]["old"] = {"type": "integer", **LEAVING}
    change.schemas["Me"]["properties"]["old"] = {"type": "integer", **LEAVING}
    change.schemas["Me"]["required"].append("old")


LEAVES: Mapping[str, tuple[Plant, str]] = {
    "an operation": (lambda it: it.rest["paths"]["/me"].pop("get"), "api-removed-without-deprecation"),
    "all operations of a path": (
        lambda it: it.rest["paths"].pop("/me"),
        "api-path-removed-without-deprecation",
    ),
    "a parameter": (
        lambda it: it.operation("get", "/messages")["parameters"].pop(0),
        "request-parameter-removed",
    ),
    "a field of a body": (
        lambda it: it.schemas["RegisterUser"]["properties"].pop("old"),
        "request-property-removed",
    ),
    "a field of an answer": (
        lambda it: (it.schemas["Me"]["properties"].pop("old"), it.schemas["Me"]["required"].remove("old")),
        "response-required-property-removed",
    ),
    "an operation, earlier than was said": (
        lambda it: it.operation("get", "/me").update({"x-sunset": "2024-12-31"}),
        "sunset-earlier",
    ),
    "an operation, on a day that is written in another way": (
        lambda it: it.operation("get", "/me").update({"x-sunset": "20240601"}),
        "sunset-no-day",
    ),
    "an operation, in a week": (
        lambda it: it.operation("get", "/me").update({"x-sunset": "2025-W01-1"}),
        "sunset-no-day",
    ),
    "a parameter, earlier than was said": (
        lambda it: it.operation("get", "/messages")["parameters"][0].update({"x-sunset": "2024-12-31"}),
        "sunset-earlier",
    ),
}


@pytest.mark.parametrize("what", LEAVES)
def test_nothing_goes_within_a_major_version(what: str) -> None:
    """Whatever day it is: deprecated is a promise for the next one."""
    plant, rule = LEAVES[what]
    said = found(plant, planted(deprecate))
    assert tells(said, rule), said


@pytest.mark.parametrize(
    "day", [{"x-sunset": "2031-01-01"}, {"deprecated": False}], ids=["stays longer", "stays"]
)
def test_what_is_to_leave_may_stay(day: dict[str, Any]) -> None:
    """Longer than was said, or for good."""
    assert found(lambda it: it.operation("get", "/me").update(day), planted(deprecate)) == []


def in_version(version: str, plant: Plant) -> Contract:
    """Return the contract with a change under a version."""
    change = change_of(planted(plant))
    change.rest["info"]["version"] = change.socket["info"]["version"] = version
    return Contract(change.rest, change.socket)


def test_version_is_of_one_contract(capsys: pytest.CaptureFixture[str]) -> None:
    """What differs in more than words from what was released needs a greater one."""
    tools()
    assert compat.check(in_version(NEWEST, add_field), RELEASED) == 1
    printed = capsys.readouterr()
    assert f"openapi: says {NEWEST}, and /components/schemas/Me/" in printed.out
    assert "Raise `info.version` in both documents" in printed.err
    assert compat.check(in_version("1.999.0", add_field), RELEASED) == 0
    assert compat.check(in_version("1.0.0-beta.1", add_field), RELEASED) == 1
    assert "1.0.0-beta.1, and" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["other words", "another example"])
def test_words_need_no_version(what: str) -> None:
    """They may be put better at any time."""
    tools()
    assert compat.check(planted(HARMLESS[what]), RELEASED) == 0


def test_field_called_like_a_word_is_none() -> None:
    """What a schema names is substance, whatever its name."""
    before = {"properties": {"id": {}}, "title": "A"}
    assert differs(before, {"properties": {"id": {}, "title": {}}, "title": "B"}) == "/properties/title"
    assert differs(before, {**before, "title": "B"}) is None
    assert differs({"enum": ["a"]}, {"enum": ["a", "b"]}) == "/enum"


def test_released_versions_are_what_they_say() -> None:
    """The documents of a directory are those of its version."""
    for version in compat.released_versions():
        name = ".".join(map(str, version))
        contract = compat.read_contract(compat.RELEASED / name)
        assert {contract.version, contract.asyncapi["info"]["version"]} == {name}


def test_everything_is_shown_to_the_tool() -> None:
    """Frames of both sides and what webhooks are sent, beside REST."""
    shown = set(operations_shown(RELEASED.openapi, RELEASED.asyncapi))
    assert {
        "/me",
        "/handshake:",
        "/frame:client/typing",
        "/frame:server/message.deleted",
        "/payload:webhook.test",
    } <= shown


def test_another_major_version_breaks_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of it was released."""
    assert compat.newest_released("1.999.0") == RELEASED
    assert compat.newest_released("2.0.0") is None
    assert compat.check(RELEASED, None) == 0
    assert "nobody to break" in capsys.readouterr().out


def test_break_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """The gate is closed, and tells the ways on."""
    change = change_of(RELEASED)
    change.close_code(4403)["reconnect"] = "now"
    assert compat.check(Contract(change.rest, change.socket), RELEASED) == 1
    printed = capsys.readouterr()
    assert "x-close-codes: 4403 (session_revoked) said reconnect: new_session and says now" in printed.out
    assert "docs/compatibility.md" in printed.err


def test_what_was_released_stays(capsys: pytest.CaptureFixture[str]) -> None:
    """Releasing it a second time is refused."""
    assert compat.release(RELEASED) == 1
    assert f"{NEWEST} was released already" in capsys.readouterr().err


@pytest.mark.parametrize(("in_ci", "status"), [("true", 3), ("", 0)])
def test_missing_tool_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], in_ci: str, status: int
) -> None:
    """In CI it closes the gate."""

    def missing(*_: object) -> list[str]:
        raise MissingTool("oasdiff is not installed")

    monkeypatch.setenv("CI", in_ci)
    monkeypatch.setattr(compat, "broken_by_oasdiff", missing)
    monkeypatch.setattr(compat, "broken_by_asyncapi_diff", lambda *_: [])
    assert compat.check(RELEASED, RELEASED) == status
    assert "NOT COMPARED: oasdiff is not installed" in capsys.readouterr().err
