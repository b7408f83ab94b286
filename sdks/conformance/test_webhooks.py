"""Webhooks: what was signed by the server is verified by the official library, and nothing else is."""

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from drivers import Driver
from parley.webhooks.signing import signed
from stub import message

SECRET = "webhook_secret_of_some_length"
OLD = "whsec_" + base64.b64encode(b"an old secret, still valid for a day").decode()


def delivery(*secrets: str, age: float = 0) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a delivery."""
    data = message(1)
    payload: dict[str, Any] = {
        "event": "message.created",
        "timestamp": data["created_at"],
        "data": {**data, "message_id": data["id"]},
    }
    at = datetime.fromtimestamp(time.time() - age, UTC)
    return signed(payload, delivery_id=uuid4(), at=at, secrets=secrets)


def arguments(body: bytes, headers: dict[str, str], *secrets: str, **more: Any) -> dict[str, Any]:
    """Return the arguments of `verify`."""
    return {"secrets": list(secrets), "headers": headers, "body": base64.b64encode(body).decode(), **more}


@pytest.mark.parametrize("secret", [SECRET, OLD], ids=["free-form", "whsec"])
def test_a_good_signature_gives_the_event(driver: Driver, secret: str) -> None:
    """Typed, as the contract has it."""
    answer = driver.do("verify", **arguments(*delivery(secret), secret))
    assert answer["event"]["event"] == answer["type"] == "message.created"
    assert answer["event"]["data"]["content"] == "message 1"


def test_either_secret_is_good_during_rotation(driver: Driver) -> None:
    """The server signs with both, and a receiver may know either or both."""
    body, headers = delivery(SECRET, OLD)
    for known in ([SECRET], [OLD], [OLD, SECRET], ["something_else_entirely", OLD]):
        assert driver.do("verify", **arguments(body, headers, *known))["type"] == "message.created"


def test_a_flipped_byte_is_refused(driver: Driver) -> None:
    """Of the body, or of the signature."""
    body, headers = delivery(SECRET)
    flipped = body.replace(b"message 1", b"message 2")
    assert driver.refused("verify", **arguments(flipped, headers, SECRET)).name == "WebhookVerificationError"
    forged = {**headers, "webhook-id": "another"}
    assert driver.refused("verify", **arguments(body, forged, SECRET)).name == "WebhookVerificationError"


def test_another_secret_is_refused(driver: Driver) -> None:
    """Also where there are several."""
    refused = driver.refused("verify", **arguments(*delivery(SECRET), "something_else_entirely", OLD))
    assert refused.name == "WebhookVerificationError"


@pytest.mark.parametrize("age", [3600, -3600])
def test_an_old_timestamp_is_refused(driver: Driver, age: float) -> None:
    """What was recorded cannot be sent again, and nothing comes from the future."""
    refused = driver.refused("verify", **arguments(*delivery(SECRET, age=age), SECRET))
    assert refused.name == "WebhookVerificationError"


def test_missing_headers_are_refused(driver: Driver) -> None:
    """Nothing was signed."""
    body, _ = delivery(SECRET)
    assert driver.refused("verify", **arguments(body, {}, SECRET)).name == "WebhookVerificationError"


def test_the_seeds_signature_is_verified(driver: Driver) -> None:
    """The member `signature` of the body, over its canonical form (RFC 8785)."""
    body, headers = delivery(SECRET)
    assert driver.do("verify", **arguments(body, {}, SECRET, seed=True))["type"] == "message.created"
    shuffled = json.dumps(dict(reversed(json.loads(body).items())), indent=2).encode()
    assert driver.do("verify", **arguments(shuffled, {}, SECRET, seed=True))["type"] == "message.created"
    flipped = body.replace(b"message 1", b"message 2")
    refused = driver.refused("verify", **arguments(flipped, headers, SECRET, seed=True))
    assert refused.name == "WebhookVerificationError"


def test_an_unknown_event_is_handed_over(driver: Driver) -> None:
    """A later version may have more of them."""
    payload = {"event": "moon.landed", "timestamp": "2026-11-22T12:00:00Z", "data": {"crater": "Tycho"}}
    body, headers = signed(payload, delivery_id=uuid4(), at=datetime.now(UTC), secrets=[SECRET])
    assert driver.do("verify", **arguments(body, headers, SECRET))["type"] == "moon.landed"
