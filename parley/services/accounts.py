"""Accounts: registering, logging in and out, changing the password, suspending, access to the beta."""

from dataclasses import dataclass
from uuid import UUID

from parley.errors import Conflict, Forbidden, IdempotencyMismatch, Invalid, NotFound, Unauthorized
from parley.ids import uuid7
from parley.model import Caller, Me, Tokens
from parley.services.idempotency import NOBODY, Claim, Idempotency, request_hash
from parley.services.passwords import Passwords, check_length
from parley.services.sessions import MAX_SESSIONS, Sessions
from parley.services.users import Users
from parley.storage import credentials, sessions, users
from parley.storage.database import Database

WRONG_CREDENTIALS = "The e-mail address or the password is wrong"
MAX_USER_AGENT = 512
MAX_ADDRESS = 64


@dataclass(frozen=True, slots=True)
class Registration:
    """What a new user gives. Without a display name it is the username."""

    email: str
    username: str
    password: str
    display_name: str | None = None


class Accounts:
    """Makes users, and lets them in."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        sessions: Sessions,
        users: Users,
        idempotency: Idempotency,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._sessions = sessions
        self._users = users
        self._idempotency = idempotency

    # ---- registering

    async def register(self, given: Registration, key: str | None = None) -> tuple[Me, bool]:
        """Make a user; the second value tells that this very request had made them before.

        Nobody is logged in yet, so a key counts together with the request, and its repeat must know the
        password. Raises Conflict with the field that is taken, IdempotencyMismatch for another password.
        """
        check_length("password", given.password)
        name, wanted = _registration_key(given, key)
        async with self._idempotency.claim(NOBODY, name, wanted) as claim:
            replayed = False
            try:
                user_id = await self._make(given, claim)
            except Conflict:
                made = await self._made_before(given, claim)
                if made is None:
                    raise
                user_id, replayed = made, True
        return await self._users.own(user_id), replayed

    async def create(self, email: str, username: str, password: str, display_name: str | None = None) -> Me:
        """Make a user, as whoever runs the server does. Raises Conflict with the field that is taken."""
        me, _ = await self.register(Registration(email, username, password, display_name))
        return me

    async def _make(self, given: Registration, claim: Claim) -> UUID:
        # Who is refused anyway does not cost a hash.
        async with self._database.read() as conn:
            await users.check_free(conn, given.email, given.username)
        password_hash = await self._passwords.hash(given.password)
        user_id = uuid7()
        async with self._database.transaction() as conn:
            await users.insert(
                conn, user_id, given.email, given.username, given.display_name or given.username
            )
            await credentials.insert(conn, user_id, password_hash)
            await claim.keep(conn, "user", user_id)
        return user_id

    async def _made_before(self, given: Registration, claim: Claim) -> UUID | None:
        """Return the user whom this request made before. The password is compared like the rest of it."""
        async with self._database.read() as conn:
            user_id = await claim.made(conn)
            found = None if user_id is None else await credentials.find(conn, user_id)
        if found is None:
            return None
        if not await self._passwords.verify(found.password_hash, given.password):
            raise IdempotencyMismatch
        return user_id

    # ---- logging in and out

    async def log_in(
        self, email: str, password: str, *, user_agent: str | None, address: str | None
    ) -> Tokens:
        """Begin a session.

        Raises Unauthorized, in the same words and after the same work whichever of the two is wrong, and
        Forbidden for a suspended account, but only to who knows its password.
        """
        async with self._database.read() as conn:
            found = await credentials.find_by_email(conn, email)
        matches = await self._passwords.verify(None if found is None else found.password_hash, password)
        if found is None or not matches:
            raise Unauthorized(WRONG_CREDENTIALS)
        better_hash = None
        if self._passwords.is_outdated(found.password_hash):
            better_hash = await self._passwords.hash(password)
        session_id = uuid7()
        async with self._database.transaction() as conn:
            now = await credentials.lock(conn, found.user_id)
            if now is None or now.password_version != found.password_version:
                raise Unauthorized(WRONG_CREDENTIALS)
            if now.suspended:
                raise Forbidden("This account is suspended")
            if better_hash is not None:
                await credentials.rewrite_hash(conn, found.user_id, better_hash)
            ended = await sessions.end_oldest(conn, found.user_id, keep=MAX_SESSIONS - 1)
            session = await sessions.insert(
                conn,
                session_id,
                found.user_id,
                _bounded(user_agent, MAX_USER_AGENT),
                _bounded(address, MAX_ADDRESS),
                self._sessions.refresh_lifetime,
            )
        self._sessions.forget(ended)
        return self._sessions.tokens_for(session)

    async def authenticate(self, token: str) -> Caller:
        """Return whose access token this is. Raises Unauthorized, and Unavailable if nobody can tell."""
        return await self._sessions.authenticate(token)

    # ---- passwords and suspension

    async def change_password(self, caller: Caller, current: str, new: str) -> None:
        """Give the caller another password and end their other sessions. Raises Invalid for a wrong one."""
        check_length("new_password", new)
        async with self._database.read() as conn:
            found = await credentials.find(conn, caller.user_id)
        if found is None or not await self._passwords.verify(found.password_hash, current):
            raise _wrong_password()
        password_hash = await self._passwords.hash(new)
        async with self._database.transaction() as conn:
            now = await credentials.lock(conn, caller.user_id)
            if now is None or now.password_version != found.password_version:
                raise _wrong_password()
            await credentials.write_password(conn, caller.user_id, password_hash)
            ended = await sessions.end_all(conn, caller.user_id, but=caller.session_id)
        self._sessions.forget(ended)

    async def set_password(self, email: str, password: str) -> None:
        """Give a user another password and end all their sessions. Raises NotFound."""
        check_length("password", password)
        user_id = await self._find_id(email)
        password_hash = await self._passwords.hash(password)
        async with self._database.transaction() as conn:
            await credentials.lock(conn, user_id)
            await credentials.write_password(conn, user_id, password_hash)
            ended = await sessions.end_all(conn, user_id)
        self._sessions.forget(ended)

    async def suspend(self, email: str) -> None:
        """End a user's sessions and let them begin no other; they stay visible. Raises NotFound."""
        user_id = await self._find_id(email)
        async with self._database.transaction() as conn:
            await credentials.lock(conn, user_id)
            await credentials.suspend(conn, user_id)
            ended = await sessions.end_all(conn, user_id)
        self._sessions.forget(ended)

    async def unsuspend(self, email: str) -> None:
        """Let a user log in again. Raises NotFound."""
        user_id = await self._find_id(email)
        async with self._database.transaction() as conn:
            await credentials.unsuspend(conn, user_id)

    # ---- the beta

    async def grant_beta(self, email: str) -> bool:
        """Give a user access to the beta, and return whether they had none. Raises NotFound."""
        user_id = await self._find_id(email)
        async with self._database.transaction() as conn:
            return await users.grant_beta(conn, user_id)

    async def revoke_beta(self, email: str) -> bool:
        """Take a user's access to the beta away, and return whether they had it. Raises NotFound."""
        user_id = await self._find_id(email)
        async with self._database.transaction() as conn:
            return await users.revoke_beta(conn, user_id)

    async def _find_id(self, email: str) -> UUID:
        async with self._database.read() as conn:
            user_id = await users.find_id(conn, email)
        if user_id is None:
            raise NotFound("user")
        return user_id


def _registration_key(given: Registration, key: str | None) -> tuple[str | None, bytes]:
    """Return the key under which a registration is noted, and its hash; the password is in neither."""
    body = {"email": given.email, "username": given.username, "display_name": given.display_name}
    wanted = request_hash("POST", "/users", [key, body])
    return (None if key is None else wanted.hex()), wanted


def _bounded(text: str | None, length: int) -> str | None:
    """Cut what a client says of itself; PostgreSQL stores no U+0000."""
    return None if text is None else text.replace("\0", "")[:length]


def _wrong_password() -> Invalid:
    return Invalid("current_password", "This is not the current password")
