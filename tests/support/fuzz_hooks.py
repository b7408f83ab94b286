"""What Schemathesis must know of Parley to tell a fault from a rule. No check is switched off.

A failure is dropped only for a reason that is written here, and nowhere else:

- `x-refusals` of the document: what a schema cannot say, per operation and for all bodies;
- what is everybody's to see, or really shared, is no leak;
- what is not found and stands in the body was not made by the request that made what stands in the path;
- where Schemathesis puts a null into a path (it infers links from properties that may be null), the request is
  not one that the document allows.

`FUZZ_PEOPLE` is a file that tells the server's address and who the two users are.
"""

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import requests
import schemathesis
from schemathesis import HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import (
    EnsureResourceAvailability,
    ObjectLevelAuthorizationViolation,
    RejectedPositiveData,
)

from as_v1 import error_of

AnyCase: TypeAlias = schemathesis.Case[Any]

KNOWN: Mapping[str, Any] = json.loads(Path(os.environ["FUZZ_PEOPLE"]).read_text())
LARGEST_INTEGER = 2**53 - 1
DEEPEST = 64
TIMEOUT = 30
CONDITIONS = ("If-Match", "If-None-Match")
NO_TAG = re.compile("[0-9A-Za-z]+")
UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

# How the reader of bodies begins its sentences about what is no I-JSON.
WORDS_OF_THE_READER = (
    "Must not contain ",
    "Is nested too deep",
    "Has an integer ",
    "Has a number ",
    "Is not JSON",
)
# How the validator begins its sentences. Who refuses in these words must not refuse what the schema allows.
WORDS_OF_THE_VALIDATOR = ("Must ", "Invalid ", "Is required", "Unknown ", "Fits ", "Exactly ", "Only one ")


@schemathesis.hook
def map_case(context: HookContext, case: AnyCase) -> AnyCase:
    """Let nobody wait for half a minute: who waits a second learns the same. And send no conditions by mistake."""
    wait = str((case.query or {}).get("wait", ""))
    if wait.isdecimal() and 1 < int(wait) <= 30:
        case.query["wait"] = 1
    for name in CONDITIONS:
        sent = NO_TAG.fullmatch(str(dict(case.headers or {}).get(name, "")))
        if sent is not None and not _is_wrong_on_purpose(case, name):
            del case.headers[name]
    return case


def _is_wrong_on_purpose(case: AnyCase, header: str) -> bool:
    """Say whether it is this header that a case tries out with something wrong in it.

    In its phase of coverage Schemathesis makes headers of letters and digits alone, also where no such thing is valid.
    """
    meta = case.meta
    return (
        meta is not None
        and meta.generation.mode.is_negative
        and getattr(meta.phase.data, "parameter", None) in (None, header)
    )


@schemathesis.hook
def after_call(context: HookContext, case: AnyCase, response: Response) -> None:
    """Change a changed password back, else its owner could never log in again and all would pass as a 401."""
    changed = (case.operation.definition.raw["operationId"], case.method, response.status_code)
    if changed != ("change_password", "PUT", 204):
        return
    body = response.request.body
    assert isinstance(body, bytes)
    sent = json.loads(body)
    restored = requests.put(
        f"{KNOWN['url']}/v1/auth/password",
        json={"current_password": sent["new_password"], "new_password": sent["current_password"]},
        headers={"Authorization": str(response.request.headers["Authorization"])},
        timeout=TIMEOUT,
    )
    assert restored.status_code == 204, restored.text


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: AnyCase, response: Response) -> bool:
    """Say whether it is a failure."""
    if isinstance(failure, RejectedPositiveData):
        return not _is_about_no_id(case, response) and not _is_a_declared_refusal(case, response)
    if isinstance(failure, ObjectLevelAuthorizationViolation):
        return not _is_shared(failure, case)
    if isinstance(failure, EnsureResourceAvailability):
        return _is_of_the_path(case, response)
    return True


def _is_about_no_id(case: AnyCase, response: Response) -> bool:
    """Say whether it was refused because of what stands in the path and is no id; all that is in our paths is."""
    no_ids = {name for name, value in case.path_parameters.items() if not UUID.fullmatch(str(value))}
    return response.status_code == 400 and not no_ids.isdisjoint(field for field, _ in _problems(response))


