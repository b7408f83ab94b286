"""What the generators of all SDKs share: the contract without what they cannot read, and the facts of it.

The facts are what no generator of types knows: which errors there are and what a status means when its code is
unknown, what a close code tells a client to do, which operations may be repeated, and which give pages.
"""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from parley.contract.document import resolve

ROOT = Path(__file__).resolve().parent.parent
REST = ROOT / "generated" / "openapi.json"
SOCKET = ROOT / "generated" / "asyncapi.json"
ORIGIN = "Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`."

METHODS = ("get", "put", "post", "patch", "delete")
# A request with one of these has the same effect when it is sent twice (RFC 9110, 9.2.2).
IDEMPOTENT_METHODS = frozenset({"get", "put", "delete"})


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One of the codes in the envelope. `class_name` is what an SDK calls its error, as in `NotFoundError`."""

    code: str
    class_name: str


@dataclass(frozen=True, slots=True)
class CloseVerdict:
    """What a close code tells a client to do.

    `reconnect` is never, now, later (after `after_seconds`), new_token or new_session.
    """

    code: int
    name: str
    meaning: str
    reconnect: str
    after_seconds: int
    keep_cursor: bool


@dataclass(frozen=True, slots=True)
class Bucket:
    """A rate limit: so many requests in a window."""

    name: str
    limit: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `page` names the list in its pages, if it has any; `bucket` is that of its rate limit."""

    id: str
    tag: str
    method: str
    path: str
    summary: str
    secured: bool
    takes_key: bool
    page: str | None
    bucket: str
    # A body with a password is compared with one that the first try may have changed.
    proves: bool

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again when nobody knows what became of it; with a key a POST may be, too."""
        return self.takes_key or (self.method in IDEMPOTENT_METHODS and not self.proves)


@dataclass(frozen=True, slots=True)
class Contract:
    """All facts of both documents."""

    version: str
    error_codes: Sequence[ErrorCode]
    # What a status means when its code is one of a later version.
    code_of_status: Mapping[int, str]
    close_verdicts: Sequence[CloseVerdict]
    buckets: Sequence[Bucket]
    operations: Sequence[Operation]
    # The types of the events in the log, of the notices beside them, and of what clients send, with their schemas.
    events: Mapping[str, str]
    notices: Mapping[str, str]
    client_frames: Mapping[str, str]
    socket_limits: Mapping[str, int]


@cache
def read() -> Contract:
    """Read the facts of the generated documents."""
    rest, socket = _load(REST), _load(SOCKET)
    schemas = rest["components"]["schemas"]
    events = _types(schemas, "Event")
    return Contract(
        version=rest["info"]["version"],
        error_codes=[ErrorCode(code, _class_name(code)) for code in schemas["ErrorCode"]["enum"]],
        code_of_status=dict(sorted((_handshake_codes(socket) | _codes(rest)).items())),
        close_verdicts=[_verdict(row) for row in socket["x-close-codes"]],
        buckets=[
            Bucket(name, row["limit"], row["window_seconds"]) for name, row in rest["x-rate-limits"].items()
        ],
        operations=list(_operations(rest)),
        events=events,
        notices={
            kind: schema for kind, schema in _types(schemas, "ServerFrame").items() if kind not in events
        },
        client_frames=_types(schemas, "ClientFrame"),
        socket_limits={name: row["value"] for name, row in socket["x-limits"].items()},
    )


def document() -> dict[str, Any]:
    """Return the REST document as generators can read it.

    Links are left out (openapi-generator's parser wants their bodies to be strings), callbacks (they are what
    the server asks of others) and examples, which no generated code shows.
    """
    rest = copy.deepcopy(_load(REST))
    for _, _, operation in _walk(rest):
        operation.pop("callbacks", None)
    for name in ("links", "callbacks", "examples"):
        rest["components"].pop(name, None)
    _leave_out(rest["paths"], {"links", "examples"})
    _leave_out(rest["components"].get("responses", {}), {"links", "examples"})
    return rest


def schema_name(reference: Mapping[str, Any]) -> str:
    """Return the name of the schema that a reference is to."""
    name: str = reference["$ref"].rpartition("/")[2]
    return name


def result_schema(document: Mapping[str, Any], operation: Mapping[str, Any]) -> str | None:
    """Return the name of the schema that an operation answers with, or None where its answer has no body."""
    for status, response in operation["responses"].items():
        content = resolve(document, response).get("content", {})
        if status.startswith("2") and content:
            return schema_name(content["application/json"]["schema"])
    return None


def _load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _walk(rest: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in rest["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _operations(rest: Mapping[str, Any]) -> Iterator[Operation]:
    for path, method, operation in _walk(rest):
        yield Operation(
            id=operation["operationId"],
            tag=operation["tags"][0],
            method=method,
            path=path,
            summary=operation["summary"],
            secured=operation.get("security", rest["security"]) != [],
            takes_key={"$ref": "#/components/parameters/IdempotencyKey"} in operation.get("parameters", []),
            page=_page(rest, operation),
            bucket=operation["x-rate-limit"]["bucket"],
            proves=_holds_a_password(rest, operation.get("requestBody", {})),
        )


def _holds_a_password(rest: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    content = resolve(rest, body).get("content", {})
    schemas = [resolve(rest, media["schema"]) for media in content.values()]
    schemas += [resolve(rest, choice) for schema in schemas for choice in schema.get("oneOf", ())]
    members = [member for schema in schemas for member in schema.get("properties", {}).values()]
    return any(resolve(rest, member).get("format") == "password" for member in members)


def _page(rest: Mapping[str, Any], operation: Mapping[str, Any]) -> str | None:
    """Return the name of the list in the pages of an operation: those that also say where they go on."""
    content = operation["responses"].get("200", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    name = schema_name(schema) if "$ref" in schema else ""
    properties: dict[str, Any] = rest["components"]["schemas"].get(name, {}).get("properties", {})
    if "next_cursor" not in properties or "has_more" not in properties:
        return None
    return next(name for name, value in properties.items() if value.get("type") == "array")


def _codes(rest: Mapping[str, Any]) -> dict[int, str]:
    """Return the code that the examples of the common answers show for each status."""
    codes: dict[int, str] = {}
    for _, _, operation in _walk(rest):
        for status, response in operation["responses"].items():
            shared = rest["components"]["responses"].get(response.get("$ref", "").rpartition("/")[2], {})
            for example in shared.get("content", {}).get("application/json", {}).get("examples", {}).values():
                codes.setdefault(int(status), _value(rest, example)["error"]["code"])
    return codes


def _handshake_codes(socket: Mapping[str, Any]) -> dict[int, str]:
    return {row["status"]: row["code"] for row in socket["x-handshake"]["refusals"]}


def _value(rest: Mapping[str, Any], example: Mapping[str, Any]) -> Any:
    if "$ref" in example:
        example = rest["components"]["examples"][example["$ref"].rpartition("/")[2]]
    return example["value"]


def _verdict(row: Mapping[str, Any]) -> CloseVerdict:
    return CloseVerdict(
        row["code"],
        row["name"],
        row["meaning"],
        row["reconnect"],
        row.get("after_seconds", 0),
        row["keep_cursor"],
    )


def _types(schemas: Mapping[str, Any], union: str) -> dict[str, str]:
    """Return the schema of each type of a union."""
    mapping: Mapping[str, str] = schemas[union]["discriminator"]["mapping"]
    return {kind: reference.rpartition("/")[2] for kind, reference in mapping.items()}


def _class_name(code: str) -> str:
    """Return the name of an error's class; `rate_limit_exceeded` and `internal_error` have shorter ones."""
    words = code.removesuffix("_error").removesuffix("_exceeded").split("_")
    return "".join(word.capitalize() for word in words) + "Error"


def _leave_out(value: Any, names: set[str]) -> None:
    if isinstance(value, dict):
        for name in names & value.keys():
            # A property of this name is a schema and stays.
            if not (isinstance(value[name], dict) and "type" in value[name]):
                del value[name]
        for inner in value.values():
            _leave_out(inner, names)
    elif isinstance(value, list):
        for inner in value:
            _leave_out(inner, names)
