"""The log for a client that asks: the same events with the same cursors as on a socket."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never
from uuid import UUID

from parley import cursors
from parley.cursors import Cursor, ForgedCursor
from parley.errors import Gone, Invalid
from parley.events import EventKind, kind_of
from parley.model import Caller, Event, Receipt, User
from parley.services.receipts import Receipts
from parley.services.sessions import Sessions
from parley.services.users import Users
from parley.storage import events
from parley.storage.database import Database, Row
from parley.storage.events import Excerpt, LogState
from parley.storage.log import Log
from parley.storage.messages import message_of_row

# While a reader waits, another process may append: how often to look, and how long to let wake-ups gather.
LOOK_EVERY = 1.0
GATHER_FOR = 0.02


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in order, and the cursor to go on with."""

    events: Sequence[Event]
    next_cursor: str
    has_more: bool


@dataclass(frozen=True, slots=True)
class Missed:
    """Events in order, which are all up to the position `end`, and the state of the log when they were read."""

    events: Sequence[Event]
    state: LogState
    end: int


class Events:
    """Reads the log for one user."""

    def __init__(
        self, database: Database, log: Log, receipts: Receipts, users: Users, sessions: Sessions
    ) -> None:
        self._database = database
        self._log = log
        self._receipts = receipts
        self._users = users
        self._sessions = sessions
        self._ending = False

    def end_waiting(self) -> None:
        """Let nobody wait any more, because the process ends: who does gets an empty page now."""
        self._ending = True
        self._log.head.wake()

    async def read(self, caller: Caller, after: str | None, *, limit: int, wait: float = 0) -> EventPage:
        """Return events after a cursor, waiting up to `wait` seconds for one.

        Without a cursor it begins at the head; with `START` at what is kept. Raises Invalid for a forged cursor
        and Gone for one that this log can't continue: too old, of another epoch, or beyond its end.
        """
        cursor = _decoded(after)
        position = await self._position(cursor, after)
        if cursor is not None:
            await self._receipts.came_back(caller.user_id, position)
        deadline = asyncio.get_running_loop().time() + wait
        waited = False
        while True:
            moved = self._log.head.moved
            async with self._database.read() as conn:
                excerpt = await events.read(conn, caller.user_id, position, limit + 1)
            _check(excerpt.state, cursor)
            remaining = deadline - asyncio.get_running_loop().time()
            if excerpt.rows or remaining <= 0 or self._ending:
                if waited:
                    # Whoever was logged out meanwhile gets nothing any more.
                    await self._sessions.confirm(caller)
                return await self._page(excerpt, limit)
            waited = True
            position = excerpt.end
            if cursor is not None:
                cursor = replace(cursor, position=position)
            if position < excerpt.state.head:
                continue
            try:
                async with asyncio.timeout(min(remaining, LOOK_EVERY)):
                    await moved.wait()
                    await asyncio.sleep(GATHER_FOR)
            except TimeoutError:
                continue

    async def missed(self, user_id: UUID, position: int, limit: int) -> "Missed":
        """Return what a user missed after a position, for whoever checks the state of the log themselves."""
        async with self._database.read() as conn:
            excerpt = await events.read(conn, user_id, position, limit + 1)
        page = await self._page(excerpt, limit)
        return Missed(page.events, excerpt.state, cursors.decode(page.next_cursor).position)

    async def _position(self, cursor: Cursor | None, after: str | None) -> int:
        if after == cursors.START:
            return 0
        async with self._database.read() as conn:
            state = await events.read_state(conn)
        _check(state, cursor)
        return state.head if cursor is None else cursor.position

    async def _page(self, excerpt: Excerpt, limit: int) -> EventPage:
        epoch = cursors.epoch_of(excerpt.state.epoch)
        rows = excerpt.rows[:limit]
        cut_off = len(excerpt.rows) > limit
        known = [row for row in rows if kind_of(row["kind"]) is not None]
        people = await self._people(known)
        # Whoever has read everything goes on at the head, past the events of other people.
        end = rows[-1]["event_position"] if cut_off else excerpt.end
        return EventPage(
            [
                Event(
                    row["kind"],
                    data_of(row, people),
                    Cursor(epoch, row["event_position"]).encode(),
                    row["event_seq"],
                )
                for row in known
            ],
            Cursor(epoch, end).encode(),
            has_more=end < excerpt.state.head,
        )

    async def _people(self, rows: Sequence[Row]) -> Mapping[UUID, User]:
        changed = {row["subject_id"] for row in rows if row["kind"] == EventKind.USER_UPDATED}
        return await self._users.by_ids(list(changed)) if changed else {}


def data_of(row: Row, people: Mapping[UUID, User]) -> Any:
    """Return the `data` of an event from a row of `storage.events.read`."""
    kind = EventKind(row["kind"])
    match kind:
        case EventKind.MESSAGE | EventKind.MESSAGE_UPDATED | EventKind.MESSAGE_DELETED:
            return message_of_row(row)
        case EventKind.RECEIPT:
            return Receipt(
                row["stream_id"], row["subject_id"], row["facts"]["delivered_seq"], row["facts"]["read_seq"]
            )
        case EventKind.CONVERSATION_CREATED:
            return {
                "conversation_id": row["stream_id"],
                "kind": row["conversation_kind"],
                "name": row["facts"]["name"] if row["facts"] else None,
                "created_by": row["actor_id"],
                "user_ids": row["user_ids"],
            }
        case EventKind.MEMBER_ADDED | EventKind.MEMBER_REMOVED | EventKind.MEMBER_UPDATED:
            return {
                "conversation_id": row["facts"].get("conversation_id", row["stream_id"]),
                "user_id": row["subject_id"],
                "role": row["facts"]["role"],
                "actor_id": row["actor_id"],
            }
        case EventKind.GROUP_UPDATED:
            return {
                "group_id": row["stream_id"],
                # As it was then: whoever was removed since does not learn what it became.
                **row["facts"],
            }
        case EventKind.GROUP_DELETED:
            return {"group_id": row["stream_id"], "actor_id": row["actor_id"]}
        case EventKind.USER_UPDATED:
            return people[row["subject_id"]]
        case EventKind.WEBHOOK_DISABLED:
            return {"webhook_id": row["subject_id"], "reason": row["facts"]["reason"]}
        case _:
            assert_never(kind)


def _decoded(after: str | None) -> Cursor | None:
    if after is None or after == cursors.START:
        return None
    try:
        return cursors.decode(after)
    except ForgedCursor:
        raise Invalid("after", "This is not a cursor of the log") from None


def _check(state: LogState, cursor: Cursor | None) -> None:
    """Raise Gone where the log can't continue after a cursor without a hole."""
    if cursor is None:
        return
    if cursor.epoch != cursors.epoch_of(state.epoch) or cursor.position > state.head:
        raise Gone("The log was set back since this cursor", {"reason": "log_reset"})
    if cursor.position < state.trimmed_to:
        raise Gone("Events after this cursor are no longer kept", {"reason": "cursor_too_old"})
