"""Who has sockets at the other processes that serve the same database, so that people are online everywhere or nowhere.

Each process writes down whom it shows and hides, once it has seen that others are there, and reads once a second what
they wrote. One that is gone without a word is believed for some seconds; then its places count no more.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from uuid import UUID

from parley.ids import uuid7
from parley.storage import places
from parley.storage.database import Connection, Database
from parley.storage.places import State

# Whoever has not looked for so many seconds may have missed that somebody went, and reads everything again.
FORGET_AFTER = 30.0
ROWS_AT_ONCE = 500


class Places:
    """One process among others. `here` says whom it shows and hides."""

    def __init__(
        self,
        database: Database,
        here: Callable[[], Mapping[UUID, State]],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.node_id = uuid7()
        self._database = database
        self._here = here
        self._now = now
        # By process: how far its changes were read, and what it says of whom.
        self._read_to: dict[UUID, int] = {}
        self._said: dict[UUID, dict[UUID, State]] = {}
        # At how many other processes somebody is shown, or hidden.
        self._shown: dict[UUID, int] = {}
        self._hidden: dict[UUID, int] = {}
        self._unwritten: dict[UUID, State] = {}
        self._looked_at = now()

    @property
    def are_shared(self) -> bool:
        """Whether another process is there."""
        return bool(self._said)

    @property
    def shown(self) -> Collection[UUID]:
        """Whom other processes show."""
        return self._shown.keys()

    def hides(self, user_id: UUID) -> bool:
        """Tell whether somebody has sockets elsewhere, none of which shows them."""
        return user_id in self._hidden and user_id not in self._shown

    def changed(self, user_id: UUID, state: State) -> None:
        """Note that somebody came, hid or went here."""
        if self.are_shared:
            self._unwritten[user_id] = state

    async def write(self) -> None:
        """Let others know what has changed here. Raises Unavailable, and does it the next time."""
        unwritten, self._unwritten = self._unwritten, {}
        people = list(unwritten)
        try:
            for first in range(0, len(people), ROWS_AT_ONCE):
                some = {user_id: unwritten[user_id] for user_id in people[first : first + ROWS_AT_ONCE]}
                async with self._database.read() as conn:
                    await places.write(conn, self.node_id, some)
        except BaseException:
            self._unwritten = unwritten | self._unwritten
            raise

    async def look(self) -> set[UUID]:
        """Say that this process is there, read what the others say, and return of whom it is something else."""
        was_alone = not self.are_shared
        if self._now() - self._looked_at > FORGET_AFTER:
            self._read_to.clear()
        async with self._database.read() as conn:
            is_new = await places.be_seen(conn, self.node_id)
            others = await places.read_others(conn, self.node_id)
            changed = self._drop(self._said.keys() - others.keys())
            for node_id, revision in others.items():
                if revision > self._read_to.get(node_id, -1):
                    changed |= await self._read(conn, node_id)
        self._looked_at = self._now()
        if self.are_shared and (was_alone or is_new):
            self._unwritten = dict(self._here()) | self._unwritten
        return changed

    async def tidy(self) -> None:
        """Forget what nobody needs to know any more."""
        async with self._database.read() as conn:
            await places.tidy(conn, self.node_id)

    async def leave(self) -> None:
        """Be there no more."""
        async with self._database.read() as conn:
            await places.leave(conn, self.node_id)

    async def _read(self, conn: Connection, node_id: UUID) -> set[UUID]:
        """Read what a process changed since the last time, or all that it says."""
        known = self._read_to.get(node_id)
        found = await places.read(conn, node_id, -1 if known is None else known)
        changed = self._drop([node_id]) if known is None else set()
        said = self._said.setdefault(node_id, {})
        for place in found:
            changed.add(place.user_id)
            self._count(said.pop(place.user_id, "gone"), place.user_id, -1)
            if place.state != "gone":
                said[place.user_id] = place.state
                self._count(place.state, place.user_id, 1)
        self._read_to[node_id] = max([known or 0, *(place.revision for place in found)])
        return changed

    def _drop(self, node_ids: Iterable[UUID]) -> set[UUID]:
        """Believe nothing any more of what some processes said; return of whom they spoke."""
        spoken_of = set[UUID]()
        for node_id in node_ids:
            said = self._said.pop(node_id, {})
            self._read_to.pop(node_id, None)
            for user_id, state in said.items():
                self._count(state, user_id, -1)
            spoken_of |= said.keys()
        return spoken_of

    def _count(self, state: State, user_id: UUID, by: int) -> None:
        if state == "gone":
            return
        counts = self._shown if state == "shown" else self._hidden
        counts[user_id] = counts.get(user_id, 0) + by
        if not counts[user_id]:
            del counts[user_id]
