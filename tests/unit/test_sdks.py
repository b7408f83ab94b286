"""What makes the SDKs: a missing tool is another thing than one that refuses, and packages say their version."""

import json
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import sdk_contract, sdks

ROOT = Path(__file__).resolve().parents[2]
VERSION = sdk_contract.read().version


def found(pattern: str) -> Callable[[str], str]:
    """Return what reads the first group of a pattern that stands once in a text."""

    def read(text: str) -> str:
        (version,) = re.findall(pattern, text, re.MULTILINE)
        return str(version)

    return read


# Where a package's version is written by hand.
WRITTEN: dict[str, Callable[[str], str]] = {
    "java/pom.xml": found(r"^  <version>(.*)</version>$"),
    "java/README.md": found(r"<artifactId>parley-sdk</artifactId>\s*<version>(.*)</version>"),
    "python/pyproject.toml": lambda text: str(tomllib.loads(text)["project"]["version"]),
    "typescript/package.json": lambda text: str(json.loads(text)["version"]),
    "typescript/package-lock.json": lambda text: str(json.loads(text)["packages"][""]["version"]),
}


@pytest.mark.parametrize("file", WRITTEN)
def test_package_says_the_version_of_its_contract(file: str) -> None:
    """Whoever installs it knows what it was made for."""
    assert WRITTEN[file]((ROOT / "sdks" / file).read_text(encoding="utf-8")) == VERSION


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in which alone programs are looked for."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def put(directory: Path, name: str, status: int) -> None:
    """Put a program there that ends with this status."""
    program = directory / name
    program.write_text(f"#!/bin/sh\nexit {status}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(("in_ci", "status"), [(False, 0), (True, 3)])
def test_missing_tool_is_told(
    empty_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    in_ci: bool,
    status: int,
) -> None:
    """Whoever lacks it goes on, but for CI."""
    monkeypatch.setattr(sdks, "IN_CI", in_ci)
    assert shutil.which("go") is None
    assert sdks.main(["--check", "go"]) == status
    assert "sdks/go: NOT MADE AND NOT CHECKED: go is not installed" in capsys.readouterr().err


@pytest.mark.parametrize("in_ci", [False, True])
def test_tool_that_refuses_fails_the_check(
    empty_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], in_ci: bool
) -> None:
    """It is there, and what was made is wrong: wherever that is."""
    monkeypatch.setattr(sdks, "IN_CI", in_ci)
    put(empty_path, "go", 0)
    put(empty_path, "gofmt", 2)
    assert sdks.main(["--check", "go"]) == 1
    assert f"sdks/go: {empty_path / 'gofmt'} failed with 2" in capsys.readouterr().err


def test_password_is_not_proved_twice() -> None:
    """The first try may have changed the password that the second would have to know; only a key tells them apart."""
    operations = {one.id: one for one in sdk_contract.read().operations}
    assert {one.id for one in operations.values() if one.proves} == {
        "login",
        "change_password",
        "register_user",
    }
    assert not operations["change_password"].repeatable
    assert operations["register_user"].repeatable
    assert operations["mark_read"].repeatable
