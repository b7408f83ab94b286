"""What a receiver of webhooks is told of requests that anybody can send."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from parley_sdk import UnknownPayload, Webhook, models
from parley_sdk.errors import WebhookVerificationError

SECRET = "a secret of one's own"
TEST = {"event": "webhook.test", "timestamp": "2026-11-22T12:00:00Z", "data": {"webhook_id": "w"}}


def signed(body: bytes) -> dict[str, str]:
    """Return headers as the server that knows the secret sends them."""
    at = str(int(time.time()))
    made = hmac.new(SECRET.encode(), f"d-1.{at}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(made).decode()}"
    return {"Webhook-Id": "d-1", "Webhook-Timestamp": at, "Webhook-Signature": signature}


HOSTILE = [
    b"",
    b"[]",
    b"null",
    b"5",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"signature": 5}',
    b'{"signature": "\\ud800", "a": 1}',
    b'{"signature": "x", "a": "\\ud800"}',
    b'{"signature": "sha256=00", "data": ' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"signature": "x", "a": ' + b"9" * 30 + b"}",
    b'{"signature": "x", "a": ' + b"9" * 5000 + b"}",
    b'{"signature": "x", "a": NaN}',
    '{"signature": "sha256=é"}'.encode(),
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_anybody_sends_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify_signature(body)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, {**signed(b"another"), "X-Odd": ""})


@pytest.mark.parametrize("at", ["nan", "inf", "-1", "1e99", "9" * 30, "abc", ""])
def test_an_odd_time_is_refused(at: str) -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b"{}", {**signed(b"{}"), "Webhook-Timestamp": at})


@pytest.mark.parametrize("body", [b"[]", b"5", b"{}", b"no JSON", b"[" * 100_000])
def test_what_is_signed_and_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, signed(body))


def test_an_event_has_its_class() -> None:
    body = json.dumps(TEST | {"data": {"message": "Hello"}, "signature": ""}).encode()
    event = Webhook(SECRET).verify(body, signed(body))
    assert event.event == ("webhook.test" if isinstance(event, models.WebhookTestPayload) else "unknown")
    later = b'{"event": "moon.landed", "data": 1}'
    unknown = Webhook(SECRET).verify(later, signed(later))
    assert isinstance(unknown, UnknownPayload)
    assert (unknown.event, unknown.name, unknown.data) == ("unknown", "moon.landed", 1)


@pytest.mark.parametrize("secrets", [(), ("",), ("whsec_",), ("whsec_###",), ("right", "")])
def test_nothing_is_verified_without_a_secret(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"secret|base64|padding"):
        Webhook(*secrets)
