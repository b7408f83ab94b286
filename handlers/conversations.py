"""Conversations: direct ones and those of groups."""

from uuid import UUID

from generated import models
from parley.contract import Reply, created, ok, paged
from parley.model import Caller
from parley.services import services


async def list_conversations(
    *, limit: int = 50, before: str | None = None, after: str | None = None, caller: Caller
) -> Reply:
    page = await services().conversations.list_page(caller, limit=limit, before=before, after=after)
    return paged("conversations", page)


async def open_conversation(
    *, idempotency_key: str | None = None, body: models.OpenConversation, caller: Caller
) -> Reply:
    conversation, is_new, replayed = await services().conversations.open_direct(
        caller, body.user_id, idempotency_key
    )
    if is_new:
        return created(conversation, f"/v1/conversations/{conversation.id}", replayed)
    return ok(conversation, replayed)


async def get_conversation(*, conversation_id: UUID, caller: Caller) -> Reply:
    return ok(await services().conversations.get(caller, conversation_id))


async def mark_read(*, conversation_id: UUID, body: models.Mark, caller: Caller) -> Reply:
    return ok(await services().conversations.mark(caller, conversation_id, body.message_id, read=True))


async def mark_delivered(*, conversation_id: UUID, body: models.Mark, caller: Caller) -> Reply:
    return ok(await services().conversations.mark(caller, conversation_id, body.message_id, read=False))
