"""Users: their names and profiles."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record, UniqueViolationError

from parley.errors import Conflict, Invalid
from parley.model import Profile, UserStatus
from parley.storage.database import Connection, direction

# Which property it is about and what the client reads, by constraint: those of `20261122_01_accounts.sql`.
_TAKEN = {
    "users_email_taken": ("email", "This e-mail address is taken"),
    "users_username_taken": ("username", "This username is taken"),
}
# An index entry of PostgreSQL holds at most 2,704 bytes, and NFKC can make eighteen characters of one.
_MAX_KEY_BYTES = 2000


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A user as stored. `last_seen` and `left_at` are what processes have written so far; they may know of later."""

    id: UUID
    email: str
    username: str
    display_name: str
    profile: Profile
    created_at: datetime
    last_seen: datetime | None
    left_at: datetime | None
    has_beta: bool


@dataclass(frozen=True, slots=True)
class Account:
    """A user as whoever runs the server sees them."""

    id: UUID
    email: str
    username: str
    display_name: str
    created_at: datetime
    last_seen: datetime | None
    suspended_at: datetime | None
    beta_since: datetime | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which users a list shows. `status` is judged at the moment `online_since`, and None is any."""

    ids: Sequence[UUID] | None = None
    username_prefix: str | None = None
    status: UserStatus | None = None
    online_since: datetime | None = None


def name_key(name: str) -> str:
    """Return what of a name is compared: without case and compatibility forms (Unicode NFKC, casefolded)."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded)


def _record(row: Record) -> UserRecord:
    return UserRecord(
        id=row["id"],
        email=row["email"],
        username=row["username"],
        display_name=row["display_name"],
        profile=Profile(bio=row["bio"], avatar_url=row["avatar_url"], location=row["location"]),
        created_at=row["created_at"],
        last_seen=row["last_seen"],
        left_at=row["left_at"],
        has_beta=row["has_beta"],
    )


async def insert(conn: Connection, user_id: UUID, email: str, username: str, display_name: str) -> None:
    """Add a user. Raises Conflict with the field that is taken."""
    try:
        await conn.execute(
            """
            INSERT INTO users (id, email, email_key, username, username_key, display_name)
            VALUES ($1, $2, $3, $4, $5, $6)
            """,
            user_id,
            email,
            _storable_key("email", email),
            username,
            _storable_key("username", username),
            display_name,
        )
    except UniqueViolationError as error:
        if error.constraint_name not in _TAKEN:
            raise
        field, reason = _TAKEN[error.constraint_name]
        raise Conflict(reason, field=field) from None


def _storable_key(field: str, name: str) -> str:
    key = name_key(name)
    if len(key.encode()) > _MAX_KEY_BYTES:
        raise Invalid(field, "It is too long once its characters are decomposed")
    return key


async def check_free(conn: Connection, email: str, username: str) -> None:
    """Raise Conflict if a user has this e-mail address or username; `insert` judges for good."""
    row = await conn.fetchrow(
        """
        SELECT EXISTS (SELECT FROM users WHERE email_key = $1) AS users_email_taken,
               EXISTS (SELECT FROM users WHERE username_key = $2) AS users_username_taken
        """,
        name_key(email),
        name_key(username),
    )
    for constraint, (field, reason) in _TAKEN.items():
        if row is not None and row[constraint]:
            raise Conflict(reason, field=field)


async def read(conn: Connection, user_ids: Sequence[UUID]) -> dict[UUID, UserRecord]:
    """Return those of these users that exist, by id."""
    rows = await conn.fetch(
        """
        SELECT u.id, u.email, u.username, u.display_name, u.bio, u.avatar_url, u.location, u.created_at,
               p.last_seen, p.left_at, u.beta_since IS NOT NULL AS has_beta
        FROM users u
        LEFT JOIN presence p ON p.user_id = u.id
        WHERE u.id = ANY($1::uuid[])
        """,
        user_ids,
    )
    return {row["id"]: _record(row) for row in rows}


