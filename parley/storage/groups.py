"""Groups: what a conversation of many has beside its messages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from parley.model import Group, GroupSettings, Member, Role
from parley.storage.database import Connection, Row, direction

# How many members a group shows of itself; the rest is a list of its own.
SHOWN_MEMBERS = 100
# Counting groups stops here.
COUNT_LIMIT = 10_000

_GROUP_COLUMNS = f"""
    g.conversation_id, g.created_position, g.name, g.description, g.is_private, g.allow_invites,
    g.message_retention_days, c.created_at,
    (SELECT o.user_id FROM members o WHERE o.conversation_id = g.conversation_id AND o.role = 'owner') AS owner_id,
    (SELECT count(*) FROM members n WHERE n.conversation_id = g.conversation_id) AS member_count,
    ARRAY(
        SELECT jsonb_build_array(f.user_id, f.role, f.joined_at)
        FROM members f
        WHERE f.conversation_id = g.conversation_id
        ORDER BY f.joined_position, f.user_id
        LIMIT {SHOWN_MEMBERS}
    ) AS first_members
"""


async def create(
    conn: Connection,
    group_id: UUID,
    name: str,
    description: str | None,
    settings: GroupSettings,
    position: int,
    at: datetime,
) -> None:
    """Make a group's conversation, without members yet. The caller holds the head."""
    await conn.execute(
        """
        WITH made AS (
            INSERT INTO conversations (conversation_id, kind, created_position, created_at)
            VALUES ($1, 'group', $7, $8)
        )
        INSERT INTO groups (
            conversation_id, name, description, is_private, allow_invites, message_retention_days, created_position
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        group_id,
        name,
        description,
        settings.is_private,
        settings.allow_invites,
        settings.message_retention_days,
        position,
        at,
    )


async def find(conn: Connection, group_id: UUID) -> Group | None:
    """Return a group, None for one that never was or was deleted. Who may see it is the service's to say."""
    row = await conn.fetchrow(
        f"""
        SELECT {_GROUP_COLUMNS}
        FROM groups g
        JOIN conversations c USING (conversation_id)
        WHERE g.conversation_id = $1 AND c.deleted_at IS NULL
        """,
        group_id,
    )
    return None if row is None else _group_of(row)


async def page(
    conn: Connection,
    *,
    member_id: UUID | None,
    limit: int,
    before: UUID | None = None,
    after: UUID | None = None,
) -> list[Group]:
    """Return up to `limit` groups, newest first: a person's, or (member_id None) the public ones.

    `before` and `after` are groups; a deleted one still says where to go on.
    """
    rows = await conn.fetch(
        f"""
        WITH chosen AS (
            SELECT g.*, v.created_at
            FROM groups g
            JOIN conversations v USING (conversation_id)
            WHERE v.deleted_at IS NULL
              AND {_VISIBLE[member_id is None]}
              AND g.created_position < coalesce({_PLACE.format("$2")}, {_PAST_THE_END})
              AND g.created_position > coalesce({_PLACE.format("$3")}, 0)
            ORDER BY g.created_position {direction(after)}
            LIMIT $4
        )
        SELECT {_GROUP_COLUMNS}
        FROM chosen g
        JOIN LATERAL (SELECT g.created_at) c ON true
        ORDER BY g.created_position DESC
        """,
        member_id,
        before,
        after,
        limit,
    )
    return [_group_of(row) for row in rows]


_PAST_THE_END = 2**63 - 1
_PLACE = "(SELECT created_position FROM groups WHERE conversation_id = {})"
_VISIBLE = {
    True: "NOT g.is_private AND $1::uuid IS NULL",
    False: "g.conversation_id IN (SELECT m.conversation_id FROM members m WHERE m.user_id = $1)",
}


async def count(conn: Connection, *, member_id: UUID | None, newer_than: UUID | None = None) -> int:
    """Count the groups that `page` would show, or of those the ones newer than a group; up to COUNT_LIMIT + 1."""
    number: int = await conn.fetchval(
        f"""
        SELECT count(*) FROM (
            SELECT FROM groups g
            JOIN conversations c USING (conversation_id)
            WHERE c.deleted_at IS NULL
              AND {_VISIBLE[member_id is None]}
              AND g.created_position > coalesce({_PLACE.format("$2")}, 0)
            LIMIT {COUNT_LIMIT + 1}
        ) counted
        """,
        member_id,
        newer_than,
    )
    return number


async def is_place(conn: Connection, group_id: UUID, user_id: UUID) -> bool:
    """Tell whether a group is a place where a list of this user's may go on: one that they could see once.

    Deleted and left ones are, for as long as they are remembered; what was never theirs to see is not told apart
    from what never was.
    """
    found: bool = await conn.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM groups g
            WHERE g.conversation_id = $1 AND (NOT g.is_private OR EXISTS (
                SELECT FROM memberships p WHERE p.conversation_id = $1 AND p.user_id = $2
            ))
        )
        """,
        group_id,
        user_id,
    )
    return found


async def update(conn: Connection, group_id: UUID, changes: Mapping[str, Any]) -> None:
    """Set columns of a group to new values. The caller holds the head and chose the names."""
    assignments = ", ".join(f"{column} = ${n}" for n, column in enumerate(changes, 2))
    await conn.execute(
        f"UPDATE groups SET {assignments} WHERE conversation_id = $1", group_id, *changes.values()
    )


async def role_of(conn: Connection, group_id: UUID, user_id: UUID) -> Role | None:
    """Return a person's role in a group, None for outsiders and for what is no group."""
    role: Role | None = await conn.fetchval(
        """
        SELECT m.role
        FROM members m
        JOIN groups g USING (conversation_id)
        WHERE m.conversation_id = $1 AND m.user_id = $2
        """,
        group_id,
        user_id,
    )
    return role


