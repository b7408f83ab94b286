"""Where webhooks may be sent: every spelling of an address that has been used to get past such a check."""

from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from parley.errors import Invalid
from parley.services.egress import MAX_URL_LENGTH, Egress
from parley.settings import PortRange

PORTS = (PortRange(80, 80), PortRange(443, 443), PortRange(1024, 65_535))
LOCAL = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

# Each with a word of the reason. Neither the first nor the last address of a network is forgotten.
REFUSED_ADDRESSES = [
    ("0.0.0.0", "no address of a host"),
    ("0.255.255.255", "no address of a host"),
    ("10.0.0.0", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.0", "carrier"),
    ("100.100.100.200", "carrier"),
    ("100.127.255.255", "carrier"),
    ("127.0.0.1", "this machine"),
    ("127.255.255.255", "this machine"),
    ("168.63.129.16", "metadata"),
    ("169.254.0.0", "link-local"),
    ("169.254.169.254", "metadata"),
    ("169.254.170.2", "link-local"),
    ("169.254.255.255", "link-local"),
    ("172.16.0.0", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.192", "protocols"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "relay"),
    ("192.168.0.0", "private"),
    ("192.168.255.255", "private"),
    ("198.18.0.0", "benchmarks"),
    ("198.19.255.255", "benchmarks"),
    ("198.51.100.7", "documentation"),
    ("203.0.113.255", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "no address of a host"),
    ("::1", "this machine"),
    ("::7f00:1", "form of IPv6"),
    ("::808:808", "form of IPv6"),
    ("::ffff:127.0.0.1", "form of IPv6"),
    ("::ffff:8.8.8.8", "form of IPv6"),
    ("::ffff:0:10.0.0.1", "form of IPv6"),
    ("64:ff9b::10.0.0.1", "form of IPv6"),
    ("64:ff9b::8.8.8.8", "form of IPv6"),
    ("64:ff9b:1::1", "translation"),
    ("100::1", "black hole"),
    ("2001::1", "protocols"),
    ("2001:0:4136:e378:8000:63bf:80ff:fffe", "protocols"),
    ("2001:2::1", "protocols"),
    ("2001:10::1", "protocols"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::", "form of IPv6"),
    ("2002:808:808::1", "form of IPv6"),
    ("2620:fe::5efe:10.0.0.1", "form of IPv6"),
    ("2620:fe::200:5efe:10.0.0.1", "form of IPv6"),
    ("3fff::1", "documentation"),
    ("4000::1", "reserved"),
    ("5f00::1", "reserved"),
    ("fc00::1", "private"),
    ("fd00:ec2::254", "metadata"),
    ("fd20:ce::254", "metadata"),
    ("fdff::1", "private"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "interface"),
    ("febf::1", "link-local"),
    ("fec0::1", "private"),
    ("ff02::1", "multicast"),
]

ALLOWED_ADDRESSES = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700:4700::1111",
    "2a00:1450::5eff:a00:1",
]

# Each with a word of the reason.
REFUSED_URLS = [
    # other numbers for 127.0.0.1 and 169.254.169.254
    ("http://2130706433/", "four decimal numbers"),
    ("http://0x7f000001/", "four decimal numbers"),
    ("http://0X7F.0.0.1/", "four decimal numbers"),
    ("http://017700000001/", "four decimal numbers"),
    ("http://0177.0.0.1/", "four decimal numbers"),
    ("http://127.1/", "four decimal numbers"),
    ("http://127.0.1/", "four decimal numbers"),
    ("http://0/", "four decimal numbers"),
    ("http://127.0.0.01/", "four decimal numbers"),
    ("http://127.0.0.0x1/", "four decimal numbers"),
    ("http://169.254.43518/", "four decimal numbers"),
    ("http://0xa9.0xfe.0xa9.0xfe/", "four decimal numbers"),
    ("http://0251.0376.0251.0376/", "four decimal numbers"),
    ("http://256.256.256.256/", "four decimal numbers"),
    ("http://1.2.3.4.5/", "four decimal numbers"),
    ("http://example.123/", "four decimal numbers"),
    ("http://example.0x/", "four decimal numbers"),
    ("http://127.0.0.1./", "dot"),
    ("http://localhost./", "dot"),
    ("http://example.com./", "dot"),
    # letters that some programs turn into others
    ("http://①②⑦.⓪.⓪.①/", "ASCII"),
    ("http://127。0。0。1/", "ASCII"),
    ("http://ⓛocalhost/", "ASCII"),
    ("http://exämple.com/", "ASCII"),
    ("http://%6cocalhost/", "letters, digits"),
    ("http://127.0.0.1%2f@example.com/", "user name"),
    ("http://127%2e0%2e0%2e1/", "letters, digits"),
    ("http://example.com%00.evil.example/", "letters, digits"),
    # plain
    ("http://localhost/", "this machine"),
    ("http://LocalHost:8080/", "this machine"),
    ("http://a.localhost/", "this machine"),
    ("http://127.0.0.1:5432/", "this machine"),
    ("https://10.1.2.3/hook", "private"),
    ("http://[::1]/", "this machine"),
    ("http://[0:0:0:0:0:0:0:1]/", "this machine"),
    ("http://[::]/", "no address of a host"),
    ("http://[::ffff:127.0.0.1]/", "form of IPv6"),
    ("http://[::ffff:7f00:1]/", "form of IPv6"),
    ("http://[::127.0.0.1]/", "form of IPv6"),
    ("http://[fe80::1%25eth0]/", "zone"),
    ("http://[fe80::1%eth0]/", "zone"),
    ("http://[v1.fe80::1]/", "IPv6 address"),
    ("http://[127.0.0.1]/", "IPv6 address"),
    ("http://[::1/", "name a host"),
    ("http://::1/", "name a host"),
    ("http://[::1]example.com/", "name a host"),
    ("http://[::1][::2]/", "name a host"),
    # names and passwords, and what looks like them
    ("http://user:password@example.com/", "user name"),
    ("http://user@example.com/", "user name"),
    ("http://@example.com/", "user name"),
    ("http://example.com@127.0.0.1/", "user name"),
    ("http://example.com\\@127.0.0.1/", "backslash"),
    ("http:\\\\127.0.0.1/", "backslash"),
    ("http://127.0.0.1\\.example.com/", "backslash"),
    ("http://example.com#@127.0.0.1/", "fragment"),
    ("https://example.com/hook#part", "fragment"),
    # what is no URL of a webhook
    ("ftp://example.com/", "http://"),
    ("file:///etc/passwd", "http://"),
    ("gopher://example.com/", "http://"),
    ("unix:///var/run/docker.sock", "http://"),
    ("HTTP://example.com/", "http://"),
    ("//example.com/", "http://"),
    ("http:example.com", "http://"),
    ("http:/example.com", "http://"),
    ("example.com", "http://"),
    ("", "ASCII"),
    ("http://", "name a host"),
    ("http:///path", "name a host"),
    ("http://?x=1", "name a host"),
    ("http://:80/", "name a host"),
    ("http://example.com/a b", "ASCII"),
    ("http://example.com/\r\nHost: other", "ASCII"),
    ("http://example.com\t/", "ASCII"),
    (" http://example.com/", "ASCII"),
    ("http://exam ple.com/", "ASCII"),
    ("http://-example.com/", "letters, digits"),
    ("http://example..com/", "letters, digits"),
    ("http://.example.com/", "letters, digits"),
    (f"http://{'a' * 64}.com/", "letters, digits"),
    (f"http://{'a.' * 126}com/", "letters, digits"),
    ("http://exa!mple.com/", "letters, digits"),
    ("http://a,b.com/", "letters, digits"),
    (f"http://example.com/{'a' * MAX_URL_LENGTH}", "at most"),
    # ports
    ("http://example.com:/", "port from 1"),
    ("http://example.com:0/", "port from 1"),
    ("http://example.com:080/", "port from 1"),
    ("http://example.com:65536/", "port from 1"),
    ("http://example.com:99999999999/", "port from 1"),
    ("http://example.com:-1/", "name a host"),
    ("http://example.com:80a/", "name a host"),
    ("http://example.com:80:81/", "name a host"),
    ("http://example.com:22/", "port 22"),
    ("http://example.com:25/", "port 25"),
]

ALLOWED_URLS = [
    ("https://example.com/webhook", "example.com", 443),
    ("http://example.com", "example.com", 80),
    ("https://Example.COM:8443/a/b?c=d&e=%20", "example.com", 8443),
    ("https://hooks.xn--exmple-cua.com/", "hooks.xn--exmple-cua.com", 443),
    ("https://under_score.example.com/", "under_score.example.com", 443),
    ("https://example.com/@user:x/[y]?z=http://10.0.0.1", "example.com", 443),
    ("http://8.8.8.8:8080/", "8.8.8.8", 8080),
    ("http://[2606:4700:4700:0::1111]/", "2606:4700:4700::1111", 80),
    ("http://receiver:9000/", "receiver", 9000),
    ("http://0x7f.example.com/", "0x7f.example.com", 80),
    (f"http://example.com/{'a' * (MAX_URL_LENGTH - 19)}", "example.com", 80),
]


@pytest.fixture
def egress() -> Egress:
    """The rules as they are where nobody has set anything."""
    return Egress(ports=PORTS)


def reason(egress: Egress, url: str) -> str:
    with pytest.raises(Invalid) as caught:
        egress.check_url(url)
    assert caught.value.details["field"] == "url"
    return str(caught.value.details["reason"])


@pytest.mark.parametrize(("address", "word"), REFUSED_ADDRESSES)
def test_special_addresses_are_refused(egress: Egress, address: str, word: str) -> None:
    """Whatever is not simply somewhere on the internet."""
    assert not egress.allows(ip_address(address))
    assert word in (egress.reason(ip_address(address)) or "")


@pytest.mark.parametrize("address", ALLOWED_ADDRESSES)
def test_others_are_not(egress: Egress, address: str) -> None:
    """Their neighbours are allowed."""
    assert egress.allows(ip_address(address))
    assert egress.reason(ip_address(address)) is None


@pytest.mark.parametrize(("url", "word"), REFUSED_URLS)
def test_urls_that_can_be_seen_through_are_refused(egress: Egress, url: str, word: str) -> None:
    """The reason says what is wrong with it."""
    assert word in reason(egress, url)


@pytest.mark.parametrize(("url", "host", "port"), ALLOWED_URLS)
def test_urls_lead_somewhere(egress: Egress, url: str, host: str, port: int) -> None:
    """A host has one spelling, and a port is always known."""
    target = egress.target(url)
    assert (target.host, target.port, target.scheme) == (host, port, url.partition(":")[0])


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/", "http://[::1]:9000/", "http://localhost:9000/", "http://a.localhost/"]
)
def test_an_operator_may_allow_more(url: str) -> None:
    """What is listed may be reached, and nothing beside it."""
    egress = Egress(LOCAL, ports=PORTS)
    egress.check_url(url)
    assert "private" in reason(egress, "http://10.0.0.1/")


@pytest.mark.parametrize(
    "url", ["http://2130706433/", "http://127.1/", "http://127.0.0.1./", "http://[::ffff:127.0.0.1]/"]
)
def test_odd_spellings_stay_refused(url: str) -> None:
    """Also of an address that is allowed."""
    reason(Egress(LOCAL, ports=PORTS), url)


@pytest.mark.parametrize(
    ("allowed", "address", "is_allowed"),
    [
        (["64:ff9b::/96"], "64:ff9b::8.8.8.8", True),
        (["64:ff9b::/96"], "64:ff9b::10.0.0.1", False),
        (["64:ff9b::/96", "10.0.0.0/8"], "64:ff9b::10.0.0.1", True),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", False),
        (["10.0.0.0/8"], "64:ff9b::10.0.0.1", False),
        (["2001::/32"], "2001:0:4136:e378:8000:63bf:f5ff:fffe", False),
        (["2001::/32"], "2001:0:4136:e378:8000:63bf:f7f7:f7f7", True),
        (["2002::/16"], "2002:a00:1::", False),
        (["2002::/16"], "2002:808:808::", True),
        (["::/0"], "::ffff:10.0.0.1", False),
        (["::/0"], "::1", True),
        (["fc00::/7"], "fd00::1", True),
        (["fe80::/10"], "fe80::1%eth0", False),
        (["0.0.0.0/0"], "169.254.169.254", True),
    ],
)
def test_a_translator_is_judged_by_where_it_leads(allowed: list[str], address: str, is_allowed: bool) -> None:
    """Whoever lists the network of a form has not listed all that can be reached in that form."""
    egress = Egress([ip_network(network) for network in allowed], ports=PORTS)
    assert egress.allows(ip_address(address)) is is_allowed


def test_https_only(egress: Egress) -> None:
    """Where the operator wants it, nothing is sent in the open."""
    strict = Egress(ports=PORTS, https_only=True)
    strict.check_url("https://example.com/")
    egress.check_url("http://example.com/")
    assert reason(strict, "http://example.com/") == "must begin with https://"


def test_ports_are_what_was_set() -> None:
    """All of a range, and nothing beside it."""
    egress = Egress(ports=(PortRange(443, 443), PortRange(8000, 8001)))
    assert [port for port in range(65_537) if egress.allows_port(port)] == [443, 8000, 8001]
    assert "port 80," in reason(egress, "http://example.com/")


# What URLs are made of, and what has been used to confuse those who read them.
PIECES = st.sampled_from([
    "http://", "https://", "//", "/", ":", "@", "?", "#", "[", "]", "%", "%2f", "%40", "\\", ".", "..", "-", "_", ";",
    "&", "=", "*", "(", "'", " ", "\t", "é", "。", "．", "a", "0", "80", "443", "8080", "0x7f", "xn--a", "localhost",
    "example.com", "127.0.0.1", "8.8.8.8", "::1", "2606::1",
])  # fmt: skip
# What is put before them, so that more than a handful is accepted.
BEGINNINGS = st.sampled_from(
    [
        "",
        "http://",
        "http://example.com",
        "http://a.example.com/",
        "https://8.8.8.8:8080/?",
        "http://[2606::1]/",
    ]
)


@given(st.builds(lambda beginning, rest: beginning + "".join(rest), BEGINNINGS, st.lists(PIECES, max_size=8)))
@example("http://example.com/@127.0.0.1:80")
@example("http://example.com?@127.0.0.1/")
@example("http://8.8.8.8/[::1]")
def test_what_is_accepted_is_read_alike(url: str) -> None:
    """By us, by the client that connects and by Python: no two of them see different hosts or ports."""
    try:
        target = Egress(ports=PORTS).target(url)
    except Invalid:
        return
    theirs, python = URL(url, encoded=True), urlsplit(url)
    assert ((theirs.raw_host or "").lower(), theirs.port, theirs.scheme) == (
        target.host,
        target.port,
        target.scheme,
    )
    assert (python.hostname, python.port or theirs.port) == (target.host, target.port)
    assert theirs.user is None
    assert target.address is None or str(target.address) == target.host
