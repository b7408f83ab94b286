"""Webhooks, and what was sent to them."""

from uuid import UUID

from generated import models
from parley.contract import NO_CONTENT, Reply, created, ok, paged
from parley.model import Caller, DeliveryStatus, WebhookStatus
from parley.services import services
from parley.services.webhooks import NewWebhook


async def create_webhook(
    *, idempotency_key: str | None = None, body: models.CreateWebhook, caller: Caller
) -> Reply:
    new = NewWebhook(**body.model_dump())
    webhook, replayed = await services().webhooks.create(caller, new, idempotency_key)
    return created(webhook, f"/v1/webhooks/{webhook.id}", replayed)


async def list_webhooks(
    *,
    status: WebhookStatus | None = None,
    limit: int = 50,
    before: UUID | None = None,
    after: UUID | None = None,
    caller: Caller,
) -> Reply:
    page = await services().webhooks.list_page(caller, status, limit=limit, before=before, after=after)
    return paged("webhooks", page)


async def get_webhook(*, webhook_id: UUID, caller: Caller) -> Reply:
    return ok(await services().webhooks.get(caller, webhook_id))


async def update_webhook(*, webhook_id: UUID, body: models.UpdateWebhook, caller: Caller) -> Reply:
    changes = body.model_dump(exclude_unset=True)
    return ok(await services().webhooks.update(caller, webhook_id, changes))


async def delete_webhook(*, webhook_id: UUID, caller: Caller) -> Reply:
    await services().webhooks.delete(caller, webhook_id)
    return NO_CONTENT


async def rotate_secret(
    *,
    webhook_id: UUID,
    idempotency_key: str | None = None,
    body: models.RotateSecret | None,
    caller: Caller,
) -> Reply:
    given = {} if body is None else body.model_dump()
    secret, replayed = await services().webhooks.rotate_secret(
        caller, webhook_id, given.get("secret"), idempotency_key
    )
    return Reply(200, secret, {"Idempotency-Replayed": "true"} if replayed else {})


async def test_webhook(*, webhook_id: UUID, idempotency_key: str | None = None, caller: Caller) -> Reply:
    delivery, replayed = await services().webhooks.test(caller, webhook_id, idempotency_key)
    return created(delivery, f"/v1/webhooks/{webhook_id}/deliveries/{delivery.id}", replayed)


async def list_deliveries(
    *,
    webhook_id: UUID,
    status: DeliveryStatus | None = None,
    limit: int = 50,
    before: UUID | None = None,
    after: UUID | None = None,
    caller: Caller,
) -> Reply:
    page = await services().webhooks.list_deliveries(
        caller, webhook_id, status, limit=limit, before=before, after=after
    )
    return paged("deliveries", page)


async def get_delivery(*, webhook_id: UUID, delivery_id: UUID, caller: Caller) -> Reply:
    return ok(await services().webhooks.get_delivery(caller, webhook_id, delivery_id))


async def redeliver(*, webhook_id: UUID, delivery_id: UUID, caller: Caller) -> Reply:
    return ok(await services().webhooks.redeliver(caller, webhook_id, delivery_id))


async def recover_deliveries(*, webhook_id: UUID, body: models.RecoverDeliveries, caller: Caller) -> Reply:
    return ok(await services().webhooks.recover(caller, webhook_id, body.since))
