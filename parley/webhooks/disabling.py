"""Disables webhooks that want no more or are beyond hope, and tells their owners on socket and log."""

from typing import Literal
from uuid import UUID

from parley import logs
from parley.events import EventKind
from parley.storage import deliveries
from parley.storage.log import Log

Reason = Literal["endpoint_gone", "failures"]

_log = logs.logger("webhooks")


async def disable(log: Log, webhook_id: UUID, reason: Reason) -> None:
    """Disable a webhook unless somebody has; its owner gets an event."""
    async with log.append() as entry:
        owner = await deliveries.disable(entry.conn, webhook_id, reason, entry.at)
        if owner is None:
            return
        entry.add(
            EventKind.WEBHOOK_DISABLED,
            stream_id=owner,
            subject_id=webhook_id,
            actor_id=None,
            facts={"reason": reason},
        )
    _log.warning("a webhook is disabled", webhook_id=str(webhook_id), reason=reason)
