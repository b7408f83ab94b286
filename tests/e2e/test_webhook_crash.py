"""What was acknowledged arrives, whenever the server is killed, and a repeat has the id of the first."""

import asyncio
import json
import random
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from killing import RECOVERY, Cluster, Ledger, wait_for_more
from people import register
from receivers import Arrival, Receiver, Then, receiving
from servers import StartServer

pytest_plugins = ["servers"]

ROUNDS = 20
SENDERS = 3
ALLOWED = {"PARLEY_WEBHOOK_ALLOW_NETWORKS": "127.0.0.1"}


class Town(Cluster):
    """People in one group on a server that is killed again and again, and webhooks of the first of them."""

    def __init__(self, start: StartServer, data_dir: Path) -> None:
        super().__init__(start, data_dir, ALLOWED)
        with httpx.Client(base_url=self.server.url, timeout=60, trust_env=False) as http:
            people = [register(http, "sender") for _ in range(SENDERS)]
            self.group_id = people[0].found(*people[1:])["id"]
            self.headers = [person.headers for person in people]
            self.owner = people[0]

    def make_webhook(self, url: str, *, ordered: bool) -> str:
        """Let the first of them hear of messages."""
        body = {"url": url, "events": ["message.created"], "ordered": ordered}
        with httpx.Client(base_url=self.server.url, timeout=60, trust_env=False) as http:
            answer = http.post("/v1/webhooks", json=body, headers=self.owner.headers)
            return str(answer.raise_for_status().json()["id"])

    async def deliveries(self, webhook_id: str) -> list[dict[str, Any]]:
        """Return what the server says of all deliveries to a webhook."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            parameters: dict[str, str | int] = {"limit": 100} | ({"before": cursor} if cursor else {})
            answer = await self.client.get(
                f"{self.server.url}/v1/webhooks/{webhook_id}/deliveries",
                params=parameters,
                headers=self.owner.headers,
            )
            page = answer.raise_for_status().json()
            found += page["deliveries"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found


async def test_every_event_arrives(start_server: StartServer, tmp_path: Path, seed: int) -> None:
    """Twenty times the server is killed while it dispatches, claims, sends, waits for answers and notes results."""
    print(f"seed: {seed}")
    choice = random.Random(seed)
    delays = random.Random(seed)

    async def slowly(arrival: Arrival, writer: Any) -> Then:
        # So that the server is often killed between a request and its answer.
        await asyncio.sleep(delays.random() / 50)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        return Then.KEEP

    with receiving(slowly) as free, receiving(slowly) as in_order:
        town = Town(start_server, tmp_path / "data")
        hooks = {free: town.make_webhook(free.url, ordered=False)}
        hooks[in_order] = town.make_webhook(in_order.url, ordered=True)
        ledgers = [Ledger(f"sender{number}") for number in range(SENDERS)]
        stopping = asyncio.Event()

        def acknowledged() -> int:
            return sum(len(ledger.acknowledged) for ledger in ledgers)

        async with asyncio.TaskGroup() as senders:
            for ledger, headers in zip(ledgers, town.headers, strict=True):
                senders.create_task(town.send_on(ledger, headers, town.group_id, stopping))
            for _ in range(ROUNDS):
                # What was left may arrive before anybody could send: both have to be under way again.
                await wait_for_more(acknowledged, 1)
                await wait_for_more(lambda: len(free.arrivals), choice.randint(1, 30))
                await asyncio.sleep(choice.random() / 20)
                await town.kill_server()
            stopping.set()
        sent = {message_id for ledger in ledgers for message_id in ledger.acknowledged.values()}
        for receiver, webhook_id in hooks.items():
            await _all_of(receiver, sent)
            _check_ids(receiver, await town.deliveries(webhook_id))
        _check_order(in_order)
        await town.client.aclose()


async def _all_of(receiver: Receiver, message_ids: set[str]) -> None:
    """Wait until every message has arrived."""
    deadline = time.monotonic() + RECOVERY
    while missing := message_ids - {arrival.payload["data"]["id"] for arrival in receiver.arrivals}:
        assert time.monotonic() < deadline, f"{len(missing)} of {len(message_ids)} have not arrived"
        await asyncio.sleep(0.05)


def _check_ids(receiver: Receiver, deliveries: list[dict[str, Any]]) -> None:
    """Each message has one delivery with one id, whenever and however often it was sent; and the owner sees it."""
    ids: dict[str, set[str]] = defaultdict(set)
    for arrival in receiver.arrivals:
        ids[arrival.payload["data"]["id"]].add(arrival.id)
    assert all(len(found) == 1 for found in ids.values())
    known = [delivery["id"] for delivery in deliveries]
    assert len(known) == len(set(known))
    assert {delivery_id for found in ids.values() for delivery_id in found} == set(known)


def _check_order(receiver: Receiver) -> None:
    """What came for the first time came in the order of the conversation."""
    seqs = list(dict.fromkeys(json.loads(arrival.body)["data"]["seq"] for arrival in receiver.arrivals))
    assert seqs == list(range(1, len(seqs) + 1))


pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]
