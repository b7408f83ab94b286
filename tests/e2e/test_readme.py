"""README.md and what the server prints: what is shown there works as it stands."""

import json
import re
import subprocess
from pathlib import Path

from servers import StartServer

ROOT = Path(__file__).resolve().parents[2]


def test_the_tour_works_as_printed(start_server: StartServer, tmp_path: Path) -> None:
    """Pasted into a shell line for line, with nothing but the port replaced, it does what it says."""
    (tour,) = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    server = start_server(env={"PARLEY_RATE_LIMITS": "on"})
    script = tour.replace("http://127.0.0.1:8080", server.url).replace("\ncurl -s ", "\ncurl -sfw '\\n' ")
    shell = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    assert shell.returncode == 0, shell.stdout + shell.stderr
    ada, bob, hello, to_all, history, events = (json.loads(line) for line in shell.stdout.splitlines())
    assert (ada["username"], bob["username"]) == ("ada", "bob")
    assert (hello["receiver_id"], hello["seq"]) == (bob["id"], 1)
    assert [message["content"] for message in history["messages"]] == ["Hello, all!", "Hello, Bob!"]
    assert [message["id"] for message in history["messages"]] == [to_all["id"], hello["id"]]
    assert [event["type"] for event in events["events"]].count("message") == 2


def test_links_lead_somewhere() -> None:
    """Whatever the pages at the top refer to is there."""
    for page in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"):
        text = (ROOT / page).read_text()
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / target).exists(), f"{page}: {target}"
