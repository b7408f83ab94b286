"""Where the generators of the SDKs come from: environments of their own below .sdks/, each from a lock.

They want other versions of what Parley itself uses (openapi-python-client an older typer), and nobody who only
serves or tests the server needs them.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".sdks"
PYTHON_LOCK = ROOT / "sdks" / "generators" / "requirements.lock"
NODE_LOCK = ROOT / "sdks" / "generators" / "package-lock.json"


class MissingTool(Exception):
    """A program is not there; `str(error)` says which, and how to get it."""


def program(name: str, how: str) -> str:
    """Return the path of a program of the machine. Raises MissingTool with how to get it."""
    if path := shutil.which(name):
        return path
    raise MissingTool(f"{name} is not installed: {how}.")


def python_program(name: str) -> str:
    """Return the path of a generator from PyPI; it is installed first where it is not."""
    environment = HOME / "python"
    if _is_stale(environment, PYTHON_LOCK):
        shutil.rmtree(environment, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(environment)])
        pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
        run([*pip, "install", "--require-hashes", "--requirement", str(PYTHON_LOCK)])
        _mark(environment, PYTHON_LOCK)
    return str(environment / "bin" / name)


def node_program(name: str) -> str:
    """Return the path of a generator from npm; it is installed first where it is not."""
    environment = HOME / "node"
    if _is_stale(environment, NODE_LOCK):
        shutil.rmtree(environment, ignore_errors=True)
        environment.mkdir(parents=True)
        for part in (NODE_LOCK, NODE_LOCK.with_name("package.json")):
            shutil.copy(part, environment)
        npm = program("npm", "it comes with Node 20")
        run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=environment)
        _mark(environment, NODE_LOCK)
    return str(environment / "node_modules" / ".bin" / name)


def openapi_generator() -> list[str]:
    """Return the command line of openapi-generator, which is a program in Java."""
    java = program("java", "Java 17 runs openapi-generator")
    python_program("python")
    purelib = sysconfig.get_path("purelib", "venv", vars={"base": str(HOME / "python")})
    return [java, "-jar", str(Path(purelib) / "openapi_generator_cli" / "openapi-generator.jar")]


def run(
    command: Sequence[str],
    *,
    cwd: Path = ROOT,
    variables: Mapping[str, str] | None = None,
    quiet: bool = False,
) -> None:
    """Run a command. Raises MissingTool with what it printed when it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(variables or {})},
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MissingTool(f"{' '.join(command)} failed with {done.returncode}.\n{done.stdout or ''}")


def _is_stale(environment: Path, lock: Path) -> bool:
    stamp = environment / ".lock"
    return not stamp.exists() or stamp.read_bytes() != lock.read_bytes()


def _mark(environment: Path, lock: Path) -> None:
    (environment / ".lock").write_bytes(lock.read_bytes())
