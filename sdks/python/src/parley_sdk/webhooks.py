"""Webhooks: is a request from the server that knows the secret, and what does it say?"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence

import rfc8785
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook as StandardWebhook
from standardwebhooks.webhooks import WebhookVerificationError as _NotVerified

from parley_sdk.api_error import WebhookVerificationError
from parley_sdk.generated import models
from parley_sdk.generated.facts import WebhookEvent
from parley_sdk.model import UnknownPayload

PREFIX = "whsec_"
SEED_PREFIX = "sha256="
# What comes of taking something for a JSON object that is none, or is nested too deep.
_NOT_JSON = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class Webhook:
    """Verifies requests with any of some secrets: during a rotation there are two.

    A secret is as the server took or made it: `whsec_` and base64, or a form of one's own, whose key is its UTF-8.
    """

    def __init__(self, *secrets: str) -> None:
        if not secrets:
            raise ValueError("Without a secret nothing can be verified")
        self._keys: Sequence[bytes] = [_key(secret) for secret in secrets]
        self._verifiers = [StandardWebhook(base64.b64encode(key).decode()) for key in self._keys]

    def verify(self, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
        """Return what a request says, by its headers `webhook-*` (https://www.standardwebhooks.com).

        `body` is what was received, byte for byte. The answer is the model of the event, or an `UnknownPayload`
        where a later version sent it. Raises WebhookVerificationError.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        for verifier in self._verifiers:
            try:
                verifier.verify(body, lower)
            except (_NotVerified, *_NOT_JSON):
                continue
            return _event(body)
        raise WebhookVerificationError("None of the secrets signed this, or it is too old")

    def verify_signature(self, body: bytes) -> WebhookEvent:
        """The same by the member `signature` of the body, which says nothing of the time: prefer `verify`."""
        try:
            payload = json.loads(body)
            given = payload.pop("signature").encode()
            canonical = rfc8785.dumps(payload)
        except (*_NOT_JSON, rfc8785.CanonicalizationError) as error:
            raise WebhookVerificationError("This has no signature") from error
        for key in self._keys:
            made = SEED_PREFIX + hmac.new(key, canonical, hashlib.sha256).hexdigest()
            if hmac.compare_digest(made.encode(), given):
                return _event(body)
        raise WebhookVerificationError("None of the secrets signed this")


def _key(secret: str) -> bytes:
    plain = not secret.startswith(PREFIX)
    key = secret.encode() if plain else base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    if not key:
        # Anybody could sign with it.
        raise ValueError("A secret is empty")
    return key


def _event(body: bytes) -> WebhookEvent:
    try:
        return models.WebhookPayload.model_validate_json(body).root
    except ValidationError:
        pass
    try:
        return UnknownPayload.model_validate_json(body)
    except ValidationError as error:
        raise WebhookVerificationError("What was signed is no event") from error
