"""`parley contract check`: finds nothing in a server that keeps the contract, and what is planted in another."""

import asyncio
import json
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

import faulty
import servers
from databases import LoopThread
from parley.cli import contract_rest, contract_walk
from parley.cli.contract_check import hold_to_contract
from parley.cli.contract_finding import Finding, Report
from parley.cli.deployment import Deployment
from parley.cli.outcomes import Refused, Surroundings, Usage
from parley.cli.remote import Remote
from servers import Server, StartServer, environment, parley

WALK = "REST: each operation, used as it is meant"
CUT_OFF = "this part could not be looked at to its end"
SCHEMATHESIS_SAYS = """\
1. Test Case ID: Jwal81

- ST108 Response violates schema

    null is not of type "string"

    Validated against the response schema for status code 200.

    Schema at /components/schemas/DisplayName:

        {
            "type": "string",
            "minLength": 1
        }

    Value:

        null

    "boss" is not one of "owner", "admin" or 40 other candidates

- ST107 Missing required response headers

    The following required headers are missing from the response:

    - `X-RateLimit-Limit`:

[200] OK:

    `{"display_name":null}`

Reproduce with:

    curl -X GET -H 'Authorization: [Filtered]' http://127.0.0.1/v1/me

Tip: Bypass what you like with `--tls-verify=false`.
Or with another one.
"""
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
        "ok    GET /me (200)",
        "ok    POST /messages (201)",
        "ok    POST /conversations (200 and 201)",
        "ok    POST /auth/login (200)",
        "--    POST /auth/login (asked above only",
        "ok    POST /webhooks\n",
        "ok    closes as bad_frame",
        "ok    a method that a path has not (405 method_not_allowed)",
        "ok    GET /messages/{message_id} of a deleted one (410 gone)",
    ):
        assert looked_at in done.stdout
    assert "did not ask" not in done.stdout


