"""The README's tour works, pasted as it is."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import servers
from servers import Server

README = (servers.ROOT / "README.md").read_text(encoding="utf-8")
# Where `make serve` listens; the only thing that is replaced.
ADDRESS = "http://127.0.0.1:8080"


def tour() -> str:
    section = README.split("## A tour with curl", 1)[1]
    found = re.search(r"```bash\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def values_in(text: str) -> Iterator[Any]:
    """Yield the JSON values that stand one after the other, as curl prints them."""
    decoder = json.JSONDecoder()
    while text := text.strip():
        value, end = decoder.raw_decode(text)
        yield value
        text = text[end:]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    """A server as `make serve` starts it: with its rate limits."""
    server = servers.start(tmp_path, "readme", env={"PARLEY_RATE_LIMITS": "on"})
    yield server
    server.stop()


def test_tour(fresh: Server, tmp_path: Path) -> None:
    """Two people register, one finds the other, writes to them and to a group, and reads what was said."""
    script = tour()
    assert script.count(ADDRESS) == 1
    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(ADDRESS, fresh.url)],
        cwd=tmp_path,
        env=servers.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    ada, bob, to_bob, to_all, history, events = values_in(finished.stdout)
    assert (ada["username"], bob["username"]) == ("ada", "bob")
    assert (to_bob["content"], to_bob["receiver_id"]) == ("Hello, Bob!", bob["id"])
    assert (to_all["content"], to_all["sender_id"]) == ("Hello, all!", ada["id"])
    assert [message["id"] for message in history["messages"]] == [to_all["id"], to_bob["id"]]
    assert [event["type"] for event in events["events"]].count("message") == 2
    assert events["has_more"] is False
    assert fresh.violations() == []


def test_tour_is_short() -> None:
    """It is read in a minute, or not at all."""
    assert tour().count("curl ") <= 12
    assert len(tour().splitlines()) <= 20
