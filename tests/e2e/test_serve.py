"""`parley serve`: how it starts, what it says, how it ends."""

import json
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from servers import Server, StartServer, environment, parley


def refused(*arguments: str, cwd: Path, **variables: str) -> tuple[int, str]:
    """Start a server that must not start; return its exit code and what it said."""
    finished = subprocess.run(
        parley("serve", *arguments),
        env=environment(variables),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert "Traceback" not in finished.stderr
    return finished.returncode, finished.stderr.strip()


def test_a_temporary_server_leaves_nothing_behind(start_server: StartServer, tmp_path: Path) -> None:
    """Other people's CI gets a server, and no rubbish."""
    home = tmp_path / "home"
    temporary = tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    server = start_server(env={"HOME": str(home), "TMPDIR": str(temporary)})
    assert httpx.get(f"{server.url}/readyz").json() == {"status": "ready"}
    assert any(temporary.iterdir())
    assert server.stop() == 0
    assert not any(temporary.iterdir())
    assert not any(home.iterdir())


def test_data_outlive_the_server(start_server: StartServer, tmp_path: Path) -> None:
    """What was registered before a restart can log in after it, and old tokens go on working."""
    person = {"email": "ada@example.com", "username": "ada", "password": "correct horse"}
    directory = str(tmp_path / "data")
    first = start_server("--data-dir", directory, temporary=False)
    assert httpx.post(f"{first.url}/v1/users", json=person).status_code == 201
    credentials = {"email": person["email"], "password": person["password"]}
    token = httpx.post(f"{first.url}/v1/auth/login", json=credentials).json()["access_token"]
    assert first.stop() == 0
    second = start_server("--data-dir", directory, temporary=False)
    me = httpx.get(f"{second.url}/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["username"] == "ada"


def test_the_welcome_can_be_read(tmp_path: Path) -> None:
    """A person sees where the server is, where the data are, how to stop, and what to do next."""
    with subprocess.Popen(
        parley("serve", "--port", "0"),
        env=environment({"PARLEY_DATA_DIR": str(tmp_path / "data")}),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            lines: list[str] = []
            while not any(" events" in line for line in lines):
                line = process.stdout.readline()
                assert line, "the server ended"
                lines.append(line)
        finally:
            process.send_signal(signal.SIGINT)
    welcome = "".join(lines)
    assert re.search(r"server +http://127\.0\.0\.1:\d+\n", welcome)
    assert re.search(r"docs +http://127\.0\.0\.1:\d+/docs\n", welcome)
    assert str(tmp_path / "data") in welcome
    assert "Ctrl-C" in welcome
    assert process.returncode == 0


def test_a_port_in_use_is_one_sentence(server: Server, tmp_path: Path) -> None:
    """The commonest mistake is answered at once, and says what to do."""
    code, said = refused("--temporary", "--port", str(server.port), cwd=tmp_path)
    assert code == 3
    assert said == (
        f"Port {server.port} on 127.0.0.1 is in use by another program; choose one with --port or PARLEY_PORT."
    )


def test_a_directory_in_use_is_one_sentence(start_server: StartServer, tmp_path: Path) -> None:
    """Two servers never share an embedded database."""
    directory = str(tmp_path / "data")
    start_server("--data-dir", directory, temporary=False)
    code, said = refused("--data-dir", directory, "--port", "0", cwd=tmp_path)
    assert code == 3
    assert said.startswith(f"The data directory {directory} is in use by another Parley")
    assert "\n" not in said


def test_wrong_variables_are_told_together(tmp_path: Path) -> None:
    """All mistakes are told at once, and nothing is started."""
    code, said = refused(
        "--temporary", cwd=tmp_path, PARLEY_PORT="many", PARLEY_PROT="1", PARLEY_LOG_FORMAT="xml"
    )
    assert code == 2
    assert [line.split()[0] for line in said.splitlines()] == [
        "PARLEY_PROT",
        "PARLEY_PORT",
        "PARLEY_LOG_FORMAT",
    ]


def test_an_unknown_host_is_one_sentence(tmp_path: Path) -> None:
    """An address of another machine cannot be listened on."""
    code, said = refused("--temporary", "--host", "192.0.2.1", "--port", "0", cwd=tmp_path)
    assert (code, said) == (3, "192.0.2.1 is not an address of this machine (PARLEY_HOST).")


def test_a_database_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    """The sentence names the database, and not its password."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://parley:hunter2@127.0.0.1:{taken.getsockname()[1]}/chat"
        code, said = refused("--port", "0", cwd=tmp_path, PARLEY_DATABASE_URL=url)
    assert code == 3
    assert said.startswith("The database 127.0.0.1/chat cannot be used:")
    assert "\n" not in said
    assert "hunter2" not in said


def test_another_database_can_be_used(
    start_server: StartServer, empty_database_dsn: str, tmp_path: Path
) -> None:
    """With a database and keys of one's own nothing is kept in a data directory."""
    own = {
        "PARLEY_DATABASE_URL": empty_database_dsn,
        "PARLEY_JWT_KEYS": "k1:0123456789abcdef0123456789abcdef",
        "PARLEY_DATA_DIR": str(tmp_path / "data"),
    }
    server = start_server(env=own, temporary=False)
    assert httpx.get(f"{server.url}/readyz").status_code == 200
    person = {"email": "ada@example.com", "username": "ada", "password": "correct horse"}
    assert httpx.post(f"{server.url}/v1/users", json=person).status_code == 201
    assert not (tmp_path / "data").exists()


@pytest.fixture
def waiting(start_server: StartServer) -> tuple[Server, dict[str, str]]:
    """Return a server, and the headers of somebody who is logged in there."""
    # Nobody waits for these to pass: they are long, so that on a busy machine it is seen as well that nobody does.
    server = start_server(env={"PARLEY_DRAIN_SECONDS": "20", "PARLEY_SHUTDOWN_GRACE_SECONDS": "60"})
    person = {"email": "ada@example.com", "username": "ada", "password": "correct horse"}
    httpx.post(f"{server.url}/v1/users", json=person)
    credentials = {"email": person["email"], "password": person["password"]}
    token = httpx.post(f"{server.url}/v1/auth/login", json=credentials).json()["access_token"]
    return server, {"Authorization": f"Bearer {token}"}


def test_sigterm_drains(waiting: tuple[Server, dict[str, str]]) -> None:
    """After SIGTERM /readyz says 503, what runs is finished, and the exit code is 0."""
    server, headers = waiting
    answers: list[httpx.Response] = []

    def wait_for_events() -> None:
        answers.append(httpx.get(f"{server.url}/v1/events?wait=30", headers=headers, timeout=40))

    reader = threading.Thread(target=wait_for_events)
    reader.start()
    until(lambda: connections(server) == 1)
    server.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 20
    while (ready := httpx.get(f"{server.url}/readyz")).status_code == 200:
        assert time.monotonic() < deadline
    assert (ready.status_code, ready.json()["reason"]) == (503, "The server is shutting down.")
    assert httpx.get(f"{server.url}/v1/me", headers=headers).status_code == 200, "it still serves"
    assert server.stop() == 0
    reader.join()
    assert [answer.status_code for answer in answers] == [200]
    assert answers[0].json()["events"] == []


def test_ctrl_c_does_not_wait_for_a_load_balancer(waiting: tuple[Server, dict[str, str]]) -> None:
    """At a terminal the server ends as soon as nobody is being answered."""
    server, _ = waiting
    began = time.monotonic()
    assert server.stop(signal.SIGINT) == 0
    assert time.monotonic() - began < 20, "PARLEY_DRAIN_SECONDS is for SIGTERM"


def test_a_second_signal_stops_at_once(waiting: tuple[Server, dict[str, str]]) -> None:
    """Who insists does not wait for the slow: neither for the drain nor for a body that never comes."""
    server, headers = waiting
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        slow.sendall(
            f"POST /v1/messages HTTP/1.1\r\nHost: here\r\n{fields}"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
        )
        until(lambda: connections(server) == 1)
        server.process.send_signal(signal.SIGINT)
        until(lambda: '"shutting down"' in server.log.read_text())
        began = time.monotonic()
        assert server.stop(signal.SIGINT) == 0
    assert time.monotonic() - began < 20, "the grace is 60 seconds"


def test_a_signal_during_the_start_is_obeyed(tmp_path: Path) -> None:
    """Who changes their mind at once leaves no database running."""
    with subprocess.Popen(
        parley("serve", "--port", "0", "--data-dir", str(tmp_path / "data")),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: (tmp_path / "data" / "postgres.lock").exists())
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in said
    until(lambda: not processes_in(tmp_path / "data"))


def test_logs_have_request_ids_and_no_secrets(start_server: StartServer) -> None:
    """A line for each request: method, template of the path, status, time and id; nothing that was said."""
    server = start_server()
    headers = {"X-Request-Id": "from-the-client"}
    person = {"email": "ada@example.com", "username": "ada", "password": "correct horse"}
    httpx.post(f"{server.url}/v1/users", json=person, headers=headers)
    httpx.get(f"{server.url}/v1/users/01890a5d-ac96-774b-bcce-b302099a8057?token=letmein")
    server.stop()
    log = server.log.read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == "from-the-client"]
    assert (line["event"], line["method"], line["route"], line["status"]) == (
        "request",
        "POST",
        "/users",
        201,
    )
    assert line["ms"] > 0
    assert "/users/{user_id}" in {line.get("route") for line in lines}
    for secret in ("letmein", "correct horse", "ada@example.com"):
        assert secret not in log


@pytest.mark.parametrize("quiet", [{"PARLEY_LOG_REQUESTS": "off"}, {"PARLEY_LOG_LEVEL": "warning"}])
def test_the_request_log_can_be_off(start_server: StartServer, quiet: dict[str, str]) -> None:
    """Whoever has a proxy that logs needs no second log; and a line is an info."""
    server = start_server(env=quiet)
    httpx.get(f"{server.url}/healthz")
    server.stop()
    assert '"request"' not in server.log.read_text()


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for a sign from another process."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def connections(server: Server) -> int:
    """Count the connections that clients have to a server."""
    found = psutil.Process(server.process.pid).net_connections("tcp")
    return sum(1 for one in found if one.status == psutil.CONN_ESTABLISHED and one.laddr.port == server.port)


def processes_in(directory: Path) -> list[int]:
    """Return the processes whose command line names a directory."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(str(directory) in part for part in process.info["cmdline"] or ()):
            found.append(process.pid)
    return found
