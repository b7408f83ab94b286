"""What a handshake is, before anybody decides about it."""

import pytest

from parley.contract.addresses import ClientAddresses
from parley.realtime.handshake import Header, Refusal, is_offered, read_handshake
from websocket_wire import KEY, accepted

HEADERS: list[Header] = [
    (b"host", b"localhost"),
    (b"upgrade", b"websocket"),
    (b"connection", b"Upgrade"),
    (b"sec-websocket-key", KEY.encode()),
    (b"sec-websocket-version", b"13"),
]


def address_of(peer: str, x_forwarded_for: bytes | None, forwarded: bytes | None) -> str:
    return f"{peer} {x_forwarded_for!r} {forwarded!r}"


def test_an_offer_is_a_get_of_http_1_1_without_a_body() -> None:
    assert is_offered(b"GET", "1.1", HEADERS)
    assert not is_offered(b"GET", "1.0", HEADERS)
    assert not is_offered(b"POST", "1.1", HEADERS)
    assert not is_offered(b"GET", "1.1", [*HEADERS, (b"content-length", b"10")])
    assert not is_offered(b"GET", "1.1", [*HEADERS, (b"transfer-encoding", b"chunked")])
    assert not is_offered(b"GET", "1.1", [(b"upgrade", b"websockets"), (b"connection", b"upgrade")])


def test_addresses_are_those_of_the_contract() -> None:
    """Every header of a proxy counts, in the order in which they came."""
    headers = [*HEADERS, (b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-for", b"192.0.2.2")]
    handshake = read_handshake(b"/ws", headers, "192.0.2.9", address_of, compression=False)
    assert handshake.request.address == "192.0.2.9 b'192.0.2.1,192.0.2.2' None"
    believed = read_handshake(b"/ws", headers, "192.0.2.9", ClientAddresses([]).address, compression=False)
    assert believed.request.address == "192.0.2.9"


def test_the_answer_proves_that_the_key_was_read() -> None:
    handshake = read_handshake(b"/ws", HEADERS, "192.0.2.9", address_of, compression=True)
    assert handshake.headers == [(b"sec-websocket-accept", accepted(KEY).encode())]
    assert handshake.window_bits == 0


def test_offers_over_several_headers_are_one_list() -> None:
    offers = [
        (b"sec-websocket-extensions", b"x-other"),
        (b"sec-websocket-extensions", b"permessage-deflate; server_max_window_bits=10"),
    ]
    handshake = read_handshake(b"/ws", [*HEADERS, *offers], "", address_of, compression=True)
    assert handshake.window_bits == 10
    assert handshake.headers[-1][1].endswith(b"; server_max_window_bits=10")
    assert read_handshake(b"/ws", [*HEADERS, *offers], "", address_of, compression=False).window_bits == 0


@pytest.mark.parametrize(
    ("url", "token", "cursor"),
    [
        (b"/ws?token=a&token=b", "", None),
        (b"/ws?token=a&token=b&token=a", "", None),
        (b"/ws?token=a&token=", "", None),
        (b"/ws?token=&token=a", "", None),
        (b"/ws?token=a&cursor=0&cursor=x", "a", ""),
        (b"/ws?token=a&cursor=0&token=%61&cursor=0", "a", "0"),
        (b"/ws?cursor=0", None, "0"),
    ],
)
def test_two_different_values_are_none(url: bytes, token: str | None, cursor: str | None) -> None:
    """Nobody can say which was meant; the same one twice is meant."""
    query = read_handshake(url, HEADERS, "", address_of, compression=False).request.query
    assert (query.get("token"), query.get("cursor")) == (token, cursor)


@pytest.mark.parametrize("url", [b"", b"http://[::1", b"/ws?" + b"a=b&" * 100])
def test_targets_that_cannot_be_read(url: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        read_handshake(url, HEADERS, "", address_of, compression=False)
    assert refused.value.status == 400
