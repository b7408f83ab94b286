"""The client's address, which is the peer's unless the peer is a proxy that we trust."""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

from parley import logs
from parley.settings import Network

_FORWARDED_FOR = re.compile(r'for\s*=\s*(?:"([^"]*)"|([^\s;,]*))', re.IGNORECASE)
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([\d.]+):\d+")

_log = logs.logger("contract")


class ClientAddresses:
    """Reads addresses from what trusted proxies say.

    Where a proxy sends both headers, `X-Forwarded-For` is believed: it is the one that proxies append to by
    default, so a client cannot forge its right end.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self._warned = False

    def address(self, peer: str, x_forwarded_for: bytes | None, forwarded: bytes | None) -> str:
        """Return the rightmost hop that is not a trusted proxy."""
        if x_forwarded_for is None and forwarded is None:
            return peer
        if not self._is_trusted(peer):
            self._warn(peer)
            return peer
        if x_forwarded_for is not None:
            hops = x_forwarded_for.decode("latin-1").split(",")
        else:
            assert forwarded is not None
            hops = [quoted or plain for quoted, plain in _FORWARDED_FOR.findall(forwarded.decode("latin-1"))]
        return self._rightmost_untrusted(peer, hops)

    def _rightmost_untrusted(self, peer: str, hops: Sequence[str]) -> str:
        believed = peer
        for hop in reversed(hops):
            address = _bare_address(hop)
            # Left of a hop that says nonsense there is nothing to believe.
            if address is None:
                break
            believed = address
            if not self._is_trusted(address):
                break
        return believed

    def _is_trusted(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)

    def _warn(self, peer: str) -> None:
        if not self._warned:
            self._warned = True
            _log.warning(
                "a forwarded header is not trusted",
                peer=peer,
                hint="A proxy of yours? Name it in PARLEY_TRUSTED_PROXIES: now all its clients count as one.",
            )


def _bare_address(hop: str) -> str | None:
    """Strip port and brackets; None where it is no address, such as `unknown` or a hidden name."""
    text = hop.strip().strip('"')
    match = _WITH_PORT.fullmatch(text)
    if match is not None:
        text = match[1] or match[2]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def counted_address(address: str) -> str:
    """Return what rate limits count by: an IPv6 client owns its whole /64 and must not count as many."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False).network_address)
