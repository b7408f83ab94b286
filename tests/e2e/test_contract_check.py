"""`parley contract check`: finds nothing in a server that keeps the contract, and what is planted in another."""

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import faulty
import servers
from parley.cli.deployment import Deployment
from parley.cli.outcomes import Refused, Surroundings
from servers import Server, StartServer, environment, parley

PAGE = b"<!doctype html><title>Shop</title>"


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


@contextmanager
def foreign(answers: Mapping[str, bytes]) -> Iterator[str]:
    """A server of something else, which has a page and 200 for any path that it does not know."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path, PAGE)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_server_of_pages_is_no_parley() -> None:
    """It answers everything, and is not there all the same."""
    with foreign({}) as url:
        done = check(url)
    assert (done.returncode, done.stdout) == (3, "")
    told = "GET /openapi.json answers 200 with something else: this server publishes no contract.\n"
    assert done.stderr == told


OWN = {
    "/openapi.json": {"info": {}, "paths": {}, "x-frames": {}},
    "/asyncapi.json": {"info": {}, "x-close-codes": []},
    "/v1/contract": {"version": "1", "openapi_sha256": "", "asyncapi_sha256": ""},
}


@pytest.mark.parametrize("path", OWN)
@pytest.mark.parametrize(
    "instead", [PAGE, b"[]", b'{"info": {}}', b"\xff"], ids=["page", "list", "other", "bytes"]
)
def test_other_answer_is_told(path: str, instead: bytes) -> None:
    """Whichever document is that of something else."""
    answers = {each: json.dumps(body).encode() for each, body in OWN.items()} | {path: instead}
    with foreign(answers) as url, pytest.raises(Surroundings, match=f"GET {path} answers 200 with something"):
        Deployment(url)


def test_account_that_is_none_is_told() -> None:
    """A success without what it is to have."""
    with foreign({each: json.dumps(body).encode() for each, body in OWN.items()}) as url:
        deployment = Deployment(url)
        with pytest.raises(Refused, match=r"POST /v1/users answers 200\."):
            deployment.settle()


def test_help_tells_what_to_install() -> None:
    """To the letter, brackets included."""
    done = subprocess.run(
        parley("contract", "check", "--help"), capture_output=True, text=True, env=environment(), check=True
    )
    assert 'pip install "parley[check]"' in done.stdout
