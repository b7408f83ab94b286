"""Makes a server refuse what it is to refuse, each thing once, and judges how it says so.

Clients act upon a status and its code: whether to ask again, to log in again, or to take something for gone.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any
from uuid import uuid4

from parley.cli.contract_answers import Promises
from parley.cli.contract_finding import Finding, shortened
from parley.cli.contract_request import Request
from parley.cli.deployment import Deployment
from parley.cli.remote import Answer
from parley.contract.document import METHODS, operations_of

_OUTSIDE = "x-outside-operations"
# What is asked of an unknown method: it has no body, and does nothing where a server takes it all the same.
_HARMLESS = ("get", "put", "delete", "patch")
_UNKNOWN_PATH = "/there-is-no-such-path"


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What is refused, by which operation if by any, with which status, and what makes a server do so."""

    subject: str
    operation_id: str | None
    status: int
    provoke: Callable[[Deployment], Request]


def refusal_findings(deployment: Deployment) -> Iterator[Finding]:
    """Yield, for each refusal that the server documents, whether it comes as it says."""
    promises = Promises(deployment.openapi, deployment.header)
    for refusal in _REFUSALS:
        promised = _promised(deployment, refusal)
        if promised is None:
            yield Finding(refusal.subject, left_out="the server does not document it")
            continue
        request = refusal.provoke(deployment)
        answer = request.answered(deployment)
        codes = promises.codes(promised)
        told = [*_broken(deployment, promises, refusal, promised, request, answer)]
        if told:
            yield Finding(refusal.subject, "\n".join((*told, f"reproduce: {request.curl(deployment)}")))
        else:
            yield Finding(refusal.subject, seen=" ".join((str(answer.status), *sorted(codes))))


def _promised(deployment: Deployment, refusal: _Refusal) -> Mapping[str, Any] | None:
    """Return the answer as it is documented."""
    document = deployment.openapi
    responses: Mapping[str, Any] = document.get(_OUTSIDE, {})
    if refusal.operation_id is not None:
        known = {each.operation_id: each for each in operations_of(document)}
        if refusal.operation_id not in known:
            return None
        responses = known[refusal.operation_id].raw["responses"]
    return responses.get(str(refusal.status))


def _broken(
    deployment: Deployment,
    promises: Promises,
    refusal: _Refusal,
    promised: Mapping[str, Any],
    request: Request,
    answer: Answer,
) -> Iterator[str]:
    if answer.status != refusal.status:
        yield f"promised: status {refusal.status}"
        yield f"came:     {answer.status} {shortened(answer.body.decode(errors='replace'))}".rstrip()
        return
    yield from promises.broken_response(promised, answer)
    if refusal.status == 405:
        has = _methods(deployment, request.path)
        told = {each.strip().upper() for each in answer.headers.get("allow", "").split(",")}
        if "allow" in answer.headers and not has <= told:
            yield f"promised: the header Allow with {', '.join(sorted(has))}"
            yield f"came:     Allow: {shortened(answer.headers['allow'])}"


def _methods(deployment: Deployment, path: str) -> set[str]:
    return {method.upper() for method in deployment.openapi["paths"][path] if method in METHODS}


def _other_method(deployment: Deployment) -> Request:
    """Ask a path for a method that it has not."""
    for path in deployment.openapi["paths"]:
        for method in _HARMLESS:
            if "{" not in path and method.upper() not in _methods(deployment, path):
                return Request(method.upper(), path)
    raise AssertionError("some path has not every method")


def _text(deployment: Deployment, **more: Any) -> dict[str, Any]:
    return {"receiver_id": deployment.people[0].user_id, "content": "Hello!", "type": "text", **more}


def _asked(method: str, path: str, body: Any = None, **headers: str) -> Callable[[Deployment], Request]:
    """Let the second person ask; `{message_id}` is the message that is there, whose sender is the first."""

    def provoke(deployment: Deployment) -> Request:
        told = path.replace("{message_id}", deployment.message["id"])
        return Request(method, told, deployment.people[1].token, body, headers)

    return provoke


def _unknown_field(deployment: Deployment) -> Request:
    return _asked("POST", "/messages", _text(deployment, nonsense=1))(deployment)


def _other_type(deployment: Deployment) -> Request:
    return _asked("POST", "/messages", _text(deployment), Content_Type="text/plain")(deployment)


def _deleted(deployment: Deployment) -> Request:
    message = deployment.say("Soon gone")["id"]
    deployment.people[0].ask("DELETE", f"/messages/{message}")
    return _asked("GET", f"/messages/{message}")(deployment)


def _used_key(deployment: Deployment) -> Request:
    """Send something else with the key of what was sent."""
    key = f"contract-{token_hex(8)}"
    _asked("POST", "/messages", _text(deployment), Idempotency_Key=key)(deployment).answered(deployment)
    return _asked("POST", "/messages", _text(deployment, content="Bye!"), Idempotency_Key=key)(deployment)


_REFUSALS = (
    _Refusal("a path that there is not", None, 404, lambda _: Request("GET", _UNKNOWN_PATH)),
    _Refusal("a method that a path has not", None, 405, _other_method),
    _Refusal("GET /me without a token", "get_me", 401, lambda _: Request("GET", "/me")),
    _Refusal("POST /messages with an unknown field", "send_message", 400, _unknown_field),
    _Refusal("POST /messages with what is no JSON", "send_message", 415, _other_type),
    _Refusal("POST /messages with a key of something else", "send_message", 422, _used_key),
    _Refusal(
        "GET /messages/{message_id} of none",
        "get_message",
        404,
        lambda it: _asked("GET", f"/messages/{uuid4()}")(it),
    ),
    _Refusal("GET /messages/{message_id} of a deleted one", "get_message", 410, _deleted),
    _Refusal(
        "PATCH /messages/{message_id} of somebody else",
        "edit_message",
        403,
        _asked("PATCH", "/messages/{message_id}", {"content": "Not mine"}),
    ),
)
