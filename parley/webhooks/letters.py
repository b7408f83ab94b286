"""What is about to be sent: content, address and secrets, read immediately before, for many requests at once.

A message may have been deleted since its delivery was claimed, a webhook as well, or it has another address or secret.
What is read here leaves within the same turn of the loop in which it was read, or the next.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from parley import logs
from parley.errors import Unavailable
from parley.storage import deliveries
from parley.storage.database import Database
from parley.storage.deliveries import Claim, Destination
from parley.webhooks.payloads import Payload

# For how many seconds at most those gather who are about to ask: reading costs about as much for one as for ten.
GATHER_FOR = 0.003
# How many are read at once: so few that those read first do not wait for those that are signed after them.
AT_ONCE = 32

_log = logs.logger("webhooks")


class Reads(Protocol):
    """Builds payloads."""

    async def read(self, claims: Sequence[Claim]) -> Mapping[UUID, Payload | None]:
        """Return the payloads of claims by delivery; None where the log no longer has the event."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A payload (None: the log no longer has it), and where it goes (None: nowhere any more).

    Of one that is `broken` no payload could be built.
    """

    payload: Payload | None
    destination: Destination | None
    broken: bool


class Letters:
    """Reads what many requests are about to send; whoever asks while it reads is in the next reading.

    `expected` says how many may be about to ask, with those that have: whoever is alone is not kept waiting.
    """

    def __init__(self, database: Database, payloads: Reads, expected: Callable[[], int]) -> None:
        self._database = database
        self._payloads = payloads
        self._expected = expected
        self._asked: deque[tuple[Claim, asyncio.Future[Letter]]] = deque()
        self._enough = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    async def read(self, claim: Claim) -> Letter:
        """Return what is to be sent now. Raises Unavailable."""
        answer: asyncio.Future[Letter] = asyncio.get_running_loop().create_future()
        self._asked.append((claim, answer))
        if self._have_all_asked():
            self._enough.set()
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_on(), name="webhook letters")
        return await answer

    async def stop(self) -> None:
        """End; nobody may be waiting any more."""
        if self._reading is not None:
            await asyncio.wait([self._reading])

    async def _read_on(self) -> None:
        try:
            while self._asked:
                await self._gather()
                some = [self._asked.popleft() for _ in range(min(AT_ONCE, len(self._asked)))]
                await self._answer([(claim, answer) for claim, answer in some if not answer.done()])
        finally:
            self._reading = None

    def _have_all_asked(self) -> bool:
        return len(self._asked) >= min(AT_ONCE, self._expected())

    async def _gather(self) -> None:
        """Wait for a moment while there are others who may ask."""
        if self._have_all_asked():
            return
        self._enough.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER_FOR):
                await self._enough.wait()

    async def _answer(self, asked: Sequence[tuple[Claim, asyncio.Future[Letter]]]) -> None:
        claims = [claim for claim, _ in asked]
        try:
            payloads = await self._build(claims)
            async with self._database.read() as conn:
                destinations = await deliveries.destinations(conn, {claim.webhook_id for claim in claims})
        except Exception as error:
            # It belongs to those who asked.
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(error)
            return
        for claim, answer in asked:
            if not answer.done():
                payload = payloads.get(claim.delivery_id)
                broken = claim.delivery_id not in payloads
                answer.set_result(Letter(payload, destinations.get(claim.webhook_id), broken))

    async def _build(self, claims: Sequence[Claim]) -> Mapping[UUID, Payload | None]:
        """Return the payloads; one that cannot be built is missing."""
        try:
            return await self._payloads.read(claims)
        except Unavailable:
            raise
        except Exception:
            _log.exception("payloads of webhooks could not be built", number=len(claims))
        if len(claims) == 1:
            return {}
        # One that is at fault must not hold up the others.
        built: dict[UUID, Payload | None] = {}
        for claim in claims:
            built |= await self._build([claim])
        return built
