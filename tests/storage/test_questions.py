"""Questions that many ask at the same time: who shares a statement, and who hears what went wrong with it."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from chat import Chat, running
from parley.errors import Unavailable
from parley.storage.database import Connection
from parley.storage.questions import Questions

pytestmark = pytest.mark.anyio

MOST = 10


class Oracle:
    """Knows the square of everything, when it is let; notes what it was asked together."""

    def __init__(self, chat: Chat) -> None:
        self.asked: list[list[int]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.error: Exception | None = None
        self.questions: Questions[int, int] = Questions(chat.database, self.answer, most=MOST)

    async def answer(self, conn: Connection, numbers: Sequence[int]) -> Sequence[int]:
        self.asked.append(list(numbers))
        await self.may_answer.wait()
        error, self.error = self.error, None
        if error is not None:
            raise error
        rows = await conn.fetch(
            "SELECT n * n AS square FROM unnest($1::int[]) WITH ORDINALITY AS a (n, o) ORDER BY o", numbers
        )
        return [row["square"] for row in rows]

    def ask(self, *numbers: int) -> list["asyncio.Task[int]"]:
        return [asyncio.create_task(self.questions.ask(number)) for number in numbers]

    async def until_asked(self, times: int) -> None:
        async with asyncio.timeout(10):
            while len(self.asked) < times:
                await asyncio.sleep(0.001)


@pytest.fixture
async def oracle(database_dsn: str) -> AsyncIterator[Oracle]:
    async with running(database_dsn) as chat:
        yield Oracle(chat)


async def test_many_share_a_statement(oracle: Oracle) -> None:
    """What is asked in one turn of the loop is asked together, up to a number, and each gets their own answer."""
    answers = await asyncio.gather(*oracle.ask(*range(25)))
    assert answers == [number * number for number in range(25)]
    assert oracle.asked == [[*range(10)], [*range(10, 20)], [*range(20, 25)]]


async def test_answers_are_never_older_than_questions(oracle: Oracle) -> None:
    """Whoever asks the same while an answer is on its way waits for the next one."""
    oracle.may_answer.clear()
    first = oracle.ask(3)
    await oracle.until_asked(1)
    second = oracle.ask(3, 4)
    await asyncio.sleep(0)
    oracle.may_answer.set()
    assert await asyncio.gather(*first, *second) == [9, 9, 16]
    assert oracle.asked == [[3], [3, 4]]


async def test_who_has_gone_is_not_asked_for(oracle: Oracle) -> None:
    """One that no longer waits takes nothing from the others."""
    oracle.may_answer.clear()
    running = oracle.ask(1)
    await oracle.until_asked(1)
    gone, waits = oracle.ask(2, 3)
    await asyncio.sleep(0)
    gone.cancel()
    running[0].cancel()
    await asyncio.wait([gone, *running])
    oracle.may_answer.set()
    assert await waits == 9
    assert oracle.asked == [[1], [3]]


async def test_an_outage_is_everybodys(oracle: Oracle) -> None:
    """Where the database is away, nobody waits for their turn to hear it; afterwards all is well again."""
    oracle.error = Unavailable("The database is not available at the moment")
    answers = await asyncio.gather(*oracle.ask(*range(25)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unavailable}
    assert len(oracle.asked) == 1
    assert await oracle.questions.ask(5) == 25


async def test_a_mistake_is_that_statements(oracle: Oracle) -> None:
    """Another error is told to those who shared the statement, and to nobody else."""
    oracle.may_answer.clear()
    oracle.error = ValueError("no")
    first = oracle.ask(1, 2)
    await oracle.until_asked(1)
    second = oracle.ask(3)
    await asyncio.sleep(0)
    oracle.may_answer.set()
    with pytest.raises(ValueError, match="no"):
        await first[0]
    assert await second[0] == 9
    assert isinstance(first[1].exception(), ValueError)


async def test_missing_answers_are_a_mistake(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gets no answer hears of it instead of waiting for ever."""

    async def none(_conn: Connection, _numbers: Sequence[int]) -> Sequence[int]:
        return []

    with monkeypatch.context() as patched:
        patched.setattr(oracle.questions, "_ask_all", none)
        async with asyncio.timeout(10):
            answers = await asyncio.gather(*oracle.ask(1, 2), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ValueError] * 2
    assert await oracle.questions.ask(5) == 25
