"""The secrets of webhooks: in the form of Standard Webhooks, or free-form as integrators bring them.

`whsec_` and base64 stand for the key's bytes, of which that specification (1.0.0, "Signature scheme") wants 24 to
64. Anything else is free-form: its key is its UTF-8 bytes. The libraries of that specification take the first form
only, so each secret can be shown in it.
"""

import binascii
import secrets
from base64 import b64decode, b64encode
from functools import lru_cache

from parley.errors import Invalid

PREFIX = "whsec_"
MIN_LENGTH = 8
MAX_LENGTH = 128

_NEW_KEY_BYTES = 32
_MIN_KEY_BYTES = 24
_MAX_KEY_BYTES = 64


def new_secret() -> str:
    """Return a secret that nobody can guess."""
    return as_standard_form(secrets.token_bytes(_NEW_KEY_BYTES))


def check_secret(secret: str) -> None:
    """Raise Invalid for the field `secret` where it is none, or where programs would read it differently."""
    if not MIN_LENGTH <= len(secret) <= MAX_LENGTH:
        raise Invalid("secret", f"must have {MIN_LENGTH} to {MAX_LENGTH} characters")
    if secret != secret.strip():
        raise Invalid("secret", "must not begin or end with a space")
    if not secret.startswith(PREFIX):
        return
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise Invalid("secret", f"must be base64 after {PREFIX}, padded, with + and /") from None
    # What is left over of the last character must be zero: some libraries refuse it otherwise.
    if as_standard_form(key) != secret:
        raise Invalid("secret", f"must be base64 after {PREFIX}, padded, with + and /")
    if not _MIN_KEY_BYTES <= len(key) <= _MAX_KEY_BYTES:
        raise Invalid("secret", f"must stand for {_MIN_KEY_BYTES} to {_MAX_KEY_BYTES} bytes after {PREFIX}")


@lru_cache(maxsize=10_000)
def key_of(secret: str) -> bytes:
    """Return the bytes that one signs with."""
    if secret.startswith(PREFIX):
        return b64decode(secret.removeprefix(PREFIX), validate=True)
    return secret.encode()


def as_standard(secret: str) -> str:
    """Return a secret in the form that the libraries of Standard Webhooks take."""
    return as_standard_form(key_of(secret))


def as_standard_form(key: bytes) -> str:
    """Return a key in the form that the libraries of Standard Webhooks take."""
    return PREFIX + b64encode(key).decode()
