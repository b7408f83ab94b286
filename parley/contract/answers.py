"""For tests: each answer is held against the document, and what was found is written down.

A file gets one line of JSON per answer: operation, method, status, and the violation or null. The last step
of the contract tests reads them all and so knows which documented answers were ever seen. In production it is
off and costs one comparison per answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from parley.contract.document import operations_of, resolve
from parley.contract.problems import problems_of
from parley.contract.schemas import Schemas

_NEVER_DOCUMENTED = frozenset({204, 404, 405})


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the document says of one status of one operation. `body` is None where there is to be none."""

    body: jsonschema_rs.Validator | None
    required_headers: tuple[str, ...]
    headers: Mapping[str, jsonschema_rs.Validator]
    limited: bool


class AnswersRecorder:
    """Knows all documented answers; appends to the file."""

    def __init__(self, document: Mapping[str, Any], file: Path) -> None:
        schemas = Schemas(document)
        self._answers = dict(_documented_answers(document, schemas))
        self._error = _error_validator(document, schemas)
        self._file = file.open("ab", buffering=0)

    def record(
        self,
        operation: str | None,
        method: str,
        status: int,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
    ) -> None:
        """Check one answer and write it down. Answers to HEAD are checked as those to GET."""
        line = {
            "operation": operation,
            "method": method,
            "status": status,
            "violation": self._violation(operation, status, headers, body),
        }
        self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _violation(
        self, operation: str | None, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> str | None:
        given = {name.decode(): value.decode() for name, value in headers}
        if "x-request-id" not in given:
            return "X-Request-Id is missing"
        if operation is None:
            return self._unrouted_violation(status, given, body)
        answer = self._answers.get((operation, status))
        if answer is None:
            return f"{status} is not documented"
        return _header_violation(answer, given) or _body_violation(answer.body, given, body)

    def _unrouted_violation(self, status: int, given: Mapping[str, str], body: bytes) -> str | None:
        if status not in _NEVER_DOCUMENTED:
            return f"{status} without an operation"
        if status in {204, 405} and "allow" not in given:
            return "Allow is missing"
        return _body_violation(None if status == 204 else self._error, given, body)


def _header_violation(answer: _Answer, given: Mapping[str, str]) -> str | None:
    for name in answer.required_headers:
        if name not in given:
            return f"The header {name} is missing"
    for name, validator in answer.headers.items():
        if name in given:
            text = given[name]
            candidates = [text, *([int(text)] if text.isdecimal() else []), *_BOOLEANS.get(text, ())]
            if not any(validator.is_valid(value) for value in candidates):
                return f"The header {name} is {text!r}"
    return None


_BOOLEANS: Mapping[str, tuple[bool, ...]] = {"true": (True,), "false": (False,)}


def _body_violation(
    validator: jsonschema_rs.Validator | None, given: Mapping[str, str], body: bytes
) -> str | None:
    if validator is None:
        return "There is a body, but none is documented" if body else None
    if given.get("content-type") != "application/json":
        return f"The content type is {given.get('content-type')}"
    if given.get("content-length") != str(len(body)):
        return "Content-Length is wrong"
    problems = problems_of(validator, orjson.loads(body), "body", 5)
    return "; ".join(f"{field}: {reason}" for field, reason in problems) or None


def _documented_answers(document: Mapping[str, Any], schemas: Schemas) -> Any:
    validators: dict[str, jsonschema_rs.Validator] = {}
    for operation in operations_of(document):
        for status, raw in operation.raw["responses"].items():
            response = resolve(document, raw)
            schema = response.get("content", {}).get("application/json", {}).get("schema")
            body = None if schema is None else _validator(schemas, schema, validators)
            described = {
                name.lower(): resolve(document, header)
                for name, header in response.get("headers", {}).items()
            }
            yield (
                (operation.operation_id, int(status)),
                _Answer(
                    body,
                    tuple(name for name, header in described.items() if header.get("required")),
                    {
                        name: _validator(schemas, header["schema"], validators)
                        for name, header in described.items()
                    },
                    "x-rate-limit" in operation.raw,
                ),
            )


def _validator(
    schemas: Schemas, schema: Mapping[str, Any], made: dict[str, jsonschema_rs.Validator]
) -> jsonschema_rs.Validator:
    key = str(schema)
    if key not in made:
        made[key] = schemas.validator(schema)
    return made[key]


def _error_validator(document: Mapping[str, Any], schemas: Schemas) -> jsonschema_rs.Validator:
    """Compile the envelope of errors as some operation's 404 or 400 documents it."""
    for operation in operations_of(document):
        for status in ("404", "400"):
            if status in operation.raw["responses"]:
                response = resolve(document, operation.raw["responses"][status])
                return schemas.validator(response["content"]["application/json"]["schema"])
    return schemas.validator({"type": "object", "required": ["error"]})
