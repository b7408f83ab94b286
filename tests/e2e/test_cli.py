"""The commands of `parley` beside `serve`, as an operator uses them."""

import fcntl
import json
import os
import pty
import re
import subprocess
import termios
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from disks import small_disk
from parley.cli import app
from servers import Server, StartServer, environment, parley

ROOT = Path(__file__).resolve().parents[2]
ADA = {"email": "ada@example.com", "password": "correct horse"}

Command = Callable[..., subprocess.CompletedProcess[str]]


def call(*arguments: str, cwd: Path, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end. No command may show a traceback."""
    finished = subprocess.run(
        parley(*arguments),
        env=environment(variables),
        cwd=cwd,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in finished.stderr
    return finished


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def command(tmp_path: Path, data_dir: Path) -> Command:
    """Return a function that runs commands on a data directory of the test's own."""

    def run(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return call(*arguments, cwd=tmp_path, typed=typed, PARLEY_DATA_DIR=str(data_dir))

    return run


@pytest.fixture
def running(start_server: StartServer, data_dir: Path) -> Server:
    """Return a server on that data directory."""
    return start_server("--data-dir", str(data_dir), temporary=False)


def log_in(server: Server, **credentials: str) -> httpx.Response:
    return httpx.post(f"{server.url}/v1/auth/login", json={**ADA, **credentials})


# ---- without a database


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("serve",),
        ("user",),
        ("user", "create"),
        ("beta",),
        ("beta", "grant"),
        ("events",),
        ("epoch",),
        ("demo",),
        ("backup",),
        ("restore",),
        ("migrate",),
        ("openapi",),
        ("settings",),
        ("webhooks",),
        ("webhooks", "listen"),
    ],
)
def test_help_reads_well(arguments: tuple[str, ...]) -> None:
    """Every command has help, which begins with a sentence."""
    finished = CliRunner().invoke(app, [*arguments, "--help"], prog_name="parley")
    assert finished.exit_code == 0
    assert "Usage: parley" in finished.stdout
    assert re.search(r"^ [A-Z][^\n]+", finished.stdout, re.MULTILINE)


def test_a_wrong_option_is_usage(tmp_path: Path) -> None:
    """2 is for whoever typed it."""
    assert call("serve", "--prot", "1", cwd=tmp_path).returncode == 2
    assert call("nonsense", cwd=tmp_path).returncode == 2


def test_settings_shows_values_but_no_secrets(tmp_path: Path) -> None:
    """What is in force, for pasting into a question to others."""
    finished = call(
        "settings",
        cwd=tmp_path,
        PARLEY_PORT="9000",
        PARLEY_JWT_KEYS="k1:0123456789abcdef0123456789abcdef",
        PARLEY_DATABASE_URL="postgresql://parley:hunter2@db/parley",
    )
    assert re.search(r"^PARLEY_PORT +9000$", finished.stdout, re.MULTILINE)
    assert re.search(r"^PARLEY_HOST +127\.0\.0\.1 +\(default\)$", finished.stdout, re.MULTILINE)
    assert "0123456789abcdef" not in finished.stdout
    assert "hunter2" not in finished.stdout


def test_the_page_of_settings_can_be_printed(tmp_path: Path) -> None:
    """It is how docs/settings.md is made."""
    assert call("settings", "--markdown", cwd=tmp_path).stdout == (ROOT / "docs/settings.md").read_text()


@pytest.mark.parametrize(
    ("name", "options"),
    [("openapi", ()), ("openapi-v2", ("--api", "v2")), ("asyncapi", ("--api", "socket"))],
)
def test_openapi_prints_the_contract(name: str, options: Sequence[str], tmp_path: Path) -> None:
    """Both forms say the same, and are the file that everything is generated from."""
    as_json = call("openapi", *options, "--format", "json", cwd=tmp_path)
    as_yaml = call("openapi", *options, cwd=tmp_path)
    assert json.loads(as_json.stdout) == yaml.safe_load(as_yaml.stdout)
    assert as_json.stdout.rstrip() == (ROOT / f"generated/{name}.json").read_text().rstrip()


