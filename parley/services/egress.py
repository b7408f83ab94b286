"""Where webhooks may be sent: rules for URLs, addresses and ports. Nothing is looked up and nothing is sent here.

Whoever makes a webhook chooses where this server connects to, and it may stand in a network that trusts it. So
an address is judged twice: as far as it can be seen in the URL when a webhook is made, and in any case at the
moment of connecting (`parley.webhooks.sender`), when the name has become an address.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from parley.errors import Invalid
from parley.settings import Network, PortRange

MAX_URL_LENGTH = 2048

# The special-purpose registries of IANA (RFC 6890 and its successors), and one address of a cloud that looks
# public. The narrower comes first where two overlap.
_SPECIAL_V4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "no address of a host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a carrier's customers"),
        ("127.0.0.0/8", "this machine itself"),
        ("168.63.129.16/32", "a cloud's metadata service"),
        ("169.254.169.254/32", "a cloud's metadata service"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "reserved for documentation"),
        ("192.31.196.0/24", "reserved for protocols"),
        ("192.52.193.0/24", "reserved for protocols"),
        ("192.88.99.0/24", "a relay from IPv6 to IPv4"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "reserved for protocols"),
        ("198.18.0.0/15", "reserved for benchmarks"),
        ("198.51.100.0/24", "reserved for documentation"),
        ("203.0.113.0/24", "reserved for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_SPECIAL_V6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::/128", "no address of a host"),
        ("::1/128", "this machine itself"),
        ("fd00:ec2::254/128", "a cloud's metadata service"),
        ("fd20:ce::254/128", "a cloud's metadata service"),
        ("64:ff9b:1::/48", "a translation to IPv4"),
        ("100::/64", "a black hole"),
        ("2001:db8::/32", "reserved for documentation"),
        ("2001::/23", "reserved for protocols"),
        ("3fff::/20", "reserved for documentation"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
    )
)
# RFC 4291, section 2.4, and IANA's table: nothing else is routed.
_GLOBAL_UNICAST = IPv6Network("2000::/3")

# Forms of IPv6 that lead to an IPv4 address, which is not the one that a filter of addresses sees: the network,
# where the address of 32 bits begins, counted from the right, and whether it is written inverted.
_CARRIERS: tuple[tuple[IPv6Network, int, bool], ...] = (
    (IPv6Network("::/96"), 0, False),  # compatible (RFC 4291, section 2.5.5.1)
    (IPv6Network("::ffff:0:0/96"), 0, False),  # mapped (RFC 4291, section 2.5.5.2)
    (IPv6Network("::ffff:0:0:0/96"), 0, False),  # translated (RFC 2765)
    (IPv6Network("64:ff9b::/96"), 0, False),  # NAT64 (RFC 6052)
    (IPv6Network("2002::/16"), 80, False),  # 6to4 (RFC 3056)
    (IPv6Network("2001::/32"), 0, True),  # Teredo (RFC 4380)
)
# ISATAP (RFC 5214, section 6.1): in any network, told by the interface's half.
_ISATAP = (0x00005EFE, 0x02005EFE)

_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}")
# What the URL Standard would read as an IPv4 address: the last label is a number, decimal or hexadecimal.
_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0[xX][0-9a-fA-F]*)$")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
# RFC 3986, section 3.2; a fragment is refused before.
_END_OF_AUTHORITY = re.compile(r"[/?]")
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:]*)(?::([0-9]*))?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_VISIBLE_ASCII = re.compile(r"[!-~]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = (ip_network("127.0.0.1"), ip_network("::1"))

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads: a name or an address in its one spelling, and a port."""

    scheme: str
    host: str
    port: int
    address: Address | None


