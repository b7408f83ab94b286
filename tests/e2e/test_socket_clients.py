"""Clients that nobody here wrote: they follow the seed as it is printed, and the README's lines in a browser."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

import browser
import people
import servers
import tools
from people import Person
from servers import Server, StartServer
from sockets import listening

ROOT = servers.ROOT
SEED = (ROOT / "tests" / "seed" / "api-documentation.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")

# The only thing in the seed's line that is replaced beside the token.
PRINTED_ADDRESS = "wss://api.example.com"


def printed(heading: str) -> str:
    """Return the block of code below a heading of the seed."""
    found = re.search(rf"^#+ {heading}\n```\w+\n(.*?)\n```$", SEED, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


CONNECTION = printed("Connection")
EVENTS: dict[str, Any] = {
    frame["type"]: frame
    for frame in (json.loads(printed(f"{kind} Events")) for kind in ("Message", "Typing", "Presence"))
}


def is_like(frame: dict[str, Any], example: dict[str, Any]) -> bool:
    """Say whether a frame has all that is printed; ids and times are words there."""
    data = frame["data"]
    assert frame["type"] == example["type"]
    for name, value in example["data"].items():
        assert type(data[name]) is type(value), name
    return all(
        data[name] == value
        for name, value in example["data"].items()
        if name in ("type", "status", "is_typing")
    )


@pytest.fixture
def pair(server: Server) -> Iterator[tuple[Person, Person]]:
    with people.client(server.url) as http:
        yield people.register(http, "ada"), people.register(http, "bob")


def connection(server: Server, person: Person) -> str:
    """Return the seed's line for this server."""
    assert PRINTED_ADDRESS in CONNECTION
    line = CONNECTION.replace(PRINTED_ADDRESS, server.url.replace("http", "ws", 1))
    return line.replace("<jwt_token>", person.tokens["access_token"])


def play(ada: Person, bob: Person, read: Callable[[], str | bytes]) -> None:
    """Let Ada come, type to Bob, who is there already, and write to him; read what he hears of each.

    He has to hear of each before the next: a message ends the typing before it, and of typing that is over within a
    moment nobody is told; nor of somebody who only blinks.
    """
    conversation = ada.post("/conversations", {"user_id": bob.id}).json()["id"]
    with listening(ada) as client:
        # From here on Bob hears of others: before, he may still have been reading what he missed.
        client.until("presence", user_id=bob.id)
        read_printed(read, "presence")
        client.say("typing", user_id=ada.id, conversation_id=conversation, is_typing=True)
        read_printed(read, "typing")
        ada.say(bob, "Message content")
        read_printed(read, "message")


def read_printed(read: Callable[[], str | bytes], frame_type: str) -> None:
    """Read frames until one is like the printed event of this type."""
    while True:
        frame = json.loads(read())
        if frame["type"] == frame_type and is_like(frame, EVENTS[frame_type]):
            return


def test_websockets_follows_the_seed(server: Server, pair: tuple[Person, Person]) -> None:
    """Python's `websockets` on the printed URL gets each printed event."""
    ada, bob = pair
    found = re.search(r"'(ws://.*)'", connection(server, bob))
    assert found is not None
    ada.post("/conversations", {"user_id": bob.id})
    with connect(found[1], proxy=None) as socket:
        assert json.loads(socket.recv(timeout=20))["type"] == "ready"
        play(ada, bob, lambda: socket.recv(timeout=20))


def test_node_follows_the_seed(server: Server, pair: tuple[Person, Person], tmp_path: Path) -> None:
    """Node's own WebSocket runs the printed line, and gets each printed event."""
    ada, bob = pair
    ada.post("/conversations", {"user_id": bob.id})
    script = tmp_path / "client.js"
    script.write_text(f"{connection(server, bob)}\nws.onmessage = ({{data}}) => console.log(data);\n")
    program = [tools.node(), "--experimental-websocket", "--no-warnings", str(script)]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["type"] == "ready"
        play(ada, bob, process.stdout.readline)
    finally:
        process.kill()
        process.communicate()


def test_typing_may_be_sent_as_printed(server: Server, pair: tuple[Person, Person]) -> None:
    """The printed typing event, with ids in place of the words, is also what a client sends."""
    ada, bob = pair
    conversation = ada.post("/conversations", {"user_id": bob.id}).json()["id"]
    frame = json.loads(json.dumps(EVENTS["typing"]))
    frame["data"] |= {"user_id": ada.id, "conversation_id": conversation}
    with listening(ada) as client, listening(bob) as other:
        client.until("presence", user_id=bob.id)
        client.socket.send(json.dumps(frame))
        client.say("ping")
        client.until("pong")
        assert client.heard("error") == []
        assert other.until("typing")["data"] == frame["data"]


def readme_client() -> str:
    """Return the README's client."""
    section = README.split("## A client in a browser", 1)[1]
    found = re.search(r"```javascript\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def test_client_of_the_readme_is_short() -> None:
    """Ten lines, against nothing but the standard."""
    assert len(readme_client().splitlines()) <= 10
    assert "import" not in readme_client()


def test_client_of_the_readme_works(start_server: StartServer, tmp_path: Path) -> None:
    """In a browser it shows what is said, also what was said while its server was away, each once."""
    env = {"PARLEY_DATA_DIR": str(tmp_path / "data"), **people.KEYS}
    server = start_server(env=env, temporary=False)
    with people.client(server.url) as http, browser.tab(tmp_path) as tab:
        ada, bob = people.register(http, "ada"), people.register(http, "bob")
        tab.call("Page.navigate", url=f"{server.url}/openapi.json")
        tab.until(lambda: bool(tab.evaluate("document.readyState === 'complete' && location.port !== ''")))
        assert "ws://127.0.0.1:8080" in readme_client()
        client = readme_client().replace("ws://127.0.0.1:8080", server.url.replace("http", "ws", 1))
        tab.evaluate(
            f"window.shown = []; window.show = (text) => shown.push(text);\n{client}\nwindow.listen = listen"
        )
        tab.evaluate(f"window.open_ = listen('{bob.tokens['access_token']}'); null")
        # It is there as soon as others are told so.
        ada.post("/conversations", {"user_id": bob.id})
        with listening(ada) as client_of_ada:
            client_of_ada.until("presence", user_id=bob.id)
        ada.say(bob, "one")
        tab.until(lambda: bool(tab.evaluate("shown.length")))
        server.stop()
        start_server("--port", str(server.port), env=env, temporary=False)
        ada.say(bob, "two")
        tab.until(lambda: tab.evaluate("shown.length") != 1)
        assert tab.evaluate("shown") == ["one", "two"]
        # A cursor that the server never gave is not kept: it reads afresh.
        tab.evaluate(f"shown.length = 0; listen('{bob.tokens['access_token']}', 'nonsense'); null")
        tab.until(lambda: tab.evaluate("shown.length") == 2)
        assert tab.evaluate("shown") == ["one", "two"]