def test_no_command_makes_a_database_by_accident(command: Command, data_dir: Path) -> None:
    """A command called in the wrong directory says so and leaves nothing there."""
    lists = (("user", "list"), ("beta", "list"))
    for arguments in (*lists, ("epoch", "show"), ("events", "--once"), ("backup", "b.dump")):
        finished = command(*arguments)
        assert finished.returncode == 3, arguments
        assert "no database in" in finished.stderr
    assert not data_dir.exists()


# ---- with a database that no server runs


def test_migrate_makes_the_schema_once(command: Command) -> None:
    """The first time it says what it applied, the second time nothing."""
    first = command("migrate")
    assert (first.returncode, "applied " in first.stdout) == (0, True)
    second = command("migrate")
    assert second.stdout == "The schema is up to date.\n"


def test_an_account_made_before_the_server(
    command: Command, start_server: StartServer, data_dir: Path
) -> None:
    """The first account can be made before the server ever ran."""
    made = command("user", "create", "ada@example.com", "ada", typed="correct horse\n")
    assert made.returncode == 0, made.stderr
    assert made.stdout.split()[1:] == ["ada", "ada@example.com"]
    server = start_server("--data-dir", str(data_dir), temporary=False)
    assert log_in(server).status_code == 200


def test_a_typed_password_is_not_shown(tmp_path: Path, data_dir: Path) -> None:
    """At a terminal it is asked for twice, and appears nowhere."""
    terminal, ours = pty.openpty()
    with subprocess.Popen(
        parley("user", "create", "ada@example.com", "ada"),
        env=environment({"PARLEY_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}),
        cwd=tmp_path,
        stdin=ours,
        stdout=ours,
        stderr=ours,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    ) as process:
        os.close(ours)
        shown = _read_until(terminal, "Password: ")
        os.write(terminal, b"correct horse\n")
        shown += _read_until(terminal, "confirmation: ")
        os.write(terminal, b"correct horse\n")
        shown += _read_until(terminal, "ada@example.com")
    os.close(terminal)
    assert process.returncode == 0
    assert "correct horse" not in shown


def _read_until(terminal: int, text: str) -> str:
    """Read what a terminal shows until a text is there; the timeout of the test ends a vain wait."""
    shown = ""
    while text not in shown:
        shown += os.read(terminal, 1024).decode()
    return shown


# ---- beside a running server


def test_accounts_are_kept_beside_a_running_server(command: Command, running: Server) -> None:
    """Made, listed, suspended, given a new password: the server knows at once."""
    assert command("user", "create", "ada@example.com", "ada", typed="correct horse\n").returncode == 0
    token = log_in(running).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{running.url}/v1/me", headers=headers).status_code == 200

    assert command("user", "suspend", "ada@example.com").returncode == 0
    assert httpx.get(f"{running.url}/v1/me", headers=headers).status_code == 401
    assert log_in(running).status_code in {401, 403}
    assert " suspended " in command("user", "list").stdout

    assert command("user", "unsuspend", "ada@example.com").returncode == 0
    assert log_in(running).status_code == 200
    assert command("user", "password", "ada@example.com", typed="another horse\n").returncode == 0
    assert log_in(running).status_code == 401
    assert log_in(running, password="another horse").status_code == 200
    assert re.search(r" active +ada +ada@example\.com$", command("user", "list").stdout, re.MULTILINE)


def test_access_to_the_beta_counts_at_once(command: Command, running: Server) -> None:
    """Granted and taken away beside a running server; doing it twice does no harm and says so."""
    command("user", "create", "ada@example.com", "ada", typed="correct horse\n")
    headers = {"Authorization": f"Bearer {log_in(running).json()['access_token']}"}

    def has_access() -> object:
        return httpx.get(f"{running.url}/v1/me", headers=headers).json()["beta_access"]

    assert has_access() is False
    for said, access, arguments in (
        ("ada@example.com may use the beta.", True, ("grant", "ada@example.com")),
        ("ada@example.com may use the beta already.", True, ("grant", "ada@example.com")),
        ("ada@example.com may use the beta no more.", False, ("revoke", "ADA@example.com")),
        ("ada@example.com has no access to the beta.", False, ("revoke", "ada@example.com")),
    ):
        finished = command("beta", *arguments)
        assert (finished.returncode, finished.stderr) == (0, "")
        assert finished.stdout.casefold() == f"{said}\n"
        assert has_access() is access


def test_access_to_the_beta_is_listed(command: Command, running: Server) -> None:
    """Who has it, and since when in UTC; nobody is a sentence, but no line of the list."""
    del running
    for name in ("ada", "bob"):
        command("user", "create", f"{name}@example.com", name, typed="correct horse\n")
    nobody = command("beta", "list")
    assert (nobody.returncode, nobody.stdout) == (0, "")
    assert nobody.stderr == "Nobody has access to the beta.\n"
    before = datetime.now(UTC).replace(microsecond=0)
    command("beta", "grant", "bob@example.com")
    line = re.fullmatch(r"bob@example\.com  bob  (\S+)\n", command("beta", "list").stdout)
    assert line is not None
    assert line[1].endswith("Z")
    assert before <= datetime.fromisoformat(line[1]) <= datetime.now(UTC)


def test_refusals_are_sentences(command: Command, running: Server) -> None:
    """What cannot be done is said in a line, and the exit code tells why."""
    del running
    command("user", "create", "ada@example.com", "ada", typed="correct horse\n")
    for arguments, typed, code, sentence in (
        (("user", "create", "ada@example.com", "other"), "correct horse\n", 1, "taken"),
        (("user", "create", "eve@example.com", "eve"), "short\n", 1, "8 to 128 characters"),
        (("user", "create", "eve@example.com", "eve"), "", 2, "expected on standard input"),
        (("user", "suspend", "nobody@example.com"), "", 1, "no such user"),
        (("user", "password", "nobody@example.com"), "correct horse\n", 1, "no such user"),
        (("beta", "grant", "nobody@example.com"), "", 1, "no such user"),
        (("beta", "revoke", "nobody@example.com"), "", 1, "no such user"),
    ):
        finished = command(*arguments, typed=typed)
        assert finished.returncode == code, arguments
        assert sentence in finished.stderr
        assert len(finished.stderr.strip().splitlines()) == 1
        assert finished.stdout == ""


def test_the_demo_can_be_pasted(command: Command, running: Server, tmp_path: Path) -> None:
    """Each printed command works as it stands, also beside the README's people; the second demo is refused."""
    for name in ("ada", "bob"):
        command("user", "create", f"{name}@example.com", name, typed="correct horse\n")
    printed = command("demo")
    assert printed.returncode == 0, printed.stderr
    assert "No server" not in printed.stdout
    script = "\n".join(line[2:] for line in printed.stdout.splitlines() if line.startswith("  "))
    shell = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("curl -s ", "curl -sw '\\n' ")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    assert shell.returncode == 0, shell.stderr
    conversations, history, sent = (json.loads(line) for line in shell.stdout.splitlines())
    assert {conversation["kind"] for conversation in conversations["conversations"]} == {"direct", "group"}
    assert len(history["messages"]) == 3
    assert sent["content"] == "Hello, Bob!"
    again = command("demo")
    assert (again.returncode, "once" in again.stderr) == (1, True)


def test_the_demo_wants_a_database(command: Command, data_dir: Path) -> None:
    """Whoever mistook the directory is told, and nothing is made there."""
    refused = command("demo")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr == f"There is no database in {data_dir}; `parley serve` makes one.\n"
    assert not data_dir.exists()


def test_the_demo_tells_that_no_server_runs(command: Command, running: Server) -> None:
    """What it prints can be pasted only once a server runs."""
    assert running.stop() == 0
    printed = command("demo")
    assert printed.returncode == 0, printed.stderr
    assert "No server runs here: start it with `parley serve`" in printed.stdout


def test_events_shows_what_happened_but_not_what_was_said(command: Command, running: Server) -> None:
    """An operator sees the log move, and nobody's words."""
    del running
    command("demo")
    as_text = command("events", "--after", "0", "--once").stdout
    assert len(re.findall(r" message ", as_text)) == 6
    assert "Good morning" not in as_text
    as_json = command("events", "--after", "0", "--once", "--json").stdout
    events = [json.loads(line) for line in as_json.splitlines()]
    assert [event["position"] for event in events] == list(range(1, len(events) + 1))
    assert "Good morning" not in as_json
    assert command("events", "--once").stdout == "", "without a position it begins at the end"


def test_events_follows(command: Command, running: Server, data_dir: Path) -> None:
    """What happens while it runs appears by itself."""
    del running
    with subprocess.Popen(
        parley("events", "--after", "0"),
        env=environment({"PARLEY_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}),
        stdout=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        assert command("demo").returncode == 0
        assert following.stdout.readline().split()[0] == "1"
        following.terminate()


def test_bumping_the_epoch_makes_cursors_foreign(command: Command, running: Server) -> None:
    """After a snapshot was put back, clients are told to start afresh."""
    command("user", "create", "ada@example.com", "ada", typed="correct horse\n")
    headers = {"Authorization": f"Bearer {log_in(running).json()['access_token']}"}
    cursor = httpx.get(f"{running.url}/v1/events", headers=headers).json()["next_cursor"]
    again = httpx.get(f"{running.url}/v1/events", params={"after": cursor}, headers=headers)
    assert again.status_code == 200
    before = command("epoch", "show").stdout
    bumped = command("epoch", "bump").stdout
    assert before != bumped == command("epoch", "show").stdout
    gone = httpx.get(f"{running.url}/v1/events", params={"after": cursor}, headers=headers)
    assert (gone.status_code, gone.json()["error"]["code"]) == (410, "gone")


def test_a_backup_can_be_restored(
    command: Command, running: Server, tmp_path: Path, start_server: StartServer
) -> None:
    """A file written beside the running server becomes a database elsewhere, with everything in it."""
    command("demo")
    file = tmp_path / "parley.backup"
    made = command("backup", str(file))
    assert made.returncode == 0, made.stderr
    assert file.stat().st_mode & 0o777 == 0o600, "it holds what people wrote"
    assert command("backup", str(file)).returncode == 3, "a backup never overwrites"
    elsewhere = str(tmp_path / "elsewhere")
    restored = call("restore", str(file), cwd=tmp_path, PARLEY_DATA_DIR=elsewhere)
    assert restored.returncode == 0, restored.stderr
    assert running.stop() == 0
    server = start_server("--data-dir", elsewhere, temporary=False)
    listed = call("user", "list", cwd=tmp_path, PARLEY_DATA_DIR=elsewhere).stdout
    assert "ada@example.com" in listed
    assert httpx.get(f"{server.url}/readyz").status_code == 200
    refused = call("restore", str(file), cwd=tmp_path, PARLEY_DATA_DIR=elsewhere)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (3, 1)


def test_a_foreign_database_is_backed_up_by_its_own_means(tmp_path: Path) -> None:
    """`parley backup` is for the embedded database only, and says what to do instead."""
    finished = call("backup", "b.dump", cwd=tmp_path, PARLEY_DATABASE_URL="postgresql://db/parley")
    assert (finished.returncode, "pg_dump" in finished.stderr) == (2, True)


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    """A data directory without room says so."""
    with small_disk(tmp_path / "tiny", "1m") as tiny:
        finished = call("migrate", cwd=tmp_path, PARLEY_DATA_DIR=str(tiny / "data"))
    assert finished.returncode == 3
    assert "disk" in finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1