class Egress:
    """What an operator lets webhooks reach. Addresses in `allow` may be reached although they are special."""

    def __init__(
        self, allow: Sequence[Network] = (), *, ports: Sequence[PortRange], https_only: bool = False
    ) -> None:
        self._allow = tuple(allow)
        self._ports = tuple(ports)
        self._https_only = https_only

    def check_url(self, url: str) -> None:
        """Raise Invalid for the field `url` where one sees that nothing will be sent there."""
        self.target(url)

    def target(self, url: str) -> Target:
        """Return where a URL leads. Raises Invalid as `check_url` does.

        A spelling that one program reads so and another one otherwise is refused, whatever it would mean: each of
        them has been used to get past a check.
        """
        try:
            target = _parse(url)
            self._judge(target)
        except _Refusal as refusal:
            raise Invalid("url", str(refusal)) from None
        return target

    def allows(self, address: Address) -> bool:
        """Tell whether a connection to an address may be opened."""
        return self.reason(address) is None

    def allows_port(self, port: int) -> bool:
        """Tell whether a connection to a port may be opened."""
        return any(span.first <= port <= span.last for span in self._ports)

    def reason(self, address: Address) -> str | None:
        """Return why an address is refused, as the end of a sentence, or None."""
        if isinstance(address, IPv6Address):
            return self._reason_v6(address)
        if self._lists(address):
            return None
        return next((what for network, what in _SPECIAL_V4 if address in network), None)

    def _reason_v6(self, address: IPv6Address) -> str | None:
        if address.scope_id is not None:
            return "bound to an interface"
        inner = _carried(address)
        if self._lists(address):
            # Whoever lists a translator's network does not thereby list everything that it leads to.
            return None if inner is None else self.reason(inner)
        what = next((what for network, what in _SPECIAL_V6 if address in network), None)
        if what is None and inner is not None:
            return "an IPv4 address in the form of IPv6"
        if what is None and address not in _GLOBAL_UNICAST:
            return "reserved"
        return what

    def _lists(self, address: Address) -> bool:
        return any(address in network for network in self._allow if network.version == address.version)

    def _judge(self, target: Target) -> None:
        if self._https_only and target.scheme != "https":
            raise _Refusal("must begin with https://")
        if not self.allows_port(target.port):
            raise _Refusal(f"names port {target.port}, which webhooks may not use here")
        if target.address is not None and (what := self.reason(target.address)) is not None:
            raise _Refusal(f"leads to an address that is refused: it is {what}")
        # RFC 6761, section 6.3: these names are this machine, whatever a server of names says.
        local = target.host == "localhost" or target.host.endswith(".localhost")
        if local and not any(self._lists(network.network_address) for network in _LOOPBACK):
            raise _Refusal("leads to an address that is refused: it is this machine itself")


class _Refusal(Exception):
    """A reason, as the end of a sentence that begins with the URL."""


def _parse(url: str) -> Target:
    if len(url) > MAX_URL_LENGTH:
        raise _Refusal(f"must have at most {MAX_URL_LENGTH} characters")
    if _VISIBLE_ASCII.fullmatch(url) is None:
        raise _Refusal(
            "must be ASCII without spaces: international names begin with xn--, the rest is escaped"
        )
    if "\\" in url:
        raise _Refusal("must not have a backslash")
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _DEFAULT_PORTS:
        raise _Refusal("must begin with http:// or https://")
    if "#" in rest:
        raise _Refusal("must not have a fragment, which would not be sent")
    authority = _END_OF_AUTHORITY.split(rest, maxsplit=1)[0]
    if "@" in authority:
        raise _Refusal("must not have a user name or password; use the signature to know who calls")
    match = _AUTHORITY.fullmatch(authority)
    if match is None or not match[1]:
        raise _Refusal("must name a host, and a port as a number")
    host, address = _host(match[1])
    return Target(scheme, host, _port(match[2], scheme), address)


def _port(text: str | None, scheme: str) -> int:
    if text is None:
        return _DEFAULT_PORTS[scheme]
    if _PORT.fullmatch(text) is None or int(text) > 65_535:
        raise _Refusal("must name a port from 1 to 65535, or none")
    return int(text)


def _host(text: str) -> tuple[str, Address | None]:
    """Return a host in the one spelling that everybody reads alike."""
    if text.startswith("["):
        return _literal_v6(text[1:-1])
    if _ENDS_IN_NUMBER.search(text):
        if _IPV4.fullmatch(text) is None:
            raise _Refusal("must write an IPv4 address as four decimal numbers")
        return text, IPv4Address(text)
    if text.endswith("."):
        raise _Refusal("must not end its host in a dot")
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        raise _Refusal("must name a host of letters, digits and hyphens, or an address")
    return text.lower(), None


def _literal_v6(text: str) -> tuple[str, Address]:
    if "%" in text:
        raise _Refusal("must not name the zone of an address")
    try:
        address = IPv6Address(text)
    except ValueError:
        raise _Refusal("must have an IPv6 address between its brackets") from None
    return str(address), address


def _carried(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that one of the forms leads to."""
    number = int(address)
    for network, shift, is_inverted in _CARRIERS:
        if address in network and number > 1:
            bits = (number >> shift) & 0xFFFFFFFF
            return IPv4Address(bits ^ 0xFFFFFFFF if is_inverted else bits)
    if (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(number & 0xFFFFFFFF)
    return None
