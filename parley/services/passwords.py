"""Passwords: hashed with argon2id (RFC 9106), beside the event loop, never more at once than is bearable."""

import asyncio
import secrets
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from parley.errors import Invalid, Unavailable

# What OWASP's Password Storage Cheat Sheet recommends as a minimum: m=19456 (19 MiB), t=2, p=1. The second
# choice of RFC 9106 takes 64 MiB and four lanes: each log-in would be a load that a small machine feels.
MEMORY_KIB = 19_456
PASSES = 2
LANES = 1

MIN_LENGTH = 8
MAX_LENGTH = 128

Answer = TypeVar("Answer")


class Passwords:
    """Hashes and checks passwords, `concurrency` at a time; at most `queue_size` more may wait."""

    def __init__(
        self, concurrency: int = 2, queue_size: int = 64, hasher: PasswordHasher | None = None
    ) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="passwords")
        self._places = threading.BoundedSemaphore(concurrency + queue_size)
        # What an unknown account is checked against: the same work, and nobody's password.
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    def close(self) -> None:
        """Drop what waits and let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Return a salted hash to be stored. Raises Unavailable when too many wait."""
        return await self._run(lambda: self._hasher.hash(_normal(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether this is the password. None (there is no such account) takes as long and is False.

        Raises Unavailable when too many wait.
        """
        matches = await self._run(lambda: self._matches(password_hash or self._nobody, password))
        return matches and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether a hash was made with other parameters than one would be today."""
        return self._hasher.check_needs_rehash(password_hash)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _normal(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        if not self._places.acquire(blocking=False):
            raise Unavailable("Too many passwords are being checked at the moment")
        try:
            future = self._threads.submit(work)
        except RuntimeError as error:
            self._places.release()
            raise Unavailable("The server is stopping") from error
        # Not in a `finally` here: when the client goes away, the thread is still at work.
        future.add_done_callback(self._free_place)
        return await asyncio.wrap_future(future)

    def _free_place(self, _future: Future[Answer]) -> None:
        self._places.release()


def check_length(field: str, password: str) -> None:
    """Raise Invalid unless a password has 8 to 128 characters."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Invalid(field, f"It must have {MIN_LENGTH} to {MAX_LENGTH} characters")


def _normal(password: str) -> bytes:
    """Write one password in one way, whatever keyboard it was typed on (NFKC, NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
