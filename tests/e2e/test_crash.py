"""Nothing that was acknowledged is lost, and nothing that was retried is there twice, whatever is killed when.

Nor on sockets: whoever listens through all of it, and comes back with the cursor each time, hears every message once
and in order.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from generated.frames import CloseCode
from killing import RECOVERY, Cluster, Ledger, wait_for_more
from parley import cursors
from servers import StartServer

pytest_plugins = ["servers"]

ROUNDS = 20
SENDERS = 6
PASSWORD = "secure_password"


@dataclass
class Ear:
    """A client that listens: what it heard over all of its sockets."""

    token: str
    cursor: str = "0"
    position: int = 0
    seqs: list[int] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    sockets: int = 0
    codes: set[int] = field(default_factory=set)

    async def listen(self, cluster: "Cluster") -> None:
        """Come back with the cursor, whatever happens, until it is cancelled."""
        while True:
            address = cluster.server.url.replace("http", "ws", 1)
            try:
                async with connect(
                    f"{address}/ws?token={self.token}&cursor={self.cursor}",
                    proxy=None,
                    open_timeout=RECOVERY,
                    max_size=None,
                ) as socket:
                    self.sockets += 1
                    while True:
                        self.take(json.loads(await socket.recv()))
            except ConnectionClosed as closed:
                if closed.rcvd is not None:
                    self.codes.add(closed.rcvd.code)
            except (OSError, InvalidHandshake):
                # The server is not there, or vanished in the middle of the handshake.
                pass
            await asyncio.sleep(0.02)

    def take(self, frame: dict[str, Any]) -> None:
        assert frame["type"] != "resync", "the log is the same as before"
        if frame["type"] == "ready" and self.cursor != "0":
            assert frame["data"]["cursor"] == self.cursor
        cursor = frame.get("cursor")
        if cursor is None:
            return
        position = cursors.decode(cursor).position
        assert position > self.position, "it is told again"
        self.cursor, self.position = cursor, position
        if frame["type"] == "message":
            self.seqs.append(frame["seq"])
            self.contents.append(frame["data"]["content"])

    async def heard(self, contents: set[str]) -> None:
        """Return when all of these have come."""
        async with asyncio.timeout(RECOVERY):
            while not contents <= set(self.contents):
                await asyncio.sleep(0.02)


async def test_acknowledged_messages_survive_kills(
    start_server: StartServer, tmp_path: Path, seed: int
) -> None:
    """Twenty times, under load from six senders, something is killed at a random moment."""
    print(f"seed: {seed}")
    choice = random.Random(seed)
    cluster = Cluster(start_server, tmp_path / "data")
    tokens, conversation_id = await _group(cluster)
    ledgers = [Ledger(f"sender{number}") for number in range(SENDERS)]
    stopping = asyncio.Event()

    def acknowledged() -> int:
        return sum(len(ledger.acknowledged) for ledger in ledgers)

    ears = [Ear(token) for token in tokens]
    listening = [asyncio.create_task(ear.listen(cluster)) for ear in ears]
    async with asyncio.TaskGroup() as senders:
        for ledger, token in zip(ledgers, tokens, strict=True):
            headers = {"Authorization": f"Bearer {token}"}
            senders.create_task(cluster.send_on(ledger, headers, conversation_id, stopping))
        for _ in range(ROUNDS):
            await wait_for_more(acknowledged, choice.randint(1, 60))
            await asyncio.sleep(choice.random() / 50)
            if choice.random() < 0.5:
                await cluster.kill_server()
            else:
                cluster.kill_database(choice)
        await wait_for_more(acknowledged, 10)
        stopping.set()
    await _check_ears(ears, listening, ledgers)
    await _check_history(cluster, tokens[0], conversation_id, ledgers)
    await _check_log(cluster, tokens[0], ledgers)
    await cluster.client.aclose()


async def _check_ears(
    ears: Sequence[Ear], listening: Sequence[asyncio.Task[None]], ledgers: Sequence[Ledger]
) -> None:
    """Each heard everything once, in one order, over all of its sockets."""
    acknowledged = {content for ledger in ledgers for content in ledger.acknowledged}
    # What broke an ear while it listened is told here.
    heard = asyncio.gather(*(ear.heard(acknowledged) for ear in ears))
    either: list[asyncio.Future[Any]] = [heard, *listening]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    for task in listening:
        if task.done():
            task.result()
        task.cancel()
    await heard
    for ear in ears:
        assert ear.seqs == list(range(1, len(ear.seqs) + 1))
        assert ear.contents == ears[0].contents
        assert ear.sockets > ROUNDS // 4
        assert ear.codes <= {CloseCode.GOING_AWAY, CloseCode.UNAVAILABLE}


async def _check_history(cluster: Cluster, token: str, conversation_id: str, ledgers: list[Ledger]) -> None:
    found: dict[str, str] = {}
    seqs: list[int] = []
    cursor: str | None = None
    async with _client(cluster, token) as client:
        while True:
            parameters: dict[str, str | int] = {"conversation_id": conversation_id, "limit": 100}
            if cursor is not None:
                parameters["before"] = cursor
            page = (await client.get("/v1/messages", params=parameters)).raise_for_status().json()
            for message in page["messages"]:
                assert message["content"] not in found, "a message is there twice"
                found[message["content"]] = message["id"]
                seqs.append(message["seq"])
            cursor = page["next_cursor"]
            if cursor is None:
                break
    assert seqs == list(range(len(seqs), 0, -1))
    for ledger in ledgers:
        assert {content: found[content] for content in ledger.acknowledged} == ledger.acknowledged


async def _check_log(cluster: Cluster, token: str, ledgers: list[Ledger]) -> None:
    """The log tells every acknowledged message once, in the order of its seq."""
    contents: list[str] = []
    cursor, more = "0", True
    async with _client(cluster, token) as client:
        while more:
            answer = await client.get("/v1/events", params={"after": cursor, "limit": 100})
            page = answer.raise_for_status().json()
            contents += [event["data"]["content"] for event in page["events"] if event["type"] == "message"]
            cursor, more = page["next_cursor"], page["has_more"]
    assert len(contents) == len(set(contents))
    for ledger in ledgers:
        assert [content for content in contents if content.split()[0] == ledger.name] == ledger.tried


async def _group(cluster: Cluster) -> tuple[list[str], str]:
    """Register the senders, log them in, and put them into one group."""
    ids, tokens = [], []
    async with _client(cluster) as client:
        for number in range(SENDERS):
            account = {"email": f"s{number}@example.com", "username": f"sender{number}", "password": PASSWORD}
            ids.append((await client.post("/v1/users", json=account)).raise_for_status().json()["id"])
            credentials = {"email": account["email"], "password": PASSWORD}
            answer = await client.post("/v1/auth/login", json=credentials)
            tokens.append(answer.raise_for_status().json()["access_token"])
    async with _client(cluster, tokens[0]) as client:
        answer = await client.post("/v1/groups", json={"name": "Crash", "members": ids[1:]})
        return tokens, answer.raise_for_status().json()["id"]


@asynccontextmanager
async def _client(cluster: Cluster, token: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(
        base_url=cluster.server.url, headers=headers, timeout=30, verify=False
    ) as client:
        yield client


pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]
