"""Sends of one process, coalesced: what arrives while one batch is being committed is the next batch.

All commits of a log are serial, so a commit that carries many messages is what makes sending fast. Each message
gets its own verdict; one that is refused, or whose data PostgreSQL refuses, never fails its neighbours.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from parley import logs
from parley.errors import Unavailable
from parley.model import MessageType
from parley.storage.database import OUTAGES, Database, Row, fetch_one
from parley.storage.log import MAX_EVENTS_PER_COMMIT, Log

Verdict = Literal["sent", "found", "not_member", "replayed", "mismatch", "bad_reply", "bad_mention"]

# How long somebody waits at most while the database is away, and how long to wait between tries, in seconds.
SETTLE_FOR = 15.0
SETTLE_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)

# Errors of what was sent, not of the database: SQLSTATE classes 22 and 23, and what the driver cannot even write.
BAD_DATA = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.InterfaceError)

# SQLSTATE class 53, a full disk above all: to try again at once would only keep those waiting who come next.
REFUSALS = (asyncpg.InsufficientResourcesError,)

_log = logs.logger("storage")


# These two are not frozen, because one of each is made per message, and freezing triples what that costs.
@dataclass(slots=True)
class Draft:
    """A message to be sent. Its id is made before the first try and kept through all of them."""

    message_id: UUID
    conversation_id: UUID
    sender_id: UUID
    type: MessageType
    content: str
    metadata: str
    reply_to: UUID | None = None
    mentions: Sequence[UUID] = ()
    key: str | None = None
    request_hash: bytes | None = None
    # The group, or the other person; only whoever is told of the message needs it.
    receiver_id: UUID | None = None


@dataclass(slots=True)
class Sent:
    """What became of a draft. The numbers are there when it was sent, `replay_id` when it was replayed."""

    verdict: Verdict
    position: int = 0
    seq: int = 0
    created_at: datetime | None = None
    replay_id: UUID | None = None


Written = Sequence[tuple[Draft, Sent]]
# A draft, who waits for what becomes of it, and since when.
Waiting = tuple[Draft, "asyncio.Future[Sent]", float]


class SendQueue:
    """Collects drafts and appends them batch by batch. `start()` and `stop()` frame its life.

    It holds at most `size` drafts; one more is refused with Unavailable, so memory is bounded and a client
    knows at once. `observe` hears of each batch, how many and how many seconds it took; `publish`, where it is set,
    of what was written, one position after the other, before anybody is told that the head has moved.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        *,
        size: int,
        observe: Callable[[int, float], None] | None = None,
    ) -> None:
        self._database = database
        self._log = log
        self._size = size
        self._observe = observe
        self.publish: Callable[[Written], None] | None = None
        self._waiting: deque[Waiting] = deque()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def __len__(self) -> int:
        return len(self._waiting)

    async def start(self) -> None:
        """Begin to append."""
        self._task = asyncio.create_task(self._run(), name="send-queue")

    async def stop(self) -> None:
        """Take nothing more, append what is there, then end."""
        self._stopping = True
        self._arrived.set()
        if self._task is not None:
            await self._task

    async def send(self, draft: Draft) -> Sent:
        """Append `draft` and say what became of it, once that is durable.

        Raises Unavailable when the queue is full, when the database has no room, and when it stays away: then the
        message may or may not be there, and sending it again with its idempotency key tells. Whoever is cancelled
        before the batch begins has sent nothing.
        """
        if self._stopping or len(self._waiting) >= self._size:
            raise Unavailable("Too many messages are waiting to be sent")
        future: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        self._waiting.append((draft, future, time.monotonic()))
        self._arrived.set()
        return await future

    async def _run(self) -> None:
        while self._waiting or not self._stopping:
            await self._arrived.wait()
            # One turn of the loop lets every request that is ready join this batch.
            await asyncio.sleep(0)
            batch = self._next_batch()
            if not self._waiting and not self._stopping:
                self._arrived.clear()
            if batch:
                try:
                    await self._append(batch)
                except Exception as error:
                    # Nobody would send anything any more, were this task to end by it.
                    _log.exception("a batch of messages could not be answered", size=len(batch))
                    _fail(batch, error)

    def _next_batch(self) -> list[Waiting]:
        batch: list[Waiting] = []
        while self._waiting and len(batch) < MAX_EVENTS_PER_COMMIT:
            waiting = self._waiting.popleft()
            if not waiting[1].cancelled():
                batch.append(waiting)
        return batch

    async def _append(self, batch: Sequence[Waiting]) -> None:
        started = time.perf_counter()
        try:
            results = await self._settle([draft for draft, _, _ in batch], since=batch[0][2])
        except BAD_DATA as error:
            if len(batch) > 1:
                for waiting in batch:
                    await self._append([waiting])
            else:
                # Validation should have stopped it: a fault of ours, and this request's alone.
                _fail(batch, error)
        except Exception as error:
            if not isinstance(error, Unavailable):
                _log.exception("a batch of messages failed", size=len(batch))
            _fail(batch, error)
        else:
            for (_, future, _), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)
            if self._observe is not None:
                self._observe(len(batch), time.perf_counter() - started)

    async def _settle(self, drafts: Sequence[Draft], *, since: float) -> list[Sent]:
        """Append the drafts, trying again under the same ids while the outcome is unknown.

        What has waited behind others `since` long ago, is tried once: nobody waits for an outage twice.
        """
        deadline = since + SETTLE_FOR
        arguments = _arguments(drafts)
        attempt = 0
        while True:
            try:
                async with self._database.appending() as conn:
                    row = await fetch_one(conn, APPEND, self._log.head.position, attempt > 0, *arguments)
                results = _results(arguments[1], row)
                self._tell(drafts, results)
                self._log.head.advance(row["head"] + row["verdicts"].count("sent"))
                return results
            except REFUSALS as error:
                # The statement is rolled back, so this is no unknown outcome; nobody waits for room to be made.
                _log.warning("the database refuses a batch", size=len(drafts), reason=logs.reason_of(error))
                raise Unavailable("The database has no room at the moment") from error
            except OUTAGES as error:
                if time.monotonic() > deadline:
                    raise Unavailable("The database is not available at the moment") from error
                _log.warning(
                    "the outcome of a batch is unknown, it is tried again",
                    size=len(drafts),
                    reason=logs.reason_of(error),
                )
                await asyncio.sleep(SETTLE_PAUSES[min(attempt, len(SETTLE_PAUSES) - 1)])
                attempt += 1
            except asyncpg.CheckViolationError as error:
                # Perhaps no message is at fault, but the log has no partition: then nothing was written yet.
                await self._log.make_room(error)
                if time.monotonic() > deadline:
                    raise Unavailable("The log has no room at the moment") from error

    def _tell(self, drafts: Sequence[Draft], results: Sequence[Sent]) -> None:
        if self.publish is None:
            return
        written = [
            (draft, sent) for draft, sent in zip(drafts, results, strict=True) if sent.verdict == "sent"
        ]
        if written:
            try:
                self.publish(written)
            except Exception:
                # They are in the log, and whoever sent them must hear that; readers find them there.
                _log.exception("messages could not be told of", size=len(written))


