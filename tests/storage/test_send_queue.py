"""The send queue: each draft gets its own answer, in order, and the queue neither grows nor forgets."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from structlog.testing import capture_logs

from cutting import Fate, Network, broken_network
from parley.errors import Unavailable
from parley.ids import uuid7
from parley.storage import schema, send_queue
from parley.storage.embedded import EmbeddedPostgres
from parley.storage.log import MAX_EVENTS_PER_COMMIT
from parley.storage.send_queue import Draft, Sent
from writers import Postgres, Writer, check_log, draft, make_group, observer, wait_until_blocked, writer

pytestmark = pytest.mark.anyio

OWNER = UUID(int=1)


@asynccontextmanager
async def busy(alone: Writer, conn: Postgres, group_id: UUID) -> AsyncIterator["asyncio.Task[Sent]"]:
    """Keep the queue at work on one message, by holding the head, while the block runs."""
    async with writer(alone.database._dsn) as other, other.log.append():
        first = asyncio.create_task(alone.queue.send(draft(group_id, OWNER, "first")))
        await wait_until_blocked(conn)
        yield first


def hand_in(alone: Writer, drafts: Sequence[Draft]) -> list["asyncio.Task[Sent]"]:
    return [asyncio.create_task(alone.queue.send(one)) for one in drafts]


async def ends(tasks: Sequence["asyncio.Task[Sent]"]) -> list[str]:
    """Return the verdicts, or the names of the errors."""
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    return [one.verdict if isinstance(one, Sent) else type(one).__name__ for one in outcomes]


async def test_full_queue_refuses_at_once(database_dsn: str) -> None:
    """One more than fits is refused without waiting, and whatever was taken is sent."""
    async with writer(database_dsn, queue_size=3) as alone, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, OWNER)
        async with busy(alone, conn, group_id) as first:
            taken = hand_in(alone, [draft(group_id, OWNER) for _ in range(3)])
            await asyncio.sleep(0)  # lets each of them get in line
            for _ in range(5):
                # It is refused in the same turn of the loop: a coroutine that waited would not end here.
                with pytest.raises(Unavailable) as refused:
                    alone.queue.send(draft(group_id, OWNER)).send(None)
                assert refused.value.details["retry_after"] == 1
                assert len(alone.queue) == 3
        assert await ends([first, *taken]) == ["sent"] * 4
        assert len(await check_log(conn)) == 5


async def test_what_waits_is_one_batch(database_dsn: str) -> None:
    """What arrives while a batch is being appended is the next batch, of a bounded size, in order of arrival."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, OWNER)
        async with busy(alone, conn, group_id) as first:
            others = hand_in(
                alone, [draft(group_id, OWNER, str(n)) for n in range(2 * MAX_EVENTS_PER_COMMIT + 7)]
            )
        sent = [await task for task in [first, *others]]
        assert alone.batches == [1, MAX_EVENTS_PER_COMMIT, MAX_EVENTS_PER_COMMIT, 7]
        assert [one.seq for one in sent] == list(range(1, len(sent) + 1))
        contents = await conn.fetch("SELECT content FROM messages ORDER BY position OFFSET 1")
        assert [row["content"] for row in contents] == [str(n) for n in range(len(others))]
        await check_log(conn)


async def test_refusals_are_each_draft_own(database_dsn: str) -> None:
    """In one batch some are sent, some are refused for different reasons, and some were sent before."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        group_id, other_id = await make_group(alone.log, OWNER), await make_group(alone.log, OWNER)
        before = draft(group_id, OWNER, "before", key="k")
        await alone.send([before])
        there = await alone.queue.send(elsewhere := draft(other_id, OWNER))
        drafts = [
            draft(group_id, OWNER),
            draft(group_id, uuid7()),
            draft(group_id, OWNER, reply_to=before.message_id),
            draft(group_id, OWNER, reply_to=elsewhere.message_id),
            draft(group_id, OWNER, reply_to=uuid7()),
            draft(group_id, OWNER, mentions=[OWNER]),
            draft(group_id, OWNER, mentions=[OWNER, uuid7()]),
            draft(group_id, OWNER, "before", key="k"),
            draft(group_id, OWNER, "another", key="k"),
            draft(uuid7(), OWNER, "before", key="k"),
            draft(uuid7(), OWNER),
            draft(other_id, OWNER, key="new"),
        ]
        outcome = [one for one in await alone.send(drafts) if isinstance(one, Sent)]
        assert [one.verdict for one in outcome] == [
            "sent",
            "not_member",
            "sent",
            "bad_reply",
            "bad_reply",
            "sent",
            "bad_mention",
            "replayed",
            "mismatch",
            "replayed",
            "not_member",
            "sent",
        ]
        assert [one.seq for one in outcome if one.verdict == "sent"] == [2, 3, 4, there.seq + 1]
        assert {one.replay_id for one in outcome if one.verdict == "replayed"} == {before.message_id}
        await check_log(conn)


BAD = [{"content": "\0"}, {"content": "\ud800"}, {"metadata": "{"}]


@pytest.mark.parametrize("bad", BAD, ids=["nul", "surrogate", "not-json"])
async def test_bad_data_fails_alone(database_dsn: str, bad: dict[str, str]) -> None:
    """A draft that PostgreSQL, or the driver, can't take fails; its neighbours are sent in order, and it is not."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, OWNER)
        drafts = [draft(group_id, OWNER, str(n), key=f"k{n}") for n in range(5)]
        drafts[2] = replace(drafts[2], **bad)  # type: ignore[arg-type]  # a chosen field
        assert await ends(hand_in(alone, drafts)) == ["sent", "sent", drafts_error(bad), "sent", "sent"]
        assert [e["seq"] for e in (await check_log(conn))[1:]] == [1, 2, 3, 4]
        assert await ends(hand_in(alone, [draft(group_id, OWNER, "mended", key="k2")])) == ["sent"]


