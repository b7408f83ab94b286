"""Nothing that was acknowledged is lost, and nothing that was retried is there twice, whatever is killed when."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from servers import Server, StartServer

pytest_plugins = ["servers"]

ROUNDS = 20
SENDERS = 6
# Seconds within which a killed server or database has to be of use again.
RECOVERY = 60.0
PASSWORD = "secure_password"


@dataclass
class Ledger:
    """What one sender tried to send, and what the server said of it."""

    name: str
    tried: list[str] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)


class Cluster:
    """One data directory and whichever server process runs on it."""

    def __init__(self, start: StartServer, data_dir: Path) -> None:
        self._start = start
        self._data_dir = data_dir
        # One client for all: each would load the certificates of the world, which nothing here needs.
        self.client = httpx.AsyncClient(timeout=30, verify=False)
        self.server = self._started()

    def _started(self) -> Server:
        return self._start("--data-dir", str(self._data_dir), temporary=False)

    async def kill_server(self) -> None:
        """Kill the server and start another one; its database dies with it."""
        self.server.process.kill()
        self.server.process.wait()
        self.server = await asyncio.to_thread(self._started)

    def kill_database(self, choice: random.Random) -> None:
        """Kill the postmaster, or one of its backends, which makes it restart them all."""
        postmaster = int((self._data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        os.kill(choice.choice([postmaster, *map(int, children)]), signal.SIGKILL)


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
    async with asyncio.TaskGroup() as senders:
        for ledger, token in zip(ledgers, tokens, strict=True):
            senders.create_task(_send_on(cluster, ledger, token, conversation_id, stopping))
        for _ in range(ROUNDS):
            await _after(ledgers, choice.randint(1, 60))
            await asyncio.sleep(choice.random() / 50)
            if choice.random() < 0.5:
                await cluster.kill_server()
            else:
                cluster.kill_database(choice)
        await _after(ledgers, 10)
        stopping.set()
    await _check_history(cluster, tokens[0], conversation_id, ledgers)
    await _check_log(cluster, tokens[0], ledgers)
    await cluster.client.aclose()


async def _after(ledgers: list[Ledger], more: int) -> None:
    """Wait until so many more messages were acknowledged: the load is under way again."""
    goal = sum(len(ledger.acknowledged) for ledger in ledgers) + more
    async with asyncio.timeout(RECOVERY):
        while sum(len(ledger.acknowledged) for ledger in ledgers) < goal:
            await asyncio.sleep(0.005)


async def _send_on(
    cluster: Cluster, ledger: Ledger, token: str, conversation_id: str, stopping: asyncio.Event
) -> None:
    """Send one message after the other, repeating each with its key until it is acknowledged."""
    while not stopping.is_set():
        content = f"{ledger.name} {len(ledger.tried)}"
        ledger.tried.append(content)
        ledger.acknowledged[content] = await _send(cluster, token, conversation_id, content)


async def _send(cluster: Cluster, token: str, conversation_id: str, content: str) -> str:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": content.replace(" ", "-")}
    body = {"conversation_id": conversation_id, "content": content, "type": "text"}
    async with asyncio.timeout(RECOVERY):
        while True:
            try:
                answer = await cluster.client.post(
                    f"{cluster.server.url}/v1/messages", json=body, headers=headers
                )
            except httpx.TransportError:
                await asyncio.sleep(0.01)
                continue
            if answer.status_code == 201:
                return str(answer.json()["id"])
            # 409: the first request with this key still waits for the database. Anything else is a fault.
            assert answer.status_code in {503, 409}, answer.text
            await asyncio.sleep(0.05)


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


pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]
