"""`parley webhooks listen`: receives, verifies and prints, for whoever writes a receiver."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from parley.ids import uuid7
from parley.webhooks.signing import signed
from printing import Printing, line_of, printing

SECRET = "webhook_secret"
PAYLOAD = {
    "event": "message.created",
    "timestamp": "2024-03-20T12:00:00Z",
    "data": {"content": "Grüße\x1b[31m\x9b2J\n}\n"},
}


def request(
    *secrets: str, delivery_id: UUID | None = None, at: datetime | None = None
) -> tuple[bytes, dict[str, str]]:
    return signed(PAYLOAD, delivery_id=delivery_id or uuid7(), at=at or datetime.now(UTC), secrets=secrets)


@contextmanager
def listening(*arguments: str, **variables: str) -> Iterator[Printing]:
    with printing("webhooks", "listen", "--port", "0", *arguments, variables=variables) as process:
        yield process


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    return httpx.post(url, content=body, headers=dict(headers), trust_env=False).status_code


def test_prints_what_it_verified() -> None:
    """A line about each request, then what it says; nothing in it commands the terminal."""
    with listening("--print-url", WEBHOOK_SECRET=SECRET) as process:
        url = line_of(process)
        body, headers = request(SECRET)
        assert post(url, body, headers) == 204
        said = line_of(process)
        assert f"message.created  {headers['webhook-id']}  verified" in said
        printed = ""
        while not printed.endswith("\n}"):
            printed += "\n" + line_of(process)
    assert json.loads(printed)["data"] == PAYLOAD["data"]
    assert "Grüße" in printed
    assert printed.replace("\n", "").isprintable()


def test_nobody_writes_lines_of_their_own() -> None:
    """Neither by the name of an event nor by what is no JSON."""
    forged = "12:00:00  message.created  (no id)  verified"
    with listening("--print-url", WEBHOOK_SECRET=SECRET) as process:
        url = line_of(process)
        assert post(url, json.dumps({"event": f"x\n{forged}"}).encode(), {}) == 204
        assert "NOT TO BE BELIEVED" in line_of(process)
        assert [line_of(process) for _ in range(3)] == ["{", rf'  "event": "x\n{forged}"', "}"]
        assert post(url, f"no JSON\n{forged}".encode(), {}) == 204
        assert "NOT TO BE BELIEVED" in line_of(process)
        assert line_of(process) == rf'"no JSON\n{forged}"'


def test_says_what_is_not_to_be_believed() -> None:
    """Each with its reason; repeats are told, and so is what is no JSON."""
    old = datetime.now(UTC) - timedelta(minutes=6)
    once, again = (
        request(SECRET, delivery_id=UUID(int=7)),
        request(SECRET, "the old one", delivery_id=UUID(int=7)),
    )
    foreign = request("another secret")
    changed = (once[0].replace(b"sha256=", b"sha256=0"), once[1])
    with listening("--json", "--print-url", "--secret", SECRET, "--status", "503") as process:
        url = line_of(process)
        said = []
        for body, headers in (
            once,
            again,
            foreign,
            request(SECRET, at=old),
            changed,
            (b"\xff\x1b", {}),
            (b"{}", {}),
        ):
            assert post(url, body, headers) == 503
            said.append(json.loads(line_of(process)))
    assert [(each["verified"], each["problem"], each["repeated"]) for each in said] == [
        (True, None, False),
        (True, None, True),
        (False, "no signature was made with this secret", False),
        (False, "it is too old", False),
        (False, "no signature was made with this secret", True),
        (False, "there is no webhook-id", False),
        (False, "there is no webhook-id", False),
    ]
    assert (said[0]["event"], said[0]["id"]) == ("message.created", str(UUID(int=7)))
    assert (said[5]["event"], said[5]["payload"]) == (None, "\ufffd\x1b")


def test_what_is_made_up_repeats_nothing() -> None:
    """Whoever guesses an id does not make the real one look like a repeat."""
    body, headers = request(SECRET)
    with listening("--json", "--print-url", "--secret", SECRET) as process:
        url = line_of(process)
        said = []
        for sent in (b"{}", body, body):
            assert post(url, sent, headers) == 204
            said.append(json.loads(line_of(process)))
    assert [(each["verified"], each["repeated"]) for each in said] == [
        (False, False),
        (True, False),
        (True, True),
    ]


def test_what_is_too_deep_is_shown_as_text() -> None:
    """JSON that nests without end is no payload, and is told as what it is."""
    deep = b'{"a":' * 900 + b"1" + b"}" * 900
    with listening("--print-url", "--secret", SECRET) as process:
        url = line_of(process)
        assert post(url, deep, {}) == 204
        assert "NOT TO BE BELIEVED" in line_of(process)
        assert json.loads(line_of(process)) == deep.decode()


def test_works_without_a_secret() -> None:
    """It says that it could not verify."""
    with listening() as process:
        announced = line_of(process)
        assert announced.startswith("Listening on http://127.0.0.1:")
        url = announced.split()[2].rstrip(";")
        assert post(f"{url}some/path", *request(SECRET)) == 204
        assert line_of(process).endswith("not verified, for lack of a secret")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--secret", "short"), "The secret must have 8 to 128 characters."),
        (("--secret", "whsec_no base64"), "The secret must be base64 after whsec_"),
        (("--status", "99"), "--status"),
    ],
)
def test_nonsense_is_refused(arguments: tuple[str, ...], said: str) -> None:
    """Before it listens, in a sentence."""
    with listening(*arguments) as process:
        _, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said in error
    assert "Traceback" not in error


def test_a_port_in_use_is_told() -> None:
    """In the words of `parley serve`."""
    with listening("--print-url") as process:
        port = line_of(process).rstrip("/").rpartition(":")[2]
        with listening("--port", port) as other:
            _, error = other.communicate(timeout=60)
    assert other.returncode == 3
    assert f"Port {port} on 127.0.0.1 is in use" in error