def drafts_error(bad: dict[str, str]) -> str:
    if "metadata" in bad:
        return "InvalidTextRepresentationError"
    return "CharacterNotInRepertoireError" if bad["content"] == "\0" else "DataError"


async def test_same_key_twice_in_a_batch(database_dsn: str) -> None:
    """Where a key comes twice at the same time, one is sent and the other is its replay."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, OWNER)
        drafts = [
            draft(group_id, OWNER, text, key=key)
            for text, key in [("a", "k"), ("b", None), ("a", "k"), ("c", "k")]
        ]
        assert await ends(hand_in(alone, drafts)) == ["sent", "sent", "replayed", "mismatch"]
        assert len(await check_log(conn)) == 3


async def test_old_key_is_free_again(database_dsn: str) -> None:
    """A key is remembered for a day, and then is as good as new."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, OWNER)
        await alone.send([draft(group_id, OWNER, "a", key="k"), draft(group_id, OWNER, "b", key="l")])
        await conn.execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = 'k'"
        )
        again = [draft(group_id, OWNER, "c", key="k"), draft(group_id, OWNER, "b", key="l")]
        assert await ends(hand_in(alone, again)) == ["sent", "replayed"]
        assert await ends(hand_in(alone, [draft(group_id, OWNER, "c", key="k")])) == ["replayed"]


async def test_stop_finishes_what_waits(database_dsn: str) -> None:
    """A queue that is stopped sends what it has taken, refuses everything new, and ends."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, OWNER)
        async with busy(alone, conn, group_id) as first:
            taken = hand_in(alone, [draft(group_id, OWNER) for _ in range(300)])
            await asyncio.sleep(0)  # lets each of them get in line
            stopping = asyncio.create_task(alone.queue.stop())
            await asyncio.sleep(0)  # lets the stop begin
            with pytest.raises(Unavailable):
                await alone.queue.send(draft(group_id, OWNER))
            assert not stopping.done()
        await stopping
        assert all(task.done() for task in [first, *taken])
        assert await ends([first, *taken]) == ["sent"] * 301
        assert len(await check_log(conn)) == 302


async def test_cancelled_before_its_batch_is_not_sent(database_dsn: str) -> None:
    """Whoever goes away while waiting has sent nothing, and nobody else notices."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, OWNER)
        async with busy(alone, conn, group_id) as first:
            taken = hand_in(alone, [draft(group_id, OWNER, str(n)) for n in range(3)])
            await asyncio.sleep(0)  # lets each of them get in line
            taken[1].cancel()
        assert await ends([first, *taken]) == ["sent", "sent", "CancelledError", "sent"]
        stored = await conn.fetch("SELECT content FROM messages ORDER BY position")
        assert [row["content"] for row in stored] == ["first", "0", "2"]


async def test_cancelled_in_its_batch_is_sent(database_dsn: str) -> None:
    """Whoever goes away when the batch is under way has sent the message, and the key tells."""
    async with writer(database_dsn) as alone, writer(database_dsn) as other, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, OWNER)
        async with other.log.append():
            taken = hand_in(alone, [draft(group_id, OWNER, "a", key="k"), draft(group_id, OWNER, "b")])
            await wait_until_blocked(conn)
            taken[0].cancel()
        assert await ends(taken) == ["CancelledError", "sent"]
        assert await ends(hand_in(alone, [draft(group_id, OWNER, "a", key="k")])) == ["replayed"]
        assert len(await check_log(conn)) == 3


