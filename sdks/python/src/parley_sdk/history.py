"""What was missed: the messages since a time, for whoever is told by a `resync` that events are gone."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from parley_sdk.generated import models

if TYPE_CHECKING:
    from parley_sdk.client import AsyncClient, Client


class Missed:
    """Which conversations are still to be read, as the list is walked through from the one written to last."""

    def __init__(self, since: datetime) -> None:
        self._until = since
        self._newest: datetime | None = None
        self._taken: set[UUID] = set()
        self._has_more = True

    def again(self) -> bool:
        """Say whether to walk through the list (once more)."""
        # What somebody wrote to while the list was read has moved before its beginning, perhaps unseen.
        self._until, self._newest = self._newest or self._until, None
        again, self._has_more = self._has_more, False
        return again

    def ends_at(self, conversation: models.Conversation) -> bool:
        """Say whether the walk is over, because nobody wrote to this one since."""
        self._newest = self._newest or conversation.last_activity_at
        return conversation.last_activity_at < self._until

    def takes(self, conversation: models.Conversation) -> bool:
        """Say whether this one is to be read, which it then was."""
        if conversation.id in self._taken:
            return False
        self._taken.add(conversation.id)
        self._has_more = True
        return True


def history_since(client: "Client", since: datetime) -> Iterator[models.Message]:
    """Yield what was written since, one conversation after the other, each with its newest message first."""
    missed = Missed(since)
    while missed.again():
        for conversation in client.each(client.list_conversations):
            if missed.ends_at(conversation):
                break
            if not missed.takes(conversation):
                continue
            for message in client.each(client.list_messages, conversation_id=conversation.id):
                if message.created_at < since:
                    break
                yield message


async def history_since_async(client: "AsyncClient", since: datetime) -> AsyncIterator[models.Message]:
    """Yield the same."""
    missed = Missed(since)
    while missed.again():
        async for conversation in client.each(client.list_conversations):
            if missed.ends_at(conversation):
                break
            if not missed.takes(conversation):
                continue
            async for message in client.each(client.list_messages, conversation_id=conversation.id):
                if message.created_at < since:
                    break
                yield message
