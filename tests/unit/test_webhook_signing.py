"""Signatures of webhooks: official libraries verify them, and refuse what was changed, is old or by somebody else."""

import base64
import hashlib
import hmac
import json
import struct
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from parley.errors import Invalid
from parley.ids import uuid7
from parley.services.webhook_secrets import (
    MAX_LENGTH,
    MIN_LENGTH,
    as_standard,
    check_secret,
    key_of,
    new_secret,
)
from parley.webhooks.signing import body_signature, canonical, signed
from parley.webhooks.verification import Unverified, verify, verify_member

# The seed's.
FREE_FORM = "webhook_secret"
OLD = "whsec_" + base64.b64encode(bytes(range(24))).decode()

PAYLOAD: dict[str, Any] = {
    "event": "message.created",
    "timestamp": "2024-03-20T12:00:00Z",
    "data": {"message_id": "m", "content": 'Grüße, "Ada"\n\u2028\x7f \U0001f600', "seq": 1, "metadata": None},
}


def request(*secrets: str, at: datetime | None = None, **more: Any) -> tuple[bytes, dict[str, str]]:
    return signed({**PAYLOAD, **more}, delivery_id=uuid7(), at=at or datetime.now(UTC), secrets=secrets)


def refuses(secret: str, body: bytes, headers: dict[str, str], now: datetime | None = None) -> bool:
    """Tell whether both refuse a request: the official library and ours. They never differ."""
    moment = now or datetime.now(UTC)
    try:
        verify(body, headers, secret=secret, now=moment)
        ours = False
    except Unverified:
        ours = True
    try:
        Webhook(as_standard(secret)).verify(body, headers)
        theirs = False
    except WebhookVerificationError:
        theirs = True
    assert ours is theirs
    return ours


