"""Which measurements `python -m bench` runs: those that are named, all where none is, and none for a question."""

import subprocess
from typing import Any

import pytest

from bench import __main__ as bench


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the programs that were run; none is, because they take minutes."""
    programs: list[str] = []

    def run(command: list[str], **_: Any) -> None:
        programs.append(command[-1])

    monkeypatch.setattr(subprocess, "run", run)
    return programs


def test_what_is_named_is_run(ran: list[str]) -> None:
    """In the order in which it is named."""
    bench.main(["sockets", "noop"])
    assert ran == ["bench.sockets", "bench.noop"]


def test_all_are_run(ran: list[str]) -> None:
    """Whoever names none means all."""
    bench.main([])
    assert ran == [f"bench.{name}" for name in bench.MEASUREMENTS]


@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("socket", 2)])
def test_a_question_runs_nothing(
    ran: list[str], argument: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor does a name that is none; both tell the names."""
    with pytest.raises(SystemExit) as ended:
        bench.main([argument])
    said = capsys.readouterr()
    assert (ended.value.code, ran) == (code, [])
    assert all(name in said.out + said.err for name in bench.MEASUREMENTS)
