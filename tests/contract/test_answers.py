"""The check at the end of a run says what is wrong, and nothing where all is well."""

import json
from pathlib import Path

from answers import FUZZED, Seen, documented_answers, documented_payloads, faults


def noted(directory: Path, name: str, *lines: tuple[str | None, int, str | None]) -> None:
    """Write what a server of this name would have written."""
    text = "".join(
        json.dumps({"operation": operation, "method": "GET", "status": status, "violation": violation}) + "\n"
        for operation, status, violation in lines
    )
    (directory / f"{name}.jsonl").write_text(text + "".join(map(sent, sorted(documented_payloads()))))


def sent(event: str, violation: str | None = None) -> str:
    """Return the line of a server that sent an event to a webhook."""
    return json.dumps({"payload": event, "violation": violation}) + "\n"


def read(directory: Path) -> Seen:
    seen = Seen()
    seen.read(directory)
    return seen


def test_nothing_is_wrong(tmp_path: Path) -> None:
    """When all documented answers were seen as they are documented."""
    noted(tmp_path, "server", *((operation, status, None) for operation, status in documented_answers()))
    assert list(faults(read(tmp_path), whole=True)) == []


def test_missing_answer_is_told(tmp_path: Path) -> None:
    """But only where everything ran that could have produced it."""
    others = documented_answers() - {("get_me", 200)}
    noted(tmp_path, "server", *((operation, status, None) for operation, status in others))
    assert list(faults(read(tmp_path), whole=True)) == ["documented, but no test produces it: get_me 200"]
    assert list(faults(read(tmp_path), whole=False)) == []


def test_answer_against_the_document_does_not_count(tmp_path: Path) -> None:
    """It is told, and the right one is still missing."""
    others = documented_answers() - {("get_me", 200)}
    wrong = ("get_me", 200, "id: Is required")
    noted(tmp_path, "server", wrong, *((operation, status, None) for operation, status in others))
    assert list(faults(read(tmp_path), whole=True)) == [
        "not as documented: get_me 200 (GET): id: Is required",
        "documented, but no test produces it: get_me 200",
    ]


def test_fuzzer_produces_nothing(tmp_path: Path) -> None:
    """What it finds by luck it may not find the next time; what is wrong is wrong all the same."""
    noted(tmp_path, f"server{FUZZED}", ("get_me", 200, None), ("get_me", 500, "500 is not documented"))
    seen = read(tmp_path)
    assert seen.answers == set()
    assert list(faults(seen, whole=False)) == ["not as documented: get_me 500 (GET): 500 is not documented"]


def test_missing_payload_is_told(tmp_path: Path) -> None:
    """And one that is not as documented is none."""
    (tmp_path / "server.jsonl").write_text(
        "".join(sent(event) for event in documented_payloads() - {"webhook.test"})
        + sent("webhook.test", "payload: Is wrong")
    )
    found = list(faults(read(tmp_path), whole=True))
    assert found[0] == "not as documented: webhook webhook.test: payload: Is wrong"
    assert found[-1] == "documented, but no test lets a webhook be sent it: webhook.test"
