"""Users: finding them, and what they tell about themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from parley import preconditions
from parley.errors import Forbidden, Invalid, NotFound
from parley.events import EventKind
from parley.model import Caller, Me, Page, User, UserStatus
from parley.services.pages import check_direction, cut
from parley.services.presence import Presence
from parley.storage import users
from parley.storage.database import Database
from parley.storage.log import Log
from parley.storage.questions import Questions
from parley.storage.users import Account, Filter, UserRecord

MIN_PREFIX = 3
# What a user can change of themselves; all but the first belong to the profile.
CHANGEABLE = ("display_name", "bio", "avatar_url", "location")


class Users:
    """Shows users and changes the caller's own profile."""

    def __init__(self, database: Database, log: Log, presence: Presence) -> None:
        self._database = database
        self._log = log
        self._presence = presence
        self._found = Questions(database, users.find_each)
        self._beta: Questions[UUID, bool] = Questions(database, users.which_have_beta)

    async def me(self, caller: Caller) -> Me:
        """Return the caller, with the e-mail address."""
        return await self.own(caller.user_id)

    async def own(self, user_id: UUID) -> Me:
        """Return a user as they see themselves. Raises NotFound."""
        return self.as_me(await self._find(user_id))

    async def get(self, caller: Caller, user_id: UUID) -> User:
        """Return a user; the caller themselves with the e-mail address. Raises NotFound."""
        record = await self._find(user_id)
        return self.as_me(record) if user_id == caller.user_id else self.as_user(record)

    async def by_ids(self, user_ids: Sequence[UUID]) -> dict[UUID, User]:
        """Return those of these users that exist, by id."""
        async with self._database.read() as conn:
            found = await users.read(conn, user_ids)
        return {user_id: self.as_user(record) for user_id, record in found.items()}

    async def list_page(
        self,
        *,
        ids: Sequence[UUID] | None = None,
        username: str | None = None,
        status: UserStatus | None = None,
        before: UUID | None = None,
        after: UUID | None = None,
        limit: int = 50,
    ) -> Page[User]:
        """Return a page of users, newest first: those with these ids, or whose username begins so, or both.

        Totals are counted for ids only: a prefix would have to be counted over all users.
        """
        check_direction(before, after)
        if username is not None and len(username) < MIN_PREFIX:
            raise Invalid("username", f"Use at least {MIN_PREFIX} characters")
        if ids is None and username is None:
            raise Invalid("username", "Give ids, or the beginning of a username")
        if status is not None:
            # What only this process knows yet would be missing from the answer.
            await self._presence.flush()
        wanted = Filter(ids, username, status, self._presence.online_since() if status else None)
        async with self._database.read() as conn:
            # One more than is shown tells whether there are more.
            records = await users.read_page(conn, wanted, before, after, limit + 1)
            found = [self._listed(record, status) for record in records]
            page = cut(found, limit, None if after is None else str(after), lambda user: str(user.id))
            if ids is None:
                return page
            first = page.items[0].id if page.items else None
            total, newer = await users.count(conn, wanted, first)
        if first is None and before is not None:
            newer = total
        return replace(page, total=total, current_page=newer // limit + 1)

    async def update(self, caller: Caller, user_id: UUID, changes: Mapping[str, Any]) -> Me:
        """Change what the caller tells about themselves; None clears. An empty display name is the username.

        `changes` has those of `CHANGEABLE` that are to change. Raises NotFound, and Forbidden for others.
        """
        if user_id != caller.user_id:
            await self._find(user_id)
            raise Forbidden("You can change only your own profile")
        async with self._log.append() as entry:
            before = await users.find(entry.conn, user_id)
            if before is None:
                raise NotFound("user")
            preconditions.check(self.as_me(before))
            after = _changed(before, changes)
            if after != before:
                await users.write_profile(entry.conn, user_id, after.display_name, after.profile)
                entry.add(
                    EventKind.USER_UPDATED, stream_id=user_id, subject_id=user_id, actor_id=user_id, facts={}
                )
        return self.as_me(after)

    async def accounts(self, after: UUID | None = None, limit: int = 100) -> Sequence[Account]:
        """Return accounts, oldest first, as whoever runs the server sees them."""
        async with self._database.read() as conn:
            return await users.read_accounts(conn, after, limit)

    async def has_beta(self, user_id: UUID) -> bool:
        """Return whether a user has access to the beta; asked each time, for it may have been taken away."""
        return await self._beta.ask(user_id)

    def as_user(self, record: UserRecord) -> User:
        """Return a user as others see them now."""
        status, last_seen = self._presence.of(record.id, record.last_seen, record.left_at)
        return User(
            id=record.id,
            username=record.username,
            display_name=record.display_name,
            status=status,
            last_seen=last_seen,
            profile=record.profile,
            created_at=record.created_at,
        )

    def as_me(self, record: UserRecord) -> Me:
        """Return a user as they see themselves now."""
        user = self.as_user(record)
        return Me(
            id=user.id,
            username=user.username,
            display_name=user.display_name,
            status=user.status,
            last_seen=user.last_seen,
            profile=user.profile,
            created_at=user.created_at,
            email=record.email,
            beta_access=record.has_beta,
        )

    def _listed(self, record: UserRecord, status: UserStatus | None) -> User:
        """Show the status that was asked for, though somebody may have come or gone since."""
        user = self.as_user(record)
        return user if status is None else replace(user, status=status, last_seen=record.last_seen)

    async def _find(self, user_id: UUID) -> UserRecord:
        record = await self._found.ask(user_id)
        if record is None:
            raise NotFound("user")
        return record


def _changed(record: UserRecord, changes: Mapping[str, Any]) -> UserRecord:
    profile = replace(record.profile, **{name: changes[name] for name in CHANGEABLE[1:] if name in changes})
    display_name = changes.get("display_name", record.display_name) or record.username
    return replace(record, display_name=display_name, profile=profile)