APPEND = """
    SELECT verdicts, head, bases, created_at, replays, found_positions, found_seqs, found_times
    FROM append_messages($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""


def _arguments(drafts: Sequence[Draft]) -> tuple[Any, ...]:
    """Turn drafts into columns: first the distinct conversations, then for each draft the number of its own."""
    conversations: dict[UUID, int] = {}
    numbers = [conversations.setdefault(draft.conversation_id, len(conversations) + 1) for draft in drafts]
    keyed = any(draft.key is not None for draft in drafts)
    replies = [(item, draft.reply_to) for item, draft in enumerate(drafts, 1) if draft.reply_to is not None]
    mentions = [(item, user_id) for item, draft in enumerate(drafts, 1) for user_id in draft.mentions]
    return (
        list(conversations),
        numbers,
        [draft.message_id for draft in drafts],
        [draft.sender_id for draft in drafts],
        [draft.type for draft in drafts],
        [draft.content for draft in drafts],
        [draft.metadata for draft in drafts],
        [draft.key for draft in drafts] if keyed else [],
        [draft.request_hash for draft in drafts] if keyed else [],
        [item for item, _ in replies],
        [message_id for _, message_id in replies],
        [item for item, _ in mentions],
        [user_id for _, user_id in mentions],
    )


def _results(numbers: Sequence[int], row: Row) -> list[Sent]:
    """Count positions and seqs as the function did: the n-th sent draft is at head + n, likewise in each seq.

    `numbers` says of each draft to which of the conversations it belongs.
    """
    position, created_at = row["head"], row["created_at"]
    seqs = [0, *row["bases"]]
    results = []
    for index, (number, verdict) in enumerate(zip(numbers, row["verdicts"], strict=True)):
        match verdict:
            case "sent":
                position += 1
                seqs[number] += 1
                results.append(Sent("sent", position, seqs[number], created_at))
            case "found":
                results.append(
                    Sent(
                        "found",
                        row["found_positions"][index],
                        row["found_seqs"][index],
                        row["found_times"][index],
                    )
                )
            case "replayed":
                results.append(Sent("replayed", replay_id=row["replays"][index]))
            case _:
                results.append(Sent(verdict))
    return results


def _fail(batch: Sequence[Waiting], error: Exception) -> None:
    for _, future, _ in batch:
        if not future.done():
            future.set_exception(error)