@pytest.fixture
def lying(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server with a planted fault. It counts requests as servers do, but nobody has to wait for it."""
    # What a broken server answers is not to be held against the document.
    limits = {f"PARLEY_RATE_LIMIT_{name}": "100000/minute" for name in ("API", "AUTH", "WEBHOOKS")}
    env = {"PARLEY_CHECK_ANSWERS": str(tmp_path / "answers"), "PARLEY_RATE_LIMITS": "on", **limits}
    server = servers.start(tmp_path, "lying", env=env, program=faulty.program(request.param))
    yield server
    server.stop()


# All of them are planted in one server, for each run takes its time.
LIES = {
    "other_contract": "GET /conversations",
    "edit_unshown": "PATCH /messages/{message_id}",
    "empty_list": "GET /messages",
    "conflict_for_not_found": "a path that there is not",
    "missing_allow": "a method that a path has not",
    "never_there": "GET /messages/{message_id} of a deleted one",
    "error_frame_code": "says what is wrong with a frame",
    "delivered_twice": "delivers a message, and again after its cursor",
    "wrong_type": "GET /me",
    "undeclared_status": "GET /groups",
    "status_on_send": "POST /messages",
    "login_wrong": "POST /auth/login",
    "refresh_teapot": "POST /auth/refresh",
    "wrong_close_code": "closes as unauthorized",
}


@pytest.mark.parametrize("lying", [",".join(LIES)], indirect=True, ids=["lies"])
def test_lies_are_found(lying: Server) -> None:
    """And nothing else is called one; each with what was promised, what came, and how to see it."""
    done = check(lying.url)
    assert done.returncode == 1, done.stdout + done.stderr
    # Nothing that is not there is told rightly, whatever it is.
    of_none = {"GET /messages/{message_id} of none"}
    assert set(failures(done.stdout)) == {*LIES.values(), *of_none}, done.stdout
    assert (
        "promised: status 201 (or an error that is documented)\n          came:     200 with" in done.stdout
    )
    assert "promised: in the body of 200, expires_in: Must be an integer" in done.stdout
    assert "came:     '3600'" in done.stdout
    assert "promised: the code not_found with 404\n          came:     conflict" in done.stdout
    assert "promised: the header Allow with 405\n          came:     no such header" in done.stdout
    assert "promised: status 410\n          came:     404 " in done.stdout
    assert "promised: content as it was sent, 'Hello again!'\n          came:     'Else'" in done.stdout
    assert "promised: a list in which " in done.stdout
    assert "as GET /v1/contract says\n          came:     9." in done.stdout
    assert "an unknown frame is refused as conflict and not as validation_error" in done.stdout
    assert "the same message comes twice, with the same cursor" in done.stdout
    assert f"{lying.url}/v1/messages" in done.stdout
    assert "Test Case ID" not in done.stdout


@pytest.fixture
def no_schemathesis(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends at once, without a report, so only the other parts are looked at."""
    monkeypatch.setattr(contract_rest, "find_schemathesis", lambda: sys.executable)


def subjects(report: Report) -> set[str]:
    return {each.subject for each in report.problems}


@pytest.mark.usefixtures("no_schemathesis")
@pytest.mark.parametrize("lying", ["missing_location,missing_limits"], indirect=True, ids=["headers"])
def test_missing_headers_are_found(lying: Server) -> None:
    """Wherever they are promised; nothing breaks that wants to read them, and a part that cannot be made is told."""
    report = hold_to_contract(lying.url, expect=None, seed=1)
    text = report.text()
    assert subjects(report) > {"GET /me", "POST /messages", "POST /auth/logout", "GET /limits"}, text
    assert text.count("promised: the header Location with 201\n          came:     no such header") == 1
    assert "promised: the header X-RateLimit-Limit with 204" in text
    assert "ok    answers a ping by a pong" in text
    assert f"{CUT_OFF}\n          Schemathesis does not work here" in text
    assert report.exit_code == 3


def test_what_nobody_foresaw_leaves_the_rest() -> None:
    """It is told as what is wrong, and what was found before is told too."""

    def look() -> Iterator[Finding]:
        yield Finding("first")
        raise KeyError("x-of-another")

    report = Report("A server.")
    assert not report.add("Part", look)
    assert report.add("Next", lambda: [Finding("left", left_out="for a reason")])
    assert report.exit_code == 1
    assert "  ok    first\n  FAIL  this part could not" in report.text()
    assert "KeyError: 'x-of-another'" in report.text()
    assert "  --    left (for a reason)" in report.text()
    # What was left out is not counted.
    assert "1 of 2 things" in report.text()


def test_schemathesis_is_told_in_short() -> None:
    """Without its numbers, schemas and endless lists."""
    told = "\n".join(contract_rest.in_short([SCHEMATHESIS_SAYS] * 5))
    assert told.splitlines()[:8] == [
        "Response violates schema:",
        '  null is not of type "string"',
        "  promised:  /components/schemas/DisplayName",
        "  value:     null",
        '  "boss" is not one of the values that are listed',
        "Missing required response headers:",
        "  The following required headers are missing from the response:",
        "  - `X-RateLimit-Limit`:",
    ]
    assert '  came:      200 {"display_name":null}' in told
    assert "curl -X GET" in told
    assert "minLength" not in told
    # These are options of another program.
    assert "--tls-verify" not in told
    assert "another one" not in told
    assert told.endswith("and 2 more like these")


def test_other_contract_is_told(server: Server) -> None:
    """To whoever says which one their client was made for."""
    done = check(server.url, "--expect", "0.9.0+000000000000.000000000000")
    assert done.returncode == 1
    assert failures(done.stdout) == ["It is the contract that was expected"]


@contextmanager
def behind_tls(server: Server, authority: trustme.CA) -> Iterator[str]:
    """What stands before servers that are reached over the Internet: it has the certificate, and passes bytes on."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    ends: list[asyncio.Event] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(asyncio.Event())
        end = ends[-1]
        there = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.gather(pass_on(reader, there[1]), pass_on(there[0], writer))
        end.set()

    async def end_all() -> None:
        front.close()
        await asyncio.wait_for(asyncio.gather(*(end.wait() for end in ends)), 10)

    loop = LoopThread()
    front = loop.run(asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls))
    try:
        yield f"https://localhost:{front.sockets[0].getsockname()[1]}"
    finally:
        loop.run(end_all())
        loop.close()


@pytest.fixture
def private(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A server whose certificate is of a house's own authority, which the system is told to trust."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    # It may remember whom it trusted.
    monkeypatch.setattr(urllib.request, "_opener", None)
    with behind_tls(server, authority) as url:
        deployment = Deployment(url)
        deployment.settle()
        paths = ("/contract", "/limits")
        deployment.openapi["paths"] = {path: deployment.openapi["paths"][path] for path in paths}
        yield deployment


def test_own_authority_is_trusted(private: Deployment) -> None:
    """By Schemathesis as by every other part."""
    assert [each.problem for each in contract_rest.rest_findings(private, 1)] == [None, None]


def test_what_got_no_answer_is_no_breach(private: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can say whether it is kept; and nobody is told of options of another program."""
    monkeypatch.setattr(contract_rest, "_authorities", lambda: b"")
    report = Report("A server.")
    assert not report.add("Part", lambda: contract_rest.rest_findings(private, 1))
    told = report.text()
    assert report.exit_code == 3, told
    assert subjects(report) == {CUT_OFF}, told
    assert "--    GET /limits (Schemathesis got no answer to a request)" in told
    assert "Schemathesis got no answer:\n          SSL verification problem" in told
    assert "--tls-verify" not in told


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


def test_nobody_there() -> None:
    """It is the surroundings that are to blame."""
    with foreign({}) as url:
        pass  # Nobody has its port afterwards.
    done = check(url)
    assert (done.returncode, done.stdout) == (3, "")
    assert "cannot be reached" in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        *(
            "chat.example.com",
            "ftp://chat.example.com",
            "http://",
            "http://:80",
            "http://[::1",
            "http://[zz]",
        ),
        *("http://a:99999", "http://a:x", "http://a:0", "http://a b", "http://a..b", f"http://{'a' * 70}.b"),
        *("http://a\tb", "http://a/ä", "http://a?b", "http://a#b", "http://ada@a"),
    ],
)
def test_what_is_no_address(url: str) -> None:
    """It is the caller who is to blame, not the server."""
    with pytest.raises(Usage, match="address"):
        Remote(url)


