"""Names to addresses, of which only those that webhooks may reach are handed on.

Whoever owns a webhook hears the same of a name that is unknown and of one that leads inside: otherwise the names of
an inner network could be tried one after the other. Which of them it was is in the log, for whoever runs the server.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

from parley import logs
from parley.services.egress import Egress

# How long somebody waits for a name, and how many are looked up at the same time.
_TIMEOUT = 5.0
_MAX_LOOKUPS = 64
# Names whose servers do not answer may not take more than a part of these places from all others.
_MAX_SLOW_LOOKUPS = 16
# Nor may those that never led anywhere yet, however many somebody makes up.
_MAX_NEW_LOOKUPS = 32
_MAX_NAMES = 10_000
THREAD_NAME = "look up a webhook's name"

LookUp = Callable[[str], Sequence[str]]

_log = logs.logger("webhooks")


class Unresolved(OSError):
    """A name was not resolved, for the reason that is its sentence."""


class LeadsNowhere(OSError):
    """There is no address behind a name that webhooks may reach, be it that there is none at all."""

    def __init__(self) -> None:
        super().__init__("the name leads to no address that webhooks may reach")


class Resolver(AbstractResolver):
    """The system's resolver, in threads, with the egress rules behind it.

    A thread for each lookup and not a pool: the system's call cannot be cut short, a server that stops does not
    wait for threads of this kind, and connections are kept, so lookups are rare.
    """

    def __init__(self, egress: Egress, look_up: LookUp | None = None) -> None:
        self._egress = egress
        self._look_up = look_up or _system_addresses
        # What is being looked up; a name that is unknown has no addresses.
        self._running: dict[str, asyncio.Future[Sequence[str]]] = {}
        # Names that have kept somebody waiting in vain, the oldest first.
        self._slow: dict[str, None] = {}
        # Names that led somewhere the last time, the oldest first.
        self._known: dict[str, None] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses that may be connected to. Raises Unresolved or LeadsNowhere.

        An address that is refused beside good ones is left out: nobody connects to it.
        """
        del family  # Both are wanted.
        found = [ip_address(address) for address in await self._addresses(host)]
        allowed = [address for address in found if self._egress.allows(address)]
        if not allowed:
            reason = f"it is {self._egress.reason(found[0])}" if found else "it is unknown"
            _log.debug("a webhook's name leads to no address that may be reached", host=host, reason=reason)
            raise LeadsNowhere
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in allowed
        ]

    async def close(self) -> None:
        """Nothing is kept."""

    async def _addresses(self, host: str) -> Sequence[str]:
        try:
            async with asyncio.timeout(_TIMEOUT):
                # Others may wait for the same answer.
                addresses = await asyncio.shield(self._running.get(host) or self._start(host))
        except TimeoutError:
            _note(self._slow, host)
            raise Unresolved(f"the name was not resolved within {_TIMEOUT:g} s") from None
        self._slow.pop(host, None)
        if addresses:
            _note(self._known, host)
        return addresses

    def _start(self, host: str) -> "asyncio.Future[Sequence[str]]":
        slow = sum(name in self._slow for name in self._running)
        new = sum(name not in self._known for name in self._running)
        if (
            len(self._running) >= _MAX_LOOKUPS
            or (host in self._slow and slow >= _MAX_SLOW_LOOKUPS)
            or (host not in self._known and new >= _MAX_NEW_LOOKUPS)
        ):
            raise Unresolved("too many names are being looked up")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str]] = loop.create_future()

        def settle(addresses: Sequence[str]) -> None:
            del self._running[host]
            answer.set_result(addresses)

        def run() -> None:
            try:
                addresses = self._look_up(host)
            except (OSError, UnicodeError):
                addresses = ()
            # A loop that was closed meanwhile has nobody left who would wait.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, addresses)

        threading.Thread(target=run, name=THREAD_NAME, daemon=True).start()
        self._running[host] = answer
        return answer


def _note(names: dict[str, None], host: str) -> None:
    names.pop(host, None)
    names[host] = None
    if len(names) > _MAX_NAMES:
        del names[next(iter(names))]


def _system_addresses(host: str) -> Sequence[str]:
    # The zone of a link-local address is part of its text then, so that it is seen by the rules.
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for _, _, _, _, sockaddr in found]
