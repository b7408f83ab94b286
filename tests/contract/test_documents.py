"""The document that everything is made from: it keeps its rules, and what is made from it is what is committed.

The seed (`tests/seed/api-documentation.md`) is the document that Parley exists to fulfil. What it prints must
be valid here, with nothing replaced but its placeholders for ids.
"""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest

from parley.contract.document import DocumentedOperation, operations_of, resolve
from parley.contract.schemas import Schemas
from printed import SEED, with_ids, without_required
from scripts import codegen
from scripts.contract_rules import violations
from scripts.specification import answers_of, content_of, parameters_of, read_specification

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = read_specification(ROOT / "spec" / "openapi.yaml")


class Exchange(NamedTuple):
    """One request of the seed, with the answer that it prints below, if it does."""

    method: str
    target: str
    body: Any
    answer: Any

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


def seed_exchanges() -> Iterator[Exchange]:
    """Take the REST requests out of the seed; webhooks are not served yet."""
    blocks = re.findall(r"```(\w+)\n(.*?)```|^(Response):", SEED, re.DOTALL | re.MULTILINE)
    for index, (language, text, _) in enumerate(blocks):
        matched = re.match(r"(GET|POST|PATCH) (/api/\S+)", text) if language == "http" else None
        if matched is None or "/webhooks" in matched[2]:
            continue
        _, _, body = text.partition("\n\n")
        answer = None
        if index + 2 < len(blocks) and blocks[index + 1][2]:
            answer = with_ids(json.loads(blocks[index + 2][1]))
        yield Exchange(matched[1], matched[2], with_ids(json.loads(body)) if body else None, answer)


EXCHANGES = list(seed_exchanges())


def operation_of(exchange: Exchange) -> DocumentedOperation:
    path = urlsplit(exchange.target).path.removeprefix("/api")
    return next(
        operation
        for operation in operations_of(DOCUMENT)
        if (operation.path, operation.method) == (path, exchange.method.lower())
    )


def test_document_keeps_its_rules() -> None:
    """Nothing may be made from a document that breaks one."""
    assert violations(DOCUMENT) == []


def test_regeneration_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """What is committed is what the document makes."""
    status = codegen.main(["--check"])
    assert (status, capsys.readouterr().out) == (0, "")


def test_generated_files_say_where_they_are_from() -> None:
    """The first line names the source, the tool and the command; of HTML the one after its type."""
    origins = (codegen.ORIGIN, codegen.V2_ORIGIN, codegen.SOCKET_ORIGIN)
    for path in (ROOT / "generated").glob("*.*"):
        lines = path.read_text(encoding="utf-8").splitlines()
        first = lines[lines[0] == "<!doctype html>"]
        assert any(origin in first for origin in origins), path


def test_bundle_is_the_document() -> None:
    """The published JSON says what the YAML says, and where it is from."""
    bundle = json.loads((ROOT / "generated" / "openapi.json").read_text(encoding="utf-8"))
    assert bundle.pop("x-generated") == codegen.ORIGIN
    assert bundle == DOCUMENT


def test_every_schema_compiles() -> None:
    """The server's validators know every word and format that is used."""
    schemas = Schemas(DOCUMENT)
    for name in DOCUMENT["components"]["schemas"]:
        schemas.validator({"$ref": f"#/components/schemas/{name}"})


def test_seed_was_read_whole() -> None:
    """A test that finds no requests would be green."""
    assert [str(exchange) for exchange in EXCHANGES] == [
        "POST /api/auth/login",
        "POST /api/auth/refresh",
        "POST /api/users",
        "GET /api/users/{user_id}",
        "PATCH /api/users/{user_id}",
        "POST /api/messages",
        "GET /api/messages?conversation_id={conversation_id}&limit=50&before={message_id}",
        "POST /api/groups",
        "GET /api/messages?status=delivered&type=text&from=2024-03-01&to=2024-03-20",
    ]
    assert sum(exchange.answer is not None for exchange in EXCHANGES) == 6


@pytest.mark.parametrize("exchange", EXCHANGES, ids=str)
def test_seed_requests_are_valid(exchange: Exchange) -> None:
    """Bodies and parameters are accepted as printed."""
    operation = operation_of(exchange)
    schemas = Schemas(DOCUMENT)
    if exchange.body is not None:
        media_type = content_of(resolve(DOCUMENT, operation.raw["requestBody"]))
        assert media_type is not None
        schemas.validator(media_type["schema"]).validate(exchange.body)
    parameters = {each["name"]: each for each in parameters_of(DOCUMENT, operation)}
    for name, text in parse_qsl(urlsplit(exchange.target).query):
        value = int(text) if text.isdecimal() else with_ids(text.strip("{}"))
        schemas.validator(parameters[name]["schema"]).validate(value)


@pytest.mark.parametrize("exchange", [each for each in EXCHANGES if each.answer], ids=str)
def test_seed_answers_are_valid(exchange: Exchange) -> None:
    """Every field that is printed is a documented one with a possible value."""
    loosened = copy.deepcopy(DOCUMENT)
    loosened["components"]["schemas"] = without_required(loosened["components"]["schemas"])
    operation = operation_of(exchange)
    answers = answers_of(loosened, operation)
    media_type = content_of(answers.get(201) or answers[200])
    assert media_type is not None
    Schemas(loosened).validator(media_type["schema"]).validate(exchange.answer)
    documented = resolve(DOCUMENT, media_type["schema"])["properties"].keys()
    assert exchange.answer.keys() <= documented


def test_seed_errors_are_valid() -> None:
    """The envelope is the seed's, and so are the codes."""
    errors = [text for text in re.findall(r"```json\n(.*?)```", SEED, re.DOTALL) if '"error"' in text]
    validator = Schemas(DOCUMENT).validator({"$ref": "#/components/schemas/ErrorEnvelope"})
    for text in errors:
        validator.validate(json.loads(text))
    assert len(errors) == 3


def test_seed_numbers_are_kept() -> None:
    """The buckets hold what the seed promises."""
    buckets = {name: bucket["limit"] for name, bucket in DOCUMENT["x-rate-limits"].items()}
    for words, name in (
        ("Authentication endpoints", "auth"),
        ("API endpoints", "api"),
        ("WebSocket connections", "ws"),
    ):
        found = re.search(rf"- {words}: (\d+) \w+ per minute", SEED)
        assert found is not None
        assert buckets[name] == int(found[1])
        assert DOCUMENT["x-rate-limits"][name]["window_seconds"] == 60


@pytest.mark.parametrize("name", sorted(set(re.findall(r"^(X-[\w-]+):", SEED, re.MULTILINE))))
def test_seed_headers_are_documented(name: str) -> None:
    """Each header that the seed prints is one of some answer."""
    assert name in DOCUMENT["components"]["headers"]
