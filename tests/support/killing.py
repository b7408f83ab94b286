"""A server that is killed while people send: each repeats a message with its key until it is acknowledged."""

import asyncio
import os
import random
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from servers import Server, StartServer

# Seconds within which a killed server or database has to be of use again.
RECOVERY = 60.0


@dataclass
class Ledger:
    """What one sender tried to send, and the ids of what was acknowledged."""

    name: str
    tried: list[str] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)


class Cluster:
    """One data directory and whichever server process runs on it."""

    def __init__(self, start: StartServer, data_dir: Path, env: Mapping[str, str] | None = None) -> None:
        self._start = start
        self._data_dir = data_dir
        self._env = env
        # One client for all: each would load the certificates of the world, which nothing here needs.
        self.client = httpx.AsyncClient(timeout=30, verify=False, trust_env=False)
        self.server = self._started()

    def _started(self) -> Server:
        return self._start("--data-dir", str(self._data_dir), temporary=False, env=self._env)

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

    async def send_on(
        self, ledger: Ledger, headers: Mapping[str, str], conversation_id: str, stopping: asyncio.Event
    ) -> None:
        """Send one message after the other as whoever these headers belong to."""
        while not stopping.is_set():
            content = f"{ledger.name} {len(ledger.tried)}"
            ledger.tried.append(content)
            ledger.acknowledged[content] = await self._send(headers, conversation_id, content)

    async def _send(self, headers: Mapping[str, str], conversation_id: str, content: str) -> str:
        keyed = {**headers, "Idempotency-Key": content.replace(" ", "-")}
        body = {"conversation_id": conversation_id, "content": content, "type": "text"}
        async with asyncio.timeout(RECOVERY):
            while True:
                try:
                    answer = await self.client.post(
                        f"{self.server.url}/v1/messages", json=body, headers=keyed
                    )
                except httpx.TransportError:
                    await asyncio.sleep(0.01)
                    continue
                if answer.status_code == 201:
                    return str(answer.json()["id"])
                # 409: the first request with this key still waits for the database. Anything else is a fault.
                assert answer.status_code in {503, 409}, answer.text
                await asyncio.sleep(0.05)


async def wait_for_more(count: Callable[[], int], more: int) -> None:
    """Wait until something has grown by so much: the load is under way again."""
    goal = count() + more
    async with asyncio.timeout(RECOVERY):
        while count() < goal:
            await asyncio.sleep(0.005)
