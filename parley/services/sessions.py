"""Sessions: who a token stands for, which log-ins a user has, and their end.

A token that was checked once is known until it expires, so most requests ask nobody. That is safe only while
this process hears of every session that ends: what it knows is dropped whenever it begins or stops to listen,
and while it does not listen each request asks the database.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from parley.errors import NotFound, SessionEnded, Unauthorized
from parley.model import Caller, Session, Tokens
from parley.services.presence import Presence
from parley.services.tokens import Claims, Use
from parley.services.tokens import Tokens as TokenSigner
from parley.storage import sessions
from parley.storage.database import Database
from parley.storage.listener import Connect, Listener
from parley.storage.questions import Questions
from parley.storage.sessions import SESSIONS_ENDED, SessionRecord

# How many sessions a user has at most; another log-in ends the oldest.
MAX_SESSIONS = 100
# How many refreshes of a session can be repeated at most: a bound for who refreshes far too often.
MAX_REPEATABLE = 100
# How many tokens are known at most; the one known longest is forgotten first, and asked for again.
MAX_KNOWN = 50_000


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    expires_at: int


class Sessions:
    """Recognises callers, issues and renews tokens, lists and ends sessions."""

    def __init__(
        self,
        database: Database,
        tokens: TokenSigner,
        presence: Presence,
        connect: Connect,
        *,
        access_lifetime: timedelta = timedelta(hours=1),
        refresh_lifetime: timedelta = timedelta(days=30),
        now: Callable[[], float] = time.time,
    ) -> None:
        """`connect` makes a connection to the database that is ours alone, to listen on."""
        self._database = database
        self._tokens = tokens
        self._presence = presence
        self._access_seconds = int(access_lifetime.total_seconds())
        self.refresh_lifetime = refresh_lifetime
        self._now = now
        self._alive: Questions[tuple[UUID, UUID], bool] = Questions(
            database, lambda conn, asked: sessions.which_alive(conn, asked)
        )
        self._known: dict[str, _Known] = {}
        self._tokens_of: dict[UUID, set[str]] = {}
        self._listening = False
        # Hear of sessions that ended; None says that some may have, and that it is time to ask.
        self.watchers: list[Callable[[Collection[UUID] | None], None]] = []
        # Counts what could make an answer of the database stale while it is on its way.
        self._changes = 0
        self.listener = Listener(
            connect,
            SESSIONS_ENDED,
            heard=lambda session_id: self.forget([UUID(session_id)]),
            turned=self._turn,
        )

    async def start(self) -> None:
        """Begin to listen for sessions that end."""
        self.listener.start()

    async def stop(self) -> None:
        """Stop listening."""
        await self.listener.stop()

    async def authenticate(self, token: str) -> Caller:
        """Return whose access token this is.

        Raises Unauthorized (SessionEnded where only its session is no more), and Unavailable if nobody can tell.
        """
        caller, _ = await self.authenticate_until(token)
        return caller

    async def authenticate_until(self, token: str) -> tuple[Caller, float]:
        """Return whose access token this is, and until when, in seconds of Unix time. Raises as `authenticate`."""
        known = self._known.get(token)
        if known is not None and known.expires_at > self._now():
            self._presence.seen(known.caller)
            return known.caller, known.expires_at
        claims = self._tokens.read(token, "access")
        caller = Caller(claims.user_id, claims.session_id)
        changes = self._changes
        if not await self._alive.ask((caller.session_id, caller.user_id)):
            raise SessionEnded
        # One that ended meanwhile was announced before it was known here, and will not be announced again.
        if self._listening and changes == self._changes:
            self._remember(token, _Known(caller, claims.expires_at))
        self._presence.seen(caller)
        return caller, claims.expires_at

    @property
    def changes(self) -> int:
        """How often a session ended, or may have: whoever finds another number than before asks again."""
        return self._changes

    async def ended(self, session_ids: Collection[UUID]) -> set[UUID]:
        """Return those of these sessions that have ended."""
        async with self._database.read() as conn:
            return set(session_ids) - await sessions.alive(conn, session_ids)

    async def confirm(self, caller: Caller) -> None:
        """Raise SessionEnded if the caller's session has ended since, for requests that wait before they answer."""
        if not await self._alive.ask((caller.session_id, caller.user_id)):
            raise SessionEnded

    async def refresh(self, refresh_token: str, key: str | None = None) -> tuple[Tokens, bool]:
        """Replace a refresh token by its successor; the second value tells that this is a repeat.

        One that was replaced already ends the session, for somebody else has it too; but who repeats the
        request with the same key within a minute gets the same successor again, used or not: the repeat may
        have been overtaken by its own successor's. Raises Unauthorized.
        """
        claims = self._tokens.read(refresh_token, "refresh")
        assert claims.generation is not None, "the signer requires it of refresh tokens"
        repeat_key = None if key is None else hashlib.sha256(key.encode()).digest()
        async with self._database.transaction() as conn:
            session = await sessions.rotate(conn, claims.session_id, claims.generation, self.refresh_lifetime)
            repeated = session is None
            if repeat_key is not None:
                if session is not None:
                    await sessions.keep_rotation(conn, session, repeat_key, MAX_REPEATABLE)
                else:
                    session = await sessions.find_rotated(
                        conn, claims.session_id, claims.generation, repeat_key
                    )
            if session is None:
                await sessions.end(conn, claims.session_id, claims.user_id)
        if session is None:
            self.forget([claims.session_id])
            raise Unauthorized
        tokens = self.tokens_for(session)
        if repeated:
            # The same tokens, a little older.
            age = int(self._now()) - int(session.rotated_at.timestamp())
            tokens = replace(tokens, expires_in=max(1, tokens.expires_in - max(0, age)))
        return tokens, repeated

    def session_of(self, refresh_token: str) -> UUID | None:
        """Return the session of a refresh token, asking nobody; None if it is none of ours or too old."""
        try:
            return self._tokens.read(refresh_token, "refresh").session_id
        except Unauthorized:
            return None

    async def list_all(self, caller: Caller) -> Sequence[Session]:
        """Return the caller's sessions, the last used first."""
        async with self._database.read() as conn:
            found = await sessions.read_all(conn, caller.user_id)
        shown = [
            _session(record, caller, self._presence.last_used(record.id, record.last_used_at))
            for record in found
        ]
        return sorted(shown, key=lambda session: session.last_used_at, reverse=True)

    async def revoke(self, caller: Caller, session_id: UUID) -> None:
        """End one of the caller's sessions. Raises NotFound."""
        async with self._database.transaction() as conn:
            was_there = await sessions.end(conn, session_id, caller.user_id)
        self.forget([session_id])
        if not was_there:
            raise NotFound("session")

    async def log_out(self, caller: Caller) -> None:
        """End the session that the caller uses."""
        async with self._database.transaction() as conn:
            await sessions.end(conn, caller.session_id, caller.user_id)
        self.forget([caller.session_id])

    def tokens_for(self, session: SessionRecord) -> Tokens:
        """Sign the tokens of a session's present generation: the same ones each time, for the same key."""
        issued_at = int(session.rotated_at.timestamp())
        refresh_until = int(session.expires_at.timestamp())
        access_until = min(issued_at + self._access_seconds, refresh_until)
        return Tokens(
            access_token=self._signed(session, "access", issued_at, access_until, None),
            refresh_token=self._signed(session, "refresh", issued_at, refresh_until, session.generation),
            expires_in=access_until - issued_at,
            token_type="Bearer",  # noqa: S106 - a kind of token, and no secret
            user_id=session.user_id,
            session_id=session.id,
        )

    def _signed(
        self, session: SessionRecord, use: Use, issued_at: int, expires_at: int, generation: int | None
    ) -> str:
        token_id = uuid5(session.id, f"{use} {session.generation}")
        return self._tokens.sign(
            Claims(use, session.user_id, session.id, token_id, issued_at, expires_at, generation)
        )

    def forget(self, session_ids: Iterable[UUID]) -> None:
        """Know no longer what was known of these sessions: they ended."""
        self._changes += 1
        ended = set(session_ids)
        for session_id in ended:
            for token in self._tokens_of.pop(session_id, ()):
                del self._known[token]
        for tell in self.watchers:
            tell(ended)

    def _remember(self, token: str, known: _Known) -> None:
        while len(self._known) >= MAX_KNOWN:
            self._drop(next(iter(self._known)))
        self._known[token] = known
        self._tokens_of.setdefault(known.caller.session_id, set()).add(token)

    def _drop(self, token: str) -> None:
        session_id = self._known.pop(token).caller.session_id
        tokens = self._tokens_of[session_id]
        tokens.discard(token)
        if not tokens:
            del self._tokens_of[session_id]

    def _turn(self, listening: bool) -> None:
        self._changes += 1
        self._listening = listening
        self._known.clear()
        self._tokens_of.clear()
        if listening:
            # Sessions may have ended while nobody listened.
            for tell in self.watchers:
                tell(None)


def _session(record: SessionRecord, caller: Caller, last_used_at: datetime) -> Session:
    return Session(
        id=record.id,
        created_at=record.created_at,
        last_used_at=last_used_at,
        expires_at=record.expires_at,
        user_agent=record.user_agent,
        address=record.address,
        current=record.id == caller.session_id,
    )
