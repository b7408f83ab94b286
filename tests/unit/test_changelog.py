"""The changelog: what a release makes of the fragments, and that those there are can be joined."""

import re
from pathlib import Path

import pytest

from scripts import changelog
from servers import ROOT


@pytest.fixture
def fragments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of fragments beside a changelog that is not there yet."""
    directory = tmp_path / "changelog.d"
    directory.mkdir()
    directory.joinpath("README.md").write_text("# How it is done\n")
    monkeypatch.setattr(changelog, "FRAGMENTS", directory)
    monkeypatch.setattr(changelog, "CHANGELOG", tmp_path / "CHANGELOG.md")
    return directory


def written(directory: Path) -> str:
    """Return the changelog, with a word for the day."""
    text = directory.with_name("CHANGELOG.md").read_text(encoding="utf-8")
    return re.sub(r"\(\d{4}-\d\d-\d\d\)", "(the day)", text)


def test_fragments_of_the_project_can_be_joined() -> None:
    assert [*changelog.read_fragments(ROOT / "changelog.d")]


def test_release_joins_by_kind(fragments: Path) -> None:
    """What was released before stays below."""
    fragments.joinpath("walls.fixed.md").write_text("Walls stand.\n")
    fragments.joinpath("doors.added.md").write_text("There are doors.\n")
    assert changelog.main(["1.0.0"]) == 0
    first = "\n## 1.0.0 (the day)\n\n### Added\n\n- There are doors.\n\n### Fixed\n\n- Walls stand.\n"
    assert written(fragments) == f"# Changes\n{first}"
    assert [path.name for path in fragments.iterdir()] == ["README.md"]

    fragments.joinpath("locks.security.md").write_text("Doors can be locked.\n")
    assert changelog.main(["1.0.1"]) == 0
    second = "\n## 1.0.1 (the day)\n\n### Security\n\n- Doors can be locked.\n"
    assert written(fragments) == f"# Changes\n{second}{first}"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("walls.mended.md", "Walls stand.\n", "walls.mended.md: is not called NAME.KIND.md"),
        ("walls.fixed.txt", "Walls stand.\n", "walls.fixed.txt: is not called NAME.KIND.md"),
        ("walls.fixed.md", "Walls\nstand.\n", "walls.fixed.md: is not one sentence on one line"),
        ("walls.fixed.md", "Walls stand\n", "walls.fixed.md: is not one sentence on one line"),
        ("walls.fixed.md", "", "walls.fixed.md: is not one sentence on one line"),
    ],
)
def test_bad_fragment_stops_it(
    fragments: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, said: str
) -> None:
    """Before anything is changed."""
    fragments.joinpath("doors.added.md").write_text("There are doors.\n")
    fragments.joinpath(name).write_text(text)
    assert changelog.main(["1.0.0"]) == 1
    assert said in capsys.readouterr().err
    assert not fragments.with_name("CHANGELOG.md").exists()
    assert fragments.joinpath("doors.added.md").exists()


def test_release_without_changes_is_refused(fragments: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert changelog.main(["1.0.0"]) == 1
    assert "tells of no change" in capsys.readouterr().err
