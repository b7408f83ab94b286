"""The check of sockets' frames finds what is not as documented, and notes what it saw."""

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest

from generated.frames import CloseCode
from inside import ASYNCAPI, OPENAPI, Peer, User
from parley.contract.frames_seen import FramesRecorder
from parley.cursors import Cursor, decode
from parley.realtime.handshake import Handshake, Request
from parley.realtime.socket import Socket, SocketOptions
from websocket_wire import TEXT, masked

pytestmark = pytest.mark.anyio

GREETING = ASYNCAPI["components"]["messages"]["ReadyNotice"]["examples"][0]["payload"]
ID = "019d0a79-12f8-7029-86e7-ce6e717ab7c7"


class Deaf:
    """A listener that lets everything pass."""

    def opened(self, socket: Socket) -> None: ...

    def text(self, text: str) -> None: ...

    def pong(self, payload: bytes) -> None: ...

    def closed(self, code: int) -> None: ...


class Checked:
    """A socket under check, with what was noted of it."""

    def __init__(self, file: Path, **query: str) -> None:
        self._file = file
        self.peer = Peer(cast(User, None), None)
        recorder = FramesRecorder(OPENAPI, ASYNCAPI, file)
        handshake = Handshake(Request("/ws", query, {}, "127.0.0.1"), [], 0)
        self.socket = recorder.make(self.peer, handshake, Deaf(), SocketOptions(), set())
        self.peer.set_protocol(self.socket)

    def write(self, frame_type: str, data: Any, **more: Any) -> None:
        self.socket.write_text(json.dumps({"type": frame_type, "data": data, **more}).encode())

    def greet(self) -> None:
        """Write what the document shows as an example."""
        self.socket.write_text(json.dumps(GREETING).encode())

    def noted(self) -> list[tuple[str, Any, str | None]]:
        lines = map(json.loads, self._file.read_text().splitlines())
        return [(line["frame"], line["type"], line["violation"]) for line in lines]

    def violation(self) -> str:
        """Return the only violation."""
        (found,) = [violation for _, _, violation in self.noted() if violation is not None]
        return found


@pytest.fixture
async def checked(tmp_path: Path) -> Checked:
    return Checked(tmp_path / "seen.jsonl", token="some")


def deleted(position: int) -> dict[str, Any]:
    cursor = Cursor(b"here", position).encode()
    return {"frame_type": "group.deleted", "data": {"group_id": ID, "actor_id": ID}, "cursor": cursor}


async def test_what_is_right_is_noted_once(checked: Checked) -> None:
    checked.greet()
    checked.write(**deleted(1))
    checked.write(**deleted(2))
    checked.socket.close(CloseCode.GOING_AWAY)
    assert checked.noted() == [
        ("sent", "ready", None),
        ("sent", "group.deleted", None),
        ("close", 1001, None),
    ]


async def test_frames_that_are_not_declared(checked: Checked) -> None:
    checked.write("news", {})
    assert checked.violation().startswith("there is no frame 'news'")


async def test_frames_that_are_not_by_their_schema(checked: Checked) -> None:
    checked.write("pong", {"id": 7})
    assert "data.id" in checked.violation()


async def test_events_before_the_greeting(checked: Checked) -> None:
    checked.write(**deleted(1))
    assert checked.violation().startswith("it comes before ready")


async def test_events_twice(checked: Checked) -> None:
    checked.greet()
    checked.write(**deleted(2))
    checked.write(**deleted(2))
    assert checked.violation().startswith("2 comes after 2")


async def test_greetings_that_set_a_client_back(checked: Checked) -> None:
    """Where a renewal says that the client stands, it stands already, or further on."""
    checked.greet()
    checked.greet()
    position = decode(GREETING["data"]["cursor"]).position
    checked.write(**deleted(position + 1))
    checked.greet()
    assert checked.violation().startswith(f"it says {position}, and the client stands at {position + 1}")


async def test_frames_to_whom_nobody_knows_yet(tmp_path: Path) -> None:
    checked = Checked(tmp_path / "seen.jsonl")
    checked.write("pong", {"id": None})
    assert checked.violation().startswith("it is not sent while authenticating")


async def test_codes_that_are_not_declared(checked: Checked) -> None:
    checked.socket.close(4999)
    assert checked.violation() == "4999: there is no such code"


async def test_bad_frames_that_are_let_pass(checked: Checked) -> None:
    checked.peer.put(masked(TEXT, b'{"type":"pong"}'))
    await asyncio.sleep(0)
    assert checked.violation().startswith("it was not refused")


@pytest.mark.parametrize(
    ("frame", "code", "documented"),
    [
        ("ping", "not_found", False),
        ("typing", "not_found", True),
        (None, "not_found", False),
        (None, "validation_error", True),
    ],
)
async def test_refusals_that_are_not_declared(
    checked: Checked, frame: str | None, code: str, documented: bool
) -> None:
    """Also those that come later, when nobody looks at what they answer."""
    details = {"field": "x", "reason": "X", "errors": []} if code == "validation_error" else {}
    checked.write("error", {"code": code, "message": "No", "details": details, "frame": frame})
    violations = [violation for _, _, violation in checked.noted()]
    assert [violation is None for violation in violations] == [documented]


async def test_frames_of_nobody_that_are_let_pass(tmp_path: Path) -> None:
    checked = Checked(tmp_path / "seen.jsonl")
    checked.peer.put(masked(TEXT, b'{"type":"ping"}'))
    await asyncio.sleep(0)
    assert checked.violation().startswith("nobody has said who says it")