def test_a_request_is_complete() -> None:
    """The payload with the seed's signature, and the three headers, each as its specification has it."""
    at = datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC)
    delivery_id = UUID("0190d0a4-5b1c-7000-8000-00000000002a")
    body, headers = signed(PAYLOAD, delivery_id=delivery_id, at=at, secrets=[FREE_FORM])
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("Parley/")
    assert headers["webhook-id"] == str(delivery_id)
    assert headers["webhook-timestamp"] == "1767323045"
    content = b"%s.1767323045.%s" % (str(delivery_id).encode(), body)
    digest = hmac.new(FREE_FORM.encode(), content, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    read = json.loads(body)
    member = read.pop("signature")
    assert read == PAYLOAD
    expected = hmac.new(FREE_FORM.encode(), rfc8785.dumps(PAYLOAD), hashlib.sha256).hexdigest()
    assert member == f"sha256={expected}"


@pytest.mark.parametrize("secret", [FREE_FORM, OLD, new_secret(), "ünïcödé secret"])
def test_the_official_library_verifies(secret: str) -> None:
    """With the secret in the form that it takes, which each secret has."""
    body, headers = request(secret)
    assert not refuses(secret, body, headers)
    verify_member(json.loads(body), secret=secret)


def test_both_secrets_are_good_while_they_rotate() -> None:
    """Each request carries a signature by each; the one in the body is by the new secret."""
    new = new_secret()
    body, headers = request(new, OLD)
    assert headers["webhook-signature"].count("v1,") == 2
    assert not refuses(new, body, headers)
    assert not refuses(OLD, body, headers)
    assert refuses(FREE_FORM, body, headers)
    verify_member(json.loads(body), secret=new)
    with pytest.raises(Unverified):
        verify_member(json.loads(body), secret=OLD)


def test_a_flipped_bit_is_refused() -> None:
    """Wherever it is in the body, and in each part of what is signed beside it."""
    body, headers = request(FREE_FORM)
    for place in range(0, len(body), 7):
        # Still ASCII or broken UTF-8 in the same places, so that the library gets as far as comparing.
        flipped = bytearray(body)
        flipped[place] ^= 1
        try:
            flipped.decode()
        except UnicodeDecodeError:
            continue
        assert refuses(FREE_FORM, bytes(flipped), headers), place
    other = str(uuid7())
    assert refuses(FREE_FORM, body, {**headers, "webhook-id": other})
    moved = str(int(headers["webhook-timestamp"]) + 1)
    assert refuses(FREE_FORM, body, {**headers, "webhook-timestamp": moved})
    assert refuses(FREE_FORM, body + b" ", headers)


def test_a_wrong_secret_is_refused() -> None:
    """Also one that differs in its last character."""
    body, headers = request(FREE_FORM)
    assert refuses(FREE_FORM + "s", body, headers)
    assert refuses(new_secret(), body, headers)


@pytest.mark.parametrize("seconds", [-301, 302, -86_400])
def test_an_old_timestamp_is_refused(seconds: int) -> None:
    """So that a request that somebody overheard cannot be sent again, nor be made for later."""
    now = datetime.now(UTC)
    body, headers = request(FREE_FORM, at=now + timedelta(seconds=seconds))
    assert refuses(FREE_FORM, body, headers, now)


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_refused(header: str) -> None:
    """None of the three may be left out or empty."""
    body, headers = request(FREE_FORM)
    assert refuses(FREE_FORM, body, {**headers, header: ""})
    del headers[header]
    assert refuses(FREE_FORM, body, headers)


@pytest.mark.parametrize("value", ["now", "١٢٣", "-1", "9" * 5000, "1.5"])
def test_a_timestamp_is_a_number(value: str) -> None:
    """Whatever else somebody writes there is refused without harm."""
    body, headers = request(FREE_FORM)
    with pytest.raises(Unverified):
        verify(body, {**headers, "webhook-timestamp": value}, secret=FREE_FORM, now=datetime.now(UTC))


def test_a_signature_is_compared_whatever_it_is() -> None:
    """Other versions stand beside ours, and no text does harm."""
    body, headers = request(FREE_FORM)
    good = headers["webhook-signature"]
    assert not refuses(FREE_FORM, body, {**headers, "webhook-signature": f"v1a,eA== {good}"})
    for bad in ("v1", "ü", "v1,", good.replace("v1,", "v2,"), good.lower()):
        with pytest.raises(Unverified):
            verify(body, {**headers, "webhook-signature": bad}, secret=FREE_FORM, now=datetime.now(UTC))


@pytest.mark.parametrize("claimed", [None, 1, "", "sha256=", "sha256=" + "0" * 64, "sha256=ü"])
def test_the_member_is_compared_whatever_it_is(claimed: Any) -> None:
    """Also where it is missing."""
    payload = PAYLOAD if claimed is None else {**PAYLOAD, "signature": claimed}
    with pytest.raises(Unverified):
        verify_member(payload, secret=FREE_FORM)


# ---- canonical JSON

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json_values)
def test_canonical_json_is_that_of_the_library(value: Any) -> None:
    """The quick way writes what the slow one does, byte for byte."""
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        # RFC 8785, appendix B.
        (0x0000000000000000, "0"),
        (0x8000000000000000, "0"),
        (0x0000000000000001, "5e-324"),
        (0x8000000000000001, "-5e-324"),
        (0x7FEFFFFFFFFFFFFF, "1.7976931348623157e+308"),
        (0xFFEFFFFFFFFFFFFF, "-1.7976931348623157e+308"),
        (0x4340000000000000, "9007199254740992"),
        (0xC340000000000000, "-9007199254740992"),
        (0x4430000000000000, "295147905179352830000"),
        (0x44B52D02C7E14AF5, "9.999999999999997e+22"),
        (0x44B52D02C7E14AF6, "1e+23"),
        (0x44B52D02C7E14AF7, "1.0000000000000001e+23"),
        (0x444B1AE4D6E2EF4E, "999999999999999700000"),
        (0x444B1AE4D6E2EF4F, "999999999999999900000"),
        (0x444B1AE4D6E2EF50, "1e+21"),
        (0x3EB0C6F7A0B5ED8C, "9.999999999999997e-7"),
        (0x3EB0C6F7A0B5ED8D, "0.000001"),
        (0x41B3DE4355555553, "333333333.3333332"),
        (0x41B3DE4355555554, "333333333.33333325"),
        (0x41B3DE4355555555, "333333333.3333333"),
        (0x41B3DE4355555556, "333333333.3333334"),
        (0x41B3DE4355555557, "333333333.33333343"),
        (0xBECBF647612F3696, "-0.0000033333333333333333"),
        (0x43143FF3C1CB0959, "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_ecmascript_does(bits: int, text: str) -> None:
    """The examples of the standard."""
    (number,) = struct.unpack(">d", bits.to_bytes(8))
    assert canonical(number).decode() == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2**53 - 1, "9007199254740991"),
        (2**53, "9007199254740992"),
        (2**60, "1152921504606847000"),
        (-(2**60), "-1152921504606847000"),
        (2**64 - 1, "18446744073709552000"),
    ],
)
def test_large_integers_are_written_as_the_doubles_they_are_read_as(number: int, text: str) -> None:
    """As JavaScript would write them after reading them: what a client put into `custom` may be any of them."""
    assert canonical({"custom": number}) == f'{{"custom":{text}}}'.encode()