async def test_database_that_stays_away(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the outcome can't be learned in time the batch fails; the queue goes on with the next."""
    monkeypatch.setattr(send_queue, "SETTLE_FOR", 0.2)
    network = Network(lambda statement: Fate.REQUEST_LOST if "append_messages" in statement else Fate.PASSES)
    with tempfile.TemporaryDirectory() as directory:
        async with (
            broken_network(database_dsn, network, Path(directory)) as dsn,
            writer(dsn) as alone,
            observer(database_dsn) as conn,
        ):
            group_id = await make_group(alone.log, OWNER)
            drafts = [draft(group_id, OWNER, str(n), key=str(n)) for n in range(2)]
            assert await ends(hand_in(alone, drafts)) == ["Unavailable"] * 2
            assert len(network.fates) > 1, "it is tried again"
            network.decide = lambda _: Fate.PASSES
            assert await ends(hand_in(alone, drafts)) == ["sent"] * 2
            assert len(await check_log(conn)) == 3


async def test_nobody_waits_for_an_outage_twice(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came while others were being tried again is refused when they are, after a try of its own."""
    monkeypatch.setattr(send_queue, "SETTLE_FOR", 1.0)
    network = Network(lambda statement: Fate.REQUEST_LOST if "append_messages" in statement else Fate.PASSES)
    with tempfile.TemporaryDirectory() as directory:
        async with broken_network(database_dsn, network, Path(directory)) as dsn, writer(dsn) as alone:
            group_id = await make_group(alone.log, OWNER)
            first = hand_in(alone, [draft(group_id, OWNER)])
            while not network.fates:
                await asyncio.sleep(0)
            second = hand_in(alone, [draft(group_id, OWNER)])
            assert await ends(first) == ["Unavailable"]
            tried = len(network.fates)
            assert await ends(second) == ["Unavailable"]
            assert len(network.fates) == tried + 1


@pytest.mark.parametrize("state", ["53100", "53200"], ids=["disk-full", "out-of-memory"])
async def test_database_without_room_is_asked_once(database_dsn: str, state: str) -> None:
    """Want of room is a refusal and no unknown outcome: the batch fails at once, and nobody queues behind it."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, OWNER)
        await conn.execute(
            f"""
            CREATE SEQUENCE refusals;
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM nextval('refusals');
                RAISE EXCEPTION 'there is no room' USING ERRCODE = '{state}';
            END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH STATEMENT EXECUTE FUNCTION refuse();
            """
        )
        drafts = [draft(group_id, OWNER, str(n), key=str(n)) for n in range(2)]
        assert await ends(hand_in(alone, drafts)) == ["Unavailable"] * 2
        assert await conn.fetchval("SELECT last_value FROM refusals") == 1
        await conn.execute("DROP TRIGGER refuse ON messages")
        assert await ends(hand_in(alone, drafts)) == ["sent"] * 2
        assert len(await check_log(conn)) == 3


async def test_fault_of_ours_fails_one_batch(database_dsn: str) -> None:
    """An error that nobody reckoned with reaches those who sent, and the queue lives on."""
    async with writer(database_dsn) as alone, observer(database_dsn) as conn:
        group_id = await make_group(alone.log, OWNER)
        await conn.execute("ALTER FUNCTION append_messages RENAME TO elsewhere")
        assert await ends(hand_in(alone, [draft(group_id, OWNER)])) == ["UndefinedFunctionError"]
        await conn.execute("ALTER FUNCTION elsewhere RENAME TO append_messages")
        assert await ends(hand_in(alone, [draft(group_id, OWNER)])) == ["sent"]
        await check_log(conn)


async def test_whoever_observes_ends_nothing(database_dsn: str) -> None:
    """What goes wrong beside the sending is no fault of whoever sends, now or next."""
    async with writer(database_dsn) as alone:
        group_id = await make_group(alone.log, OWNER)

        def observe(_size: int, _seconds: float) -> None:
            raise RuntimeError("planted")

        alone.queue._observe = observe
        with capture_logs() as lines:
            for _ in range(2):
                assert await ends(hand_in(alone, [draft(group_id, OWNER)])) == ["sent"]
            await alone.queue.stop()
    assert [line["event"] for line in lines] == ["a batch of messages could not be answered"] * 2


@pytest.mark.parametrize("victim", ["postmaster", "backend"])
async def test_killed_postgres(victim: str) -> None:
    """While postgres is killed and comes back everybody waits a moment; nothing is lost, and nothing doubled."""
    embedded = EmbeddedPostgres.temporary()
    dsn = await embedded.start()
    try:
        await schema.apply(dsn)
        await send_through_a_crash(embedded, dsn, victim)
    finally:
        await embedded.stop()


async def send_through_a_crash(embedded: EmbeddedPostgres, dsn: str, victim: str) -> None:
    sent: list[UUID] = []
    async with writer(dsn) as alone:
        group_id = await make_group(alone.log, OWNER)

        async def client() -> None:
            for _ in range(25):
                one = draft(group_id, OWNER)
                assert (await alone.queue.send(one)).verdict in ("sent", "found")
                sent.append(one.message_id)
                if len(sent) == 40:
                    await kill(embedded, dsn, victim)

        await asyncio.gather(*(client() for _ in range(4)))
    async with observer(dsn) as conn:
        assert len(await check_log(conn)) == 101
        stored = await conn.fetch("SELECT message_id FROM messages")
        assert {row["message_id"] for row in stored} == set(sent)


async def kill(embedded: EmbeddedPostgres, dsn: str, victim: str) -> None:
    if victim == "postmaster":
        pid = int((embedded.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        return
    conn = await asyncpg.connect(dsn)
    try:
        os.kill(conn.get_server_pid(), signal.SIGKILL)
    finally:
        conn.terminate()
