"""Connections that are cut in the middle of an append: nothing is lost, and nothing is there twice."""

import asyncio
import itertools
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from cutting import Fate, Network, broken_network
from parley.errors import Unavailable
from parley.ids import uuid7
from parley.model import Caller, GroupSettings
from parley.services.groups import Groups
from parley.services.idempotency import Idempotency
from parley.storage import send_queue
from parley.storage.send_queue import Draft, Sent
from writers import (
    Writer,
    check_log,
    draft,
    make_group,
    observer,
    wait_until_blocked,
    wait_until_gone,
    writer,
)

pytestmark = pytest.mark.anyio

CUTS = [fate for fate in Fate if fate not in (Fate.PASSES, Fate.REQUEST_LATE, Fate.UNFINISHED)]
SETTINGS = GroupSettings(is_private=False, allow_invites=True, message_retention_days=None)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_queue, "SETTLE_PAUSES", (0.0,))


@pytest.fixture
def directory() -> Iterator[Path]:
    """A place for a socket, whose path may not be long."""
    with tempfile.TemporaryDirectory(prefix="parley-cut-") as path:
        yield Path(path)


def once(statement: str, fate: Fate) -> Callable[[str], Fate]:
    """Let the first call of a statement have this fate, and everything else pass."""
    left = [fate]
    return lambda text: left.pop() if statement in text and left else Fate.PASSES


async def send_one(alone: Writer, one: Draft) -> Sent:
    [sent] = await alone.send([one])
    assert isinstance(sent, Sent), repr(sent)
    return sent


@pytest.mark.parametrize("fate", CUTS)
async def test_cut_batch_is_settled(database_dsn: str, directory: Path, fate: Fate) -> None:
    """Wherever the connection is cut, each message of the batch is acknowledged and is there once."""
    network = Network(once("append_messages", fate))
    async with observer(database_dsn) as conn, broken_network(database_dsn, network, directory) as dsn:
        async with writer(dsn) as alone:
            owner = uuid7()
            group_id = await make_group(alone.log, owner)
            outcome = await alone.send([draft(group_id, owner, key=f"k{n}") for n in range(5)])
            assert network.fates == [fate]
            assert [sent.verdict for sent in outcome if isinstance(sent, Sent)] == [
                "found" if fate in (Fate.ANSWER_LOST, Fate.ANSWER_TORN) else "sent"
            ] * 5
            assert [(s.position, s.seq) for s in outcome if isinstance(s, Sent)] == [
                (n + 1, n) for n in range(1, 6)
            ]
        assert len(await check_log(conn)) == 6


async def test_late_call_writes_nothing(database_dsn: str, directory: Path) -> None:
    """A call that reaches the server after its batch was settled, when nobody reckons with it, changes nothing."""
    network = Network(once("append_messages", Fate.REQUEST_LATE))
    async with observer(database_dsn) as conn, broken_network(database_dsn, network, directory) as dsn:
        async with writer(dsn) as alone:
            owner = uuid7()
            group_id = await make_group(alone.log, owner)
            one = draft(group_id, owner)
            assert (await send_one(alone, one)).verdict == "sent"
            async with alone.log.append():
                # It has arrived when it waits for the head.
                network.released.set()
                [late] = await wait_until_blocked(conn)
            await wait_until_gone(conn, late)
        assert len(await check_log(conn)) == 2


async def test_unfinished_call_holds_nobody_up(database_dsn: str, directory: Path) -> None:
    """A call whose end does not come holds the head; the server takes it back, and nothing of it stays."""
    network = Network(once("append_messages", Fate.UNFINISHED))
    async with observer(database_dsn) as conn, broken_network(database_dsn, network, directory) as dsn:
        async with writer(dsn) as broken, writer(database_dsn) as other:
            owner = uuid7()
            group_id = await make_group(other.log, owner)
            sending = asyncio.create_task(send_one(broken, draft(group_id, owner, "late")))
            await network.held.wait()
            first = await send_one(other, draft(group_id, owner, "meanwhile"))
            network.released.set()
            assert (first.seq, (await sending).seq) == (1, 2)
        await check_log(conn)