def _is_a_declared_refusal(case: AnyCase, response: Response) -> bool:
    status = response.status_code
    for_all: list[Any] = case.operation.schema.raw_schema["x-refusals"]
    if status in {each["status"] for each in for_all} and not is_i_json(case.body):
        return all(reason.startswith(WORDS_OF_THE_READER) for _, reason in _problems(response))
    declared = {each["status"] for each in case.operation.definition.raw.get("x-refusals", ())}
    if status not in declared:
        return False
    if status != 400:
        return True
    return not any(reason.startswith(WORDS_OF_THE_VALIDATOR) for _, reason in _problems(response))


def _problems(response: Response) -> list[tuple[str, str]]:
    """Return everything that an answer of 400 complains of: (field, reason)."""
    return [(each["field"], each["reason"]) for each in _details(response)["errors"]]


def _details(response: Response) -> Mapping[str, Any]:
    """Return the details of an error of either version."""
    body = response.json()
    details: Mapping[str, Any] = (body if "error" in body else error_of(body))["error"]["details"]
    return details


def is_i_json(value: Any, depth: int = 0) -> bool:
    """Say whether every reader of JSON, and PostgreSQL, would take this value for what it is."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, Mapping):
        return depth < DEEPEST and all(is_i_json(part, depth + 1) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return depth < DEEPEST and all(is_i_json(part, depth + 1) for part in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or abs(value) <= LARGEST_INTEGER


def _is_of_the_path(case: AnyCase, response: Response) -> bool:
    """Say whether what is not found is named in the path; something in the body was not made before."""
    nouns = {name.removesuffix("_id") for name in case.path_parameters}
    # Who is in a group is a user outside of it.
    nouns |= {"member"} if "user" in nouns else set()
    return _details(response)["resource"] in nouns


def _is_shared(failure: ObjectLevelAuthorizationViolation, case: AnyCase) -> bool:
    """Say whether the peer may see what the owner saw: asked as the peer, judged by what the owner knows."""
    shown = _get(failure.peer, case.formatted_path, case.query)
    match case.operation.definition.raw["operationId"]:
        case "get_user" | "list_users":
            # People can be found. Their addresses cannot.
            return "error" not in shown and all(
                "email" not in each or each["id"] == _id_of(failure.peer) for each in _users(shown)
            )
        case "get_group" | "list_groups" | "get_member" | "list_members":
            groups = {each["id"] for each in _objects(shown) if "is_private" in each.get("settings", {})}
            named = case.path_parameters.get("group_id")
            return all(
                _is_public(failure.owner, group) or _is_member(failure, group)
                for group in groups | ({named} if named else set())
            )
        case "get_message" | "list_messages" | "get_conversation" | "list_conversations":
            messages = [each for each in _objects(shown) if "sender_id" in each]
            return bool(messages) and all(_is_in(failure, each) for each in messages)
    return False


def _is_in(failure: ObjectLevelAuthorizationViolation, message: Mapping[str, Any]) -> bool:
    if _id_of(failure.peer) in (message["sender_id"], message["receiver_id"]):
        return True
    return _is_member(failure, message["conversation_id"])


def _is_member(failure: ObjectLevelAuthorizationViolation, group_id: str) -> bool:
    members = _get(failure.owner, f"/groups/{group_id}/members", {"limit": 100})
    return _id_of(failure.peer) in {each.get("user_id") for each in members.get("members", ())}


def _is_public(person: str, group_id: str) -> bool:
    return _get(person, f"/groups/{group_id}", {}).get("settings", {}).get("is_private") is False


def _users(shown: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    users: list[Mapping[str, Any]] = shown.get("users", [shown])
    return users


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield all objects in a value, however deep."""
    if isinstance(value, Mapping):
        yield value
    if isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _objects(part)


def _id_of(person: str) -> str:
    user_id: str = KNOWN["people"][person]["id"]
    return user_id


def _get(person: str, path: str, query: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask as a person, with a session of its own: the fuzzer ends those that it finds."""
    http = requests.Session()
    logged_in = http.post(
        f"{KNOWN['url']}/v1/auth/login", json=KNOWN["people"][person]["login"], timeout=TIMEOUT
    )
    headers = {"Authorization": f"Bearer {logged_in.json()['access_token']}"}
    answer = http.get(f"{KNOWN['url']}/v1{path}", params=dict(query), headers=headers, timeout=TIMEOUT)
    value: Mapping[str, Any] = answer.json()
    return value
