"""The session of a client: its tokens, and when they are to be renewed."""

import hashlib
import threading
import time
from dataclasses import dataclass, field

from parley_sdk.stores import Tokens, TokenStore

# A token that a refresh has just given is not refreshed again for so many seconds, however short it lives.
AT_LEAST = 5.0


@dataclass(frozen=True, slots=True)
class _Received:
    """An access token that came to this process, by the clock that nobody sets."""

    access_token: str = field(repr=False)
    expires_at: float
    renewable_at: float


class Session:
    """Keeps the tokens of one user in a store, which others may share."""

    def __init__(self, store: TokenStore, margin: float) -> None:
        self._store = store
        self._margin = margin
        self._received: _Received | None = None
        # Held from looking into the store to writing to it.
        self._writing = threading.RLock()

    @property
    def tokens(self) -> Tokens | None:
        """The tokens, if somebody is logged in."""
        return self._store.load()

    def begin(self, access_token: str, refresh_token: str, expires_in: float) -> None:
        """Take the tokens of a log-in; the access token works for so many seconds."""
        with self._writing:
            self._take(access_token, refresh_token, expires_in, time.monotonic())

    def renew(self, used: Tokens, access_token: str, refresh_token: str, expires_in: float) -> None:
        """Take the successors of these tokens, unless somebody logged in or out meanwhile: that counts."""
        with self._writing:
            if not self.has_moved_on(used):
                self._take(access_token, refresh_token, expires_in, time.monotonic() + AT_LEAST)

    def has_moved_on(self, used: Tokens) -> bool:
        """Say whether the store holds something else than these tokens by now."""
        tokens = self._store.load()
        return tokens is None or tokens.refresh_token != used.refresh_token

    def _take(self, access_token: str, refresh_token: str, expires_in: float, renewable_at: float) -> None:
        self._received = _Received(access_token, time.monotonic() + expires_in, renewable_at)
        self._store.save(Tokens(access_token, refresh_token, time.time() + expires_in, expires_in))

    def end(self, access_token: str | None = None) -> None:
        """Forget the session; where a token is given, only while it is still that one's."""
        with self._writing:
            tokens = self._store.load()
            if access_token is None or (tokens is not None and tokens.access_token == access_token):
                self._store.clear()

    def left(self, tokens: Tokens) -> float:
        """Return for how many seconds the access token still works.

        The clock of the machine may be off or be set: it only counts for tokens that this process did not receive.
        """
        received = self._known(tokens)
        if received is not None:
            return received.expires_at - time.monotonic()
        return min(tokens.expires_at - time.time(), tokens.lifetime)

    def renewal_in(self, tokens: Tokens) -> float:
        """Return in how many seconds to renew the access token; of a short life the margin takes a third at most."""
        due = self.left(tokens) - min(self._margin, tokens.lifetime / 3)
        received = self._known(tokens)
        return due if received is None else max(due, received.renewable_at - time.monotonic())

    def _known(self, tokens: Tokens) -> _Received | None:
        received = self._received
        known = received is not None and received.access_token == tokens.access_token
        return received if known else None


def refresh_key(tokens: Tokens) -> str:
    """Return the Idempotency-Key of the refresh of these tokens.

    It is the same for everybody who has them, so that who shares a store, or comes back after a crash, gets the same
    successor, and is not taken for a thief who uses a token again.
    """
    return hashlib.sha256(f"refresh {tokens.refresh_token}".encode()).hexdigest()