def test_names_are_sorted_by_utf_16() -> None:
    """The example of RFC 8785, section 3.2.3, where UTF-8 would have another order."""
    names = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\u00f6": 7}
    assert list(json.loads(canonical(names)).values()) == [2, 4, 6, 7, 1, 5, 3]


def test_what_orjson_can_write_may_be_signed() -> None:
    """Identifiers, times and JSON that is text already."""
    at = datetime(2026, 1, 2, tzinfo=UTC)
    value = {"b": orjson.Fragment(b'{ "z": 1.0, "a": 2 }'), "a": UUID(int=1), "c": at}
    expected = f'{{"a":"{UUID(int=1)}","b":{{"a":2,"z":1}},"c":"2026-01-02T00:00:00Z"}}'
    assert canonical(value).decode() == expected


def test_floats_in_metadata_verify() -> None:
    """Numbers that a client put into `custom` do not break the signature in the body."""
    body, headers = request(
        FREE_FORM, data={"metadata": {"custom": {"x": 1.0, "y": 1e21, "z": 2**63, "w": -0.0}}}
    )
    assert not refuses(FREE_FORM, body, headers)
    payload = json.loads(body)
    member = payload.pop("signature")
    # A receiver may have read them as floats or as integers: their canonical form is the same.
    assert member == body_signature(canonical(payload), key_of(FREE_FORM))


# ---- secrets


def test_new_secrets_are_long_and_differ() -> None:
    """256 bits, in the form of the libraries."""
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    for secret in made:
        check_secret(secret)
        assert len(key_of(secret)) == 32


@pytest.mark.parametrize("size", [24, 32, 64])
def test_secrets_of_the_standard_are_accepted(size: int) -> None:
    """As many bytes as it allows."""
    secret = "whsec_" + base64.b64encode(b"\xff" * size).decode()
    check_secret(secret)
    assert key_of(secret) == b"\xff" * size
    assert as_standard(secret) == secret


@pytest.mark.parametrize(
    "secret", [FREE_FORM, "x" * MIN_LENGTH, "x" * MAX_LENGTH, "two words", "ключ от вебхука"]
)
def test_free_form_secrets_are_accepted(secret: str) -> None:
    """The key is the UTF-8 of it."""
    check_secret(secret)
    assert key_of(secret) == secret.encode()
    assert base64.b64decode(as_standard(secret).removeprefix("whsec_")) == secret.encode()


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "short",
        "x" * (MAX_LENGTH + 1),
        " leading space",
        "trailing space ",
        "whsec_",
        "whsec_!!!!",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_" + base64.b64encode(bytes(25)).decode().rstrip("="),
        "whsec_" + base64.urlsafe_b64encode(b"\xff" * 24).decode(),
        "whsec_" + base64.b64encode(bytes(24)).decode() + "\n",
        # The bits that are left over in the last character are not zero.
        "whsec_" + base64.b64encode(bytes(25)).decode().replace("A==", "B=="),
    ],
)
def test_other_secrets_are_refused(secret: str) -> None:
    """Too short, too long, or read differently by different programs."""
    with pytest.raises(Invalid) as caught:
        check_secret(secret)
    assert caught.value.details["field"] == "secret"
