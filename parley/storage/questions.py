"""What many want to know at once, asked with one statement.

Thousands of clients that come back in the same second ask the same few things. A statement costs some hundred
microseconds on either side however little it answers, so what is asked while an answer is on its way is the next
statement, of many askers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from parley.errors import Unavailable
from parley.storage.database import Connection, Database

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

# So many askers share a statement at most: an answer must not hold the event loop up.
MOST = 64


class Questions(Generic[Asked, Answer]):
    """One kind of question. `ask_all` returns the answers in the order of what is asked.

    Each answer is of a statement that began after its question was asked.
    """

    def __init__(
        self,
        database: Database,
        ask_all: Callable[[Connection, Sequence[Asked]], Awaitable[Sequence[Answer]]],
        *,
        most: int = MOST,
    ) -> None:
        self._database = database
        self._ask_all = ask_all
        self._most = most
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, asked: Asked) -> Answer:
        """Return the answer. Raises Unavailable."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if self._task is None:
            # It ends by itself: when nobody waits any more, or when the database cannot be asked.
            self._task = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            # One turn of the loop lets everybody who is ready join.
            await asyncio.sleep(0)
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._answer([waiting for waiting in batch if not waiting[1].done()])
        finally:
            self._task = None

    async def _answer(self, batch: Sequence[tuple[Asked, "asyncio.Future[Answer]"]]) -> None:
        try:
            async with self._database.read() as conn:
                answers = await self._ask_all(conn, [asked for asked, _ in batch])
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
        except Unavailable as error:
            # Whoever waits behind these would only hear the same, one statement's patience later.
            refused, self._waiting = [*batch, *self._waiting], []
            for _, future in refused:
                if not future.done():
                    future.set_exception(Unavailable(error.message))
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
