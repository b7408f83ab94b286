"""Webhooks: is a request from the server that knows the secret, and what does it say?"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook as StandardWebhook
from standardwebhooks.webhooks import WebhookVerificationError as _NotVerified

from parley_sdk.api_error import WebhookVerificationError
from parley_sdk.generated import models

PREFIX = "whsec_"
SEED_PREFIX = "sha256="


class Webhook:
    """Verifies requests with any of some secrets: during a rotation there are two.

    A secret is as the server took or made it: `whsec_` and base64, or a form of one's own, whose key is its UTF-8.
    """

    def __init__(self, *secrets: str) -> None:
        if not secrets:
            raise ValueError("Without a secret nothing can be verified")
        self._keys: Sequence[bytes] = [_key(secret) for secret in secrets]
        self._verifiers = [StandardWebhook(base64.b64encode(key).decode()) for key in self._keys]

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Any:
        """Return what a request says, by its headers `webhook-*` (https://www.standardwebhooks.com).

        `body` is what was received, byte for byte. The answer is the model of the event, or a plain object where a
        later version sent it. Raises WebhookVerificationError.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        for verifier in self._verifiers:
            try:
                verifier.verify(body, lower)
            except (_NotVerified, ValueError, KeyError):
                continue
            return _event(body)
        raise WebhookVerificationError("None of the secrets signed this, or it is too old")

    def verify_signature(self, body: bytes) -> Any:
        """The same by the member `signature` of the body, which says nothing of the time: prefer `verify`."""
        try:
            payload = json.loads(body)
            given = payload.pop("signature")
            canonical = rfc8785.dumps(payload)
        except (ValueError, KeyError, AttributeError, rfc8785.CanonicalizationError) as error:
            raise WebhookVerificationError("This has no signature") from error
        for key in self._keys:
            made = SEED_PREFIX + hmac.new(key, canonical, hashlib.sha256).hexdigest()
            if isinstance(given, str) and hmac.compare_digest(made.encode(), given.encode()):
                return _event(body)
        raise WebhookVerificationError("None of the secrets signed this")


def _key(secret: str) -> bytes:
    if secret.startswith(PREFIX):
        return base64.b64decode(secret.removeprefix(PREFIX))
    return secret.encode()


def _event(body: bytes) -> Any:
    try:
        return models.WebhookPayload.model_validate_json(body).root
    except ValidationError:
        return json.loads(body)
