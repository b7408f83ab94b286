"""Pages of whole conversations: what is asked for most, and therefore many at a time.

To ask PostgreSQL anything costs more than to read a page, so whoever asks in the same turn of the loop, or while
everything is busy, is answered by one statement. Nobody waits for a clock, and each page is read when it is asked for.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from parley.errors import Unavailable
from parley.storage.database import Connection, Database, Row, direction
from parley.storage.messages import MESSAGE_JSON, PAST_THE_END, PERHAPS_PURGED, MessageJson

# How many statements run at a time, and how many pages one of them reads at most.
LANES = 4
MAX_PAGES = 16


@dataclass(slots=True)
class Wanted:
    """Up to `limit` messages of a conversation of the user's: the last before a message, the next after one, or
    the newest. Only one of `before` and `after` can be given.
    """

    user_id: UUID
    conversation_id: UUID
    limit: int
    before: UUID | None = None
    after: UUID | None = None


@dataclass(slots=True)
class Stretch:
    """Messages that follow each other, newest first, and how many there are on both sides of them and in all.

    Where it is empty the ids are None, and so is what is on its sides. `is_known` is False where the message that
    it was to begin at is none of the conversation's.
    """

    messages: Sequence[MessageJson]
    newest_id: UUID | None
    oldest_id: UUID | None
    newer: int | None
    older: int | None
    total: int
    is_known: bool


def _statement(after: bool | None) -> str:
    """Return the query for pages in one direction. Seqs have no holes, so they tell what is beyond a page."""
    return f"""
        WITH wanted AS MATERIALIZED (
            SELECT w.*, CASE WHEN w.cursor_id IS NULL THEN {PAST_THE_END} ELSE coalesce((
                SELECT position FROM messages
                WHERE message_id = w.cursor_id AND conversation_id = w.conversation_id
                UNION ALL
                SELECT position FROM purged_messages
                WHERE message_id = w.cursor_id AND conversation_id = w.conversation_id
                LIMIT 1
            ), (
                -- It is forgotten where it stood, but that was before whatever is left.
                SELECT c.purged_position FROM conversations c
                WHERE c.conversation_id = w.conversation_id AND {PERHAPS_PURGED.format("w.cursor_id")}
            )) END AS place
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[])
                WITH ORDINALITY AS w (user_id, conversation_id, cursor_id, size, number)
            WHERE (SELECT true FROM members WHERE conversation_id = w.conversation_id AND user_id = w.user_id)
        ), c AS MATERIALIZED (
            -- Many may want the same conversation; its marks are looked up once.
            SELECT v.*, low_watermarks(d.conversation_id) AS low, last_seq(d.conversation_id) AS last_seq
            FROM (SELECT DISTINCT conversation_id FROM wanted) d
            CROSS JOIN LATERAL (
                SELECT conversation_id, kind, low_user_id, high_user_id, purged_seq
                FROM conversations
                WHERE conversation_id = d.conversation_id
                OFFSET 0
            ) v
        )
        SELECT w.number, page.messages, page.newest_id, page.oldest_id,
               c.last_seq - page.newest_seq AS newer, page.oldest_seq - c.purged_seq - 1 AS older,
               c.last_seq - c.purged_seq AS total, w.place IS NOT NULL AS is_known
        FROM wanted w
        JOIN c USING (conversation_id)
        CROSS JOIN LATERAL (
            SELECT array_agg({MESSAGE_JSON}) AS messages,
                   (array_agg(m.message_id))[1] AS newest_id, max(m.seq) AS newest_seq,
                   (array_agg(m.message_id))[count(*)] AS oldest_id, min(m.seq) AS oldest_seq
            FROM (
                SELECT * FROM (
                    SELECT * FROM messages
                    WHERE conversation_id = w.conversation_id AND position {">" if after else "<"} w.place
                    ORDER BY position {direction(after)} LIMIT w.size
                ) chosen
                ORDER BY position DESC
            ) m
        ) page
    """


_OLDER = _statement(None)
_NEWER = _statement(True)


async def pages(conn: Connection, wanted: Sequence[Wanted]) -> list[Stretch | None]:
    """Read all these pages; None is the answer to whoever is no member of the conversation."""
    found: list[Stretch | None] = [None] * len(wanted)
    older = [number for number, page in enumerate(wanted) if page.after is None]
    newer = [number for number, page in enumerate(wanted) if page.after is not None]
    for query, numbers in ((_OLDER, older), (_NEWER, newer)):
        if numbers:
            chosen = [wanted[number] for number in numbers]
            rows = await conn.fetch(
                query,
                [page.user_id for page in chosen],
                [page.conversation_id for page in chosen],
                [page.after or page.before for page in chosen],
                [page.limit for page in chosen],
            )
            for row in rows:
                found[numbers[row["number"] - 1]] = _stretch_of(row)
    return found


def _stretch_of(row: Row) -> Stretch:
    _, messages, *others = row
    return Stretch([MessageJson(text) for text in messages or ()], *others)


Waiting = tuple[Wanted, "asyncio.Future[Stretch | None]"]


class HistoryReader:
    """Collects what is wanted and reads it batch by batch. `start()` and `stop()` frame its life.

    At most `size` pages wait; one more is refused with Unavailable.
    """

    def __init__(self, database: Database, *, size: int = 1000) -> None:
        self._database = database
        self._size = size
        self._waiting: deque[Waiting] = deque()
        self._arrived = asyncio.Event()
        self._collecting = asyncio.Lock()
        self._lanes: list[asyncio.Task[None]] = []
        self._stopping = False

    def __len__(self) -> int:
        return len(self._waiting)

    async def start(self) -> None:
        """Begin to read."""
        self._lanes = [asyncio.create_task(self._run(), name=f"history-{n}") for n in range(LANES)]

    async def stop(self) -> None:
        """Take nothing more, read what is wanted already, then end."""
        self._stopping = True
        self._arrived.set()
        await asyncio.gather(*self._lanes)

    async def read(self, wanted: Wanted) -> Stretch | None:
        """Read a page; None where the user is no member. Raises Unavailable, also when too many wait."""
        if self._stopping or len(self._waiting) >= self._size:
            raise Unavailable("Too many pages are waiting to be read")
        future: asyncio.Future[Stretch | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, future))
        self._arrived.set()
        return await future

    async def _run(self) -> None:
        while self._waiting or not self._stopping:
            # One lane collects while the others read, or else each idle one would take a single page.
            async with self._collecting:
                await self._arrived.wait()
                # One turn of the loop lets every request that is ready join this batch.
                await asyncio.sleep(0)
                batch = self._next_batch()
            if batch:
                await self._read(batch)

    def _next_batch(self) -> list[Waiting]:
        batch: list[Waiting] = []
        while self._waiting and len(batch) < MAX_PAGES:
            waiting = self._waiting.popleft()
            if not waiting[1].cancelled():
                batch.append(waiting)
        if not self._waiting and not self._stopping:
            self._arrived.clear()
        return batch

    async def _read(self, batch: Sequence[Waiting]) -> None:
        try:
            async with self._database.read() as conn:
                found = await pages(conn, [wanted for wanted, _ in batch])
            for (_, future), stretch in zip(batch, found, strict=True):
                if not future.done():
                    future.set_result(stretch)
        except Unavailable as error:
            # Whoever waits behind them would hear the same, only later.
            _fail([*batch, *self._waiting], error)
            self._waiting.clear()
        except Exception as error:
            # Also where pages are missing: a lane that ended would leave whoever asks next without an answer.
            _fail(batch, error)


def _fail(batch: Sequence[Waiting], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
