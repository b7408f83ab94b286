"""Holds one answer against the document that a server publishes, and says what was promised and what came."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from parley.cli.contract_finding import shortened
from parley.cli.remote import Answer
from parley.contract.answers import readings
from parley.contract.document import DocumentedOperation, resolve
from parley.contract.problems import problems_of
from parley.contract.schemas import Schemas

_PROBLEMS_TOLD = 5
_FIRST_ERROR = 400
_ENUM = "Must be one of: "


class Promises:
    """The answers that a document knows. Headers that it does not know may be a proxy's.

    `contract` is what X-Contract says wherever it stands.
    """

    def __init__(self, document: Mapping[str, Any], contract: str) -> None:
        self._document = document
        self._contract = contract
        self._schemas = Schemas(document)

    def successes(self, operation: DocumentedOperation) -> str:
        """Return the status or statuses of success."""
        return " or ".join(status for status in operation.raw["responses"] if status.startswith("2"))

    def broken(self, operation: DocumentedOperation, answer: Answer) -> Iterator[str]:
        """Yield what is not as promised."""
        responses = operation.raw["responses"]
        raw = responses.get(str(answer.status), responses.get("default"))
        if raw is None:
            yield f"promised: status {self.successes(operation)} (or an error that is documented)"
            yield f"came:     {_told(answer)}"
            return
        yield from self.broken_response(raw, answer)

    def broken_response(self, raw: Mapping[str, Any], answer: Answer) -> Iterator[str]:
        """Yield what is not as one documented response has it, whose status the answer has."""
        response = resolve(self._document, raw)
        content = response.get("content", {})
        yield from self._broken_headers(response.get("headers", {}), answer)
        yield from self._broken_body(content, answer)
        codes = self.codes(raw) if answer.status >= _FIRST_ERROR else ()
        if codes and answer.code not in (None, *codes):
            yield f"promised: the code {' or '.join(sorted(codes))} with {answer.status}"
            yield f"came:     {shortened(answer.code)}"
        told = answer.headers.get("x-contract")
        if told not in (None, self._contract):
            yield f"promised: X-Contract: {self._contract}, as GET /v1/contract says"
            yield f"came:     {shortened(told)}"

    def codes(self, raw: Mapping[str, Any]) -> set[str]:
        """Return the codes that the examples of a documented error have: a status has one within a version."""
        content = resolve(self._document, raw).get("content", {})
        examples = [
            resolve(self._document, each)["value"]
            for form in content.values()
            for each in form.get("examples", {}).values()
        ]
        return {each["error"]["code"] for each in examples}

    def _broken_headers(self, headers: Mapping[str, Any], answer: Answer) -> Iterator[str]:
        for name, raw in headers.items():
            header = resolve(self._document, raw)
            text = answer.headers.get(name.lower())
            if text is None:
                if header.get("required"):
                    yield f"promised: the header {name} with {answer.status}"
                    yield "came:     no such header"
            elif not any(self._schemas.validator(header["schema"]).is_valid(each) for each in readings(text)):
                yield f"promised: the header {name} with {answer.status}, {_in_words(header['schema'])}"
                yield f"came:     {name}: {shortened(text)}"

    def _broken_body(self, content: Mapping[str, Any], answer: Answer) -> Iterator[str]:
        if not content:
            if answer.body:
                yield f"promised: no body with {answer.status}"
                yield f"came:     {_told(answer)}"
            return
        media_type, form = next(iter(content.items()))
        came = answer.headers.get("content-type", "none")
        if came.partition(";")[0].strip().lower() != media_type:
            yield f"promised: content of type {media_type} with {answer.status}"
            yield f"came:     {shortened(came)}"
            return
        try:
            body = answer.json()
        except ValueError:
            yield f"promised: JSON with {answer.status}"
            yield f"came:     {_told(answer)}"
            return
        for name, reason in problems_of(
            self._schemas.validator(form["schema"]), body, "body", _PROBLEMS_TOLD
        ):
            yield f"promised: in the body of {answer.status}, {name}: {_reason(reason)}"
            yield f"came:     {shortened(_at(body, name))}"


def _in_words(schema: Mapping[str, Any]) -> str:
    return f"{schema.get('type', 'a value')} {schema.get('pattern', '')}".strip()


def _reason(reason: str) -> str:
    """Half of a long list of values helps nobody."""
    return reason if len(reason) <= 100 or not reason.startswith(_ENUM) else "Must be a value that it lists"


def _told(answer: Answer) -> str:
    said = shortened(answer.body.decode(errors="replace"))
    return f"{answer.status}{f' with {said}' if said else ''}"


def _at(value: Any, name: str) -> str:
    """Return what stands at `metadata.mentions[0]`."""
    for part in () if name == "body" else re.findall(r"[^.\[\]]+", name):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return "nothing"
    return repr(value)
