"""Each rule of the contract refuses a violation that is planted in the real document."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from planting import GONE, with_changes
from scripts import (
    contract_rules,
    rules_of_examples,
    rules_of_links,
    rules_of_operations,
    rules_of_schemas,
)
from scripts.specification import read_specification

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = read_specification(ROOT / "spec" / "openapi.yaml")
RULES = [rule for stage in contract_rules.STAGES for rule in stage]

SCHEMAS = "components/schemas"
HEADERS = "components/headers"
LOGIN = "paths/~1auth~1login/post"
REGISTER = "paths/~1users/post"
GET_ME = "paths/~1me/get"
GET_USER = "paths/~1users~1{user_id}/get"
SEND = "paths/~1messages/post"
ROTATE = "paths/~1webhooks~1{webhook_id}~1rotate-secret/post"
CALLBACK = "paths/~1webhooks/post/callbacks/delivery/{$request.body#~1url}/post"
LIST_MESSAGES = "paths/~1messages/get"
GET_MESSAGE = "paths/~1messages~1{message_id}/get"
JSON = "content/application~1json"
A_LINK = f"{SEND}/responses/201/links/itself"


class Planted(NamedTuple):
    """What is changed, as places with their new values, and what must be said about it."""

    rule: Callable[[Mapping[str, Any]], Any]
    changes: Mapping[str, Any]
    said: str


def ref(name: str, kind: str = "schemas") -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


PLANTED = [
    # References and the language itself
    Planted(
        contract_rules.references_resolve,
        {f"{SCHEMAS}/Me/properties/id": ref("Nobody")},
        "components/schemas/Me/properties/id: there is no #/components/schemas/Nobody",
    ),
    Planted(
        contract_rules.references_resolve,
        {f"{SCHEMAS}/Me/properties/id": {**ref("UserId"), "description": "Overlooked."}},
        "components/schemas/Me/properties/id: what stands beside $ref is ignored",
    ),
    Planted(contract_rules.document_is_openapi, {"openapi": "3.1.0"}, "openapi: must be 3.0.3"),
    Planted(contract_rules.document_is_openapi, {f"{GET_ME}/responses": GONE}, "paths"),
    Planted(contract_rules.document_is_openapi, {f"{SCHEMAS}/Role/type": "word"}, "components"),
    # Schemas
    Planted(
        rules_of_schemas.objects_are_named,
        {f"{SCHEMAS}/Me/properties/profile": {"type": "object", "properties": {}}},
        "components/schemas/Me/properties/profile: an object must be a named schema",
    ),
    Planted(
        rules_of_schemas.objects_are_named,
        {f"{SCHEMAS}/SendMessage/oneOf/0": {"type": "string", "maxLength": 1}},
        "components/schemas/SendMessage/oneOf: each choice must be a named schema",
    ),
    Planted(
        rules_of_schemas.bodies_are_named,
        {f"{LOGIN}/requestBody/{JSON}/schema": {"type": "string", "maxLength": 1}},
        "login (POST /auth/login): the body of requestBody must be a named schema",
    ),
    Planted(
        rules_of_schemas.bodies_are_named,
        {f"{GET_ME}/responses/200/{JSON}/schema": {"type": "string", "maxLength": 1}},
        "get_me (GET /me): the body of 200 must be a named schema",
    ),
    Planted(rules_of_schemas.names_read_well, {f"{SCHEMAS}/Error": {"type": "boolean"}}, "Error: is no good"),
    Planted(
        rules_of_schemas.names_read_well, {f"{SCHEMAS}/a_b": {"type": "boolean"}}, "a_b: is no good name"
    ),
    Planted(
        rules_of_schemas.names_read_well,
        {f"{SCHEMAS}/NewMessage": {"type": "boolean"}},
        "components/schemas/NewMessage: is what Go calls the function that makes a Message",
    ),
    Planted(
        rules_of_schemas.names_read_well,
        {f"{SCHEMAS}/Me/properties/lastSeen": {"type": "boolean"}},
        "Me/properties/lastSeen: must be in snake_case",
    ),
    Planted(
        rules_of_schemas.enums_do_not_share_values,
        {f"{SCHEMAS}/Role/enum": ["owner", "read"]},
        "components/schemas/Role: read is a value of MessageStatus too",
    ),
    Planted(
        rules_of_schemas.strings_are_bounded,
        {f"{SCHEMAS}/Profile/properties/bio/maxLength": GONE},
        "components/schemas/Profile/properties/bio: a string needs maxLength",
    ),
    Planted(
        rules_of_schemas.strings_are_bounded,
        {"components/parameters/UsernamePrefix/schema/maxLength": GONE},
        "components/parameters/UsernamePrefix/schema: a string needs maxLength",
    ),
    Planted(
        rules_of_schemas.formats_are_known,
        {f"{SCHEMAS}/UserId/format": "guid"},
        "components/schemas/UserId: nothing checks the format guid",
    ),
    Planted(
        rules_of_schemas.numbers_are_bounded,
        {f"{SCHEMAS}/Seq/maximum": GONE},
        "components/schemas/Seq: an integer needs maximum",
    ),
    Planted(
        rules_of_schemas.numbers_are_bounded,
        {f"{SCHEMAS}/Seq/format": "int32"},
        "components/schemas/Seq: the bounds do not fit int32",
    ),
    Planted(
        rules_of_schemas.numbers_are_bounded,
        {f"{SCHEMAS}/Seq": {"type": "number"}},
        "components/schemas/Seq: numbers with fractions",
    ),
    Planted(
        rules_of_schemas.arrays_are_bounded,
        {f"{SCHEMAS}/UserPage/properties/users/maxItems": GONE},
        "components/schemas/UserPage/properties/users: an array needs maxItems",
    ),
    Planted(
        rules_of_schemas.arrays_are_bounded,
        {f"{SCHEMAS}/UserPage/properties/users/items": {"type": "boolean"}},
        "users/items: the items of an array must be a named schema",
    ),
    Planted(
        rules_of_schemas.schemas_have_a_type,
        {f"{SCHEMAS}/UserPage/properties/has_more": {"description": "Anything."}},
        "components/schemas/UserPage/properties/has_more: has no type",
    ),
    Planted(
        rules_of_schemas.null_stands_beside_a_type,
        {f"{SCHEMAS}/SendMessage/nullable": True},
        "components/schemas/SendMessage: nullable needs a type",
    ),
    Planted(
        rules_of_schemas.null_stands_beside_a_type,
        {
            f"{SCHEMAS}/Conversation/properties/last_message": {
                "type": "object",
                "nullable": True,
                "allOf": [ref("Message")],
            }
        },
        "components/schemas/Conversation/properties/last_message: nullable needs a type",
    ),
    Planted(
        rules_of_schemas.patterns_are_portable,
        {f"{SCHEMAS}/Username/pattern": "^(?=a).*$"},
        "components/schemas/Username: engines do not agree",
    ),
    Planted(
        rules_of_schemas.patterns_are_portable,
        {f"{SCHEMAS}/Username/pattern": r"^\d+$"},
        "components/schemas/Username: engines do not agree",
    ),
    Planted(
        rules_of_schemas.patterns_are_portable,
        {f"{SCHEMAS}/Username/pattern": "^[a-$"},
        "components/schemas/Username: the pattern ^[a-$ does not compile",
    ),
    Planted(
        rules_of_schemas.requests_are_closed,
        {f"{SCHEMAS}/SendAttachment/additionalProperties": GONE},
        "components/schemas/SendAttachment: clients send it",
    ),
    Planted(
        rules_of_schemas.requests_are_closed,
        {f"{SCHEMAS}/CustomData/x-client-owned": GONE},
        "components/schemas/CustomData: clients send it",
    ),
    Planted(
        rules_of_schemas.answers_are_open,
        {f"{SCHEMAS}/Attachment/additionalProperties": False},
        "components/schemas/Attachment: the server sends it",
    ),
    # What only webhooks are sent is the server's too.
    Planted(
        rules_of_schemas.answers_are_open,
        {f"{SCHEMAS}/WebhookTest/additionalProperties": False},
        "components/schemas/WebhookTest: the server sends it",
    ),
    Planted(
        rules_of_schemas.answers_say_what_is_always_there,
        {f"{SCHEMAS}/Receipt/required": ["conversation_id", "user_id", "delivered_seq"]},
        "components/schemas/Receipt/properties/read_seq: must be in required or in x-optional",
    ),
    Planted(
        rules_of_schemas.answers_say_what_is_always_there,
        {f"{SCHEMAS}/User/x-optional": GONE},
        "components/schemas/User/properties/email: must be in required or in x-optional",
    ),
    Planted(
        rules_of_schemas.required_properties_exist,
        {f"{SCHEMAS}/Credentials/required": ["email", "passphrase"]},
        "components/schemas/Credentials: requires passphrase",
    ),
    Planted(
        rules_of_schemas.choices_can_be_told_apart,
        {f"{SCHEMAS}/TextToReceiver/additionalProperties": GONE},
        "components/schemas/SendMessage: needs a discriminator",
    ),
    Planted(
        rules_of_schemas.choices_can_be_told_apart,
        {f"{SCHEMAS}/Event/discriminator/mapping/receipt": GONE},
        "oneOf disagree about #/components/schemas/ReceiptEvent",
    ),
    Planted(
        rules_of_schemas.choices_can_be_told_apart,
        {f"{SCHEMAS}/ReceiptEvent/properties/type/enum": ["receipts"]},
        "#/components/schemas/ReceiptEvent is not told by type = receipt",
    ),
    Planted(
        rules_of_schemas.requests_are_closed,
        {f"{SCHEMAS}/AuthData/additionalProperties": GONE},
        "components/schemas/AuthData: clients send it",
    ),
    Planted(
        rules_of_schemas.answers_are_open,
        {f"{SCHEMAS}/Ready/additionalProperties": False},
        "components/schemas/Ready: the server sends it",
    ),
    Planted(
        rules_of_schemas.frames_are_unions,
        {"x-frames/server": GONE},
        "x-frames/server: must name what the client and what the server says",
    ),
    Planted(
        rules_of_schemas.frames_are_unions,
        {"x-frames/client": ref("AuthFrame")},
        "x-frames/client: must be frames that are told apart",
    ),
    Planted(
        rules_of_schemas.components_are_used,
        {f"{SCHEMAS}/Lonely": {"type": "boolean"}},
        "components/schemas/Lonely: is not used",
    ),
    Planted(
        rules_of_schemas.components_are_used,
        {f"{HEADERS}/X-Lonely": {"schema": {"type": "boolean"}}},
        "components/headers/X-Lonely: is not used",
    ),
    # Operations
    Planted(rules_of_operations.tags_are_modules, {f"{GET_ME}/tags": ["users", "auth"]}, "more than one tag"),
    Planted(rules_of_operations.tags_are_modules, {f"{GET_ME}/tags": ["people"]}, "tags: people is declared"),
    Planted(rules_of_operations.tags_are_modules, {"tags/0/name": "class"}, "class is no name for a module"),
    Planted(rules_of_operations.ids_are_functions, {f"{GET_ME}/operationId": "get_user"}, "of 2 operations"),
    Planted(rules_of_operations.ids_are_functions, {f"{GET_ME}/operationId": "getMe"}, "getMe: is no name"),
    Planted(rules_of_operations.ids_are_functions, {f"{GET_ME}/operationId": "import"}, "import: is no name"),
    Planted(
        rules_of_operations.summaries_are_sentences,
        {f"{GET_ME}/summary": "get me"},
        "get_me (GET /me): summary is not a sentence",
    ),
    Planted(rules_of_operations.summaries_are_sentences, {f"{GET_ME}/summary": GONE}, "summary is not a"),
    Planted(
        rules_of_operations.summaries_are_sentences,
        {f"{GET_ME}/responses/200/description": "ok"},
        "get_me (GET /me): the description of 200 is not a sentence",
    ),
    Planted(
        rules_of_operations.parameters_are_described,
        {"components/parameters/UserStatusFilter/description": GONE},
        "list_users (GET /users): status is not described",
    ),
    Planted(
        rules_of_operations.parameters_are_described,
        {"components/parameters/UserStatusFilter/name": "userStatus"},
        "userStatus is no good name for a parameter in query",
    ),
    Planted(
        rules_of_operations.parameters_are_described,
        {"components/parameters/UserStatusFilter/name": "caller"},
        "a handler cannot tell what caller is",
    ),
    Planted(
        rules_of_operations.answers_are_complete,
        {f"{GET_ME}/responses/429": GONE},
        "get_me (GET /me): does not say that it can answer 429",
    ),
    Planted(rules_of_operations.answers_are_complete, {f"{GET_ME}/responses/401": GONE}, "can answer 401"),
    Planted(rules_of_operations.answers_are_complete, {f"{GET_USER}/responses/404": GONE}, "can answer 404"),
    Planted(rules_of_operations.answers_are_complete, {f"{LOGIN}/responses/415": GONE}, "can answer 415"),
    Planted(rules_of_operations.answers_are_complete, {f"{SEND}/responses/422": GONE}, "can answer 422"),
    # What has a token and a key can contradict an earlier request, though it makes nothing.
    Planted(rules_of_operations.answers_are_complete, {f"{ROTATE}/responses/422": GONE}, "can answer 422"),
    Planted(
        rules_of_operations.answers_are_complete,
        {f"{GET_ME}/responses/413": ref("PayloadTooLarge", "responses")},
        "get_me (GET /me): cannot answer 413",
    ),
    Planted(
        rules_of_operations.answers_are_complete,
        {f"{GET_ME}/responses/200": GONE},
        "get_me (GET /me): has no answer for success",
    ),
    Planted(
        rules_of_operations.answers_have_bodies,
        {f"{GET_ME}/responses/200/content": GONE},
        "get_me (GET /me): 200 must have a body unless it is 204",
    ),
    Planted(
        rules_of_operations.answers_have_bodies,
        {f"{GET_ME}/responses/200/content": {"text/plain": {}}},
        "get_me (GET /me): 200 must be application/json",
    ),
    Planted(
        rules_of_operations.errors_have_one_form,
        {f"{GET_ME}/responses/401": {"description": "No."}},
        "get_me (GET /me): 401 must refer to components/responses",
    ),
    Planted(
        rules_of_operations.errors_have_one_form,
        {f"components/responses/Gone/{JSON}/schema": ref("Me")},
        "get_message (GET /messages/{message_id}): 410 must have the schema ErrorEnvelope",
    ),
    Planted(
        rules_of_operations.errors_have_one_form,
        {f"{GET_ME}/responses/401": ref("Gone", "responses")},
        "the code in the examples of 401 must be unauthorized",
    ),
    Planted(
        rules_of_operations.errors_have_one_form,
        {"x-outside-operations/404": ref("Gone", "responses")},
        "x-outside-operations: the code in the examples of 404 must be not_found",
    ),
    Planted(
        rules_of_operations.codes_are_listed,
        {f"{SCHEMAS}/ErrorCode/enum": ["teapot"]},
        "components/schemas/ErrorCode: teapot has no status",
    ),
    Planted(
        rules_of_operations.answers_have_headers,
        {"components/responses/Unauthorized/headers/WWW-Authenticate": GONE},
        "get_me (GET /me): 401 does not declare the header WWW-Authenticate",
    ),
    Planted(
        rules_of_operations.answers_have_headers,
        {f"{GET_ME}/responses/200/headers/X-RateLimit-Reset": GONE},
        "get_me (GET /me): 200 does not declare the header X-RateLimit-Reset",
    ),
    Planted(
        rules_of_operations.answers_have_headers,
        {f"{SEND}/responses/201/headers/Location": GONE},
        "send_message (POST /messages): 201 does not declare the header Location",
    ),
    Planted(
        rules_of_operations.answers_have_headers,
        {f"{SEND}/responses/201/headers/Idempotency-Replayed": GONE},
        "201 does not declare the header Idempotency-Replayed",
    ),
    Planted(
        rules_of_operations.answers_have_headers,
        {f"{LIST_MESSAGES}/responses/200/headers/X-Pagination-Total": GONE},
        "200 does not declare the header X-Pagination-Total",
    ),
    Planted(
        rules_of_operations.headers_are_shared,
        {f"{SEND}/responses/201/headers/Location": {"schema": {"type": "boolean"}}},
        "Location of 201 must refer to components/headers",
    ),
    Planted(
        rules_of_operations.creations_can_be_repeated,
        {f"{SEND}/parameters": []},
        "send_message (POST /messages): creates something, so it must take an Idempotency-Key",
    ),
    Planted(
        rules_of_operations.lists_have_pages,
        {"components/parameters/Limit/schema/default": 20},
        "list_users (GET /users): a page has 50 items",
    ),
    Planted(
        rules_of_operations.lists_have_pages,
        {f"{SCHEMAS}/MessagePage/required": ["messages", "has_more"]},
        "list_messages (GET /messages): a page says has_more and next_cursor",
    ),
    Planted(
        rules_of_operations.lists_have_pages,
        {f"{LIST_MESSAGES}/x-refusals": GONE},
        "list_messages (GET /messages): `before` with `after` is a refusal",
    ),
    Planted(
        rules_of_operations.limits_are_known,
        {f"{GET_ME}/x-rate-limit": GONE},
        "get_me (GET /me): x-rate-limit",
    ),
    Planted(
        rules_of_operations.limits_are_known,
        {f"{GET_ME}/x-rate-limit/bucket": "teapot"},
        "get_me (GET /me): x-rate-limit",
    ),
    Planted(
        rules_of_operations.limits_are_known,
        {f"{GET_ME}/x-rate-limit/per": "day"},
        "get_me (GET /me): x-rate",
    ),
    Planted(
        rules_of_operations.limits_are_known,
        {f"{LOGIN}/x-rate-limit/also/bucket": "teapot"},
        "login (POST /auth/login): x-rate-limit",
    ),
    Planted(
        rules_of_operations.limits_are_known, {"x-rate-limits/api/limit": 0}, "x-rate-limits/api: needs limit"
    ),
    Planted(
        rules_of_operations.refusals_are_answers,
        {f"{GET_MESSAGE}/x-refusals": GONE},
        "get_message (GET /messages/{message_id}): x-refusals must say when it answers 410",
    ),
    Planted(
        rules_of_operations.refusals_are_answers,
        {f"{GET_MESSAGE}/responses/410": GONE},
        "x-refusals has 410, which is none of its answers",
    ),
    Planted(
        rules_of_operations.refusals_are_answers,
        {f"{GET_MESSAGE}/x-refusals/0/when": "deleted"},
        "a refusal has a status and a sentence that says when",
    ),
    Planted(
        rules_of_operations.security_is_stated,
        {"security": GONE},
        "security: the document must ask for a token",
    ),
    Planted(
        rules_of_operations.security_is_stated,
        {f"{GET_ME}/security": [{"cookie": []}]},
        "get_me (GET /me): there is no security scheme cookie",
    ),
    Planted(rules_of_operations.servers_are_relative, {"servers/0/url": "/v2"}, "servers: must be paths"),
    Planted(
        rules_of_operations.deprecations_have_dates,
        {f"{GET_ME}/deprecated": True},
        "get_me (GET /me): is deprecated, so x-deprecated-since and x-sunset must be days",
    ),
    Planted(
        rules_of_operations.deprecations_have_dates,
        {f"{GET_ME}/x-sunset": "2028-01-01"},
        "get_me (GET /me): has a date of deprecation and is not deprecated",
    ),
    Planted(
        rules_of_operations.deprecations_have_dates,
        {
            f"{GET_ME}/deprecated": True,
            f"{GET_ME}/x-deprecated-since": "2026-12-01",
            f"{GET_ME}/x-sunset": "2027-11-30",
        },
        "get_me (GET /me): x-sunset must be at least a year after",
    ),
    *(
        Planted(
            rules_of_operations.deprecations_have_dates,
            {
                f"{GET_ME}/deprecated": True,
                f"{GET_ME}/x-deprecated-since": "2026-12-01",
                f"{GET_ME}/x-sunset": other,
            },
            "get_me (GET /me): is deprecated, so x-deprecated-since and x-sunset must be days, each as in 2027-",
        )
        # ISO 8601 has more ways to write a day than clients can read.
        for other in ("20280601", "2028-W02-1")
    ),
    Planted(
        rules_of_operations.deprecations_have_dates,
        {"components/parameters/Limit/deprecated": True},
        "components/parameters/Limit: is deprecated, so x-deprecated-since and x-sunset must be days",
    ),
    Planted(
        rules_of_operations.deprecations_have_dates,
        {f"{SCHEMAS}/Tokens/properties/expires_in/deprecated": True},
        "components/schemas/Tokens/properties/expires_in: is deprecated, so x-deprecated-since",
    ),
    Planted(
        rules_of_operations.deprecations_have_dates,
        {f"{HEADERS}/Allow/x-deprecated-since": "2026-12-01"},
        "components/headers/Allow: has a date of deprecation and is not deprecated",
    ),
    Planted(
        rules_of_operations.servers_are_relative, {"servers/1/url": "https://example.com"}, "servers: must be"
    ),
    # Links
    Planted(
        rules_of_links.links_lead_to_operations,
        {f"{A_LINK}/operationId": "get_letter"},
        "send_message (POST /messages): the link itself leads to no operation",
    ),
    Planted(
        rules_of_links.links_give_what_is_taken,
        {f"{A_LINK}/parameters/colour": "$response.body#/id"},
        "the link itself gives colour, which get_message does not take",
    ),
    Planted(
        rules_of_links.links_give_what_is_taken,
        {f"{A_LINK}/parameters": GONE},
        "the link itself does not give message_id",
    ),
    Planted(
        rules_of_links.links_give_what_is_taken,
        {f"{A_LINK}/requestBody": {"content": "Hello"}},
        "the link itself gives a body, which get_message does not take",
    ),
    Planted(
        rules_of_links.links_give_what_is_taken,
        {f"{REGISTER}/responses/201/links/login/requestBody/name": "$request.body#/username"},
        "the link login gives name, which login does not take",
    ),
    Planted(
        rules_of_links.links_take_what_is_given,
        {f"{A_LINK}/parameters/message_id": "$response.body#/message_id"},
        "the link itself takes $response.body#/message_id, which is not there",
    ),
    Planted(
        rules_of_links.links_take_what_is_given,
        {f"{A_LINK}/parameters/message_id": "$answer.id"},
        "the link itself takes $answer.id, which is not there",
    ),
    Planted(
        rules_of_links.links_take_what_is_given,
        {f"{A_LINK}/parameters/message_id": "$request.path.message_id"},
        "the link itself takes $request.path.message_id, which is not there",
    ),
    Planted(
        rules_of_links.links_take_what_is_given,
        {f"{A_LINK}/parameters/message_id": "$response.body#/content"},
        "the link itself takes $response.body#/content, which is of another kind",
    ),
    Planted(
        rules_of_links.links_take_what_is_given,
        {f"{REGISTER}/responses/201/links/login/requestBody/email": "$request.body#/mail"},
        "the link login takes $request.body#/mail, which is not there",
    ),
    Planted(
        rules_of_links.every_operation_can_be_walked_to,
        {
            f"{LOGIN}/responses/200/links": {},
            "paths/~1auth~1sessions/get/responses/200/links": {},
        },
        "revoke_session (DELETE /auth/sessions/{session_id}): no link leads here",
    ),
    Planted(
        rules_of_links.every_operation_leads_on,
        {"paths/~1auth~1logout/post/responses/204/links": {}},
        "logout (POST /auth/logout): no answer has a link",
    ),
    # Examples
    Planted(
        rules_of_examples.everything_has_an_example,
        {"components/parameters/GroupIdInPath/example": GONE},
        "components/parameters/GroupIdInPath: has no example",
    ),
    Planted(
        rules_of_examples.everything_has_an_example,
        {f"{HEADERS}/Location/example": GONE},
        "components/headers/Location: has no example",
    ),
    Planted(
        rules_of_examples.everything_has_an_example,
        {f"{LOGIN}/requestBody/{JSON}/examples": GONE},
        "login/requestBody/application/json: has no example",
    ),
    Planted(
        rules_of_examples.examples_are_valid,
        {f"{LOGIN}/requestBody/{JSON}/examples/ada/value/email": "ada"},
        "login/requestBody/application/json: examples/ada is not what its schema says: email",
    ),
    Planted(
        rules_of_examples.examples_are_valid,
        {"components/examples/message/value/seq": "2"},
        "send_message/201/application/json: examples/message is not what its schema says: seq",
    ),
    Planted(
        rules_of_examples.examples_are_valid,
        {"components/examples/test_payload/value/event": "webhook.sung"},
        "create_webhook/callbacks/delivery/requestBody/application/json: examples/test is not what its schema says",
    ),
    Planted(
        rules_of_examples.examples_are_valid,
        {f"{CALLBACK}/parameters/1/example": -1},
        "create_webhook/callbacks/delivery/parameters/webhook-timestamp: example is not what its schema says",
    ),
    Planted(
        rules_of_examples.examples_are_valid,
        {"components/parameters/Wait/example": 31},
        "components/parameters/Wait: example is not what its schema says",
    ),
    Planted(
        rules_of_examples.examples_are_valid,
        {f"{HEADERS}/Allow/example": "get"},
        "components/headers/Allow: example is not what its schema says",
    ),
    Planted(
        rules_of_examples.examples_are_valid,
        {f"components/responses/Gone/{JSON}/examples/deleted/value/error/message": ""},
        "components/responses/Gone/application/json: examples/deleted is not what its schema says",
    ),
    Planted(
        rules_of_examples.defaults_are_valid,
        {"components/parameters/Wait/schema/default": 31},
        "components/parameters/Wait/schema: the default 31",
    ),
]


@pytest.mark.parametrize(
    "planted", PLANTED, ids=lambda planted: f"{planted.rule.__name__}-{planted.said[-40:]}"
)
def test_planted_violation_is_named(planted: Planted) -> None:
    """The rule says where it is broken; in the document as it is it says nothing."""
    assert list(planted.rule(DOCUMENT)) == []
    found = list(planted.rule(with_changes(DOCUMENT, planted.changes)))
    assert any(planted.said in sentence for sentence in found), found


@pytest.mark.parametrize(
    "planted", PLANTED, ids=lambda planted: f"{planted.rule.__name__}-{planted.said[-40:]}"
)
def test_no_rule_stumbles(planted: Planted) -> None:
    """Whatever is broken, the other rules of that stage say sentences too and never raise."""
    stage = next(rules for rules in contract_rules.STAGES if planted.rule in rules)
    document = with_changes(DOCUMENT, planted.changes)
    for rule in stage:
        assert all(isinstance(sentence, str) for sentence in rule(document))


def test_first_stage_that_finds_something_ends_it() -> None:
    """What later rules rely on is told alone, for they would only stumble over it."""
    changes = {f"{SCHEMAS}/UserId/format": "guid", f"{GET_ME}/summary": "get me"}
    assert contract_rules.violations(with_changes(DOCUMENT, changes)) == [
        "components/schemas/UserId: nothing checks the format guid"
    ]


def test_every_rule_has_a_planted_violation() -> None:
    """A rule that nothing can break is none."""
    assert {rule.__name__ for rule in RULES} == {planted.rule.__name__ for planted in PLANTED}
