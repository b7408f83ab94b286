"""Receipts of many people at once, as sockets bring them; `Conversations.mark` is the same for one."""

from collections import Counter, OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from parley.model import SMALL_CONVERSATION, Receipt
from parley.storage import receipts
from parley.storage.database import Database
from parley.storage.log import Log

# How many conversations one cursor that comes back moves forward at the most.
MAX_RECEIVED_AT_ONCE = 200
MAX_REMEMBERED_READERS = 100_000
# One commit moves at most so many watermarks, so that nobody waits long for the head.
MOVES_PER_COMMIT = 32


@dataclass(frozen=True, slots=True)
class Mark:
    """Somebody's word that they received, or also read, a conversation up to a message."""

    user_id: UUID
    conversation_id: UUID
    message_id: UUID
    read: bool


class Receipts:
    """Moves watermarks, never back."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database = database
        self._log = log
        # How far a user's cursor is known to have come back: the same one again costs nothing.
        self._came_back: OrderedDict[UUID, int] = OrderedDict()

    async def mark(self, marks: Sequence[Mark]) -> list[Mark]:
        """Note how far people have got, and return the marks that are refused: there is no such message in that
        conversation, or they are not in it. Raises Unavailable; then it is safe to do it again.
        """
        async with self._database.read() as conn:
            found = await receipts.locate(conn, [(m.user_id, m.conversation_id, m.message_id) for m in marks])
        refused: list[Mark] = []
        furthest: dict[tuple[UUID, UUID], Receipt] = {}
        for mark, place in zip(marks, found, strict=True):
            if place is None:
                refused.append(mark)
                continue
            seq, delivered_seq, read_seq = place
            if seq > (read_seq if mark.read else max(delivered_seq, read_seq)):
                wanted = Receipt(mark.conversation_id, mark.user_id, seq, seq if mark.read else 0)
                key = (mark.user_id, mark.conversation_id)
                furthest[key] = _further(wanted, furthest.get(key, wanted))
        # Whoever was removed since hears of that from the log.
        await self._move(list(furthest.values()))
        return refused

    async def received(self, positions: Mapping[UUID, int]) -> Collection[UUID]:
        """Note that users have received everything of theirs up to a position each. Raises Unavailable.

        Returns whose conversations were too many for once; do it again for them.
        """
        async with self._database.read() as conn:
            missing = await receipts.undelivered(conn, positions, MAX_RECEIVED_AT_ONCE)
        await self._move(missing)
        counted = Counter(receipt.user_id for receipt in missing)
        return {user_id for user_id, number in counted.items() if number >= MAX_RECEIVED_AT_ONCE}

    async def came_back(self, user_id: UUID, position: int) -> None:
        """Note that a client came back with a cursor: whatever lies before it was received. Raises Unavailable."""
        if position <= self._came_back.get(user_id, 0) or await self.received({user_id: position}):
            return
        self._came_back[user_id] = position
        if len(self._came_back) > MAX_REMEMBERED_READERS:
            self._came_back.popitem(last=False)

    async def _move(self, wanted: Sequence[Receipt]) -> None:
        for first in range(0, len(wanted), MOVES_PER_COMMIT):
            await self._commit(wanted[first : first + MOVES_PER_COMMIT])

    async def _commit(self, wanted: Sequence[Receipt]) -> None:
        await self._log.call(lambda conn, hint: receipts.move(conn, hint, wanted, SMALL_CONVERSATION))


def _further(one: Receipt, other: Receipt) -> Receipt:
    return replace(
        one,
        delivered_seq=max(one.delivered_seq, other.delivered_seq),
        read_seq=max(one.read_seq, other.read_seq),
    )
