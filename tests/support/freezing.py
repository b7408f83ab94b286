"""A process that writes into the log and freezes itself (SIGSTOP) at a given point, as a suspended machine would.

Usage: python freezing.py DSN POINT GROUP_ID SENDER_ID

POINT is the beginning of a statement before which it freezes, "request" (in the middle of sending a large batch),
"statement" (the same, under the head) or "waiting" (with five appends that wait for the head). When it is woken it
prints what became of its work: a line for each, `done` or the name of the error.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from parley.events import EventKind
from parley.storage import conversations
from parley.storage.database import Connection
from parley.storage.log import MAX_EVENTS_PER_COMMIT, Log
from parley.storage.send_queue import SendQueue, Sent
from stepped import GatedDatabase
from writers import draft

# More than any socket's buffers hold.
LARGE = 16 << 20


def freeze() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def freeze_when_torn(conn: Connection) -> None:
    """Freeze as soon as a part of the request is on its way, and the rest waits for the server to read that."""
    if conn._transport.get_write_buffer_size():  # type: ignore[attr-defined]  # not public
        freeze()
    else:
        asyncio.get_running_loop().call_soon(freeze_when_torn, conn)


class Freezer:
    """Freezes the process at one statement, the first time that it comes."""

    def __init__(self, point: str) -> None:
        self._point = point

    @asynccontextmanager
    async def gate(self, conn: Connection, statement: str) -> AsyncIterator[None]:
        point, text = self._point, statement.strip()
        if point in ("request", "statement") and text.startswith(("SELECT verdicts", "SELECT length")):
            freeze_when_torn(conn)
        elif text.startswith(point):
            self._point = "over"
            freeze()
        yield


async def append(log: Log, group_id: UUID, user_id: UUID, *, slowly: bool = False) -> str:
    """Remove somebody, in as many statements as that takes, and say what became of it."""
    async with log.append() as entry:
        position = entry.add(
            EventKind.MEMBER_REMOVED, stream_id=group_id, subject_id=user_id, facts={"role": "member"}
        )
        await conversations.remove_member(entry.conn, group_id, user_id, position)
        if slowly:
            await entry.conn.fetchval("SELECT length($1::text)", "x" * LARGE)
    return "done"


async def send(database: GatedDatabase, log: Log, group_id: UUID, user_id: UUID) -> str:
    queue = SendQueue(database, log, size=1000)
    await queue.start()
    size = LARGE // MAX_EVENTS_PER_COMMIT
    drafts = [draft(group_id, user_id, "x" * size, key=f"frozen {n}") for n in range(MAX_EVENTS_PER_COMMIT)]
    sent: list[Sent] = await asyncio.gather(*(queue.send(one) for one in drafts))
    await queue.stop()
    assert {one.verdict for one in sent} == {"sent"}
    return "done"


async def wait_in_line(log: Log, group_id: UUID, user_id: UUID) -> str:
    """Freeze when all ask for the head that can; the test holds it."""
    tasks = [asyncio.create_task(append(log, group_id, user_id)) for _ in range(5)]
    await asyncio.to_thread(sys.stdin.readline)
    freeze()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    return " ".join(sorted(one if isinstance(one, str) else type(one).__name__ for one in outcomes))


async def main(dsn: str, point: str, group_id: UUID, user_id: UUID) -> None:
    database = await GatedDatabase.open(dsn, pool_size=30)
    database.gate = Freezer(point).gate
    log = Log(database)
    try:
        if point == "request":
            print(await send(database, log, group_id, user_id))
        elif point == "waiting":
            print(await wait_in_line(log, group_id, user_id))
        else:
            print(await append(log, group_id, user_id, slowly=point == "statement"))
    except Exception as error:
        print(type(error).__name__)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], UUID(sys.argv[3]), UUID(sys.argv[4])))
