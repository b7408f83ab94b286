"""For tests: each answer is held against the document, and what was found is written down.

A file gets one line of JSON per answer: operation, method, status, and the violation or null. The last step
of the contract tests reads them all and so knows which documented answers were ever seen. In production it is
off and costs one comparison per answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from parley.contract.document import operations_of, resolve
from parley.contract.problems import problems_of
from parley.contract.schemas import Schemas

# These belong to HTTP and to browsers; the document does not repeat them for each answer.
_UNDOCUMENTED_HEADERS = frozenset({"content-type", "content-length", "vary", "deprecation", "sunset"})
_OF_OPTIONS = ("x-request-id", "x-contract", "allow")
_OF_BROWSERS = "access-control-"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the document says of one answer. `body` is None where there is to be none, and then it has no type."""

    body: jsonschema_rs.Validator | None
    media_type: str | None
    required_headers: tuple[str, ...]
    headers: Mapping[str, jsonschema_rs.Validator]


class AnswersRecorder:
    """Knows all documented answers; appends to the file."""

    def __init__(
        self, document: Mapping[str, Any], file: Path, name: Callable[[str], str] = lambda each: each
    ) -> None:
        """`name` gives an operation of this document the name under which its answers are noted."""
        self._answers = {
            (operation and name(operation), status): answer
            for (operation, status), answer in _documented_answers(document)
        }
        self._file = file

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
        with self._file.open("ab") as file:
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def _violation(
        self, operation: str | None, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> str | None:
        given = {name.decode(): value.decode() for name, value in headers}
        answer = self._answers.get((operation, status))
        if answer is None:
            return f"{status} is not documented"
        return _header_violation(answer, given) or _body_violation(answer, given, body)


def _header_violation(answer: _Answer, given: Mapping[str, str]) -> str | None:
    for name in answer.required_headers:
        if name not in given:
            return f"The header {name} is missing"
    for name, text in given.items():
        if name in _UNDOCUMENTED_HEADERS or name.startswith(_OF_BROWSERS):
            continue
        if name not in answer.headers:
            return f"The header {name} is not documented"
        if not any(answer.headers[name].is_valid(value) for value in readings(text)):
            return f"The header {name} is {text!r}"
    return None


def readings(text: str) -> Iterator[Any]:
    """Yield what a header's text can mean; its schema says what it is."""
    yield text
    if text.isdecimal():
        yield int(text)
    if text in {"true", "false"}:
        yield text == "true"


def _body_violation(answer: _Answer, given: Mapping[str, str], body: bytes) -> str | None:
    if answer.body is None:
        return "There is a body, but none is documented" if body else None
    if given.get("content-type") != answer.media_type:
        return f"The content type is {given.get('content-type')}"
    if given.get("content-length") != str(len(body)):
        return "Content-Length is wrong"
    problems = problems_of(answer.body, orjson.loads(body), "body", 5)
    return "; ".join(f"{field}: {reason}" for field, reason in problems) or None


def _documented_answers(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str | None, int], _Answer]]:
    """Yield every answer by operation and status; None are those that no operation gives."""
    reader = _Reader(document)
    for operation in operations_of(document):
        for status, raw in operation.raw["responses"].items():
            yield (operation.operation_id, int(status)), reader.answer(raw)
    for status, raw in document.get("x-outside-operations", {}).items():
        yield (None, int(status)), reader.answer(raw)
    yield (None, 204), _Answer(None, None, _OF_OPTIONS, reader.any_value(*_OF_OPTIONS))


class _Reader:
    """Reads response objects."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._schemas = Schemas(document)

    def answer(self, raw: Mapping[str, Any]) -> _Answer:
        """Compile one response object."""
        response = resolve(self._document, raw)
        # The contract's rules allow one type per answer.
        media_type = next(iter(response.get("content", ())), None)
        schema = None if media_type is None else response["content"][media_type]["schema"]
        headers = {
            name.lower(): resolve(self._document, header)
            for name, header in response.get("headers", {}).items()
        }
        return _Answer(
            None if schema is None else self._schemas.validator(schema),
            media_type,
            tuple(name for name, header in headers.items() if header.get("required")),
            {name: self._schemas.validator(header["schema"]) for name, header in headers.items()},
        )

    def any_value(self, *names: str) -> Mapping[str, jsonschema_rs.Validator]:
        """Take any value for these headers."""
        return dict.fromkeys(names, self._schemas.validator({"type": "string"}))