async def unknown(conn: Connection, user_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of these ids that are nobody's."""
    rows = await conn.fetch(
        """
        SELECT asked.id
        FROM unnest($1::uuid[]) asked (id)
        WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = asked.id)
        """,
        user_ids,
    )
    return {row["id"] for row in rows}


async def find_each(conn: Connection, user_ids: Sequence[UUID]) -> Sequence[UserRecord | None]:
    """Return each of these users, or None."""
    found = await read(conn, user_ids)
    return [found.get(user_id) for user_id in user_ids]


async def find(conn: Connection, user_id: UUID) -> UserRecord | None:
    """Return one user, or None."""
    return (await read(conn, [user_id])).get(user_id)


async def which_have_beta(conn: Connection, user_ids: Sequence[UUID]) -> Sequence[bool]:
    """Tell of each of these users whether they have access to the beta; whoever does not exist has none."""
    # Not a join: one plan serves for ever, and a join planned over an empty table would read all users.
    rows = await conn.fetch(
        """
        SELECT (SELECT u.beta_since FROM users u WHERE u.id = a.user_id) IS NOT NULL AS has_beta
        FROM unnest($1::uuid[]) WITH ORDINALITY AS a (user_id, number)
        ORDER BY a.number
        """,
        user_ids,
    )
    return [row["has_beta"] for row in rows]


async def grant_beta(conn: Connection, user_id: UUID) -> bool:
    """Give a user access to the beta, and return whether they had none; else the first time stays."""
    granted: UUID | None = await conn.fetchval(
        "UPDATE users SET beta_since = now() WHERE id = $1 AND beta_since IS NULL RETURNING id", user_id
    )
    return granted is not None


async def revoke_beta(conn: Connection, user_id: UUID) -> bool:
    """Take a user's access to the beta away, and return whether they had it."""
    revoked: UUID | None = await conn.fetchval(
        "UPDATE users SET beta_since = NULL WHERE id = $1 AND beta_since IS NOT NULL RETURNING id", user_id
    )
    return revoked is not None


async def find_id(conn: Connection, email: str) -> UUID | None:
    """Return the id of the user with this e-mail address, or None."""
    user_id: UUID | None = await conn.fetchval("SELECT id FROM users WHERE email_key = $1", name_key(email))
    return user_id


async def read_page(
    conn: Connection, wanted: Filter, before: UUID | None, after: UUID | None, limit: int
) -> Sequence[UserRecord]:
    """Return up to `limit` users, newest first: the next ones older than `before`, or newer than `after`."""
    where, values = _conditions(wanted)
    if before is not None:
        values.append(before)
        where.append(f"u.id < ${len(values)}")
    if after is not None:
        values.append(after)
        where.append(f"u.id > ${len(values)}")
    values.append(limit)
    rows = await conn.fetch(
        # Only fragments of this file are put together here; values travel apart.
        f"""
        SELECT u.id, u.email, u.username, u.display_name, u.bio, u.avatar_url, u.location, u.created_at,
               p.last_seen, p.left_at, u.beta_since IS NOT NULL AS has_beta
        FROM users u
        LEFT JOIN presence p ON p.user_id = u.id
        WHERE {" AND ".join(where) or "true"}
        ORDER BY u.id {direction(after)}
        LIMIT ${len(values)}
        """,
        *values,
    )
    return [_record(row) for row in (rows if after is None else reversed(rows))]


async def count(conn: Connection, wanted: Filter, newer_than: UUID | None) -> tuple[int, int]:
    """Return how many users the filter selects, and how many of them are newer than the given one."""
    where, values = _conditions(wanted)
    values.append(newer_than)
    row = await conn.fetchrow(
        f"""
        SELECT count(*) AS total, count(*) FILTER (WHERE u.id > ${len(values)}::uuid) AS newer
        FROM users u
        LEFT JOIN presence p ON p.user_id = u.id
        WHERE {" AND ".join(where) or "true"}
        """,
        *values,
    )
    return (0, 0) if row is None else (row["total"], row["newer"])


def _conditions(wanted: Filter) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    values: list[Any] = []
    if wanted.ids is not None:
        values.append(list(wanted.ids))
        where.append(f"u.id = ANY(${len(values)}::uuid[])")
    if wanted.username_prefix is not None:
        low = name_key(wanted.username_prefix)
        values += [low, _after_prefix(low)]
        # A range, since a prepared LIKE cannot use the index.
        where.append(f"u.username_key >= ${len(values) - 1} AND u.username_key < ${len(values)}")
    if wanted.status is not None:
        values.append(wanted.online_since)
        is_there = f"p.last_seen > greatest(p.left_at, ${len(values)})"
        where.append(f"coalesce({is_there}, false) = {wanted.status == 'online'}")
    return where, values


def _after_prefix(prefix: str) -> str:
    """Return the first string that is greater, in order of code points, than all that begin with `prefix`."""
    for length in range(len(prefix), 0, -1):
        following = ord(prefix[length - 1]) + 1
        if following == 0xD800:
            following = 0xE000  # Surrogates are no characters.
        if following <= 0x10FFFF:
            return prefix[: length - 1] + chr(following)
    return chr(0x10FFFF) * 64


async def write_profile(conn: Connection, user_id: UUID, display_name: str, profile: Profile) -> None:
    """Replace what a user says of themselves."""
    await conn.execute(
        """
        UPDATE users
        SET display_name = $2, bio = $3, avatar_url = $4, location = $5
        WHERE id = $1
        """,
        user_id,
        display_name,
        profile.bio,
        profile.avatar_url,
        profile.location,
    )


async def read_accounts(conn: Connection, after: UUID | None, limit: int) -> Sequence[Account]:
    """Return up to `limit` accounts newer than `after`, oldest first, for whoever runs the server."""
    rows = await conn.fetch(
        """
        SELECT u.id, u.email, u.username, u.display_name, u.created_at, p.last_seen, c.suspended_at,
               u.beta_since
        FROM users u
        JOIN credentials c ON c.user_id = u.id
        LEFT JOIN presence p ON p.user_id = u.id
        WHERE $1::uuid IS NULL OR u.id > $1
        ORDER BY u.id
        LIMIT $2
        """,
        after,
        limit,
    )
    return [Account(**dict(row)) for row in rows]
