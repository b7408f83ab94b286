"""`parley contract check`: finds nothing in a server that keeps the contract, and what is planted in another."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import faulty
import servers
from servers import Server, StartServer, environment, parley


def check(url: str, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        parley("contract", "check", url, *options),
        capture_output=True,
        text=True,
        env=environment(),
        timeout=240,
        check=False,
    )


def failures(printed: str) -> list[str]:
    """Return what a report says is not as documented."""
    return [line.removeprefix("  FAIL  ") for line in printed.splitlines() if line.startswith("  FAIL  ")]


def test_nothing_is_found(server: Server) -> None:
    """Everything is looked at: documents, each operation that can be asked, and the socket."""
    done = check(server.url)
    assert (done.returncode, failures(done.stdout)) == (0, []), done.stdout + done.stderr
    for looked_at in (
        "ok    X-Contract says",
        "ok    GET /me",
        "ok    POST /webhooks",
        "ok    closes as bad_frame",
    ):
        assert looked_at in done.stdout
    assert "(not asked)" not in done.stdout


@pytest.fixture
def lying(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server with a planted fault. It counts requests as servers do, but nobody has to wait for it."""
    # What a broken server answers is not to be held against the document.
    limits = {f"PARLEY_RATE_LIMIT_{name}": "100000/minute" for name in ("API", "AUTH", "WEBHOOKS")}
    env = {"PARLEY_CHECK_ANSWERS": str(tmp_path / "answers"), "PARLEY_RATE_LIMITS": "on", **limits}
    server = servers.start(tmp_path, "lying", env=env, program=faulty.program(request.param))
    yield server
    server.stop()


LIES = {
    "wrong_type": "GET /me",
    "undeclared_status": "GET /groups",
    "wrong_close_code": "closes as unauthorized",
}


@pytest.mark.parametrize(("lying", "found"), LIES.items(), indirect=["lying"], ids=list(LIES))
def test_lie_is_found(lying: Server, found: str) -> None:
    """And nothing else is called one."""
    done = check(lying.url)
    assert done.returncode == 1, done.stdout + done.stderr
    assert failures(done.stdout) == [found], done.stdout
    assert "The contract is NOT kept: 1 of" in done.stdout


def test_other_contract_is_told(server: Server) -> None:
    """To whoever says which one their client was made for."""
    done = check(server.url, "--expect", "0.9.0+000000000000.000000000000")
    assert done.returncode == 1
    assert failures(done.stdout) == ["It is the contract that was expected"]


def test_nobody_there(start_server: StartServer) -> None:
    """It is the surroundings that are to blame."""
    server = start_server()
    server.stop()
    done = check(server.url)
    assert (done.returncode, done.stdout) == (3, "")
    assert "cannot be reached" in done.stderr
