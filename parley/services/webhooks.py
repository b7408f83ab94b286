"""Webhooks: what their owners may do with them. Others do not find them.

| | active | disabled |
|---|---|---|
| change it, rotate its secret, delete it, look at deliveries | yes | yes |
| test, redeliver, recover | yes | conflict: nothing would be sent |
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from parley import preconditions
from parley.errors import Conflict, IdempotencyMismatch, NotFound, Unavailable
from parley.events import EventKind
from parley.ids import uuid7
from parley.model import (
    Caller,
    CreatedWebhook,
    Delivery,
    DeliveryStatus,
    Page,
    Recovery,
    RotatedSecret,
    Webhook,
    WebhookStatus,
)
from parley.services import webhook_secrets
from parley.services.egress import Egress
from parley.services.idempotency import Claim, Idempotency, request_hash
from parley.services.pages import check_direction, cut
from parley.storage import events, webhooks
from parley.storage.database import Connection, Database, Row
from parley.storage.log import Log
from parley.storage.webhooks import COUNT_LIMIT, Record

# For how long a secret is good after it was replaced, and how many are good at a time: each is one more signature.
PREVIOUS_SECRET = timedelta(hours=24)
MOST_SECRETS = 10
# The name that stands for all events.
ALL_EVENTS = "*"
# How many failed deliveries, and how many events, one recovery looks at, and how many of them at a time.
RECOVERED_AT_ONCE = 10_000
RECOVERY_PAGE = 1000
# What decides which events a webhook hears of.
_DECIDE_WHAT_IS_HEARD = frozenset({"events", "conversation_id", "status"})


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """What somebody asks for; without a secret one is made."""

    url: str
    events: Sequence[str]
    secret: str | None = None
    conversation_id: UUID | None = None
    ordered: bool = False


class Webhooks:
    """The webhooks of a caller. `wake` is called when something new waits to be sent."""

    def __init__(
        self,
        database: Database,
        log: Log,
        idempotency: Idempotency,
        egress: Egress,
        *,
        max_per_user: int,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._log = log
        self._idempotency = idempotency
        self._egress = egress
        self._max_per_user = max_per_user
        self._wake = wake

    async def create(
        self, caller: Caller, new: NewWebhook, key: str | None = None
    ) -> tuple[CreatedWebhook, bool]:
        """Make a webhook; the second value tells a replay, which shows the secret while it is still the first.

        Raises Invalid for an address where nothing would be sent and for a secret that is none, NotFound for a
        conversation that the caller is not in, and Conflict for one webhook too many.
        """
        self._egress.check_url(new.url)
        if new.secret is not None:
            webhook_secrets.check_secret(new.secret)
        # Secrets are kept with their webhook and nowhere else, so a replay is compared with that.
        wanted = request_hash(
            "POST", "/webhooks", asdict(replace(new, secret=None)) | {"made": not new.secret}
        )
        async with (
            self._idempotency.claim(caller.user_id, key, wanted) as claim,
            self._database.transaction() as conn,
        ):
            await webhooks.lock_owner(conn, caller.user_id)
            webhook_id = await claim.made(conn)
            replayed = webhook_id is not None
            if webhook_id is None:
                webhook_id = await self._create(conn, caller, new, claim)
            record = await _own(conn, caller, webhook_id)
        is_first = record.secret_id == webhook_id
        if replayed and is_first and new.secret not in (None, record.secret):
            raise IdempotencyMismatch
        return _created(record, show=is_first), replayed

    async def get(self, caller: Caller, webhook_id: UUID) -> Webhook:
        """Return one of the caller's webhooks. Raises NotFound."""
        async with self._database.read() as conn:
            return (await _own(conn, caller, webhook_id)).webhook

    async def list_page(
        self,
        caller: Caller,
        status: WebhookStatus | None = None,
        *,
        limit: int,
        before: UUID | None = None,
        after: UUID | None = None,
    ) -> Page[Webhook]:
        """Return a page of the caller's webhooks, newest first.

        Identifiers are in the order of making, so one that is gone, or of somebody else, says where to go on as well.
        """
        check_direction(before, after)
        async with self._database.read() as conn:
            found = await webhooks.page(
                conn, caller.user_id, status, limit=limit + 1, before=before, after=after
            )
            page = cut(found, limit, str(after) if after else None, lambda webhook: str(webhook.id))
            total = newer = await webhooks.count(conn, caller.user_id, status)
            if page.items:
                newer = await webhooks.count(conn, caller.user_id, status, page.items[0].id)
            elif before is None:
                newer = 0
        return replace(page, total=total, current_page=newer // limit + 1)

    async def update(self, caller: Caller, webhook_id: UUID, changes: Mapping[str, Any]) -> Webhook:
        """Change what is given of a webhook's url, events, conversation_id, ordered and status.

        Raises as `create` does, NotFound, and Unavailable where too much is still to be told of before.
        """
        if "url" in changes:
            self._egress.check_url(changes["url"])
        if changes.keys() & _DECIDE_WHAT_IS_HEARD:
            return await self._hear_otherwise(caller, webhook_id, changes)
        async with self._database.transaction() as conn:
            record = await _own(conn, caller, webhook_id, lock=True)
            preconditions.check(record.webhook)
            await webhooks.update(conn, webhook_id, changes)
            return (await _own(conn, caller, webhook_id)).webhook

    async def delete(self, caller: Caller, webhook_id: UUID) -> None:
        """Delete a webhook with its deliveries. Raises NotFound."""
        async with self._database.transaction() as conn:
            if preconditions.is_demanded():
                preconditions.check((await _own(conn, caller, webhook_id, lock=True)).webhook)
            if not await webhooks.delete(conn, caller.user_id, webhook_id):
                raise NotFound("webhook")

    async def rotate_secret(
        self, caller: Caller, webhook_id: UUID, secret: str | None = None, key: str | None = None
    ) -> tuple[RotatedSecret, bool]:
        """Give a webhook another secret; the second value tells a replay, which shows it while it is still the one.

        Raises Invalid for a secret that is none, NotFound, and Conflict while too many old ones are still valid.
        """
        if secret is not None:
            webhook_secrets.check_secret(secret)
        wanted = request_hash("POST", f"/webhooks/{webhook_id}/rotate-secret", {"made": not secret})
        async with (
            self._idempotency.claim(caller.user_id, key, wanted) as claim,
            self._database.transaction() as conn,
        ):
            record = await _own(conn, caller, webhook_id, lock=True)
            secret_id = await claim.made(conn)
            replayed = secret_id is not None
            if secret_id is None:
                _check_rotation(record)
                secret_id = uuid7()
                until = datetime.now(UTC) + PREVIOUS_SECRET
                await webhooks.write_secret(
                    conn, webhook_id, secret_id, secret or webhook_secrets.new_secret(), until
                )
                await claim.keep(conn, "webhook_secret", secret_id)
            record = await _own(conn, caller, webhook_id)
        is_present = record.secret_id == secret_id
        if replayed and is_present and secret not in (None, record.secret):
            raise IdempotencyMismatch
        return RotatedSecret(
            secret=record.secret if is_present else None,
            signing_secret=webhook_secrets.as_standard(record.secret) if is_present else None,
            previous_secret_until=record.webhook.previous_secret_until if is_present else None,
        ), replayed

    # ---- deliveries

    async def test(self, caller: Caller, webhook_id: UUID, key: str | None = None) -> tuple[Delivery, bool]:
        """Let a test be delivered; the second value tells a replay. Raises NotFound, and Conflict while disabled."""
        wanted = request_hash("POST", f"/webhooks/{webhook_id}/test", None)
        async with (
            self._idempotency.claim(caller.user_id, key, wanted) as claim,
            self._database.transaction() as conn,
        ):
            record = await _own(conn, caller, webhook_id, lock=True)
            delivery_id = await claim.made(conn)
            replayed = delivery_id is not None
            if delivery_id is None:
                _check_active(record)
                delivery_id = uuid7()
                await webhooks.insert_test(conn, webhook_id, delivery_id)
                await claim.keep(conn, "delivery", delivery_id)
            delivery = await _delivery(conn, webhook_id, delivery_id)
        self._wake()
        return delivery, replayed

    async def list_deliveries(
        self,
        caller: Caller,
        webhook_id: UUID,
        status: DeliveryStatus | None = None,
        *,
        limit: int,
        before: UUID | None = None,
        after: UUID | None = None,
    ) -> Page[Delivery]:
        """Return a page of a webhook's deliveries, newest first, going on also where one stood. Raises NotFound."""
        check_direction(before, after)
        async with self._database.read() as conn:
            await _own(conn, caller, webhook_id)
            total = newer = await webhooks.count_deliveries(conn, webhook_id, status)
            found = await webhooks.delivery_page(
                conn,
                webhook_id,
                status,
                limit=limit + 1,
                before=before,
                after=after,
                few=total <= COUNT_LIMIT,
            )
            page = cut(found, limit, str(after) if after else None, lambda delivery: str(delivery.id))
            if page.items:
                newer = await webhooks.count_deliveries(conn, webhook_id, status, page.items[0].id)
            elif before is None:
                newer = 0
        return replace(
            page,
            total=min(total, COUNT_LIMIT),
            total_exact=total <= COUNT_LIMIT,
            current_page=newer // limit + 1,
        )

    async def get_delivery(self, caller: Caller, webhook_id: UUID, delivery_id: UUID) -> Delivery:
        """Return a delivery of one of the caller's webhooks. Raises NotFound."""
        async with self._database.read() as conn:
            await _own(conn, caller, webhook_id)
            return await _delivery(conn, webhook_id, delivery_id)

    async def redeliver(self, caller: Caller, webhook_id: UUID, delivery_id: UUID) -> Delivery:
        """Let something be delivered again under its id. Raises NotFound, and Conflict while disabled.

        It is a Conflict too where it is being sent or waits to be, unless it failed and waits for its next attempt.
        """
        async with self._database.transaction() as conn:
            record = await _own(conn, caller, webhook_id)
            await _delivery(conn, webhook_id, delivery_id)
            _check_active(record)
            if not await webhooks.redeliver(conn, webhook_id, delivery_id):
                raise Conflict("This delivery is waiting to be sent as it is")
            delivery = await _delivery(conn, webhook_id, delivery_id)
        self._wake()
        return delivery

    async def recover(self, caller: Caller, webhook_id: UUID, since: datetime) -> Recovery:
        """Let be delivered now what failed since a time, and what the webhook did not hear of since then.

        Raises NotFound, and Conflict while disabled.
        """
        async with self._database.read() as conn:
            record = await _own(conn, caller, webhook_id)
            _check_active(record)
            failed = await webhooks.redeliver_failed(conn, webhook_id, since, RECOVERED_AT_ONCE)
            failed += await webhooks.hurry(conn, webhook_id, since, RECOVERED_AT_ONCE - failed)
            if failed == RECOVERED_AT_ONCE:
                recovery = Recovery(failed, has_more=True, since=since)
            else:
                recovery = await _recover_missed(conn, caller, record.webhook, failed, since)
        self._wake()
        return recovery

    async def _create(self, conn: Connection, caller: Caller, new: NewWebhook, claim: Claim) -> UUID:
        await _check_conversation(conn, caller, new.conversation_id)
        if await webhooks.count(conn, caller.user_id) >= self._max_per_user:
            raise Conflict(f"You have as many webhooks as you may have: {self._max_per_user}")
        webhook_id = uuid7()
        await webhooks.insert(
            conn,
            caller.user_id,
            webhook_id,
            url=new.url,
            events=new.events,
            conversation_id=new.conversation_id,
            ordered=new.ordered,
            secret=new.secret or webhook_secrets.new_secret(),
        )
        await claim.keep(conn, "webhook", webhook_id)
        return webhook_id

    async def _hear_otherwise(self, caller: Caller, webhook_id: UUID, changes: Mapping[str, Any]) -> Webhook:
        """Change what a webhook hears of, from the next event on: what was before is told as it was to be told then.

        Most of that is let go before the head is taken, since everybody who sends waits behind it.
        """
        async with self._database.transaction() as conn:
            await _tell_until_now(conn, caller, await _own(conn, caller, webhook_id))
        async with self._log.append() as entry:
            record = await _own(entry.conn, caller, webhook_id, lock=True)
            preconditions.check(record.webhook)
            await _check_conversation(entry.conn, caller, changes.get("conversation_id"))
            await _tell_until_now(entry.conn, caller, record)
            others = {name: value for name, value in changes.items() if name != "status"}
            await webhooks.update(entry.conn, webhook_id, others | {"hears_after": entry.head})
            match record.webhook.status, changes.get("status"):
                case "active", "disabled":
                    await webhooks.disable(entry.conn, webhook_id, "requested", entry.at)
                    entry.add(
                        EventKind.WEBHOOK_DISABLED,
                        stream_id=caller.user_id,
                        subject_id=webhook_id,
                        actor_id=caller.user_id,
                        facts={"reason": "requested"},
                    )
                case "disabled", "active":
                    await webhooks.enable(entry.conn, webhook_id)
            changed = (await _own(entry.conn, caller, webhook_id)).webhook
        if changed.status == "active":
            # What waited for a disabled webhook can go now, as can what was told just here.
            self._wake()
        return changed


async def _own(conn: Connection, caller: Caller, webhook_id: UUID, *, lock: bool = False) -> Record:
    record = await webhooks.find(conn, caller.user_id, webhook_id, lock=lock)
    if record is None:
        raise NotFound("webhook")
    return record


async def _delivery(conn: Connection, webhook_id: UUID, delivery_id: UUID) -> Delivery:
    delivery = await webhooks.find_delivery(conn, webhook_id, delivery_id)
    if delivery is None:
        raise NotFound("delivery")
    return delivery


async def _check_conversation(conn: Connection, caller: Caller, conversation_id: UUID | None) -> None:
    if conversation_id is not None and not await webhooks.is_member(conn, caller.user_id, conversation_id):
        raise NotFound("conversation")


def _check_active(record: Record) -> None:
    if record.webhook.status != "active":
        raise Conflict("This webhook is disabled; enable it first")


def _check_rotation(record: Record) -> None:
    if len(record.old_until) + 1 < MOST_SECRETS:
        return
    first = record.old_until[0]
    wait = min(max(first - datetime.now(UTC), timedelta(seconds=1)), PREVIOUS_SECRET)
    raise Conflict(
        f"This webhook has {MOST_SECRETS} valid secrets, of which the oldest ends at"
        f" {first.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}; rotate again after that",
        retry_after=math.ceil(wait.total_seconds()),
    )


def _created(record: Record, *, show: bool) -> CreatedWebhook:
    return CreatedWebhook(
        **vars(record.webhook),
        secret=record.secret if show else None,
        signing_secret=webhook_secrets.as_standard(record.secret) if show else None,
    )


async def _recover_missed(
    conn: Connection, caller: Caller, webhook: Webhook, failed: int, since: datetime
) -> Recovery:
    """Let be delivered what was the owner's to read since a time, and since the webhook was made, but was not sent.

    Each page is written by itself: what is written twice is written once, so nothing is lost if it breaks off.
    """
    position = await webhooks.position_before(conn, max(since, webhook.created_at))
    made = looked_at = 0
    while looked_at < RECOVERED_AT_ONCE:
        page = await _deliver_page(conn, caller, webhook, position)
        made += page.made
        looked_at += page.seen
        if page.is_last:
            return Recovery(failed + made, has_more=False, since=since)
        position = page.end
        since = page.last_at or since
    return Recovery(failed + made, has_more=True, since=since)


async def _tell_until_now(conn: Connection, caller: Caller, record: Record) -> None:
    """Let be delivered what an active webhook has still to hear of; until the transaction ends nobody else does it.

    Raises Unavailable where that is more than can be done while somebody waits.
    """
    if record.webhook.status != "active":
        return
    position = await webhooks.told_until(conn, record.webhook.id)
    for _ in range(RECOVERED_AT_ONCE // RECOVERY_PAGE):
        page = await _deliver_page(conn, caller, record.webhook, position)
        if page.is_last:
            return
        position = page.end
    raise Unavailable("Webhooks lag behind at the moment; change this one when they have caught up")


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of the log for a webhook: `made` deliveries of the events `seen` up to position `end`.

    `last_at` is the time of the last of them that has a name.
    """

    made: int
    seen: int
    end: int
    is_last: bool
    last_at: datetime | None


async def _deliver_page(conn: Connection, caller: Caller, webhook: Webhook, position: int) -> _Page:
    """Let be delivered what a webhook wants of the next events after a position that are its owner's to read."""
    excerpt = await events.read(conn, caller.user_id, position, RECOVERY_PAGE)
    named = await webhooks.event_names(conn, [row["event_position"] for row in excerpt.rows])
    made = await webhooks.deliver(conn, webhook.id, [row for row in named if _wants(webhook, row)])
    is_full = len(excerpt.rows) == RECOVERY_PAGE
    return _Page(
        made,
        len(excerpt.rows),
        end=excerpt.rows[-1]["event_position"] if is_full else excerpt.end,
        is_last=not is_full and excerpt.end >= excerpt.state.head,
        last_at=named[-1]["created_at"] if named else None,
    )


def _wants(webhook: Webhook, event: Row) -> bool:
    """Say whether a webhook asked for an event that is its owner's to read."""
    if event["name"] not in webhook.events and ALL_EVENTS not in webhook.events:
        return False
    if event["subject_id"] == webhook.id:
        # It is not told of itself.
        return False
    concerned = {str(event["stream_id"]), (event["facts"] or {}).get("conversation_id")}
    return webhook.conversation_id is None or str(webhook.conversation_id) in concerned
