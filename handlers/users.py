"""Registering, finding users, and one's own profile."""

from uuid import UUID

from generated import models
from parley.contract import Reply, created, ok, paged
from parley.model import Caller, UserStatus
from parley.services import services
from parley.services.accounts import Registration


async def register_user(*, body: models.RegisterUser, idempotency_key: str | None = None) -> Reply:
    given = Registration(body.email, body.username, body.password, body.display_name)
    me, replayed = await services().accounts.register(given, idempotency_key)
    return created(me, f"/v1/users/{me.id}", replayed)


async def list_users(
    *,
    ids: list[UUID] | None = None,
    username: str | None = None,
    status: UserStatus | None = None,
    limit: int = 50,
    before: UUID | None = None,
    after: UUID | None = None,
    caller: Caller,
) -> Reply:
    page = await services().users.list_page(
        ids=ids, username=username, status=status, before=before, after=after, limit=limit
    )
    return paged("users", page)


async def get_me(*, caller: Caller) -> Reply:
    return ok(await services().users.me(caller))


async def get_user(*, user_id: UUID, caller: Caller) -> Reply:
    return ok(await services().users.get(caller, user_id))


async def update_user(*, user_id: UUID, body: models.UpdateUser, caller: Caller) -> Reply:
    changes = body.model_dump(exclude_unset=True)
    return ok(await services().users.update(caller, user_id, changes))
