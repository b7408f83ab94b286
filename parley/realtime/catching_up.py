"""How a client comes from where it stands to the present, without a gap or an overlap.

1. One statement reads the state of the log and the user's memberships; then the client is greeted.
2. When the hub has handed on all of that log, and what was purged from it is not in memory either, what the window
   holds is written; what the window does not reach back to is read from the log, page by page, and memberships
   afresh, until the window does.
3. Where nothing is left, the connection joins the hub in the same turn of the loop, without an await.

Whoever says a position to the client says it of the log that was read at first: positions of another one, which
may have come meanwhile, mean other events.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from generated.frames import CloseCode
from parley import cursors, metrics
from parley.cursors import Cursor, ForgedCursor
from parley.errors import Invalid, Unavailable
from parley.realtime.frames import encode
from parley.realtime.memberships import Memberships
from parley.realtime.notices import Reader
from parley.realtime.shared import Refused, Shared
from parley.realtime.socket import Socket
from parley.realtime.window import LiveEvent
from parley.realtime.wire import frame_text
from parley.storage.events import LogState
from parley.storage.feed import Period

# How many missed events are read and written at once, how many of the window are looked at, how many bytes written.
PAGE = 200
WINDOW_SPAN = 20_000
CHUNK = 256 * 1024
# Seconds that the hub may lag behind the log.
REACH_WITHIN = 10.0


class Latecomer(Reader, Protocol):
    """A connection, as far as it catches up. `stands_at` says up to where all that is its client's was written."""

    stands_at: int

    @property
    def socket(self) -> Socket:
        """Where the client reads."""

    @property
    def is_catching_up(self) -> bool:
        """Whether it was greeted, and is neither live nor closed yet."""

    async def greet(self, start: Cursor, said: Cursor) -> None:
        """Say `ready`: the client stands at `start`, and is told `said`. Raises Unavailable."""

    def resync(self, reason: str, cursor: Cursor) -> None:
        """Say that there is a hole before a cursor, from which it goes on."""

    def join(self, streams: Collection[UUID]) -> None:
        """Be live, in these conversations."""


