"""For tests: each request to a webhook is held against the document, and what was found noted.

It goes into the file of `parley.contract.answers`: a line of JSON for each event when it is first sent, and for each
violation. In production it is off.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from parley import cursors
from parley.contract.document import operations_of, resolve
from parley.contract.problems import problems_of
from parley.contract.schemas import Schemas

_MEDIA_TYPE = "application/json"


class PayloadsChecker:
    """Knows what the document says of the requests that webhooks are sent."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        compiled = Schemas(document)
        union = document["components"]["schemas"]["WebhookPayload"]
        self._payloads = {
            event: compiled.validator({"$ref": reference})
            for event, reference in union["discriminator"]["mapping"].items()
        }
        self._headers = {
            each["name"]: (resolve(document, each["schema"]), compiled.validator(each["schema"]))
            for each in _request(document)["parameters"]
        }

    @property
    def events(self) -> frozenset[str]:
        """The names of all events that can be sent."""
        return frozenset(self._payloads)

    def read(self, body: bytes, headers: Mapping[str, str]) -> tuple[str, str | None]:
        """Return the name of the event of a request, and what is wrong with it, if anything is."""
        payload = orjson.loads(body)
        event = str(payload.get("event"))
        validator = self._payloads.get(event)
        if validator is None:
            return event, "there is no such event"
        problems = [f"{where}: {why}" for where, why in problems_of(validator, payload, "payload", 5)]
        problems += [f"{name}: {why}" for name, why in self._broken_headers(headers)]
        if not problems and "cursor" in payload:
            # Raises where it is none, and so cannot be overlooked either.
            cursors.decode(payload["cursor"])
        return event, "; ".join(problems) or None

    def _broken_headers(self, headers: Mapping[str, str]) -> list[tuple[str, str]]:
        given = {name.lower(): value for name, value in headers.items()}
        broken = []
        if given.get("content-type") != _MEDIA_TYPE:
            broken.append(("content-type", f"is {given.get('content-type')}"))
        for name, (schema, validator) in self._headers.items():
            text = given.get(name, "")
            value: Any = int(text) if schema["type"] == "integer" and text.isdecimal() else text
            if not validator.is_valid(value):
                broken.append((name, f"is {text!r}"))
        return broken


class PayloadsRecorder:
    """Appends to the file what it finds. `sent` is what senders call."""

    def __init__(self, document: Mapping[str, Any], file: Path) -> None:
        self._checker = PayloadsChecker(document)
        self._file = file
        self._noted: set[tuple[str, str | None]] = set()

    def sent(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Hear of a request before it goes out."""
        event, violation = self._checker.read(body, headers)
        if (event, violation) in self._noted:
            return
        self._noted.add((event, violation))
        shown = violation and f"{violation}: {body.decode()[:300]}"
        line = orjson.dumps({"payload": event, "violation": shown}, option=orjson.OPT_APPEND_NEWLINE)
        with self._file.open("ab") as file:
            file.write(line)


def _request(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the document says of the request that a webhook is sent."""
    for operation in operations_of(document):
        for callback in operation.raw.get("callbacks", {}).values():
            for item in callback.values():
                request: Mapping[str, Any] = item["post"]
                return request
    raise ValueError("the document has no callback")
