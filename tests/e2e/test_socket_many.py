"""Everybody comes back at once: a server starts again, and all of its clients return with their cursors."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

import people
from generated.frames import LIMITS, CloseCode
from people import Person
from servers import StartServer

MISSED = 20
AFTERWARDS = 5


@dataclass
class Device:
    """One client: what it heard over all of its sockets."""

    person: Person
    cursor: str = ""
    seqs: list[int] = field(default_factory=list)
    positions: list[str] = field(default_factory=list)

    async def connect(self, url: str) -> ClientConnection:
        resuming = f"&cursor={self.cursor}" if self.cursor else ""
        token = self.person.tokens["access_token"]
        socket = await connect(f"{url}/ws?token={token}{resuming}", proxy=None, open_timeout=120)
        self.take(await socket.recv())
        return socket

    async def hear(self, url: str, number: int) -> None:
        """Come back, listen until there are so many messages, and go."""
        socket = await self.connect(url)
        while len(self.seqs) < number:
            self.take(await socket.recv())
        await socket.close()

    async def end(self, socket: ClientConnection) -> int | None:
        """Listen until the server closes, and return its code."""
        try:
            while True:
                self.take(await socket.recv())
        except ConnectionClosed as closed:
            return None if closed.rcvd is None else closed.rcvd.code

    def take(self, text: Any) -> None:
        frame = json.loads(text)
        self.cursor = frame.get("cursor") or frame["data"].get("cursor") or self.cursor
        if "cursor" in frame:
            self.positions.append(frame["cursor"])
        if frame["type"] == "message":
            self.seqs.append(frame["seq"])


@pytest.mark.parametrize(
    ("users", "each"),
    [
        pytest.param(100, LIMITS.sockets_per_user, id="2000"),
        # Not more from one address in a minute.
        pytest.param(145, LIMITS.sockets_per_user, id="2900", marks=pytest.mark.soak),
    ],
)
def test_all_resume_at_once(start_server: StartServer, tmp_path: Path, users: int, each: int) -> None:
    """Each hears every message that was sent meanwhile, and while they all came back, once and in order."""
    env = {"PARLEY_DATA_DIR": str(tmp_path / "data"), **people.KEYS}
    server = start_server(env=env, temporary=False)
    with people.client(server.url) as http:
        everybody = [people.register(http, "person") for _ in range(users)]
        group = everybody[0].found(*everybody[1:])["id"]
        devices = [Device(person) for person in everybody for _ in range(each)]
        url = server.url.replace("http", "ws", 1)

        async def stay_until_the_end() -> list[int | None]:
            sockets = await in_waves(devices, url)
            stopping = asyncio.to_thread(server.stop)
            codes = asyncio.gather(*map(Device.end, devices, sockets))
            return (await asyncio.gather(stopping, codes))[1]

        async def come_back() -> None:
            total = MISSED + AFTERWARDS
            async with asyncio.TaskGroup() as all_at_once:
                for device in devices:
                    all_at_once.create_task(device.hear(url, total))
                for number in range(AFTERWARDS):
                    await asyncio.to_thread(everybody[0].say, group, f"while you come back {number}")

        codes = asyncio.run(stay_until_the_end())
        assert set(codes) == {CloseCode.GOING_AWAY}
        start_server("--port", str(server.port), env=env, temporary=False)
        for number in range(MISSED):
            everybody[0].say(group, f"while you were away {number}")
        asyncio.run(asyncio.wait_for(come_back(), 200))
    for device in devices:
        assert device.seqs == list(range(1, MISSED + AFTERWARDS + 1))
        assert len(set(device.positions)) == len(device.positions)


async def in_waves(devices: list[Device], url: str, size: int = 100) -> list[ClientConnection]:
    """Connect all, a hundred at a time."""
    sockets: list[ClientConnection] = []
    for start in range(0, len(devices), size):
        wave = devices[start : start + size]
        sockets += await asyncio.gather(*(device.connect(url) for device in wave))
    return sockets
