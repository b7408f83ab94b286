"""The client's address: a proxy is believed only where it is trusted, and only about its own right end."""

import ipaddress

import pytest

from edge import Edge
from parley.contract.addresses import ClientAddresses, counted_address
from parley.contract.options import ContractOptions

TRUSTED = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "x_forwarded_for", "forwarded", "address"),
    [
        ("192.0.2.9", None, None, "192.0.2.9"),
        ("10.0.0.1", None, None, "10.0.0.1"),
        ("192.0.2.9", b"198.51.100.1", None, "192.0.2.9"),
        ("192.0.2.9", None, b"for=198.51.100.1", "192.0.2.9"),
        ("10.0.0.1", b"198.51.100.1", None, "198.51.100.1"),
        ("10.0.0.1", b"203.0.113.66, 198.51.100.1", None, "198.51.100.1"),
        ("10.0.0.1", b"203.0.113.66, 198.51.100.1, 10.0.0.2", None, "198.51.100.1"),
        ("10.0.0.1", b"10.0.0.3,10.0.0.2", None, "10.0.0.3"),
        ("10.0.0.1", b"198.51.100.1:4711", None, "198.51.100.1"),
        ("10.0.0.1", b"[2001:db8::7]:4711", None, "2001:db8::7"),
        ("10.0.0.1", b"203.0.113.66, unknown", None, "10.0.0.1"),
        ("10.0.0.1", b"203.0.113.66, unknown, 10.0.0.2", None, "10.0.0.2"),
        ("10.0.0.1", b"", None, "10.0.0.1"),
        ("10.0.0.1", b"\xff\xfe", None, "10.0.0.1"),
        ("fd00::1", None, b'for="[2001:db8::7]:80";proto=https, for=10.0.0.2', "2001:db8::7"),
        ("10.0.0.1", None, b"For=198.51.100.1;by=10.0.0.1", "198.51.100.1"),
        ("10.0.0.1", None, b"for=_hidden", "10.0.0.1"),
        ("10.0.0.1", b"198.51.100.1", b"for=203.0.113.66", "198.51.100.1"),
        ("local", b"198.51.100.1", None, "local"),
    ],
)
def test_the_rightmost_hop_that_is_not_ours(
    peer: str, x_forwarded_for: bytes | None, forwarded: bytes | None, address: str
) -> None:
    assert ClientAddresses(TRUSTED).address(peer, x_forwarded_for, forwarded) == address


@pytest.mark.anyio
async def test_several_lines_are_one_list() -> None:
    edge = Edge(options=ContractOptions(enforce_rate_limits=False, trusted_proxies=TRUSTED))
    hops = [("X-Forwarded-For", "203.0.113.66"), ("X-Forwarded-For", "198.51.100.1")]
    answer = await edge.ask("GET", "/v1/me", headers=hops, client="10.0.0.1")
    assert answer.json()["address"] == "198.51.100.1"


def test_an_untrusted_proxy_is_told_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    addresses = ClientAddresses(())
    for _ in range(3):
        addresses.address("192.0.2.9", b"198.51.100.1", None)
    printed = capsys.readouterr()
    assert (printed.out + printed.err).count("a forwarded header is not trusted") == 1


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::"),
        ("local", "local"),
        ("a:b", "a:b"),
    ],
)
def test_an_ipv6_client_counts_as_its_network(address: str, counted: str) -> None:
    assert counted_address(address) == counted
