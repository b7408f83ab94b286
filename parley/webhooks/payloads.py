"""What a webhook is told: built when it is sent, from what the log refers to as it is then.

Several webhooks that are told of the same event share its data, which is read and encoded once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from parley import cursors
from parley.cursors import Cursor
from parley.events import EventKind
from parley.model import JSON_OPTIONS, write_identifier
from parley.services.events import data_of
from parley.services.users import Users
from parley.storage import deliveries
from parley.storage.database import Database, Row
from parley.storage.deliveries import Claim

TEST = "webhook.test"

Payload = dict[str, Any]


class Payloads:
    """Builds payloads, many with one reading of the database."""

    def __init__(self, database: Database, users: Users) -> None:
        self._database = database
        self._users = users

    async def read(self, claims: Sequence[Claim]) -> Mapping[UUID, Payload | None]:
        """Return the payloads of claims by delivery; None where the log no longer has the event."""
        wanted = {(claim.position, claim.user_id) for claim in claims if claim.position is not None}
        facts: dict[tuple[int, UUID], tuple[datetime, str, Any]] = {}
        if wanted:
            async with self._database.read() as conn:
                rows = await deliveries.read(conn, list(wanted))
            changed = {row["subject_id"] for row in rows if row["kind"] == EventKind.USER_UPDATED}
            people = await self._users.by_ids(list(changed)) if changed else {}
            for row in rows:
                position = row["event_position"]
                cursor = Cursor(cursors.epoch_of(row["epoch"]), position).encode()
                found = row["happened_at"], cursor, _plain(row, data_of(row, people))
                for reader in row["readers"]:
                    facts[position, reader] = found
        payloads: dict[UUID, Payload | None] = {}
        for claim in claims:
            if claim.position is None:
                payloads[claim.delivery_id] = _test(claim)
                continue
            told = facts.get((claim.position, claim.user_id))
            if told is None:
                payloads[claim.delivery_id] = None
                continue
            at, cursor, data = told
            payloads[claim.delivery_id] = {
                "event": claim.event,
                "timestamp": at,
                "cursor": cursor,
                "data": data,
            }
        return payloads


def _plain(row: Row, data: Any) -> Any:
    """Return data as JSON has it; a message names its id once more, as `message_id`."""
    plain = orjson.loads(orjson.dumps(data, default=write_identifier, option=JSON_OPTIONS))
    if row["kind"] in {EventKind.MESSAGE, EventKind.MESSAGE_UPDATED, EventKind.MESSAGE_DELETED}:
        plain["message_id"] = plain["id"]
    return plain


def _test(claim: Claim) -> Payload:
    return {"event": TEST, "timestamp": claim.created_at, "data": {"webhook_id": str(claim.webhook_id)}}