async def set_roles(conn: Connection, group_id: UUID, roles: Mapping[UUID, Role]) -> None:
    """Give members new roles, in the given order: who ceases to be the owner comes first."""
    for user_id, role in roles.items():
        await conn.execute(
            "UPDATE members SET role = $3 WHERE conversation_id = $1 AND user_id = $2",
            group_id,
            user_id,
            role,
        )


async def delete(conn: Connection, group_id: UUID, at: datetime) -> None:
    """Make a group invisible at once; what it held is purged afterwards."""
    await conn.execute("UPDATE conversations SET deleted_at = $2 WHERE conversation_id = $1", group_id, at)


async def member(conn: Connection, group_id: UUID, user_id: UUID) -> Member | None:
    """Return one member of a group."""
    row = await conn.fetchrow(
        "SELECT user_id, role, joined_at FROM members WHERE conversation_id = $1 AND user_id = $2",
        group_id,
        user_id,
    )
    return None if row is None else Member(row["user_id"], row["role"], row["joined_at"])


async def member_ids(conn: Connection, group_id: UUID) -> list[UUID]:
    """Return everybody in a group."""
    rows = await conn.fetch("SELECT user_id FROM members WHERE conversation_id = $1", group_id)
    return [row["user_id"] for row in rows]


async def member_place(conn: Connection, group_id: UUID, user_id: UUID) -> int | None:
    """Return the position at which a person last joined, also of one who left since: where a list goes on."""
    place: int | None = await conn.fetchval(
        "SELECT max(from_position) FROM memberships WHERE conversation_id = $1 AND user_id = $2",
        group_id,
        user_id,
    )
    return place


async def member_page(
    conn: Connection,
    group_id: UUID,
    *,
    limit: int,
    before: tuple[int, UUID] | None = None,
    after: tuple[int, UUID] | None = None,
) -> list[Member]:
    """Return up to `limit` members, latest to join first. Places are (position of joining, user id)."""
    rows = await conn.fetch(
        f"""
        SELECT * FROM (
            SELECT user_id, role, joined_at, joined_position
            FROM members
            WHERE conversation_id = $1
              AND ($2::bigint IS NULL OR (joined_position, user_id) < ($2, $3::uuid))
              AND ($4::bigint IS NULL OR (joined_position, user_id) > ($4, $5::uuid))
            ORDER BY joined_position {direction(after)}, user_id {direction(after)}
            LIMIT $6
        ) m
        ORDER BY joined_position DESC, user_id DESC
        """,
        group_id,
        *(before or (None, None)),
        *(after or (None, None)),
        limit,
    )
    return [Member(row["user_id"], row["role"], row["joined_at"]) for row in rows]


async def count_members(conn: Connection, group_id: UUID, newer_than: tuple[int, UUID] | None = None) -> int:
    """Count the members of a group, or of those the ones after a place."""
    number: int = await conn.fetchval(
        """
        SELECT count(*)
        FROM members
        WHERE conversation_id = $1 AND ($2::bigint IS NULL OR (joined_position, user_id) > ($2, $3::uuid))
        """,
        group_id,
        *(newer_than or (None, None)),
    )
    return number


def _group_of(row: Row) -> Group:
    members = [
        Member(UUID(user_id), role, datetime.fromisoformat(joined_at))
        for user_id, role, joined_at in row["first_members"]
    ]
    return Group(
        id=row["conversation_id"],
        name=row["name"],
        description=row["description"],
        owner_id=row["owner_id"],
        created_at=row["created_at"],
        member_count=row["member_count"],
        members=members,
        settings=GroupSettings(row["is_private"], row["allow_invites"], row["message_retention_days"]),
    )
