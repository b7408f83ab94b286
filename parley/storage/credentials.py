"""What log-ins are judged by: password hashes and suspensions."""

from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from parley.storage.database import Connection
from parley.storage.users import name_key


@dataclass(frozen=True, slots=True)
class Credentials:
    """How one user proves who they are. `password_version` counts changes of the password."""

    user_id: UUID
    password_hash: str
    password_version: int
    suspended: bool


def _credentials(row: Record | None) -> Credentials | None:
    if row is None:
        return None
    return Credentials(
        user_id=row["user_id"],
        password_hash=row["password_hash"],
        password_version=row["password_version"],
        suspended=row["suspended_at"] is not None,
    )


async def insert(conn: Connection, user_id: UUID, password_hash: str) -> None:
    """Give a new user a password."""
    await conn.execute(
        "INSERT INTO credentials (user_id, password_hash) VALUES ($1, $2)", user_id, password_hash
    )


async def find_by_email(conn: Connection, email: str) -> Credentials | None:
    """Return the credentials of the user with this e-mail address, or None."""
    row = await conn.fetchrow(
        """
        SELECT c.user_id, c.password_hash, c.password_version, c.suspended_at
        FROM users u
        JOIN credentials c ON c.user_id = u.id
        WHERE u.email_key = $1
        """,
        name_key(email),
    )
    return _credentials(row)


async def find(conn: Connection, user_id: UUID) -> Credentials | None:
    """Return a user's credentials, or None."""
    row = await conn.fetchrow(
        """
        SELECT user_id, password_hash, password_version, suspended_at
        FROM credentials
        WHERE user_id = $1
        """,
        user_id,
    )
    return _credentials(row)


async def lock(conn: Connection, user_id: UUID) -> Credentials | None:
    """Return a user's credentials, which nobody else changes before this transaction ends.

    Whoever begins or ends all of a user's sessions holds this lock, and so do changes of the password.
    """
    row = await conn.fetchrow(
        """
        SELECT user_id, password_hash, password_version, suspended_at
        FROM credentials
        WHERE user_id = $1
        FOR NO KEY UPDATE
        """,
        user_id,
    )
    return _credentials(row)


async def write_password(conn: Connection, user_id: UUID, password_hash: str) -> None:
    """Give a user another password."""
    await conn.execute(
        """
        UPDATE credentials
        SET password_hash = $2, password_version = password_version + 1
        WHERE user_id = $1
        """,
        user_id,
        password_hash,
    )


async def rewrite_hash(conn: Connection, user_id: UUID, password_hash: str) -> None:
    """Replace the hash of a password by another hash of the same one."""
    await conn.execute("UPDATE credentials SET password_hash = $2 WHERE user_id = $1", user_id, password_hash)


async def suspend(conn: Connection, user_id: UUID) -> None:
    """Note that a user may not log in; the first time counts."""
    await conn.execute(
        "UPDATE credentials SET suspended_at = coalesce(suspended_at, now()) WHERE user_id = $1", user_id
    )


async def unsuspend(conn: Connection, user_id: UUID) -> None:
    """Let a user log in again."""
    await conn.execute("UPDATE credentials SET suspended_at = NULL WHERE user_id = $1", user_id)
