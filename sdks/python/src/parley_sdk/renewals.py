"""Refreshes: one at a time, each on its own, so that whoever waits for one may leave without ending it.

All who wait share what comes of it, be it an error. The tokens of a refresh that was asked are worth too much to be
lost with somebody's patience: those of before are worth nothing then.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, wait
from contextlib import suppress
from typing import Any

from parley_sdk.api_error import ConnectionFailed

# How long a client that is closed waits for one that is under way, in seconds.
CLOSE_WITHIN = 5.0
# How long a thread may take to end when nothing holds it any more.
END_WITHIN = 1.0


class Renewals:
    """Those of a client for threads; `renew` carries one out."""

    def __init__(self, renew: Callable[[str | None], None]) -> None:
        self._renew = renew
        self._lock = threading.Lock()
        self._under_way: tuple[Future[None], threading.Thread] | None = None
        self._is_closed = False

    def wait(self, stale: str | None, given_up: Future[None]) -> None:
        """Wait for the refresh that is under way, or for a new one; raises what it raised.

        Raises ConnectionFailed when `given_up` is done before.
        """
        outcome = self._begun(stale)
        wait({outcome, given_up}, return_when=FIRST_COMPLETED)
        if not outcome.done():
            raise ConnectionFailed("The listener is closed")
        outcome.result()

    def close(self) -> None:
        """Begin no more, and wait a while for the one that is under way."""
        with self._lock:
            self._is_closed = True
            under_way = self._under_way
        if under_way is not None:
            wait({under_way[0]}, CLOSE_WITHIN)

    def leave(self) -> None:
        """Let nobody wait for it any longer: nothing comes over connections that are closed."""
        with self._lock:
            under_way = self._under_way
        if under_way is not None:
            outcome, thread = under_way
            thread.join(END_WITHIN)
            with suppress(InvalidStateError):
                outcome.set_exception(ConnectionFailed("The client is closed"))

    def _begun(self, stale: str | None) -> Future[None]:
        with self._lock:
            if self._under_way is None:
                if self._is_closed:
                    raise ConnectionFailed("The client is closed")
                outcome: Future[None] = Future()
                # A program does not stay for it: who comes back gets the same tokens, by the key of the refresh.
                thread = threading.Thread(target=self._run, args=(outcome, stale), daemon=True)
                thread.start()
                self._under_way = outcome, thread
            return self._under_way[0]

    def _run(self, outcome: Future[None], stale: str | None) -> None:
        failure: BaseException | None = None
        try:
            self._renew(stale)
        except BaseException as error:
            failure = error
        with self._lock:
            self._under_way = None
        # Nobody waits any longer where the client was closed.
        with suppress(InvalidStateError):
            if failure is None:
                outcome.set_result(None)
            else:
                outcome.set_exception(failure)


class AsyncRenewals:
    """Those of a client on asyncio."""

    def __init__(self, renew: Callable[[str | None], Coroutine[Any, Any, None]]) -> None:
        self._renew = renew
        self._under_way: asyncio.Task[None] | None = None
        self._is_closed = False

    async def wait(self, stale: str | None) -> None:
        """Wait for the refresh that is under way, or for a new one; raises what it raised."""
        if self._under_way is None:
            if self._is_closed:
                raise ConnectionFailed("The client is closed")
            self._under_way = asyncio.create_task(self._run(stale))
            self._under_way.add_done_callback(self._done)
        await asyncio.shield(self._under_way)

    async def close(self) -> None:
        """Begin no more, and wait a while for the one that is under way."""
        self._is_closed = True
        task = self._under_way
        if task is not None:
            try:
                await asyncio.wait({task}, timeout=CLOSE_WITHIN)
            finally:
                task.cancel()
            await asyncio.wait({task})

    async def _run(self, stale: str | None) -> None:
        try:
            await self._renew(stale)
        except asyncio.CancelledError:
            if not self._is_closed:
                raise
            # Those who wait were not cancelled.
            raise ConnectionFailed("The client is closed") from None

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way = None
        # Whoever waited may have left, and then nobody asks for what it raised.
        if not task.cancelled():
            task.exception()
