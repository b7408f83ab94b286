"""The README's programs do what they say; `scripts/with_server.py` brings the server with Ada and Bob."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PRINTED = "http://localhost:8080"


def block(number: int) -> str:
    url = os.environ.get("PARLEY_URL")
    if url is None:
        pytest.skip("NOT TESTED: this needs scripts/with_server.py")
    text: str = BLOCKS[number]
    return text.replace(PRINTED, url)


def test_the_ten_lines_hear_bob(tmp_path: Path) -> None:
    program = tmp_path / "quickstart.py"
    program.write_text(block(0))
    with subprocess.Popen([sys.executable, "-u", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        heard = [process.stdout.readline().strip() for _ in range(2)]
        process.terminate()
    assert heard == ["Hello, Bob!", "Hello, Ada!"]


def test_the_recipes_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They continue the first program, up to its endless loop."""
    monkeypatch.chdir(tmp_path)
    beginning = block(0).partition("    with client.listen")[0]
    names: dict[str, object] = {}
    lines = beginning.replace("with Client(", "client = Client(").replace(") as client:", ")").splitlines()
    exec("\n".join(line.removeprefix("    ") for line in lines), names)
    for number in range(1, len(BLOCKS)):
        exec(compile(block(number), f"README.md, block {number}", "exec"), names)
    said = capsys.readouterr().out
    assert "ada" in said
    assert "content" in said
    assert "now live" in said
    receive = names["receive"]
    assert callable(receive)
    assert receive(b"{}", {}) == 401
    close = getattr(names["client"], "close")  # noqa: B009 (its type is not known here)
    close()