@pytest.mark.parametrize(
    "url", ["http://[::1]:8000", "https://chat.example.com/parley/", "http://bücher.example"]
)
def test_address(url: str) -> None:
    assert Remote(url).url == url.rstrip("/")


def test_usage_is_told() -> None:
    """In a sentence, and not as a breach."""
    done = check("http://[::1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("That is no address of a server")
    assert len(done.stderr.splitlines()) == 1


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


def test_report_is_there_without_accounts() -> None:
    """Only what needs them is not, and it says why."""
    with foreign({each: json.dumps(body).encode() for each, body in OWN.items()}) as url:
        report = hold_to_contract(url, expect=None, seed=1)
    assert list(report.sections) == ["The documents", WALK, "Accounts for what follows"]
    assert "POST /v1/users answers 200." in report.text()
    # Documents without a version are nothing to compare with.
    assert "KeyError: 'version'" in report.text()
    assert report.exit_code == 1


@pytest.fixture
def mortal(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that is gone when the walk comes to the groups."""
    server = start_server()
    groups = contract_walk._Walk._groups

    def afterwards(*arguments: Any) -> None:
        server.stop()
        groups(*arguments)

    monkeypatch.setattr(contract_walk._Walk, "_groups", afterwards)
    return server


def test_server_that_goes_away_is_told(mortal: Server) -> None:
    """With what was seen until then, and without what was not asked."""
    report = hold_to_contract(mortal.url, expect=None, seed=1)
    assert "ok    POST /messages (201)" in report.text()
    assert "/webhooks" not in report.text()
    assert subjects(report) == {CUT_OFF}
    assert "Not everything could be looked at" in report.text()
    assert report.exit_code == 3


def test_help_tells_what_to_install() -> None:
    """To the letter, brackets included."""
    done = subprocess.run(
        parley("contract", "check", "--help"), capture_output=True, text=True, env=environment(), check=True
    )
    assert 'pip install "parley[check]"' in done.stdout
