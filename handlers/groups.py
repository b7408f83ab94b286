"""Groups, and who is in them."""

from typing import Literal
from uuid import UUID

from generated import models
from parley.contract import NO_CONTENT, Reply, created, ok, paged
from parley.model import Caller, GroupSettings
from parley.services import services


async def create_group(
    *, idempotency_key: str | None = None, body: models.CreateGroup, caller: Caller
) -> Reply:
    given = body.model_dump()
    settings = given.get("settings") or models.CreateGroupSettings().model_dump()
    group, replayed = await services().groups.create(
        caller,
        body.name,
        body.description,
        given.get("members") or [],
        GroupSettings(**settings),
        idempotency_key,
    )
    return created(group, f"/v1/groups/{group.id}", replayed)


async def list_groups(
    *,
    visibility: Literal["mine", "public"] = "mine",
    limit: int = 50,
    before: UUID | None = None,
    after: UUID | None = None,
    caller: Caller,
) -> Reply:
    page = await services().groups.list_page(
        caller, public=visibility == "public", limit=limit, before=before, after=after
    )
    return paged("groups", page)


async def get_group(*, group_id: UUID, caller: Caller) -> Reply:
    return ok(await services().groups.get(caller, group_id))


async def update_group(*, group_id: UUID, body: models.UpdateGroup, caller: Caller) -> Reply:
    given = body.model_dump(exclude_unset=True)
    changes = given | given.pop("settings", {})
    return ok(await services().groups.update(caller, group_id, changes))


async def delete_group(*, group_id: UUID, caller: Caller) -> Reply:
    await services().groups.delete(caller, group_id)
    return NO_CONTENT


async def list_members(
    *, group_id: UUID, limit: int = 50, before: UUID | None = None, after: UUID | None = None, caller: Caller
) -> Reply:
    page = await services().groups.list_members(caller, group_id, limit=limit, before=before, after=after)
    return paged("members", page)


async def add_member(
    *, group_id: UUID, idempotency_key: str | None = None, body: models.AddMember, caller: Caller
) -> Reply:
    member, replayed = await services().groups.add_member(caller, group_id, body.user_id, idempotency_key)
    return created(member, f"/v1/groups/{group_id}/members/{member.user_id}", replayed)


async def get_member(*, group_id: UUID, user_id: UUID, caller: Caller) -> Reply:
    return ok(await services().groups.get_member(caller, group_id, user_id))


async def update_member(*, group_id: UUID, user_id: UUID, body: models.UpdateMember, caller: Caller) -> Reply:
    return ok(await services().groups.change_role(caller, group_id, user_id, body.role))


async def remove_member(*, group_id: UUID, user_id: UUID, caller: Caller) -> Reply:
    await services().groups.remove_member(caller, group_id, user_id)
    return NO_CONTENT


async def join_group(*, group_id: UUID, idempotency_key: str | None = None, caller: Caller) -> Reply:
    member, is_new, replayed = await services().groups.join(caller, group_id, idempotency_key)
    if is_new:
        return created(member, f"/v1/groups/{group_id}/members/{member.user_id}", replayed)
    return ok(member, replayed)
