"""What can happen in Parley, durably: the kinds of rows in the log.

An event row holds references and facts, never content: content is joined when the event is read, so that
what was deleted is nowhere else. Each event belongs to one stream: a conversation's (its members read it)
or one user's own.
"""

from enum import StrEnum
from functools import cache

from parley import logs

_log = logs.logger("events")


class EventKind(StrEnum):
    """The type of an event, as a client sees it in `type`."""

    MESSAGE = "message"
    MESSAGE_UPDATED = "message.updated"
    MESSAGE_DELETED = "message.deleted"
    RECEIPT = "receipt"
    CONVERSATION_CREATED = "conversation.created"
    MEMBER_ADDED = "member.added"
    MEMBER_REMOVED = "member.removed"
    MEMBER_UPDATED = "member.updated"
    GROUP_UPDATED = "group.updated"
    GROUP_DELETED = "group.deleted"
    USER_UPDATED = "user.updated"
    WEBHOOK_DISABLED = "webhook.disabled"


@cache
def kind_of(written: str) -> EventKind | None:
    """Return what a row of the log is, and None for a kind that only a newer Parley knows.

    While nodes are replaced one by one an old one reads what a new one wrote: it passes over that, and says so once.
    """
    try:
        return EventKind(written)
    except ValueError:
        _log.warning("events of a kind that this version does not know are passed over", kind=written)
        return None
