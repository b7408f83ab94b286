"""What webhooks are sent is held against the document, in every way in which it can be wrong."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from parley.contract.payloads_seen import PayloadsChecker, PayloadsRecorder

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "generated" / "openapi.json").read_text(encoding="utf-8"))
PAYLOAD = DOCUMENT["components"]["examples"]["message_created_payload"]["value"]
HEADERS = {
    "Content-Type": "application/json",
    "webhook-id": "019d0b1d-e0c4-7029-8a35-5f1b7d0c9e42",
    "webhook-timestamp": "1774008000",
    "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
}

CHECKER = PayloadsChecker(DOCUMENT)


def read(payload: Any, headers: Mapping[str, str] = HEADERS) -> tuple[str, str | None]:
    return CHECKER.read(json.dumps(payload).encode(), headers)


@pytest.mark.parametrize("name", ["message_created", "tombstone", "test"])
def test_examples_are_right(name: str) -> None:
    """Nothing is said against what the document shows, nor against two signatures."""
    example = DOCUMENT["components"]["examples"][f"{name}_payload"]["value"]
    signature = HEADERS["webhook-signature"]
    assert read(example) == (example["event"], None)
    assert read(example, {**HEADERS, "webhook-signature": f"{signature} {signature}"})[1] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"event": "message.sung"}, "there is no such event"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"cursor": None}, "cursor"),
        ({"data": {**PAYLOAD["data"], "message_id": "17"}}, "data.message_id"),
        ({"signature": "sha256=0"}, "signature"),
    ],
    ids=["event", "timestamp", "cursor", "data", "signature"],
)
def test_wrong_payload_is_told(change: Mapping[str, Any], said: str) -> None:
    """By the place where it is wrong."""
    violation = read({**PAYLOAD, **change})[1]
    assert violation is not None
    assert said in violation


@pytest.mark.parametrize("name", HEADERS)
def test_wrong_header_is_told(name: str) -> None:
    """One that is missing, and one that is something else."""
    missing = {other: value for other, value in HEADERS.items() if other != name}
    for headers in (missing, {**HEADERS, name: "nonsense"}):
        violation = read(PAYLOAD, headers)[1]
        assert violation is not None
        assert name.lower() in violation


def test_recorder_notes_each_finding_once(tmp_path: Path) -> None:
    """An event when it is first seen, and each way in which it is wrong."""
    file = tmp_path / "answers.jsonl"
    recorder = PayloadsRecorder(DOCUMENT, file)
    for _ in range(2):
        recorder.sent(json.dumps(PAYLOAD).encode(), HEADERS)
        recorder.sent(json.dumps({**PAYLOAD, "signature": "none"}).encode(), HEADERS)
    right, wrong = map(json.loads, file.read_text().splitlines())
    assert right == {"payload": "message.created", "violation": None}
    assert wrong["payload"] == "message.created"
    assert "signature" in wrong["violation"]
