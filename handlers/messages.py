"""Messages: REST is the only way to write them."""

from datetime import date, datetime
from uuid import UUID

from generated import models
from generated.operations import SendMessage
from parley.contract import NO_CONTENT, Reply, created, ok, paged
from parley.model import Caller, MessageStatus, MessageType
from parley.services import services
from parley.services.messages import Filter, NewMessage, period


async def send_message(*, idempotency_key: str | None = None, body: SendMessage, caller: Caller) -> Reply:
    new = NewMessage(**body.model_dump())
    message, replayed = await services().messages.send(caller, new, idempotency_key)
    return created(message, f"/v1/messages/{message.id}", replayed)


async def list_messages(
    *,
    conversation_id: UUID | None = None,
    limit: int = 50,
    before: UUID | None = None,
    after: UUID | None = None,
    status: MessageStatus | None = None,
    type_: MessageType | None = None,
    from_: date | datetime | None = None,
    to: date | datetime | None = None,
    sender_id: UUID | None = None,
    caller: Caller,
) -> Reply:
    since, until = period(from_, to)
    only = Filter(conversation_id, status, type_, sender_id, since, until)
    return paged(
        "messages", await services().messages.list_page(caller, only, limit=limit, before=before, after=after)
    )


async def get_message(*, message_id: UUID, caller: Caller) -> Reply:
    return ok(await services().messages.get(caller, message_id))


async def edit_message(*, message_id: UUID, body: models.EditMessage, caller: Caller) -> Reply:
    return ok(await services().messages.edit(caller, message_id, body.content))


async def delete_message(*, message_id: UUID, caller: Caller) -> Reply:
    await services().messages.delete(caller, message_id)
    return NO_CONTENT