class CatchingUp:
    """One client's way to the present. `text` is the cursor it gave, if any."""

    def __init__(self, shared: Shared, client: Latecomer, text: str | None) -> None:
        self._shared = shared
        self._client = client
        self._text = text
        self._epoch = b""
        # How often the log was another one when this client began.
        self._resets = shared.hub.resets

    async def run(self) -> None:
        """Go all the way, or until the client is gone.

        Raises Invalid for a forged cursor, Refused where the log became another one meanwhile, and Unavailable or
        TimeoutError where it cannot be read.
        """
        given = _decoded(self._text)
        state, periods = await self._memberships(_periods_after(self._text, given))
        self._epoch = cursors.epoch_of(state.epoch)
        obstacle = _obstacle(given, state)
        position = self._start(given, state, obstacle)
        start = Cursor(self._epoch, position)
        # A cursor that cannot be gone on from is said all the same: whoever is cut off before they hear why comes
        # back with it, and hears it then.
        await self._client.greet(start, given or start)
        if not self._client.is_catching_up:
            return
        if obstacle is not None:
            self._resync(obstacle, position)
        else:
            self._count(position)
        await self._follow(position, state, periods)

    def _start(self, given: Cursor | None, state: LogState, obstacle: str | None) -> int:
        if self._text == cursors.START:
            return state.trimmed_to
        if given is None or obstacle is not None:
            return state.head
        self._shared.actions.received(self._client, given.position)
        return given.position

    def _count(self, position: int) -> None:
        if self._text is None:
            metrics.sockets.resumed("fresh")
        else:
            metrics.sockets.resumed("window" if position >= self._shared.hub.window.start else "log")

    async def _follow(self, position: int, state: LogState, periods: Sequence[Period]) -> None:
        """Write what comes after a position, and join the hub."""
        while True:
            if not self._shared.relay.is_level(state):
                async with asyncio.timeout(REACH_WITHIN):
                    await self._shared.relay.levelled(state)
            self._check_log(state)
            memberships = Memberships(self._client.user_id, periods, state.head)
            position = await self._through_window(position, memberships)
            if not self._client.is_catching_up:
                return
            position = await self._through_log(position, memberships)
            state, periods = await self._memberships(position)

    async def _through_window(self, position: int, memberships: Memberships) -> int:
        """Write what the window holds after a position, join the hub at its end, and return how far it went."""
        hub = self._shared.hub
        while position >= self._window_start(memberships) and self._client.is_catching_up:
            found, end = hub.window.page(self._client.user_id, memberships.streams, position, WINDOW_SPAN)
            position = await self._write_theirs(found, end, memberships)
            self._check_log()
            if position >= hub.position and self._client.is_catching_up:
                # Nothing is awaited between the question and this, so nothing comes in between.
                self._client.join(memberships.present())
                return position
            await asyncio.sleep(0)
            await self._client.socket.drained()
            self._check_log()
        return position

    async def _write_theirs(self, found: Sequence[LiveEvent], end: int, memberships: Memberships) -> int:
        """Write what is the user's of all that lies before `end`, chunk by chunk, and return how far that went.

        It ends early where the window has moved on: what is held here would be in memory for this client alone.
        """
        framed: list[bytes] = []
        size = 0
        for event in found:
            if memberships.sees(event):
                frame = memberships.frame(event)
                framed.append(frame)
                size += len(frame)
            if size > CHUNK:
                self._write(framed, event.position)
                framed, size = [], 0
                await self._client.socket.drained()
                if event.position < self._shared.hub.window.start or not self._client.is_catching_up:
                    return event.position
        if framed:
            self._write(framed, end)
        return end

    def _window_start(self, memberships: Memberships) -> int:
        """Return the position from which on the window has what is this user's to read."""
        window = self._shared.hub.window
        return max(window.start, window.since) if memberships.has_left_by(window.since) else window.start

    async def _through_log(self, position: int, memberships: Memberships) -> int:
        """Write what the log holds after a position, until the window reaches back to where that ends."""
        shared = self._shared
        while position < self._window_start(memberships) and self._client.is_catching_up:
            async with shared.asking():
                # While this client waited for its turn more may have been read back.
                if position >= self._window_start(memberships):
                    return position
                page = await shared.events.missed(self._client.user_id, position, PAGE)
            self._check_log(page.state)
            if position < page.state.trimmed_to:
                # It was trimmed while this client read: from here on there is a hole.
                self._resync("cursor_too_old", page.state.head)
                return page.state.head
            framed = [
                frame_text(encode(event.type, event.data, event.cursor, event.seq)) for event in page.events
            ]
            position = page.end
            if framed:
                self._write(framed, position)
            await self._client.socket.drained()
        return position

    async def _memberships(self, after: int | None) -> tuple[LogState, Sequence[Period]]:
        state, periods = await self._shared.memberships.ask((self._client.user_id, after))
        self._check_log(state)
        return state, periods

    def _check_log(self, state: LogState | None = None) -> None:
        """Raise where positions mean other events now: Refused where it is known here, else Unavailable."""
        if self._shared.hub.resets != self._resets:
            raise Refused(CloseCode.GOING_AWAY)
        if state is not None and cursors.epoch_of(state.epoch) != self._shared.relay.epoch:
            raise Unavailable("The log was set back a moment ago")

    def _write(self, framed: list[bytes], position: int) -> None:
        metrics.sockets.replayed += len(framed)
        self._client.deliver(b"".join(framed), len(framed), position)
        self._client.stands_at = position

    def _resync(self, reason: str, position: int) -> None:
        metrics.sockets.resumed(reason)
        self._client.resync(reason, Cursor(self._epoch, position))


def _periods_after(text: str | None, given: Cursor | None) -> int | None:
    """Return the position from which on it matters where somebody was a member."""
    if text == cursors.START:
        return 0
    # A cursor may hold any number: nobody else's, but one that the database cannot hold.
    return None if given is None else min(given.position, 2**63 - 1)


def _decoded(text: str | None) -> Cursor | None:
    if text is None or text == cursors.START:
        return None
    try:
        return cursors.decode(text)
    except ForgedCursor:
        raise Invalid("cursor", "This is not a cursor of the log") from None


def _obstacle(cursor: Cursor | None, state: LogState) -> str | None:
    """Say why the log cannot continue after a cursor without a hole."""
    if cursor is None:
        return None
    if cursor.epoch != cursors.epoch_of(state.epoch) or cursor.position > state.head:
        return "log_reset"
    return "cursor_too_old" if cursor.position < state.trimmed_to else None
