"""Who of this process is interested in what, and how events reach them.

Invariants:

- the hub has handed on every event up to `position`, in order, and none after it;
- a connection is in `_members` of exactly the conversations that its user is in at `position`;
- nothing here awaits: what happens in one call happens between two turns of the loop.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from parley import logs
from parley.realtime.window import LiveEvent, Window

_log = logs.logger("realtime")


class Subscriber(Protocol):
    """A live connection, as the hub knows it."""

    user_id: UUID
    session_id: UUID
    streams: set[UUID]

    def deliver(self, framed: bytes, frames: int, position: int) -> None:
        """Write some frames at once; `position` is that of the last of them."""

    def log_was_reset(self) -> None:
        """Go and come back: the log is another one than it was."""

    def cut(self) -> None:
        """Go and come back: something was not written that should have been."""


class Hub:
    """Delivers events of the log to the connections of this process."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.moved = asyncio.Event()
        # How often the log was another one than before.
        self.resets = 0
        self._users: dict[UUID, set[Subscriber]] = {}
        self._members: dict[UUID, set[Subscriber]] = {}

    @property
    def position(self) -> int:
        """How far events were handed on."""
        return self.window.end

    def __len__(self) -> int:
        return sum(len(connections) for connections in self._users.values())

    def join(self, connection: Subscriber, streams: Collection[UUID]) -> None:
        """Let a connection hear what comes after `position`; `streams` are its conversations at that position."""
        self._users.setdefault(connection.user_id, set()).add(connection)
        connection.streams = set(streams)
        for stream_id in streams:
            self._members.setdefault(stream_id, set()).add(connection)

    def leave(self, connection: Subscriber) -> None:
        """Forget a connection."""
        _discard(self._users, connection.user_id, connection)
        for stream_id in connection.streams:
            _discard(self._members, stream_id, connection)
        connection.streams = set()

    def connections_of(self, user_id: UUID) -> Collection[Subscriber]:
        """Return the live connections of a user."""
        return self._users.get(user_id, ())

    def members_of(self, conversation_id: UUID) -> Collection[Subscriber]:
        """Return the live connections of a conversation's members."""
        return self._members.get(conversation_id, ())

    def everybody(self) -> list[Subscriber]:
        """Return all live connections."""
        return [connection for connections in self._users.values() for connection in connections]

    def publish(self, events: Sequence[LiveEvent]) -> None:
        """Hand on the events that follow `position`, each to whom it belongs at its own position.

        Runs of events for the same readers are joined, and each reader gets all that is theirs with one write.
        """
        self.window.append(events)
        self._wake()
        if not self._users:
            return
        waiting: dict[Subscriber, list[tuple[bytes, int, int]]] = defaultdict(list)
        for readers, run in self._runs(events):
            framed = run[0].frame if len(run) == 1 else b"".join([event.frame for event in run])
            part = (framed, len(run), run[-1].position)
            for reader in readers:
                waiting[reader].append(part)
        for reader, parts in waiting.items():
            try:
                if len(parts) == 1:
                    reader.deliver(*parts[0])
                else:
                    reader.deliver(
                        b"".join([part[0] for part in parts]), sum(part[1] for part in parts), parts[-1][2]
                    )
            except Exception:
                # What is not written to a reader now never will be: it has to come back, and the others go on.
                _log.exception("events could not be written")
                reader.cut()

    def restart(self, position: int) -> list[Subscriber]:
        """Go on at a position that does not follow, and return whoever was connected: they have to come back."""
        self.resets += 1
        self.window.restart(position)
        self._wake()
        return self.everybody()

    async def reached(self, position: int) -> None:
        """Return when events were handed on up to a position."""
        while self.position < position:
            await self.moved.wait()

    def _wake(self) -> None:
        moved, self.moved = self.moved, asyncio.Event()
        moved.set()

    def _runs(self, events: Sequence[LiveEvent]) -> Iterator[tuple[Collection[Subscriber], list[LiveEvent]]]:
        """Group events that follow each other in one conversation without a change of members, and apply changes."""
        run: list[LiveEvent] = []
        for event in events:
            plain = event.is_plain and not event.withheld
            if run and not (plain and event.stream_id == run[0].stream_id):
                yield self.members_of(run[0].stream_id), run
                run = []
            if plain:
                run.append(event)
            elif event.audience is not None:
                yield list(self._connections(event.audience)), [event]
            elif event.withheld:
                yield from self._apart(event)
            else:
                self._change(event.stream_id, event.joins, event.leaves)
                yield list(self.members_of(event.stream_id)), [event]
                if event.ends:
                    self._empty(event.stream_id)
        if run:
            yield self.members_of(run[0].stream_id), run

    def _apart(self, event: LiveEvent) -> Iterator[tuple[Collection[Subscriber], list[LiveEvent]]]:
        """Part those who are told all of an event from those who are not."""
        told: list[Subscriber] = []
        others: list[Subscriber] = []
        for connection in self.members_of(event.stream_id):
            (others if connection.user_id in event.withheld else told).append(connection)
        yield told, [event]
        yield others, [replace(event, frame=event.bare)]

    def _connections(self, user_ids: Iterable[UUID]) -> Iterator[Subscriber]:
        for user_id in user_ids:
            yield from self._users.get(user_id, ())

    def _change(self, stream_id: UUID, joins: Iterable[UUID], leaves: Iterable[UUID]) -> None:
        for connection in self._connections(joins):
            connection.streams.add(stream_id)
            self._members.setdefault(stream_id, set()).add(connection)
        for connection in self._connections(leaves):
            connection.streams.discard(stream_id)
            _discard(self._members, stream_id, connection)

    def _empty(self, stream_id: UUID) -> None:
        for connection in self._members.pop(stream_id, ()):
            connection.streams.discard(stream_id)


def _discard(groups: dict[UUID, set[Subscriber]], key: UUID, connection: Subscriber) -> None:
    connections = groups.get(key)
    if connections is not None:
        connections.discard(connection)
        if not connections:
            del groups[key]
