"""Who types where. It is stored nowhere, and ends by itself.

What people say changes only what is known here; what others are told follows from it at the next tick. So
repeating it, or changing one's mind several times in a moment, costs nobody anything. What is to be told goes over
the bus, so that other processes, and this one, tell those who are connected there.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import orjson

from generated.frames import LIMITS
from parley.errors import Invalid, NotFound
from parley.realtime.bus import Notice, TakeNotice
from parley.realtime.frames import encode, encode_data
from parley.realtime.hub import Hub, Subscriber
from parley.realtime.notices import Notices
from parley.realtime.window import LiveEvent
from parley.realtime.wire import frame_text

# Seconds after which others are told again of somebody who goes on: well before they take it for over.
TELL_AGAIN_AFTER = 3.0
# So many people type at once, in conversations each counts for himself; more are not shown.
MAX_TYPISTS = 10_000


class _Typist:
    """Somebody who types in a conversation, until a moment, and when others were last told so."""

    __slots__ = ("goes_on", "told_at", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        self.told_at: float | None = None
        self.goes_on = False


class Typing:
    """Remembers who types, for all sockets of a user together. `notify` tells all processes."""

    def __init__(
        self, hub: Hub, notices: Notices, notify: TakeNotice, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._hub = hub
        self._notices = notices
        self._notify = notify
        self._now = now
        self._typists: dict[UUID, dict[UUID, _Typist]] = {}
        self._count = 0

    def __len__(self) -> int:
        """In how many conversations somebody types, counted for each of them."""
        return self._count

    def say(self, connection: Subscriber, data: dict[str, Any]) -> None:
        """Do what a frame says. Raises Invalid for somebody else's `user_id`, and NotFound for a conversation that
        the user is not in.
        """
        conversation_id = UUID(data["conversation_id"])
        if "user_id" in data and UUID(data["user_id"]) != connection.user_id:
            raise Invalid("data.user_id", "This is somebody else")
        if conversation_id not in connection.streams:
            raise NotFound("conversation")
        if data["is_typing"]:
            self._begin(connection.user_id, conversation_id)
        else:
            self.end(connection.user_id, conversation_id)

    def end(self, user_id: UUID, conversation_id: UUID) -> None:
        """Let it be over: they say so, or have sent what they typed."""
        typist = self._typists.get(user_id, {}).get(conversation_id)
        if typist is not None:
            typist.until = self._now()

    def told(self, events: Sequence[LiveEvent]) -> None:
        """Let it be over for whoever has sent what they typed, through whichever process."""
        if self._typists:
            for event in events:
                if event.author is not None:
                    self.end(event.author, event.stream_id)

    def heard(self, notice: Notice) -> None:
        """Tell those who are connected here what some process noticed."""
        data = orjson.loads(notice.data)
        user_id = UUID(data["user_id"])
        members = self._hub.members_of(UUID(data["conversation_id"]))
        others = [reader for reader in members if reader.user_id != user_id]
        if others:
            self._notices.put(others, frame_text(encode("typing", data)))

    def left(self, connection: Subscriber) -> None:
        """Let all be over for whoever has no live connection any more."""
        if not self._hub.connections_of(connection.user_id):
            for conversation_id in self._typists.get(connection.user_id, ()):
                self.end(connection.user_id, conversation_id)

    def tick(self) -> None:
        """Tell others what they do not know yet; what there is no room for waits, unless it is over by then."""
        now = self._now()
        for user_id, conversations in list(self._typists.items()):
            for conversation_id, typist in list(conversations.items()):
                if self._notices.is_full:
                    return
                if typist.until <= now:
                    self._forget(user_id, conversation_id)
                    if typist.told_at is not None:
                        self._tell(user_id, conversation_id, False)
                elif typist.told_at is None or (typist.goes_on and now - typist.told_at >= TELL_AGAIN_AFTER):
                    typist.told_at, typist.goes_on = now, False
                    self._tell(user_id, conversation_id, True)

    def _begin(self, user_id: UUID, conversation_id: UUID) -> None:
        until = self._now() + LIMITS.typing_seconds
        typist = self._typists.get(user_id, {}).get(conversation_id)
        if typist is not None:
            typist.until, typist.goes_on = until, True
        elif self._count < MAX_TYPISTS:
            self._typists.setdefault(user_id, {})[conversation_id] = _Typist(until)
            self._count += 1

    def _forget(self, user_id: UUID, conversation_id: UUID) -> None:
        conversations = self._typists[user_id]
        del conversations[conversation_id]
        self._count -= 1
        if not conversations:
            del self._typists[user_id]

    def _tell(self, user_id: UUID, conversation_id: UUID, is_typing: bool) -> None:
        data = {"user_id": user_id, "conversation_id": conversation_id, "is_typing": is_typing}
        self._notify(Notice("typing", encode_data(data)))
