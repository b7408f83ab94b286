"""Receivers that others wrote: the official library for JavaScript, and the lines of docs/webhooks.md as they stand."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

import servers
import tools
from parley.ids import uuid7
from parley.services.webhook_secrets import as_standard, key_of, new_secret
from parley.webhooks.signing import signed

PAGE = (servers.ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
# The seed's.
SECRET = "webhook_secret"
PAYLOAD: dict[str, Any] = {
    "event": "message.created",
    "timestamp": "2024-03-20T12:00:00Z",
    # What canonical JSON writes differently from most programs, and a name that UTF-16 sorts differently.
    "data": {
        "content": 'Grüße, "Ada" \u2028',
        "numbers": [1.0, 1e21, 2**60, 5e-7, -0.0],
        "\ufb33\U0001f600": None,
    },
}

Request = tuple[bytes, dict[str, str]]


def request(*secrets: str, at: datetime | None = None) -> Request:
    return signed(PAYLOAD, delivery_id=uuid7(), at=at or datetime.now(UTC), secrets=secrets or (SECRET,))


# ---- the library for JavaScript


def verdicts(tmp_path: Path, *requests: tuple[str, bytes, Mapping[str, str]]) -> list[str]:
    """Return what the library says of each secret, body and headers."""
    lines = [
        json.dumps(
            {"secret": as_standard(secret), "body": b64encode(body).decode(), "headers": dict(headers)}
        )
        for secret, body, headers in requests
    ]
    finished = subprocess.run(
        [tools.node(), str(tools.node_packages().parent / "verify.mjs")],
        input="\n".join(lines),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return finished.stdout.splitlines()


def test_the_library_for_javascript_verifies(tmp_path: Path) -> None:
    """With each form of secret, and by the old and the new one while they rotate."""
    new, old = new_secret(), SECRET
    rotating = request(new, old)
    assert (
        verdicts(tmp_path, (old, *request(old)), (new, *request(new)), (new, *rotating), (old, *rotating))
        == ["verified"] * 4
    )


def test_the_library_for_javascript_refuses(tmp_path: Path) -> None:
    """What was changed, is old or by somebody else."""
    body, headers = request()
    flipped = body.replace(b"Ada", b"Eve")
    old_body, old_headers = request(at=datetime.now(UTC) - timedelta(minutes=6))
    unsigned = {name: value for name, value in headers.items() if name != "webhook-signature"}
    assert verdicts(
        tmp_path,
        (SECRET, flipped, headers),
        (SECRET, old_body, old_headers),
        (SECRET + "s", body, headers),
        (SECRET, body, {**headers, "webhook-id": str(uuid7())}),
        (SECRET, body, unsigned),
    ) == [
        "No matching signature found",
        "Message timestamp too old",
        "No matching signature found",
        "No matching signature found",
        "Missing required headers",
    ]


# ---- the page's receivers


def blocks(language: str) -> list[str]:
    """Return the page's code in a language: first a receiver, then what reads the body alone."""
    found = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert len(found) == 2
    return found


class Command(Protocol):
    """Writes an example into a directory and returns the command that runs it."""

    def __call__(self, directory: Path) -> list[str]: ...


def python(directory: Path) -> list[str]:
    (directory / "receiver.py").write_text(blocks("python")[0])
    return [sys.executable, "receiver.py"]


def javascript(directory: Path) -> list[str]:
    (directory / "receiver.mjs").write_text(blocks("javascript")[0])
    (directory / "node_modules").symlink_to(tools.node_packages())
    return [tools.node(), "receiver.mjs"]


@contextmanager
def running(command: Command, directory: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run an example, and yield its URL when it listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "SIGNING_SECRET": as_standard(SECRET), "PORT": str(port)}
    process = subprocess.Popen(
        command(directory),
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}/", process
    finally:
        process.kill()
        process.communicate()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "the example does not listen"
            time.sleep(0.01)


@pytest.mark.parametrize("command", [python, javascript])
def test_the_page_s_receivers_work(command: Command, tmp_path: Path) -> None:
    """They take what is ours, once, and refuse everything else."""
    with running(command, tmp_path) as (url, process), httpx.Client(trust_env=False) as http:

        def answer(body: bytes, headers: Mapping[str, str]) -> int:
            return http.post(url, content=body, headers=headers).status_code

        body, headers = request()
        assert answer(body, headers) == 204
        assert answer(body, headers) == 204
        assert answer(body.replace(b"Ada", b"Eve"), headers) == 401
        assert answer(*request("another secret")) == 401
        assert answer(*request(at=datetime.now(UTC) - timedelta(minutes=6))) == 401
        assert answer(b"\xff", {}) == 401
        assert answer(b"{}", {**headers, "webhook-signature": "nonsense"}) == 401
        assert answer(*request("another secret", SECRET)) == 204
        process.terminate()
        printed = process.communicate(timeout=60)[0].rstrip("\n").split("\n")
    # A repeat is taken, and nothing is done.
    assert len(printed) == 2
    assert all(line.startswith("message.created {") and "Ada" in line for line in printed)


def in_python(body: bytes, key: bytes) -> bool:
    """Run the page's lines for the body alone."""
    module: dict[str, Any] = {}
    exec(blocks("python")[1], module)
    return bool(module["is_ours"](body, key))


def in_javascript(body: bytes, key: bytes) -> bool:
    """Run the page's lines for the body alone."""
    text = f"isOurs(Buffer.from('{body.hex()}', 'hex'), Buffer.from('{key.hex()}', 'hex'))"
    finished = subprocess.run(
        [tools.node(), "--input-type=module", "--eval", f"{blocks('javascript')[1]}\nconsole.log({text})"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return {"true\n": True, "false\n": False}[finished.stdout]


@pytest.mark.parametrize("is_ours", [in_python, in_javascript])
def test_the_page_s_lines_for_the_body_work(is_ours: Any) -> None:
    """The signature in the body, with numbers and names that have their own rules in canonical JSON."""
    body, _ = request()
    assert is_ours(body, key_of(SECRET))
    assert not is_ours(body, key_of(SECRET + "s"))
    assert not is_ours(body.replace(b"Ada", b"Eve"), key_of(SECRET))
    # It does not matter how somebody wrote the JSON anew on the way.
    rewritten = json.dumps(dict(reversed(json.loads(body).items())), indent=2).encode()
    assert is_ours(rewritten, key_of(SECRET))