@pytest.mark.parametrize("keys", [False, True], ids=["plain", "keys"])
async def test_random_cuts(database_dsn: str, directory: Path, seed: int, keys: bool) -> None:
    """Two processes whose connections break at any moment acknowledge what is there, once and in its place."""
    chance = random.Random(f"{seed} {keys}")
    calls = itertools.count()

    def decide(statement: str) -> Fate:
        strikes = "append_messages" in statement and next(calls) % 3 < 2
        return chance.choice(CUTS) if strikes else Fate.PASSES

    network = Network(decide, chance.random)
    drafts: list[Draft] = []
    outcomes: list[Sent] = []
    async with observer(database_dsn) as conn, broken_network(database_dsn, network, directory) as dsn:
        async with writer(dsn) as one, writer(dsn) as other:
            owner = uuid7()
            groups = [await make_group(one.log, owner) for _ in range(3)]

            async def client(alone: Writer, name: str) -> None:
                for n in range(12):
                    key = f"{name} {n}" if keys else None
                    own = draft(chance.choice(groups), owner, f"{name} {n}", key=key)
                    sent = await send_one(alone, own)
                    drafts.append(own)
                    outcomes.append(sent)

            await asyncio.gather(
                *(client(alone, f"{i} {alone is one}") for i in range(4) for alone in (one, other))
            )
        assert set(network.fates) == set(CUTS)
        await check_log(conn)
        stored = {row["message_id"]: row for row in await conn.fetch("SELECT * FROM messages")}
        assert stored.keys() == {own.message_id for own in drafts}
        for own, sent in zip(drafts, outcomes, strict=True):
            assert (sent.position, sent.seq) == (
                stored[own.message_id]["position"],
                stored[own.message_id]["seq"],
            )
            assert sent.created_at == stored[own.message_id]["created_at"]
        if keys:
            await check_replays(database_dsn, drafts)


async def check_replays(dsn: str, drafts: list[Draft]) -> None:
    """Send all of it again under the same keys, as clients do that were told nothing."""
    async with writer(dsn) as alone:
        again = [
            draft(own.conversation_id, own.sender_id, own.content, key=own.key, request_hash=own.request_hash)
            for own in drafts
        ]
        replayed = await alone.send(again)
    assert [sent.replay_id for sent in replayed if isinstance(sent, Sent)] == [
        own.message_id for own in drafts
    ]


async def test_commit_without_an_answer(database_dsn: str, directory: Path) -> None:
    """A group whose making nobody confirmed is found by its key, and made once."""
    network = Network(once("COMMIT", Fate.ANSWER_LOST))
    async with observer(database_dsn) as conn, broken_network(database_dsn, network, directory) as dsn:
        async with writer(dsn) as alone:
            groups = Groups(alone.database, alone.log, Idempotency(), max_members=10)
            caller = Caller(uuid7(), uuid7())

            async def create() -> tuple[UUID, bool]:
                group, replayed = await groups.create(caller, "Group", None, [], SETTINGS, key="once")
                return group.id, replayed

            with pytest.raises(Unavailable):
                await create()
            group_id, replayed = await create()
            assert replayed
        assert [event["stream_id"] for event in await check_log(conn)] == [group_id]


@pytest.mark.parametrize("fate", [Fate.REQUEST_LOST, Fate.REQUEST_TORN])
@pytest.mark.parametrize(
    "statement", ["BEGIN", "read_head", "INSERT INTO conversations", "INSERT INTO events", "COMMIT"]
)
async def test_append_is_cut(database_dsn: str, directory: Path, statement: str, fate: Fate) -> None:
    """An append that is cut before its commit is not there, and the next one goes on where it began."""
    network = Network(once(statement, fate))
    async with observer(database_dsn) as conn, broken_network(database_dsn, network, directory) as dsn:
        async with writer(dsn) as alone:
            with pytest.raises(Unavailable):
                await make_group(alone.log, uuid7())
            assert network.fates == [fate]
            assert await conn.fetchval("SELECT count(*) FROM conversations") == 0
            await make_group(alone.log, uuid7())
        assert [event["position"] for event in await check_log(conn)] == [1]
