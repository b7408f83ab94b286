"""Names to addresses, of which only those that webhooks may reach are handed on."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

from parley.services.egress import Egress

# How long somebody waits for a name, and how many are looked up at the same time.
_TIMEOUT = 5.0
_MAX_LOOKUPS = 64
# Names whose servers do not answer may not take more than a part of these places from all others.
_MAX_SLOW_LOOKUPS = 16
_MAX_SLOW_NAMES = 10_000

LookUp = Callable[[str], Sequence[str]]


class Unresolved(OSError):
    """A name leads nowhere, for the reason that is its sentence."""


class Refused(OSError):
    """A name leads where webhooks may not go, for the reason that is its sentence."""


class Resolver(AbstractResolver):
    """The system's resolver, in threads, with the egress rules behind it.

    A thread for each lookup and not a pool: the system's call cannot be cut short, a server that stops does not
    wait for threads of this kind, and connections are kept, so lookups are rare.
    """

    def __init__(self, egress: Egress, look_up: LookUp | None = None) -> None:
        self._egress = egress
        self._look_up = look_up or _system_addresses
        self._running = 0
        self._running_slow = 0
        # When each of these last kept somebody waiting in vain, the oldest first.
        self._slow_names: dict[str, float] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses that may be connected to. Raises Unresolved or Refused.

        An address that is refused beside good ones is left out: nobody connects to it.
        """
        del family  # Both are wanted.
        found = [ip_address(address) for address in await self._addresses(host)]
        allowed = [address for address in found if self._egress.allows(address)]
        if not allowed:
            raise Refused(self._egress.reason(found[0]))
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
        is_slow = host in self._slow_names
        if self._running >= _MAX_LOOKUPS or (is_slow and self._running_slow >= _MAX_SLOW_LOOKUPS):
            raise Unresolved("too many names are being looked up")
        answer = self._start(host, is_slow)
        try:
            addresses = await asyncio.wait_for(answer, _TIMEOUT)
        except TimeoutError:
            self._note_slow(host)
            raise Unresolved(f"the name was not resolved within {_TIMEOUT:g} s") from None
        except (OSError, UnicodeError):
            raise Unresolved("the name cannot be resolved") from None
        self._slow_names.pop(host, None)
        if not addresses:
            raise Unresolved("the name has no address")
        return addresses

    def _start(self, host: str, is_slow: bool) -> "asyncio.Future[Sequence[str]]":
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str]] = loop.create_future()

        def settle(result: Sequence[str] | Exception) -> None:
            self._running -= 1
            self._running_slow -= is_slow
            if answer.done():
                return
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        def run() -> None:
            result: Sequence[str] | Exception
            try:
                result = self._look_up(host)
            except (OSError, UnicodeError) as error:
                result = error
            # A loop that was closed meanwhile has nobody left who would wait.
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, result)

        threading.Thread(target=run, name="look up a webhook's name", daemon=True).start()
        self._running += 1
        self._running_slow += is_slow
        return answer

    def _note_slow(self, host: str) -> None:
        self._slow_names.pop(host, None)
        self._slow_names[host] = time.monotonic()
        if len(self._slow_names) > _MAX_SLOW_NAMES:
            del self._slow_names[next(iter(self._slow_names))]


def _system_addresses(host: str) -> Sequence[str]:
    # The zone of a link-local address is part of its text then, so that it is seen by the rules.
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for _, _, _, _, sockaddr in found]
