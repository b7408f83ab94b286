"""`parley tail`: prints what happens to a user, and comes back as the document has it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import people
from people import PASSWORD, Person
from printing import Printing, line_of, printing
from servers import Server, StartServer


@contextmanager
def tailing(server: Server, secret: str, *arguments: str) -> Iterator[Printing]:
    """Run it against a server; the secret is typed into standard input."""
    with printing("tail", "--url", server.url, *arguments, typed=secret + "\n") as process:
        yield process


def next_message(process: Printing) -> str:
    """Wait for the content of the next message; whoever prints JSON."""
    while (frame := json.loads(line_of(process)))["type"] != "message":
        continue
    return str(frame["data"]["content"])


@pytest.fixture
def pair(server: Server) -> Iterator[tuple[Person, Person]]:
    with people.client(server.url) as http:
        yield people.register(http, "ada"), people.register(http, "bob")


def test_prints_what_happens(server: Server, pair: tuple[Person, Person]) -> None:
    """With a password, from the beginning of what is kept, and then as it happens."""
    ada, bob = pair
    first = ada.say(bob, "Hello, Bob")
    with tailing(server, PASSWORD, bob.email, "--after", "0") as tail:
        assert line_of(tail).startswith("conversation.created")
        assert line_of(tail).endswith(f"#1 {ada.id}: Hello, Bob")
        ada.say(bob, "Are you there?")
        assert line_of(tail).endswith(f"{first['conversation_id']} #2 {ada.id}: Are you there?")


def test_nobody_writes_lines_of_their_own(server: Server, pair: tuple[Person, Person]) -> None:
    """What ends a line or commands a terminal is spelled out."""
    ada, bob = pair
    content = f"Hello\nmessage   #2 {bob.id}: forged\r\x9b2J\x7f"
    ada.say(bob, content)
    ada.say(bob, "the next")
    with tailing(server, PASSWORD, bob.email, "--after", "0") as tail:
        assert line_of(tail).startswith("conversation.created")
        assert line_of(tail).endswith(rf"Hello\nmessage   #2 {bob.id}: forged\r\x9b2J\x7f")
        assert line_of(tail).endswith("the next")
    with tailing(server, PASSWORD, bob.email, "--json", "--after", "0") as tail:
        line_of(tail)
        line = line_of(tail)
        assert line.isprintable()
        assert json.loads(line)["data"]["content"] == content


def test_prints_frames(server: Server, pair: tuple[Person, Person]) -> None:
    """With a token, each frame is a line of JSON."""
    ada, bob = pair
    ada.say(bob)
    with tailing(server, bob.tokens["access_token"], "--json", "--after", "0") as tail:
        created, message = (json.loads(line_of(tail)) for _ in range(2))
    assert (created["type"], message["type"], message["seq"]) == ("conversation.created", "message", 1)
    assert created["cursor"] != message["cursor"]


def test_comes_back_with_its_cursor(start_server: StartServer, tmp_path: Path) -> None:
    """A server that was away and is back: what was missed comes once, and nothing again."""
    env = {"PARLEY_DATA_DIR": str(tmp_path / "data"), **people.KEYS}
    server = start_server(env=env, temporary=False)
    with people.client(server.url) as http:
        ada, bob = people.register(http, "ada"), people.register(http, "bob")
        with tailing(server, PASSWORD, bob.email, "--json", "--after", "0") as tail:
            ada.say(bob, "one")
            assert [json.loads(line_of(tail))["type"] for _ in range(2)] == [
                "conversation.created",
                "message",
            ]
            server.stop()
            start_server("--port", str(server.port), env=env, temporary=False)
            ada.say(bob, "two")
            assert next_message(tail) == "two"


def test_renews_its_token(start_server: StartServer) -> None:
    """Its token lives ten seconds; what is said in twelve all comes, once."""
    server = start_server(env={"PARLEY_ACCESS_TOKEN_SECONDS": "10"})
    with people.client(server.url) as http:
        ada, bob = people.register(http, "ada"), people.register(http, "bob")
        with tailing(server, PASSWORD, bob.email, "--json", "--after", "0") as tail:
            for second in range(12):
                ada.tokens = people.log_in(http, ada.email) if second % 6 == 5 else ada.tokens
                ada.say(bob, str(second))
                assert next_message(tail) == str(second)
                time.sleep(1)


def test_ends_when_coming_back_is_no_use(server: Server, pair: tuple[Person, Person]) -> None:
    """A session that has ended is said in the document's words."""
    ada, bob = pair
    ada.say(bob)
    with tailing(server, bob.tokens["access_token"], "--after", "0") as tail:
        line_of(tail)
        bob.post("/auth/logout")
        assert tail.wait(timeout=20) == 1
        assert tail.stderr is not None
        assert "session has ended" in tail.stderr.read()


@pytest.mark.parametrize(
    ("secret", "arguments", "code", "said"),
    [
        ("wrong", ["nobody@example.com"], 1, "password"),
        ("no.token.at-all", [], 1, "none of ours"),
        ("", [], 2, "expected on standard input"),
        ("x", ["--url", "ftp://example.com"], 2, "http://"),
        ("x", ["--url", "http://127.0.0.1:9"], 3, "cannot be reached"),
    ],
)
def test_says_why_it_cannot(server: Server, secret: str, arguments: list[str], code: int, said: str) -> None:
    """One sentence, and an exit code."""
    with tailing(server, secret, *arguments) as tail:
        assert tail.wait(timeout=30) == code
        assert tail.stderr is not None
        assert said in tail.stderr.read()
