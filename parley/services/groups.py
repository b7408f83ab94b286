"""Groups: making them, who is in them, and who may do what.

| | owner | admin | member | outsider, public group | outsider, private group |
|---|---|---|---|---|---|
| read it, list members | yes | yes | yes | yes | not found |
| change name, settings | yes | yes | forbidden | forbidden | not found |
| add members | yes | yes | where `allow_invites` | forbidden | not found |
| change roles | yes | forbidden | forbidden | forbidden | not found |
| remove others | all | members | forbidden | forbidden | not found |
| leave | after handing over | yes | yes | not found | not found |
| delete | yes | forbidden | forbidden | forbidden | not found |
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from parley import preconditions
from parley.errors import Conflict, Forbidden, Invalid, NotFound
from parley.events import EventKind
from parley.ids import uuid7
from parley.model import Caller, Group, GroupSettings, Member, Page, Role
from parley.services.idempotency import Idempotency, request_hash
from parley.services.pages import check_direction, cut
from parley.storage import conversations, groups, users
from parley.storage.database import Connection, Database
from parley.storage.groups import COUNT_LIMIT
from parley.storage.log import Entry, Log


class Groups:
    """The groups that a caller may see, and what the caller may do to them."""

    def __init__(self, database: Database, log: Log, idempotency: Idempotency, *, max_members: int) -> None:
        self._database = database
        self._log = log
        self._idempotency = idempotency
        self._max_members = max_members

    async def create(
        self,
        caller: Caller,
        name: str,
        description: str | None,
        member_ids: Sequence[UUID],
        settings: GroupSettings,
        key: str | None = None,
    ) -> tuple[Group, bool]:
        """Make a group with the caller as owner; the second value tells a replay."""
        wanted = request_hash("POST", "/groups", [name, description, member_ids, asdict(settings)])
        others = [user_id for user_id in dict.fromkeys(member_ids) if user_id != caller.user_id]
        # Before the head is taken: users stay users, and there may be a thousand of them.
        await self._check_new_members(member_ids, others)
        async with self._idempotency.claim(caller.user_id, key, wanted) as claim, self._log.append() as entry:
            group_id = await claim.made(entry.conn)
            replayed = group_id is not None
            if group_id is None:
                group_id = await self._create(entry, caller, name, description, others, settings)
                await claim.keep(entry.conn, "group", group_id)
        return await self.get(caller, group_id), replayed

    async def get(self, caller: Caller, group_id: UUID) -> Group:
        """Return a group of the caller's or a public one. Raises NotFound."""
        async with self._database.read() as conn:
            group, _ = await _visible(conn, caller, group_id)
        return group

    async def list_page(
        self,
        caller: Caller,
        *,
        public: bool,
        limit: int,
        before: UUID | None = None,
        after: UUID | None = None,
    ) -> Page[Group]:
        """Return a page of the caller's groups, or of the public ones, newest first."""
        check_direction(before, after)
        member_id = None if public else caller.user_id
        async with self._database.read() as conn:
            cursor = before or after
            if cursor is not None and not await groups.is_place(conn, cursor, caller.user_id):
                raise Invalid("before" if before else "after", "This is no group of this list")
            found = await groups.page(conn, member_id=member_id, limit=limit + 1, before=before, after=after)
            page = cut(found, limit, str(after) if after else None, lambda group: str(group.id))
            total = await groups.count(conn, member_id=member_id)
            newer = 0
            if cursor is not None and page.items:
                newer = await groups.count(conn, member_id=member_id, newer_than=page.items[0].id)
            elif before is not None:
                newer = total
        return replace(
            page,
            total=min(total, COUNT_LIMIT),
            total_exact=total <= COUNT_LIMIT,
            current_page=newer // limit + 1,
        )

    async def update(self, caller: Caller, group_id: UUID, changes: Mapping[str, Any]) -> Group:
        """Change the columns of a group that are given. Owners and admins may."""
        async with self._log.append() as entry:
            group, role = await _visible(entry.conn, caller, group_id)
            if role not in ("owner", "admin"):
                raise Forbidden("Only the owner and admins can change the group")
            preconditions.check(group)
            if changes:
                await groups.update(entry.conn, group_id, changes)
                entry.add(
                    EventKind.GROUP_UPDATED,
                    stream_id=group_id,
                    subject_id=group_id,
                    actor_id=caller.user_id,
                    facts=_facts(group, changes),
                )
        return await self.get(caller, group_id)

    async def delete(self, caller: Caller, group_id: UUID) -> None:
        """Delete a group with everything in it. Only its owner may."""
        async with self._log.append() as entry:
            group, role = await _visible(entry.conn, caller, group_id)
            if role != "owner":
                raise Forbidden("Only the owner can delete the group")
            preconditions.check(group)
            position = entry.add(
                EventKind.GROUP_DELETED, stream_id=group_id, subject_id=group_id, actor_id=caller.user_id
            )
            # Everybody still hears that it is gone.
            await conversations.remove_everybody(entry.conn, group_id, position + 1)
            await groups.delete(entry.conn, group_id, entry.at)

    async def list_members(
        self,
        caller: Caller,
        group_id: UUID,
        *,
        limit: int,
        before: UUID | None = None,
        after: UUID | None = None,
    ) -> Page[Member]:
        """Return a page of a group's members, latest to join first. Cursors are user ids."""
        check_direction(before, after)
        async with self._database.read() as conn:
            await _visible(conn, caller, group_id)
            start = await _place(conn, group_id, "before", before)
            end = await _place(conn, group_id, "after", after)
            found = await groups.member_page(conn, group_id, limit=limit + 1, before=start, after=end)
            page = cut(found, limit, str(after) if after else None, lambda member: str(member.user_id))
            total = await groups.count_members(conn, group_id)
            newer = 0
            if page.items:
                first = await _place(conn, group_id, "before", page.items[0].user_id)
                newer = await groups.count_members(conn, group_id, first)
            elif before is not None:
                newer = total
        return replace(page, total=total, current_page=newer // limit + 1)

    async def get_member(self, caller: Caller, group_id: UUID, user_id: UUID) -> Member:
        """Return a member of a group of the caller's or of a public one. Raises NotFound."""
        async with self._database.read() as conn:
            await _visible(conn, caller, group_id)
            return await _member(conn, group_id, user_id)

    async def add_member(
        self, caller: Caller, group_id: UUID, user_id: UUID, key: str | None = None
    ) -> tuple[Member, bool]:
        """Let somebody in; the second value tells a replay. Raises Conflict for a member and a full group."""
        wanted = request_hash("POST", f"/groups/{group_id}/members", {"user_id": user_id})
        async with self._idempotency.claim(caller.user_id, key, wanted) as claim, self._log.append() as entry:
            made = await claim.made(entry.conn)
            # Also a replay is for those only who may still see the group.
            group, own_role = await _visible(entry.conn, caller, group_id)
            if made is None:
                await self._check_addition(entry.conn, group, own_role, user_id)
                await _let_in(entry, caller, group_id, user_id)
                await claim.keep(entry.conn, "member", user_id)
            member = await groups.member(entry.conn, group_id, user_id)
        if member is None:
            raise NotFound("member")
        return member, made is not None

    async def join(self, caller: Caller, group_id: UUID, key: str | None = None) -> tuple[Member, bool, bool]:
        """Join a public group; the values tell whether the caller is new in it, and whether it is a replay."""
        wanted = request_hash("POST", f"/groups/{group_id}/join", None)
        async with self._idempotency.claim(caller.user_id, key, wanted) as claim, self._log.append() as entry:
            before = await claim.outcome(entry.conn)
            group, role = await _visible(entry.conn, caller, group_id)
            is_new = role is None if before is None else before.is_new
            if before is None:
                if is_new:
                    self._check_room(group)
                    await _let_in(entry, caller, group_id, caller.user_id)
                await claim.keep(entry.conn, "member", caller.user_id, is_new=is_new)
            member = await groups.member(entry.conn, group_id, caller.user_id)
        if member is None:
            raise NotFound("member")
        return member, is_new, before is not None

    async def change_role(self, caller: Caller, group_id: UUID, user_id: UUID, role: Role) -> Member:
        """Give a member another role. An owner who makes somebody else the owner becomes an admin."""
        async with self._log.append() as entry:
            _, own_role = await _visible(entry.conn, caller, group_id)
            if own_role != "owner":
                raise Forbidden("Only the owner can change roles")
            member = await _member(entry.conn, group_id, user_id)
            preconditions.check(member)
            if user_id == caller.user_id and role != "owner":
                raise Conflict("The owner hands over by making somebody else the owner", field="role")
            if member.role != role:
                roles: dict[UUID, Role] = {user_id: role}
                if role == "owner":
                    roles = {caller.user_id: "admin", user_id: role}
                await groups.set_roles(entry.conn, group_id, roles)
                for changed, new_role in roles.items():
                    _note(entry, EventKind.MEMBER_UPDATED, caller, group_id, changed, new_role)
        return replace(member, role=role)

    async def remove_member(self, caller: Caller, group_id: UUID, user_id: UUID) -> None:
        """Remove somebody, or leave. The owner hands over first; admins remove members only."""
        async with self._log.append() as entry:
            _, own_role = await _visible(entry.conn, caller, group_id)
            if own_role is None and user_id != caller.user_id:
                raise Forbidden("Only members can remove members")
            member = await _member(entry.conn, group_id, user_id)
            if user_id == caller.user_id:
                if own_role == "owner":
                    raise Conflict("The owner hands over or deletes the group before leaving")
            elif own_role == "member" or (own_role == "admin" and member.role != "member"):
                raise Forbidden("Your role does not allow removing this member")
            preconditions.check(member)
            position = _note(entry, EventKind.MEMBER_REMOVED, caller, group_id, user_id, member.role)
            await conversations.remove_member(entry.conn, group_id, user_id, position)
            # The group's stream is no longer theirs from here on, so they hear of it in their own.
            entry.add(
                EventKind.MEMBER_REMOVED,
                stream_id=user_id,
                subject_id=user_id,
                actor_id=caller.user_id,
                facts={"conversation_id": str(group_id), "role": member.role},
            )

    async def _create(
        self,
        entry: Entry,
        caller: Caller,
        name: str,
        description: str | None,
        others: Sequence[UUID],
        settings: GroupSettings,
    ) -> UUID:
        group_id = uuid7()
        position = entry.add(
            EventKind.CONVERSATION_CREATED,
            stream_id=group_id,
            subject_id=group_id,
            actor_id=caller.user_id,
            facts={"name": name},
        )
        await groups.create(entry.conn, group_id, name, description, settings, position, entry.at)
        members: list[tuple[UUID, Role]] = [
            (caller.user_id, "owner"),
            *((user_id, "member") for user_id in others),
        ]
        await conversations.add_members(entry.conn, group_id, members, position, entry.at)
        return group_id

    async def _check_new_members(self, given: Sequence[UUID], others: Sequence[UUID]) -> None:
        if len(others) + 1 > self._max_members:
            raise Invalid("members", f"A group has at most {self._max_members} members")
        async with self._database.read() as conn:
            strangers = await users.unknown(conn, others)
        unknown = [
            (f"members[{index}]", "There is no such user")
            for index, user_id in enumerate(given)
            if user_id in strangers
        ]
        if unknown:
            raise Invalid(*unknown[0], *unknown[1:])

    async def _check_addition(
        self, conn: Connection, group: Group, own_role: Role | None, user_id: UUID
    ) -> None:
        if own_role is None or (own_role == "member" and not group.settings.allow_invites):
            raise Forbidden("You cannot add members to this group")
        if await users.find(conn, user_id) is None:
            raise NotFound("user")
        if await groups.member(conn, group.id, user_id) is not None:
            raise Conflict("This user is a member already", field="user_id")
        self._check_room(group)

    def _check_room(self, group: Group) -> None:
        if group.member_count >= self._max_members:
            raise Conflict(f"The group is full: it has at most {self._max_members} members")


async def _visible(conn: Connection, caller: Caller, group_id: UUID) -> tuple[Group, Role | None]:
    """Return a group that the caller may see, and the caller's role in it. Raises NotFound."""
    group = await groups.find(conn, group_id)
    role = await groups.role_of(conn, group_id, caller.user_id)
    if group is None or (role is None and group.settings.is_private):
        raise NotFound("group")
    return group, role


async def _member(conn: Connection, group_id: UUID, user_id: UUID) -> Member:
    member = await groups.member(conn, group_id, user_id)
    if member is None:
        raise NotFound("member")
    return member


async def _place(
    conn: Connection, group_id: UUID, field: str, user_id: UUID | None
) -> tuple[int, UUID] | None:
    """Return where in the list of members somebody stands or stood."""
    if user_id is None:
        return None
    position = await groups.member_place(conn, group_id, user_id)
    if position is None:
        raise Invalid(field, "This is no member of this list")
    return position, user_id


async def _let_in(entry: Entry, caller: Caller, group_id: UUID, user_id: UUID) -> None:
    position = _note(entry, EventKind.MEMBER_ADDED, caller, group_id, user_id, "member")
    await conversations.add_members(entry.conn, group_id, [(user_id, "member")], position, entry.at)


def _facts(group: Group, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What an event tells of a group that changes: all of it, so that nobody has to look it up later."""
    changed = {"name": group.name, "description": group.description, **asdict(group.settings), **changes}
    return {
        "name": changed.pop("name"),
        "description": changed.pop("description"),
        "settings": changed,
        "owner_id": str(group.owner_id),
    }


def _note(entry: Entry, kind: EventKind, caller: Caller, group_id: UUID, user_id: UUID, role: Role) -> int:
    return entry.add(
        kind, stream_id=group_id, subject_id=user_id, actor_id=caller.user_id, facts={"role": role}
    )
